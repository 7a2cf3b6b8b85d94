"""Every engine to every engine: the sample schemas arrive cell by cell, and the next insert works."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cache

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseSource, DatabaseTarget
from dbdump_core.model.abc import Block, Path, ReadTask, Report
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.selection import Selection
from dbdump_core.rows.fingerprint import canonical
from dbdump_core.rows.lines import split_rows
from dbdump_core.run.transfer import Options, transfer
from tests.memory import MemorySource, Row, line
from tests.samples import SAMPLES
from tests.schemas import EMPTY, IDENTITY, TABLES, TREE
from tests.servers import ENGINES

PAIRS = [(left, right) for left in ENGINES for right in ENGINES]
IDS = [f"{left}-{right}" for left, right in PAIRS]

Rows = Mapping[Table, Sequence[Row]]
Contents = list[tuple[bytes, ...]]


def fill(url: str, tables: Rows, **options: bool) -> Report:
    """Make tables in an empty database and fill them."""
    with closing(DatabaseTarget(backend_for(sa.make_url(url), create=True))) as target:
        return transfer(MemorySource(tables), target, Options(create=True, **options))


def copy(source: str, target: str, **options: object) -> Report:
    with (
        closing(DatabaseSource(backend_for(sa.make_url(source)))) as left,
        closing(DatabaseTarget(backend_for(sa.make_url(target), create=True))) as right,
    ):
        return transfer(left, right, Options(**{"create": True, **options}))


def contents(url: str, tables: Rows) -> dict[str, Contents]:
    """The rows of tables by the portable path, as `expected` has them."""
    found = {}
    with closing(DatabaseSource(backend_for(sa.make_url(url), native=False))) as source:
        there = source.schema().by_key
        with source.snapshot([there[table.key] for table in tables]):
            for table in tables:
                columns = same_columns(table, there[table.key])
                blocks: list[Block] = []
                source.read(ReadTask(there[table.key], columns), blocks.append)
                cells = [row for block in blocks for row in split_rows(block)]
                found[table.name] = comparable(cells, table.columns, columns)
    return found


def expected(url: str, tables: Rows) -> dict[str, Contents]:
    """The rows that tables should hold, brought to one spelling with the columns there, in a stable order."""
    with closing(DatabaseSource(backend_for(sa.make_url(url)))) as source:
        there = source.schema().by_key
    return {
        table.name: comparable(
            [line(row)[:-1].split(b"\t") for row in rows], table.columns, same_columns(table, there[table.key])
        )
        for table, rows in tables.items()
    }


def same_columns(table: Table, there: Table) -> tuple[Column, ...]:
    return tuple(there.by_name[column.name] for column in table.columns)


def comparable(rows: Sequence[Sequence[bytes]], left: Sequence[Column], right: Sequence[Column]) -> Contents:
    columns = []
    for at, (ours, theirs) in enumerate(zip(left, right, strict=True)):
        form = canonical(ours.type, theirs.type)
        cells = [row[at] for row in rows]
        columns.append(form(cells) if form else cells)
    return sorted(zip(*columns, strict=True))


SAMPLE_TABLES = {
    Table(f"sample_{number}", (Column("value", sample.type),)): (sample, [(value,) for value in sample.values])
    for number, sample in enumerate(SAMPLES)
}


def held_by(*engines: str) -> Rows:
    """The tables of those samples that all of these engines hold."""
    return {table: rows for table, (sample, rows) in SAMPLE_TABLES.items() if sample.only.issuperset(engines)}


@pytest.fixture(scope="module")
def schemas_on(make_shared_database: Callable[[str], str]) -> Callable[[str], str]:
    """A function from an engine to a database with the sample schemas, which are read and never changed."""
    return cache(lambda engine: filled(make_shared_database(engine), TABLES))


@pytest.fixture(scope="module")
def samples_on(make_shared_database: Callable[[str], str]) -> Callable[[str], str]:
    """A function from an engine to a database with a table of every sample that it holds."""
    return cache(lambda engine: filled(make_shared_database(engine), held_by(engine)))


def filled(url: str, tables: Rows) -> str:
    fill(url, tables)
    return url


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=IDS)
def test_the_sample_schemas_arrive_cell_by_cell_and_again(
    schemas_on: Callable[[str], str], make_database: Callable[[str], str], left: str, right: str
) -> None:
    source, target = schemas_on(left), make_database(right)
    for replace in (False, True):
        report = copy(source, target, replace=replace)
        assert report.verified
        assert report.rows == sum(map(len, TABLES.values()))
        assert {table.path for table in report.tables} == {Path.PRIVATE if left == right == "sqlite" else Path.NATIVE}
        assert contents(target, TABLES) == expected(target, TABLES)
    insert_the_next(target)


def insert_the_next(url: str) -> None:
    """Insert rows without a key: each gets one past those that were copied."""
    backend = backend_for(sa.make_url(url))
    with closing(backend.connect(writing=True)) as connection:
        for table, column, value in ((TREE, "name", "'after'"), (EMPTY, "nothing", "'x'"), (IDENTITY, "state", "'s'")):
            name = backend.qualified(connection, table)
            quoted = backend.quote(connection, column)
            backend.run(connection, f"INSERT INTO {name} ({quoted}) VALUES ({value})")
            number = backend.run(connection, f"SELECT max(id) FROM {name}").scalar_one()
            assert number > max([int(row[0] or 0) for row in TABLES[table]], default=0)
        connection.commit()


@pytest.mark.parametrize(("left", "right"), PAIRS, ids=IDS)
def test_every_value_that_both_engines_hold_arrives(
    samples_on: Callable[[str], str], make_database: Callable[[str], str], left: str, right: str
) -> None:
    source, target, tables = samples_on(left), make_database(right), held_by(left, right)
    names = tuple(table.name for table in tables)
    assert copy(source, target, selection=Selection(tables=names)).verified
    assert contents(target, tables) == expected(target, tables)
