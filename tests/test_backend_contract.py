"""What every engine must do: each sample comes back as it went in, by every path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path as FilePath

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for, ddl
from dbdump_core.databases.base import Backend
from dbdump_core.databases.holding import Held
from dbdump_core.databases.spelling import as_created
from dbdump_core.model.abc import Block, Path, ReadTask, WriteTask
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import BIGINT
from dbdump_core.rows.fingerprint import canonical
from dbdump_core.rows.lines import split_rows
from tests.memory import Row, line
from tests.samples import Sample, samples_for
from tests.servers import ENGINES

CASES = [(engine, sample) for engine in ENGINES for sample in samples_for(engine)]
IDS = [f"{engine}-{sample.id}-{number}" for number, (engine, sample) in enumerate(CASES)]


@pytest.fixture(scope="module")
def url_of(make_shared_database: Callable[[str], str]) -> Callable[[str], str]:
    """A function from an engine to its database: one for all samples, each of which has it to itself in turn."""
    return cache(make_shared_database)


@contextmanager
def connected(url: str, *, native: bool = True, writing: bool = True) -> Iterator[tuple[Backend, sa.Connection]]:
    backend = backend_for(sa.make_url(url), native=native, create=writing)
    with closing(backend.connect(writing=writing)) as connection:
        yield backend, connection


@contextmanager
def table_of(url: str, sample: Sample) -> Iterator[Table]:
    """A table of a number and a value of the sample's type, as it reads back; dropped at the end."""
    wanted = Table("sample", (Column("id", BIGINT, nullable=False), Column("value", sample.type)), primary_key=("id",))
    if url.startswith("sqlite"):
        FilePath(url.removeprefix("sqlite:///")).touch()  # a new file has its name only when a load is done
    with connected(url) as (backend, connection):
        spelling = backend.spelling(connection)
        (table,) = as_created([wanted], spelling)
        ddl.create_tables(connection, spelling, [table])
        connection.commit()
        try:
            found = backend.reflect(connection).by_key[table.key]
            connection.commit()
            yield found
        finally:
            backend.run(connection, f"DROP TABLE {backend.qualified(connection, table)}")
            connection.commit()


def rows_of(sample: Sample) -> list[Row]:
    return [(str(number), value) for number, value in enumerate(sample.values)]


def write(url: str, table: Table, sample: Sample, *, native: bool) -> Path:
    with connected(url, native=native) as (backend, connection):
        backend.run(connection, f"DELETE FROM {backend.qualified(connection, table)}")
        connection.commit()
        backend.begin_writing(connection)
        backend.hold(connection, Held(vacant=[table]))
        task = WriteTask(table, table.columns, (BIGINT, sample.type))
        data = b"".join(map(line, rows_of(sample)))
        path = backend.write(connection, task, Block(data, len(sample.values)))
        connection.commit()
    return path


def read(url: str, table: Table, *, native: bool) -> tuple[Path, list[list[bytes]]]:
    blocks: list[Block] = []
    with connected(url, native=native, writing=False) as (backend, connection):
        backend.hold_snapshot(connection, [table])
        path = backend.read(connection, ReadTask(table, table.columns, ordered=True), blocks.append)
        backend.release_snapshot(connection)
    return path, [cells for block in blocks for cells in split_rows(block)]


def comparable(cells: Sequence[Sequence[bytes]], sample: Sample, table: Table) -> list[tuple[bytes, bytes]]:
    """Rows with each value brought to the one spelling that both sides share."""
    form = canonical(sample.type, table.by_name["value"].type)
    values = [row[1] for row in cells]
    return sorted(zip([row[0] for row in cells], form(values) if form else values, strict=True))


def expected(sample: Sample, table: Table) -> list[tuple[bytes, bytes]]:
    return comparable([line(row)[:-1].split(b"\t") for row in rows_of(sample)], sample, table)


@pytest.mark.parametrize(("engine", "sample"), CASES, ids=IDS)
def test_a_sample_comes_back_by_every_path(
    url_of: Callable[[str], str], engine: str, sample: Sample
) -> None:
    url = url_of(engine)
    with table_of(url, sample) as table:
        for written_natively in (False, True):
            path = write(url, table, sample, native=written_natively)
            assert path is (Path.NATIVE if written_natively else Path.PORTABLE)
            for read_natively in (False, True):
                path, cells = read(url, table, native=read_natively)
                assert comparable(cells, sample, table) == expected(sample, table)
                assert path is (Path.NATIVE if read_natively else Path.PORTABLE)
