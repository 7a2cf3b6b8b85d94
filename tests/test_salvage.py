"""A run that does not stop at the first refused row: it finds all of them, and nothing is kept."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core.cli import main
from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseSource, DatabaseTarget
from dbdump_core.databases.salvage import salvaged
from dbdump_core.databases.writer import GROUP_BLOCKS
from dbdump_core.errors import DatabaseError, ManyErrorsError, ValueRefusedError
from dbdump_core.model.abc import Block
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import BIGINT, TEXT
from dbdump_core.operations import dump, load
from dbdump_core.plan.load_map import TableMap
from dbdump_core.run.refusals import Refusals
from dbdump_core.run.transfer import Options, transfer
from tests.memory import MemorySource
from tests.promises import engine as engine_of
from tests.promises import execute, load_memory, query, refused, state
from tests.servers import ENGINES, SERVER_ENGINES

MakeDatabase = Callable[[str], str]
ITEM = Table("item", (Column("id", BIGINT, nullable=False), Column("name", TEXT)), primary_key=("id",))
MADE = "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, CHECK (name <> 'bad'))"


@pytest.fixture
def all_rows_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line names all rows that were refused alike, not only the first."""
    monkeypatch.setattr("dbdump_core.run.refusals.EXAMPLES", 1000)


def rows_named(error: ManyErrorsError) -> list[str]:
    return [number for line in error.errors for number in re.findall(r"row \(id='(\d+)'\)", line)]


# The search


@pytest.mark.parametrize("bad", [set(), {0}, {999}, {1, 2, 500, 501, 998}, set(range(100))])
def test_every_refused_row_is_found_in_few_steps(bad: set[int]) -> None:
    stored: list[bytes] = []
    steps = 0

    def attempt(block: Block) -> ValueRefusedError | None:
        nonlocal steps
        steps += 1
        rows = block.data.splitlines()
        assert len(rows) == block.rows
        wrong = [row for row in rows if int(row) in bad]
        if wrong:
            return ValueRefusedError(f"a block with {wrong[0].decode()}")
        stored.extend(rows)
        return None

    lines = [b"%d\n" % number for number in range(1000)]
    errors = [str(error) for error in salvaged(Block(b"".join(lines), 1000), attempt)]
    assert errors == [f"a block with {number}" for number in sorted(bad)]
    assert [int(row) for row in stored] == [number for number in range(1000) if number not in bad]
    assert steps <= 1 + 2 * 10 * len(bad)


def test_a_sole_error_stays_what_it_is() -> None:
    refusals = Refusals()
    with pytest.raises(ValueRefusedError, match="alone"), refusals.raised():
        refusals.add(ValueRefusedError("alone"))


def test_many_errors_are_counted_and_the_first_are_kept() -> None:
    refusals = Refusals()
    with pytest.raises(ManyErrorsError) as caught, refusals.raised():
        for number in range(250):
            refusals.add(ValueRefusedError(f"row {number}"))
    assert str(caught.value) == "250 errors found, rolled back; first: row 0"
    assert caught.value.summary == "250 errors found, rolled back"
    assert caught.value.errors == tuple(f"row {number}" for number in range(100))
    assert caught.value.exit_code == 3


def test_a_flood_of_errors_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbdump_core.run.refusals.MOST_ERRORS", 7)
    refusals = Refusals()
    limit = "7 errors found, the limit at which a run stops looking for more, rolled back"
    with pytest.raises(ManyErrorsError, match=limit), refusals.raised():
        for number in range(250):
            refusals.add(ValueRefusedError(f"row {number}"))


# On real servers


def items(count: int, bad: set[int]) -> MemorySource:
    rows = [(str(number), "bad" if number in bad else f"item {number}") for number in range(count)]
    return MemorySource({ITEM: rows}, block_rows=100)


BAD = {3, 4, 150, 299}


@pytest.mark.usefixtures("all_rows_named")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("native", [True, False])
def test_all_refused_rows_are_reported(make_database: MakeDatabase, engine: str, native: bool) -> None:
    target = make_database(engine)
    execute(target, MADE, "INSERT INTO item VALUES (7, 'old')")
    with refused(target, ManyErrorsError, "4 errors found, rolled back; first: table item"):
        load_memory(items(300, BAD), target, native=native, replace=True, fail_fast=False)
    with pytest.raises(ManyErrorsError) as caught:
        load_memory(items(300, BAD), target, native=native, replace=True, fail_fast=False)
    assert len(caught.value.errors) == 1
    assert "table item, column name: 4 rows are refused by the target: " in caught.value.errors[0]
    assert rows_named(caught.value) == list(map(str, sorted(BAD)))
    assert query(target, "SELECT * FROM item") == [(7, "old")]
    assert load_memory(items(300, set()), target, native=native, replace=True, fail_fast=False).verified
    assert query(target, "SELECT count(*) FROM item") == [(300,)]


