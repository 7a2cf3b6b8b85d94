"""What is told of refused rows: one line for all that were refused alike, and no more work than that takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core.cli import main
from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseTarget
from dbdump_core.errors import ManyErrorsError, ValueRefusedError
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import BIGINT, TEXT, parse_type
from dbdump_core.operations import copy, dump, load, verify
from dbdump_core.run.transfer import Options, transfer
from tests.memory import MemorySource
from tests.promises import engine as engine_of
from tests.promises import execute, load_memory, query, refused
from tests.servers import ENGINES, SERVER_ENGINES

MakeDatabase = Callable[[str], str]
Rows = list[tuple[str | None, ...]]


def items(rows: Rows, *, type_: str = "text") -> MemorySource:
    columns = (Column("id", BIGINT, nullable=False), Column("v", parse_type(type_)))
    return MemorySource({Table("item", columns, primary_key=("id",)): rows}, block_rows=500)


def told(source: MemorySource, target: str) -> ManyErrorsError:
    with pytest.raises(ManyErrorsError) as caught:
        load_memory(source, target, fail_fast=False)
    return caught.value


# One line for all that were refused alike


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_texts_that_are_too_long_are_one_line(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(5))")
    rows: Rows = [(str(number), "x" * (number % 10)) for number in range(1000)]
    error = told(items(rows), target)
    assert error.count == 400
    assert error.errors == (
        "table item, column v: 400 values are not at most 5 characters long: 'xxxxxx' in row (id='6'), 'xxxxxxx' in"
        " row (id='7'), 'xxxxxxxx' in row (id='8') and 397 more; the longest has 9 in row (id='9');"
        " change the value or the column's type",
    )


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_numbers_that_do_not_fit_are_one_line(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v SMALLINT)")
    rows: Rows = [("1", "40000"), ("2", "-32769"), ("3", "7"), ("4", "99999"), ("5", "40001"), ("6", None)]
    error = told(items(rows, type_="bigint"), target)
    assert error.errors == (
        "table item, column v: 4 values are not an integer from -32768 to 32767: '40000' in row (id='1'),"
        " '-32769' in row (id='2'), '99999' in row (id='4') and 1 more; the lowest is -32769 in row (id='2'),"
        " the highest is 99999 in row (id='4'); change the value or the column's type",
    )
    (fields,) = error.refusals
    assert fields == {
        "table": "item",
        "columns": ["v"],
        "rows": 4,
        "problem": "values are not an integer from -32768 to 32767",
        "examples": [
            {"row": {"id": "1"}, "values": {"v": "40000"}},
            {"row": {"id": "2"}, "values": {"v": "-32769"}},
            {"row": {"id": "4"}, "values": {"v": "99999"}},
        ],
        "lowest": {"row": {"id": "2"}, "values": {"v": "-32769"}},
        "highest": {"row": {"id": "4"}, "values": {"v": "99999"}},
        "advice": "change the value or the column's type",
    }


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_database_refuses_is_one_line_for_each_reason(
    make_database: MakeDatabase, engine: str, native: bool
) -> None:
    target = make_database(engine)
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(9) UNIQUE, CHECK (v <> 'bad'))")
    rows: Rows = [(str(number), f"v{number % 90}") for number in range(100)]
    rows[5:5] = [("200", "bad"), ("201", "bad")]
    with pytest.raises(ManyErrorsError) as caught:
        load_memory(items(rows), target, native=native, fail_fast=False)
    checked, doubled = caught.value.errors
    assert checked.startswith("table item, column v: 2 rows are refused by the target: "), checked
    assert ".:" not in checked
    assert "'bad' in row (id='200'), 'bad' in row (id='201')" in checked
    assert doubled.startswith("table item, column v: 10 rows are refused by the target: "), doubled
    assert "'v0' in row (id='90'), 'v1' in row (id='91'), 'v2' in row (id='92') and 7 more" in doubled


def test_the_command_line_gives_the_same_as_fields(
    make_database: MakeDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = make_database("sqlite"), make_database("postgresql")
    execute(source, "CREATE TABLE item (id INTEGER PRIMARY KEY, v TEXT)")
    execute(source, *(f"INSERT INTO item VALUES ({number}, '{'x' * number}')" for number in range(1, 21)))
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(5))")
    assert main(["copy", source, target, "--json", "--quiet"]) == 3
    captured = capsys.readouterr()
    assert len([line for line in captured.err.splitlines() if "error:" in line]) == 2
    failure = json.loads(captured.out)
    (refusal,) = failure["refusals"]
    assert (refusal["table"], refusal["columns"], refusal["rows"]) == ("item", ["v"], 15)
    assert refusal["longest"] == {"row": {"id": "20"}, "values": {"v": "x" * 20}, "length": 20}
    assert [example["row"] for example in refusal["examples"]] == [{"id": "6"}, {"id": "7"}, {"id": "8"}]
    assert main(["copy", source, target, "--json", "--quiet", "--fail-fast"]) == 3
    (refusal,) = json.loads(capsys.readouterr().out)["refusals"]
    assert (refusal["rows"], refusal["examples"][0]["row"]) == (1, {"id": "6"})


# Every message names the row and the column


REFUSED_BY_DATABASES = [
    ("v VARCHAR(9) UNIQUE", ("7", "v3")),
    ("v VARCHAR(9), CHECK (v <> 'bad')", ("7", "bad")),
    ("v VARCHAR(9), CONSTRAINT never_bad CHECK (v <> 'bad')", ("7", "bad")),
    ("v VARCHAR(9), CONSTRAINT one_each UNIQUE (v)", ("7", "v3")),
]


@pytest.mark.parametrize("fail_fast", [True, False])
@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_refused_row_is_named_with_its_column(
    make_database: MakeDatabase, engine: str, native: bool, fail_fast: bool
) -> None:
    target = make_database(engine)
    for column, row in REFUSED_BY_DATABASES:
        execute(target, "DROP TABLE IF EXISTS item", f"CREATE TABLE item (id INTEGER PRIMARY KEY, {column})")
        rows: Rows = [(str(number), f"v{number}") for number in range(5)]
        with refused(target, ValueRefusedError, "table item, column v, row (id='7'): ", f"v = '{row[1]}'"):
            load_memory(items([*rows, row]), target, native=native, fail_fast=fail_fast)


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
def test_a_nul_names_the_column_that_holds_it(make_database: MakeDatabase, native: bool) -> None:
    target = make_database("postgresql")
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v TEXT)")
    with refused(target, ValueRefusedError, "table item, column v, row (id='2'): ", r"v = 'a\x00b'"):
        load_memory(items([("1", "a"), ("2", "a\0b"), ("3", "c")]), target, native=native, fail_fast=False)


def test_a_letter_that_the_encoding_lacks_names_its_column(make_database: MakeDatabase) -> None:
    server = make_database("postgresql")
    name = f"{sa.make_url(server).database}_latin1"
    with engine_of(server).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
        try:
            target = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
            execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v TEXT)")
            with refused(target, ValueRefusedError, "table item, column v, row (id='2'): ", "v = 'a\U0001f600'"):
                load_memory(items([("1", "\xe9"), ("2", "a\U0001f600"), ("3", "c")]), target, fail_fast=False)
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name}")


@pytest.mark.parametrize("fail_fast", [True, False])
@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_key_that_is_there_names_the_key(
    make_database: MakeDatabase, engine: str, native: bool, fail_fast: bool
) -> None:
    target = make_database(engine)
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(9))", "INSERT INTO item VALUES (3, 'old')")
    rows: Rows = [(str(number), "3") for number in range(5)]
    with refused(target, ValueRefusedError, "table item, column id, row (id='3'): "):
        load_memory(items(rows), target, native=native, append=True, fail_fast=fail_fast)


def test_a_key_of_bytes_is_shown_as_what_it_spells(make_database: MakeDatabase) -> None:
    source, target = make_database("sqlite"), make_database("postgresql")
    execute(source, "CREATE TABLE item (id TEXT PRIMARY KEY, v DATE)", "INSERT INTO item VALUES ('key1', 'nonsense')")
    with refused(None, ValueRefusedError, "row (id='key1')", "'nonsense'"):
        copy(source, target, create=True)


# Known before the database is asked


class Statements:
    """Counts what is sent to a database, and how deep its savepoints stand in each other."""

    def __init__(self, connection: sa.Connection) -> None:
        self.count = self.depth = self.deepest = 0
        sa.event.listen(connection, "before_cursor_execute", self._take)

    def _take(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        self.count += 1
        self.depth += statement.startswith("SAVEPOINT") - statement.startswith("RELEASE")
        self.deepest = max(self.deepest, self.depth)


def counted(source: MemorySource, url: str, *, native: bool = True) -> tuple[ManyErrorsError, Statements]:
    with closing(DatabaseTarget(backend_for(sa.make_url(url), native=native))) as target:
        statements = Statements(target.connection)
        with pytest.raises(ManyErrorsError) as caught:
            transfer(source, target, Options(fail_fast=False))
    return caught.value, statements


@pytest.mark.parametrize("engine", ENGINES)
def test_nulls_are_known_before_the_database_is_asked(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(9) NOT NULL)")
    rows: Rows = [(str(number), "v" if number % 2 else None) for number in range(4000)]
    error, statements = counted(items(rows), target)
    assert error.count == 2000
    assert "column v: 2,000 values are not allowed in a column that is NOT NULL: NULL in row (id='0')" in str(error)
    assert statements.count < 100


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", ENGINES)
def test_savepoints_do_not_pile_up(make_database: MakeDatabase, engine: str, native: bool) -> None:
    """A thousand that stand in each other are as many transactions on PostgreSQL, each with a lock."""
    target = make_database(engine)
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(9), CHECK (v <> 'bad'))")
    rows: Rows = [(str(number), "v" if number % 2 else "bad") for number in range(400)]
    error, statements = counted(items(rows), target, native=native)
    assert error.count == 200
    assert statements.deepest <= 3
    assert statements.depth == 0
    assert statements.count < 200 * 40


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_null_is_not_the_present_moment(make_database: MakeDatabase, engine: str) -> None:
    """MySQL takes NULL for the time of day in such a column; unproved too, it must not."""
    target = make_database(engine)
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)")
    with refused(target, ValueRefusedError, "column v", "row (id='2')", "NULL is not allowed"):
        load_memory(items([("1", "2024-01-01 00:00:00"), ("2", None)], type_="timestamp(0)"), target, verify=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_null_of_an_edited_dump_is_known_too(make_database: MakeDatabase, tmp_path: Path, engine: str) -> None:
    """Its schema still says that there is none."""
    source, target = make_database("sqlite"), make_database(engine)
    for url in (source, target):
        execute(url, "CREATE TABLE item (id INTEGER PRIMARY KEY, v VARCHAR(9) NOT NULL)")
    execute(source, "INSERT INTO item VALUES (1, 'a'), (2, 'b')")
    dump(source, str(tmp_path / "dump"))
    file = tmp_path / "dump" / "data" / "0001-item.tsv"
    file.write_bytes(file.read_bytes().replace(b"2\tb", b"2\t\\N"))
    with refused(target, ValueRefusedError, "0001-item.tsv:3", "column v, row (id='2'): NULL is not allowed"):
        load(str(tmp_path / "dump"), target, allow_edited=True)


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_null_of_sqlite_is_known_too(make_database: MakeDatabase, engine: str) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    execute(source, "CREATE TABLE item (id INTEGER PRIMARY KEY, v TIMESTAMP)", "INSERT INTO item VALUES (1, NULL)")
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))")
    with refused(target, ValueRefusedError, "column v", "row (id='1')", "NULL is not allowed"):
        copy(source, target, verify=False)


def test_sqlite_does_not_number_what_has_no_key(make_database: MakeDatabase) -> None:
    target = make_database("sqlite")
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY, v TEXT)")
    columns = (Column("id", BIGINT), Column("v", TEXT))
    source = MemorySource({Table("item", columns): [("7", "a"), (None, "b")]})
    with refused(target, ValueRefusedError, "column id", "NULL is not allowed", "v='b'"):
        load_memory(source, target, verify=False)


def test_a_primary_key_of_sqlite_may_hold_null(make_database: MakeDatabase, tmp_path: Path) -> None:
    source, target = make_database("sqlite"), make_database("sqlite")
    execute(source, "CREATE TABLE item (id TEXT PRIMARY KEY)", "INSERT INTO item VALUES (NULL), ('a')")
    dump(source, str(tmp_path / "dump"))
    execute(target, "CREATE TABLE item (id TEXT PRIMARY KEY)")
    assert load(str(tmp_path / "dump"), target).verified
    with engine_of(target).connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM item WHERE id IS NULL").scalar_one() == 1
    assert query(target, "SELECT count(*) FROM item") == [(2,)]


def test_what_both_sides_say_is_said_once(make_database: MakeDatabase) -> None:
    left, right = make_database("sqlite"), make_database("sqlite")
    for url in (left, right):
        execute(url, "CREATE VIRTUAL TABLE words USING fts5(v)", "CREATE TABLE item (id INTEGER PRIMARY KEY)")
    notes = verify(left, right).notes
    assert notes
    assert len(set(notes)) == len(notes)
