"""Every engine to every engine: the sample schemas arrive cell by cell, and the next insert works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

import pytest
import sqlalchemy as sa

from dbdump_core.abc import Block, Path, ReadTask, Report
from dbdump_core.backends import backend_for
from dbdump_core.database import DatabaseSource, DatabaseTarget
from dbdump_core.fingerprint import canonical
from dbdump_core.lines import split_rows
from dbdump_core.schema import Column, Table
from dbdump_core.transfer import Options, transfer
from tests.memory import MemorySource, Row, line
from tests.samples import SAMPLES
from tests.schemas import EMPTY, IDENTITY, TABLES, TREE
from tests.servers import ENGINES

PAIRS = [(left, right) for left in ENGINES for right in ENGINES]
IDS = [f"{left}-{right}" for left, right in PAIRS]


def fill(url: str, tables: dict[Table, list[Row]], **options: bool) -> Report:
    """Make tables in an empty database and fill them."""
    with closing(DatabaseTarget(backend_for(sa.make_url(url), create=True))) as target:
        return transfer(MemorySource(tables), target, Options(create=True, **options))


def copy(source: str, target: str, **options: object) -> Report:
    with (
        closing(DatabaseSource(backend_for(sa.make_url(source)))) as left,
        closing(DatabaseTarget(backend_for(sa.make_url(target), create=True))) as right,
    ):
        return transfer(left, right, Options(**{"create": True, **options}))


def contents(url: str, table: Table) -> list[tuple[bytes, ...]]:
    """A table's rows by the portable path, brought to one spelling, in a stable order."""
    blocks: list[Block] = []
    with closing(DatabaseSource(backend_for(sa.make_url(url), native=False))) as source:
        there = source.schema().by_key[table.key]
        columns = tuple(there.by_name[column.name] for column in table.columns)
        with source.snapshot([there]):
            source.read(ReadTask(there, columns), blocks.append)
    cells = [row for block in blocks for row in split_rows(block)]
    return comparable(cells, table.columns, columns)


def comparable(
    rows: Sequence[Sequence[bytes]], left: Sequence[Column], right: Sequence[Column]
) -> list[tuple[bytes, ...]]:
    columns = []
    for at, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        form = canonical(ours.type, theirs.type)
        cells = [row[at] for row in rows]
        columns.append(form(cells) if form else cells)
    return sorted(zip(*columns, strict=True))


def expected(url: str, table: Table, rows: Sequence[Row]) -> list[tuple[bytes, ...]]:
    with closing(DatabaseSource(backend_for(sa.make_url(url)))) as source:
        there = source.schema().by_key[table.key]
    columns = [there.by_name[column.name] for column in table.columns]
    return comparable([line(row)[:-1].split(b"\t") for row in rows], table.columns, columns)


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=IDS)
def test_the_sample_schemas_arrive_cell_by_cell(
    make_database: Callable[[str], str], left: str, right: str
) -> None:
    source, target = make_database(left), make_database(right)
    fill(source, TABLES)
    report = copy(source, target)
    assert report.verified
    assert report.rows == sum(map(len, TABLES.values()))
    assert {table.path for table in report.tables} == {Path.PRIVATE if left == right == "sqlite" else Path.NATIVE}
    for table, rows in TABLES.items():
        assert contents(target, table) == expected(target, table, rows), table.name


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=IDS)
def test_every_value_that_both_engines_hold_arrives(
    make_database: Callable[[str], str], left: str, right: str
) -> None:
    source, target = make_database(left), make_database(right)
    held = [sample for sample in SAMPLES if {left, right} <= sample.only]
    tables = {
        Table(f"sample_{number}", (Column("value", sample.type),)): [(value,) for value in sample.values]
        for number, sample in enumerate(held)
    }
    fill(source, tables)
    assert copy(source, target).verified
    for table, rows in tables.items():
        assert contents(target, table) == expected(target, table, rows), table.columns[0].type


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=IDS)
def test_a_second_copy_replaces_and_the_next_insert_works(
    make_database: Callable[[str], str], left: str, right: str
) -> None:
    source, target = make_database(left), make_database(right)
    fill(source, TABLES)
    copy(source, target)
    again = copy(source, target, replace=True)
    assert again.verified and again.rows == sum(map(len, TABLES.values()))
    backend = backend_for(sa.make_url(target))
    with closing(backend.connect(writing=True)) as connection:
        for table, column, value in ((TREE, "name", "'after'"), (EMPTY, "nothing", "'x'"), (IDENTITY, "state", "'s'")):
            name = backend.qualified(connection, table)
            quoted = backend.quote(connection, column)
            backend.run(connection, f"INSERT INTO {name} ({quoted}) VALUES ({value})")
            number = backend.run(connection, f"SELECT max(id) FROM {name}").scalar_one()
            assert number > max([int(row[0] or 0) for row in TABLES[table]], default=0)
        connection.commit()
