"""How SQLite is read: two connections that see the same, ranges of rows in order, and what proves a value."""

from __future__ import annotations

import datetime as dt
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.databases.sqlite import reading, snapshot
from dbdump_core.databases.sqlite.backend import SqliteBackend
from dbdump_core.databases.sqlite.rows import statement
from dbdump_core.errors import ValueRefusedError
from dbdump_core.model.abc import Block, ReadTask, Snapshot
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import Kind, Type

ROWS = 40_000
_COUNT = "SELECT count(*) FROM t"


@pytest.fixture(params=["delete", "wal"])
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file with rows enough for several blocks, their keys with gaps, the lowest below zero."""
    path = tmp_path / "many.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {request.param}")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, day DATE)")
        texts = [f"name {number} {'é' * (number % 90)}" for number in range(ROWS - 2)]
        rows = [(number * 7 - 50, text, "2024-02-29") for number, text in enumerate(texts)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        ends = [(-(2**63), "first", None), (2**63 - 1, "last", None)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ends)
    return path


def read(path: Path, *, native: bool = True, where: str | None = None, during: Callable[[], None] = bool) -> bytes:
    """Return the lines of the table; `during` is called once the snapshot is held."""
    backend = SqliteBackend(sa.make_url(f"sqlite:///{path}"), native=native)
    with closing(backend.connect(writing=False)) as connection:
        table = next(iter(backend.reflect(connection)))
        connection.rollback()
        assert backend.hold_snapshot(connection, [table]) is Snapshot.CONSISTENT
        during()
        blocks: list[Block] = []
        backend.read(connection, ReadTask(table, table.columns, where=where), blocks.append)
        backend.release_snapshot(connection)
        connection.rollback()
    return b"".join(block.data for block in blocks)


def change(path: Path) -> None:
    """Try to add a row, as another program would."""
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            with connection:
                connection.execute("INSERT INTO t (name) VALUES ('later')")
        except sqlite3.OperationalError as error:
            assert "locked" in str(error)  # the reader holds the file, unless in WAL mode


@pytest.mark.parametrize("where", [None, "id % 3 = 0", "id > 200000", "id < 0", "name = 'nobody'"])
def test_two_readers_give_what_one_gives_in_the_same_order(file: Path, where: str | None) -> None:
    lines = read(file, where=where, during=partial(change, file))
    assert b"later" not in lines
    keys = [int(line.split(b"\t")[0]) for line in lines.splitlines()]
    assert keys == sorted(keys)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM t WHERE name = 'later'")
    assert lines == read(file, native=False, where=where)


def test_values_in_doubt_keep_their_place(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        # More than one value may be, and an integral real among integers: both are read with care.
        connection.execute("UPDATE t SET name = ? WHERE id = ?", ("x" * 40_000_000, 70_006))
        connection.execute("UPDATE t SET name = 'nul ' || char(0) || ' inside' WHERE id IN (-50, 20, 140006)")
    lines = read(file)
    assert [len(line) > 1000 for line in lines.splitlines()].index(True) == (70_006 + 50) // 7 + 1
    assert lines.count(b"\0") == 3
    assert lines == read(file, native=False)


def test_the_second_connection_sees_what_the_first_one_sees(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as first:
        second = snapshot.begin_two(first, partial(sqlite3.connect, file, isolation_level=None))
        assert second is not None
        with closing(second):
            change(file)
            assert first.execute(_COUNT).fetchone() == second.execute(_COUNT).fetchone() == (ROWS,)


def test_two_readers_never_read_two_files(file: Path, tmp_path: Path) -> None:
    """Another file takes the path between the first connection and the second."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL, day DATE)")
        connection.execute("INSERT INTO t VALUES (1, 'other', NULL)")
    backend = SqliteBackend(sa.make_url(f"sqlite:///{file}"))
    with closing(backend.connect(writing=False)) as connection:
        table = next(iter(backend.reflect(connection)))
        connection.rollback()
        other.replace(file)
        backend.hold_snapshot(connection, [table])
        blocks: list[Block] = []
        backend.read(connection, ReadTask(table, table.columns), blocks.append)
        backend.release_snapshot(connection)
    assert sum(block.rows for block in blocks) == ROWS
    assert not any(b"other" in block.data for block in blocks)


def test_a_condition_is_not_worked_out_for_each_range_of_the_table(file: Path) -> None:
    rare = "id IN (SELECT max(id) FROM t GROUP BY substr(name, 1, 7))"
    assert read(file, where=rare) == read(file, native=False, where=rare)
    assert read(file, where=f"{rare} OR 1") == read(file)
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return True

    backend = SqliteBackend(sa.make_url(f"sqlite:///{file}"))
    with closing(backend.connect(writing=False)) as connection:
        backend.raw(connection).create_function("ask", 0, ask)
        table = next(iter(backend.reflect(connection)))
        task = ReadTask(table, table.columns, where="id IN (SELECT 20 WHERE ask())")
        blocks: list[Block] = []
        backend.read(connection, task, blocks.append)
    assert [block.data.split(b"\t")[0] for block in blocks] == [b"20"]
    assert asked == 2  # for the end of the range, and for its rows