@pytest.mark.usefixtures("all_rows_named")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("native", [True, False])
def test_blocks_before_a_refused_row_are_not_lost(make_database: MakeDatabase, engine: str, native: bool) -> None:
    target = make_database(engine)
    execute(target, MADE)
    assert 2 * GROUP_BLOCKS < 25
    rows = [(str(number), f"item {number}") for number in range(2500)]
    # The second is a row of the group before, the third one of its own group, the last one of its own block.
    for at, row in ((1310, ("1310", "bad")), (1311, ("5", "x")), (1450, ("1200", "x")), (2499, ("2498", "x"))):
        rows[at] = row
    with pytest.raises(ManyErrorsError, match="4 errors found, rolled back") as caught:
        load_memory(MemorySource({ITEM: rows}, block_rows=100), target, native=native, fail_fast=False)
    assert rows_named(caught.value) == ["1310", "5", "1200", "2498"]
    assert query(target, "SELECT count(*) FROM item") == [(0,)]


@pytest.mark.usefixtures("all_rows_named")
@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_contradict_each_other(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    execute(target, MADE)
    rows = [(str(number % 95), "x") for number in range(100)]
    with refused(target, ManyErrorsError, "5 errors found", "table item"):
        load_memory(MemorySource({ITEM: rows}, block_rows=100), target, fail_fast=False)
    with pytest.raises(ManyErrorsError) as caught:
        load_memory(MemorySource({ITEM: rows}, block_rows=100), target, fail_fast=False)
    assert caught.value.errors[0].startswith("table item, column id: 5 rows are refused by the target: ")
    assert rows_named(caught.value) == ["0", "1", "2", "3", "4"]
    with refused(target, ValueRefusedError, "table item"):
        load_memory(MemorySource({ITEM: rows[:96]}, block_rows=100), target, fail_fast=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_orphan_is_one_more_error(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    child = Table("child", (Column("id", BIGINT), Column("item_id", BIGINT)))
    execute(target, MADE, "CREATE TABLE child (id INTEGER, item_id INTEGER, FOREIGN KEY (item_id) REFERENCES item(id))")
    source = MemorySource({ITEM: [("1", "x"), ("2", "bad")], child: [("1", "1"), ("2", "77")]})
    with refused(target, ManyErrorsError, "2 errors found"):
        load_memory(source, target, fail_fast=False)


READ_PAIRS = [*((engine, "postgresql") for engine in ENGINES), ("sqlite", "mariadb"), ("sqlite", "mysql")]


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize(("source_engine", "engine"), READ_PAIRS)
def test_a_copy_finds_what_is_refused_while_it_reads(
    make_database: MakeDatabase, source_engine: str, engine: str, native: bool
) -> None:
    source, target = make_database(source_engine), make_database(engine)
    rows = [(number, "x" * 50 if number in (3, 700) else "good") for number in range(1, 1001)]
    execute(source, "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(90))")
    with engine_of(source).begin() as connection:
        values = [{"id": number, "name": "bad" if number == 500 else name} for number, name in rows]
        connection.execute(sa.text("INSERT INTO item VALUES (:id, :name)"), values)
    execute(target, MADE, "INSERT INTO item VALUES (1, 'old')")
    with (
        closing(DatabaseSource(backend_for(sa.make_url(source), native=native))) as opened,
        closing(DatabaseTarget(backend_for(sa.make_url(target), native=native))) as written,
        pytest.raises(ManyErrorsError) as raised,
    ):
        transfer(opened, written, Options(replace=True, fail_fast=False))
    texts = raised.value.errors
    assert len(texts) == 2, texts
    for row in ("id='3'", "id='700'", "id='500'"):
        assert any(row in text for text in texts), (row, texts)
    assert query(target, "SELECT * FROM item") == [(1, "old")]


def test_rows_that_cannot_be_rewritten_are_found_too(make_database: MakeDatabase) -> None:
    target = make_database("postgresql")
    execute(target, MADE)

    def refusing(names: Any) -> Any:
        def make(cells: Any) -> bytes:
            if cells[0] in (b"5", b"205"):
                raise ValueError("a row that pleases")
            return bytes(cells[1])

        return make

    known = {ITEM.key: TableMap(converts={"name": refusing})}
    with refused(target, ManyErrorsError, "4 errors found"):
        load_memory(items(300, {6, 7}), target, fail_fast=False, load_map=known)


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_what_is_no_rows_fault_ends_the_run(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    execute(target, MADE, "INSERT INTO item VALUES (777, 'there')")
    wait = "SET lock_timeout = '1s'" if engine == "postgresql" else "SET innodb_lock_wait_timeout = 1"
    with (
        closing(DatabaseTarget(backend_for(sa.make_url(target)))) as opened,
        engine_of(target).connect() as other,
    ):
        other.exec_driver_sql("INSERT INTO item VALUES (250, 'not committed')")
        opened.connection.exec_driver_sql(wait)
        opened.connection.commit()
        with pytest.raises(DatabaseError, match="item"):
            transfer(items(300, set()), opened, Options(append=True, fail_fast=False))
        other.rollback()
    assert state(target) == {"item": ["(777, 'there')"]}
    assert threading.active_count() < 10


@pytest.mark.parametrize("fail_fast", [True, False])
@pytest.mark.parametrize("private", [True, False])
def test_a_full_disk_is_told_as_such(make_database: MakeDatabase, private: bool, fail_fast: bool) -> None:
    target = make_database("sqlite")
    execute(target, MADE, "INSERT INTO item VALUES (7, 'old')")
    source: Any = items(20_000, set())
    if private:
        url = make_database("sqlite")
        execute(url, MADE)
        load_memory(source, url)
        source = DatabaseSource(backend_for(sa.make_url(url)))
    with closing(DatabaseTarget(backend_for(sa.make_url(target)))) as opened:
        # SQLite rolls all of it back by itself then, savepoints and all.
        opened.connection.exec_driver_sql("PRAGMA max_page_count = 20")
        with refused(target, DatabaseError, "database or disk is full"):
            transfer(source, opened, Options(replace=True, fail_fast=fail_fast))
    source.close()


# The command line


def test_the_command_line_tells_every_error(
    make_database: MakeDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = make_database("sqlite"), make_database("postgresql")
    execute(source, "CREATE TABLE item (id INTEGER PRIMARY KEY, name VARCHAR(40))")
    execute(source, "INSERT INTO item VALUES (1, NULL), (2, 'two'), (3, NULL)")
    execute(target, MADE)
    dump(source, str(tmp_path / "dump"))
    capsys.readouterr()
    assert main(["load", str(tmp_path / "dump"), target, "--json", "--quiet"]) == 3
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("dbdump: error: ")]
    file = tmp_path / "dump" / "data" / "0001-item.tsv"
    assert lines == [
        "dbdump: error: table item, column name: 2 values are not allowed in a column that is NOT NULL: NULL in row"
        f" (id='1') at {file}:2, NULL in row (id='3') at {file}:4; give the row a value, or let the column take NULL",
        "dbdump: error: 2 errors found, rolled back",
    ]
    failure = json.loads(captured.out)
    assert (failure["type"], failure["exit_code"], len(failure["errors"])) == ("ManyErrorsError", 3, 1)
    assert main(["load", str(tmp_path / "dump"), target, "--json", "--quiet", "--fail-fast"]) == 3
    failure = json.loads(capsys.readouterr().out)
    assert failure["type"] == "ValueRefusedError"
    assert "errors" not in failure


def test_bad_lines_of_an_edited_dump_are_all_found(make_database: MakeDatabase, tmp_path: Path) -> None:
    source, target = make_database("sqlite"), make_database("mariadb")
    execute(source, MADE, *(f"INSERT INTO item VALUES ({number}, 'item {number}')" for number in range(20)))
    execute(target, MADE.replace("(40)", "(10)"))
    folder = tmp_path / "dump"
    dump(source, str(folder))
    file = folder / "data" / "0001-item.tsv"
    data = file.read_bytes().replace(b"3\titem 3\n", b"three\titem 3\n").replace(b"\titem 7\n", b"\titem\\x7\n")
    file.write_bytes(data.replace(b"\titem 12\n", b"\tfar too long\n"))
    with refused(target, ManyErrorsError, "3 errors found", "0001-item.tsv:"):
        load(str(folder), target, allow_edited=True, fail_fast=False)
    with pytest.raises(ManyErrorsError) as caught:
        load(str(folder), target, allow_edited=True, fail_fast=False)
    for line, error in zip((5, 9, 14), caught.value.errors, strict=True):
        assert f"0001-item.tsv:{line}: table item" in error
    with refused(target, ValueRefusedError, "0001-item.tsv:5:"):
        load(str(folder), target, allow_edited=True)
