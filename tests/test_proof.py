"""The proof before the commit: a target that does not hold what it was given is found out, and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core import operations
from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseSource, DatabaseTarget
from dbdump_core.databases.writer import DatabaseWriter
from dbdump_core.endpoints import open_source
from dbdump_core.errors import VerificationError
from dbdump_core.model.abc import Block, Fingerprint, Plan, ReadTask, TablePlan, WriteTask
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import BIGINT, parse_type
from dbdump_core.rows.fingerprint import Hasher
from dbdump_core.rows.lines import NULL, escape, split_rows
from dbdump_core.run.transfer import Options, transfer
from tests.memory import MemorySource
from tests.promises import execute
from tests.samples import samples_for
from tests.servers import ENGINES

MakeDatabase = Callable[[str], str]
Lie = Callable[[list[list[bytes]]], list[list[bytes]]]


class LyingWriter:
    """A writer that stores other rows than it is given."""

    def __init__(self, writer: DatabaseWriter, lie: Lie) -> None:
        self._writer = writer
        self._lie = lie

    def write(self, task: WriteTask, block: Block) -> None:
        rows = self._lie(split_rows(block))
        data = b"".join(b"\t".join(cells) + b"\n" for cells in rows)
        if rows:
            self._writer.write(task, Block(data, len(rows)))

    def take(self, plan: TablePlan) -> int | None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name == "salvage":
            raise AttributeError(name)
        return getattr(self._writer, name)


class LyingTarget(DatabaseTarget):
    """A database that stores other rows than it is given."""

    def __init__(self, url: str, lie: Lie) -> None:
        super().__init__(backend_for(sa.make_url(url), create=True))
        self.lie = lie

    @contextmanager
    def writing(self, plan: Plan) -> Iterator[Any]:
        with super().writing(plan) as writer:
            yield LyingWriter(writer, self.lie)


def lose(rows: list[list[bytes]]) -> list[list[bytes]]:
    return [row for row in rows if row[0] != b"2"]


def double(rows: list[list[bytes]]) -> list[list[bytes]]:
    return rows + [row for row in rows if row[0] == b"2"]


def swap(rows: list[list[bytes]]) -> list[list[bytes]]:
    """The values of two rows change places: the same cells are there, not the same rows."""
    values = {row[0]: row[1] for row in rows}
    moved = {b"1": b"2", b"2": b"1"}
    return [[row[0], values.get(moved.get(row[0], row[0]), row[1])] for row in rows]


def altered(at: int, cell: bytes) -> Lie:
    return lambda rows: [[*row[:at], cell, *row[at + 1 :]] if row[0] == b"2" else row for row in rows]


KEY = Column("id", BIGINT, nullable=False)


def items(rows: list[tuple[str | None, ...]], *types: str, key: tuple[str, ...] = ("id",)) -> MemorySource:
    columns = tuple(Column(f"v{at}", parse_type(type_)) for at, type_ in enumerate(types))
    return MemorySource({Table("item", (KEY, *columns), primary_key=key): rows})


def content(url: str) -> Fingerprint:
    with closing(DatabaseSource(backend_for(sa.make_url(url)))) as source:
        (table,) = source.schema()
        hasher = Hasher()
        source.read(ReadTask(table, table.columns), hasher.add)
    return hasher.fingerprint


def caught(source: Any, url: str, lie: Lie, **options: Any) -> str:
    """What a run into the lying target says; the database holds what it held."""
    before = content(url)
    with closing(LyingTarget(url, lie)) as target:
        said = refused(source, target, **{"replace": True, **options})
    assert content(url) == before
    return said


def refused(source: Any, target: LyingTarget, **options: Any) -> str:
    with pytest.raises(VerificationError) as error:
        transfer(source, target, Options(**options))
    assert "everything was rolled back" in str(error.value)
    return str(error.value)


def fill(url: str, source: MemorySource) -> None:
    with closing(DatabaseTarget(backend_for(sa.make_url(url), create=True))) as target:
        transfer(source, target, Options(create=True))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_value_of_each_kind_that_is_another_is_found(make_database: MakeDatabase, engine: str) -> None:
    url, samples = make_database(engine), samples_for(engine)
    rows = [(key, *(sample.values[0] for sample in samples)) for key in "123"]
    source = items(rows, *(str(sample.type) for sample in samples))
    fill(url, source)
    before = content(url)
    with closing(LyingTarget(url, lose)) as target:
        for at, sample in enumerate(samples, 1):
            other = sample.values[1] if len(sample.values) > 1 else None
            target.lie = altered(at, NULL if other is None else escape(other.encode()))
            said = refused(source, target, replace=True)
            assert f"3 rows were written and other values read back: column v{at - 1} (" in said
            assert ", row (id='2'): " in said
    assert content(url) == before


@pytest.mark.parametrize("key", [("id",), ()], ids=["key", "no key"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (lose, "4 rows were written and 3 rows read back: row (id='2'"),
        (double, "4 rows were written and 5 rows read back: row (id='2'"),
        (swap, "4 rows were written and other values read back: column v0 (text), row (id='"),
    ],
    ids=["lost", "doubled", "mixed"],
)
def test_rows_that_are_lost_doubled_or_mixed_up_are_found(
    make_database: MakeDatabase, engine: str, lie: Lie, said: str, key: tuple[str, ...]
) -> None:
    url = make_database(engine)
    source = items([("1", "a"), ("2", "b"), ("3", "c"), ("3", "c")], "text", key=())
    if key:
        source = items([("1", "a"), ("2", "b"), ("3", "c"), ("4", "c")], "text", key=() if lie is double else key)
    fill(url, source)
    assert said in caught(source, url, lie)


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_were_there_before_are_no_difference(make_database: MakeDatabase, engine: str) -> None:
    url = make_database(engine)
    fill(url, items([("7", "there")], "text"))
    source = items([("1", "a"), ("2", "b")], "text")
    said = "column v0 (text), row (id='2'): 'b' was written and 'x' is there"
    assert said in caught(source, url, altered(1, b"x"), append=True, replace=False)
    assert "row (id='2') was written and is not there" in caught(source, url, lose, append=True, replace=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_copy_and_a_dump_say_the_same(make_database: MakeDatabase, tmp_path: Path, engine: str) -> None:
    source, url = make_database(engine), make_database("sqlite")
    for one in (source, url):
        execute(one, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(9))")
    execute(source, "INSERT INTO item VALUES (1, 'a'), (2, 'b')")
    operations.dump(source, str(tmp_path / "dump"))
    for name in (source, str(tmp_path / "dump")):
        with closing(open_source(name)) as opened:
            said = caught(opened, url, altered(1, b"x"))
        assert "column v (varchar(9)), row (id='2'): 'b' was written and 'x' is there" in said


def test_what_an_engine_copied_by_itself_is_proved_too(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, url = make_database("sqlite"), make_database("sqlite")
    for one in (source, url):
        execute(one, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(9))")
    execute(source, "INSERT INTO item VALUES (1, 'a'), (2, 'b')")

    def take(self: LyingWriter, plan: TablePlan) -> int | None:
        rows = self._writer.take(plan)
        assert rows == 2
        self._writer.connection.exec_driver_sql("UPDATE item SET v = 'x' WHERE id = 2")
        return rows

    monkeypatch.setattr(LyingWriter, "take", take)
    with closing(open_source(source)) as opened:
        assert "row (id='2'): 'b' was written and 'x' is there" in caught(opened, url, lose)


def test_of_many_rows_the_one_is_found(make_database: MakeDatabase) -> None:
    url = make_database("sqlite")
    source = items([(str(number), "a") for number in range(20_000)], "text")
    source.block_rows = 5000
    fill(url, source)
    assert "row (id='2'): 'a' was written and 'x' is there" in caught(source, url, altered(1, b"x"))
