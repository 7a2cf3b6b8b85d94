"""What `verify` calls different: rows, columns and tables that one side lacks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump_core import operations
from dbdump_core.errors import DumpError
from dbdump_core.model.abc import Block, Comparison, Emit, Event, Phase, ReadTask
from dbdump_core.model.schema import Column, Table, TableKey
from dbdump_core.model.selection import Selection
from dbdump_core.model.types import INTEGER
from dbdump_core.run.comparison import compare
from tests.memory import MemorySource
from tests.promises import execute
from tests.servers import ENGINES

Make = Callable[[str], str]


def both_ways(left: str, right: str) -> list[Comparison]:
    return [operations.verify(left, right), operations.verify(right, left)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_column_that_one_side_lacks_is_a_difference(make_database: Make, engine: str) -> None:
    """The rows of the columns that both have are equal, or there are none at all."""
    wide, narrow = make_database(engine), make_database("sqlite")
    execute(wide, "CREATE TABLE t (id INTEGER PRIMARY KEY, extra INTEGER)", "CREATE TABLE e (id INTEGER, extra INT)")
    execute(narrow, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE TABLE e (id INTEGER)")
    execute(wide, "INSERT INTO t VALUES (1, NULL)")
    execute(narrow, "INSERT INTO t VALUES (1)")
    for found in both_ways(wide, narrow):
        assert not found.equal and [table.equal for table in found.tables] == [False, False]
        for table in found.tables:
            assert table.left == table.right
            assert [line.partition(" is only in ")[0] for line in table.differences] == ["column extra"]


def test_a_column_that_a_dump_lacks_is_a_difference(make_database: Make, tmp_path: Path) -> None:
    left, right, folder = make_database("sqlite"), make_database("sqlite"), str(tmp_path / "out")
    execute(left, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    execute(right, "CREATE TABLE t (id INTEGER PRIMARY KEY, extra INTEGER)", "INSERT INTO t VALUES (1, NULL)")
    operations.dump(left, folder)
    assert not any(found.equal for found in both_ways(folder, right))


class Held(MemorySource):
    """Hands out its first block and waits until it is told that somebody has seen how far it is."""

    def read(self, task: ReadTask, emit: Emit) -> None:
        def held(block: Block) -> None:
            emit(block)
            assert SEEN.wait(60)

        super().read(task, held)


SEEN = threading.Event()


def test_it_is_told_how_far_a_table_is_while_it_is_compared() -> None:
    SEEN.clear()
    table = Table("t", (Column("id", INTEGER),))
    rows = [(str(number),) for number in range(5)]
    events = []

    def progress(event: Event, /) -> None:
        events.append(event)
        if event.table and event.rows:
            SEEN.set()

    assert compare(Held({table: rows}), Held({table: rows}), selection=Selection(), progress=progress).equal
    assert Event(Phase.VERIFY, table.key, rows=2, total=5) in events
    assert events[-1] == Event(Phase.VERIFY, table.key, rows=5, total=5, done=True)


def test_it_is_told_how_far_a_table_is_while_it_is_read_back(make_database: Make) -> None:
    source, events = make_database("sqlite"), []
    execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    operations.copy(source, make_database("sqlite"), create=True, progress=events.append)
    assert Event(Phase.VERIFY, TableKey(None, "t"), rows=2, total=2) in events


def test_what_one_side_fails_with_ends_the_comparison() -> None:
    table = Table("t", (Column("id", INTEGER),))

    class Broken(MemorySource):
        def read(self, task: ReadTask, emit: Emit) -> None:
            raise DumpError("broken")

    for left, right in ((Broken, MemorySource), (MemorySource, Broken)):
        with pytest.raises(DumpError, match="broken"):
            compare(left({table: [("1",)]}), right({table: [("1",)]}), selection=Selection())