@pytest.mark.parametrize("rowid", ["", " WITHOUT ROWID"])
def test_a_row_too_long_for_one_line_is_not_made_up_by_the_marks_of_another(
    tmp_path: Path, rowid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells that are good alone and too large together; beside them a text that holds the marks of a row."""
    monkeypatch.setattr(reading, "SQLITE_LIMIT", reading.CELL_LIMIT)
    path = tmp_path / "hostile.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL){rowid}")
        connection.execute("INSERT INTO t VALUES (1, ?, ?)", ("x" * 20_000_000, "y" * 20_000_000))
        connection.commit()
        assert len(read(path)) == len("1\t\t\n") + 40_000_000
        connection.execute("INSERT INTO t VALUES (2, CAST(x'66ff39fe37ff78' AS TEXT), 'b')")
        connection.commit()
        with pytest.raises(ValueRefusedError, match=r"row \(id='2'\): 'f\\xff9\\xfe7\\xffx' is not valid Unicode"):
            read(path)


def test_large_cells_take_no_more_memory_than_they_must(tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB NOT NULL)")
        connection.executemany("INSERT INTO t VALUES (?, randomblob(17000000))", [(1,), (2,)])
    code = (
        "import sys; from tests.peak import peak; from tests.test_sqlite_reading import checked;"
        "checked(sys.argv[1]); print(peak())"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 700_000


def checked(path: str) -> None:
    """Read a table as for a target that looks at each value."""
    backend = SqliteBackend(sa.make_url(f"sqlite:///{path}"))
    with closing(backend.connect(writing=False)) as connection:
        table = next(iter(backend.reflect(connection)))
        task = ReadTask(table, table.columns, checks={"data": Type(Kind.BYTES)})
        backend.read(connection, task, lambda block: None)


def connecting(file: Path, *, commits: int) -> Iterator[sqlite3.Connection]:
    """Yield connections; somebody commits before each of the first `commits`, the first one apart, which watches."""
    yield sqlite3.connect(file, isolation_level=None)
    while True:
        if commits:
            commits -= 1
            change(file)
        yield sqlite3.connect(file, isolation_level=None)


@pytest.mark.parametrize(("commits", "found"), [(snapshot.ATTEMPTS - 1, True), (snapshot.ATTEMPTS, False)])
@pytest.mark.parametrize("file", ["wal"], indirect=True)
def test_a_commit_between_the_two_is_noticed(file: Path, commits: int, found: bool) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as first:
        second = snapshot.begin_two(first, connecting(file, commits=commits).__next__)
        assert (second is not None) is found
        assert first.in_transaction
        # Alone, the first one begins again and sees all that was committed until then.
        assert first.execute(_COUNT).fetchone() == (ROWS + commits,)
        if second is not None:
            assert second.execute(_COUNT).fetchone() == (ROWS + commits,)
            second.close()


def test_one_connection_is_enough_where_a_second_cannot_be_had(file: Path) -> None:
    def connect() -> sqlite3.Connection:
        raise sqlite3.OperationalError("unable to open database file")

    with closing(sqlite3.connect(file, isolation_level=None)) as first:
        assert snapshot.begin_two(first, connect) is None
        assert first.execute(_COUNT).fetchone() == (ROWS,)
        assert first.in_transaction


# --- the proof of dates and timestamps -----------------------------------------------------------


def mutated(texts: list[str], count: int) -> list[str]:
    """Return the texts, and `count` of them with a character changed, added or taken away."""
    chance = random.Random(7)
    some = []
    for _ in range(count):
        text = list(chance.choice(texts))
        at = chance.randrange(len(text))
        text[at : at + chance.randint(0, 1)] = chance.choice(["", *"0123456789-: .TZ+é\t", "\0"])
        some.append("".join(text))
    return texts + some


YEARS = (0, 1900, 2000, 2023, 2024)
DAYS = [f"{year:04}-{month:02}-{day:02}" for year in YEARS for month in range(14) for day in range(33)]
CLOCKS = ["00:00:00", "23:59:59.999999", "24:00:00.000000", "12:60:00.000000", "12:00:60.000001", "09:05:07.5"]


def is_date(text: str) -> bool:
    # Python has no year 0; its days are those of the year 400.
    return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and parses(re.sub("^0000", "0400", text))


def is_timestamp(text: str) -> bool:
    form = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    return bool(re.fullmatch(form, text)) and parses(re.sub("^0000", "0400", text))


def parses(text: str) -> bool:
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "texts", "is_valid"),
    [
        (Kind.DATE, DAYS, is_date),
        (Kind.TIMESTAMP, [f"{day} {clock}" for day in DAYS[::7] for clock in CLOCKS], is_timestamp),
    ],
)
def test_a_moment_passes_where_the_calendar_has_it(
    kind: Kind, texts: list[str], is_valid: Callable[[str], bool]
) -> None:
    column = Column("moment", Type(kind), nullable=False)
    task = ReadTask(Table("t", (column,)), (column,))
    bad = statement(task, "t", lambda name: f'"{name}"', {"moment": "NUMERIC"}).bad
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (moment DATETIME)")
        connection.executemany("INSERT INTO t VALUES (?)", zip(mutated(texts, 30_000)))
        # In a column of numbers, some texts become such.
        for text, passed in connection.execute(f"SELECT CAST(moment AS TEXT), {bad} = 0 FROM t AS t"):
            assert passed == is_valid(text), text
