"""Cases that once slipped through: each was a value or a row that changed without a word."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core import operations
from dbdump_core.errors import DbdumpError, UnsafeError, ValueRefusedError
from tests.promises import engine as engine_of
from tests.promises import execute, query, refused
from tests.servers import ENGINES, SERVER_ENGINES


def make(path: Path, *statements: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return str(path)


def lines(source: str, tmp_path: Path) -> list[str]:
    operations.dump(source, str(tmp_path / "out"))
    (file,) = (tmp_path / "out" / "data").iterdir()
    return file.read_text().splitlines()[1:]


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16le", "UTF-8"])
def test_the_encoding_of_a_file_does_not_matter(tmp_path: Path, encoding: str) -> None:
    made = make(
        tmp_path / "a.db", f"PRAGMA encoding = '{encoding}'", "CREATE TABLE k (a INTEGER PRIMARY KEY) WITHOUT ROWID",
        "INSERT INTO k VALUES (5), (6), (7)",
    )  # fmt: skip
    assert lines(made, tmp_path) == ["5", "6", "7"]
    assert operations.copy(made, str(tmp_path / "b.db"), create=True).verified


def test_rows_without_any_rowid_are_each_read_once(tmp_path: Path) -> None:
    made = make(
        tmp_path / "a.db", "CREATE TABLE t (rowid TEXT, _rowid_ TEXT, oid DATETIME)",
        *[f"INSERT INTO t VALUES ({'NULL' if n % 2 else repr(str(n))}, 'x', '2024-01-01 00:00:00')" for n in range(99)],
        "INSERT INTO t VALUES ('T', 'x', '2024-01-01T00:00:00')",
    )  # fmt: skip
    found = [line.split("\t")[0] for line in lines(made, tmp_path)]
    assert sorted(found) == sorted(["T", *["\\N" if n % 2 else str(n) for n in range(99)]])


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("UNSIGNED_TEXT", "'12' || char(0) || 'abc'"),
        ("UNSIGNED_TEXT", "'007'"),
        ("DECIMAL(10,2)", "'1_000'"),
        ("DECIMAL_TEXT(30,2)", "'1_0.00'"),
        ("DECIMAL_TEXT(30,2)", "'1e999999999'"),
        ("INTEGER", "9e999"),
        ("TIMESTAMPTZ", "'9999-12-31 23:59:59-10:00'"),
    ],
)
def test_what_a_column_cannot_mean_is_no_value_of_its_type(tmp_path: Path, declared: str, value: str) -> None:
    made = make(
        tmp_path / "a.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})",
        f"INSERT INTO t VALUES (1, {value})",
    )
    with pytest.raises(DbdumpError, match="column v"):
        operations.dump(made, str(tmp_path / "typed"), format="py")
    ((_, cell),) = [line.split("\t") for line in lines(made, tmp_path)]
    assert cell.startswith(("\\T", "\\R"))


def test_the_lowest_integer_stays_one(tmp_path: Path) -> None:
    made = make(
        tmp_path / "a.db",
        "CREATE TABLE t (v INTEGER)",
        "INSERT INTO t VALUES (-9223372036854775808), (-9223372036854775807)",
    )
    assert lines(made, tmp_path) == ["-9223372036854775808", "-9223372036854775807"]


def test_cells_that_are_large_only_together(tmp_path: Path) -> None:
    half = "hex(zeroblob(10000000))"
    made = make(tmp_path / "a.db", "CREATE TABLE t (a TEXT, b TEXT)", f"INSERT INTO t VALUES ({half}, {half})")
    assert [len(cell) for cell in lines(made, tmp_path)[0].split("\t")] == [20_000_000] * 2


def test_sixteen_digits_are_not_rounded(tmp_path: Path) -> None:
    source = make(tmp_path / "a.db", "CREATE TABLE t (v BIGINT)", "INSERT INTO t VALUES (9007199254740993)")
    target = make(tmp_path / "b.db", "CREATE TABLE t (v DECIMAL(18,0))")
    assert operations.copy(source, target, replace=True).verified
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT v FROM t").fetchall() == [(9007199254740993,)]


def test_a_conflict_clause_of_the_target_decides_nothing(tmp_path: Path) -> None:
    ddl = "CREATE TABLE t (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, v TEXT UNIQUE ON CONFLICT IGNORE)"
    source = make(tmp_path / "a.db", ddl, "INSERT INTO t VALUES (1, 'new'), (3, 'two')")
    target = make(tmp_path / "b.db", ddl, "INSERT INTO t VALUES (1, 'old'), (2, 'two')")
    with pytest.raises(DbdumpError, match="UNIQUE"):
        operations.copy(source, target, append=True, verify=False)
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT * FROM t ORDER BY 1").fetchall() == [(1, "old"), (2, "two")]


def test_a_schema_file_in_another_order_swaps_nothing(tmp_path: Path) -> None:
    source = make(tmp_path / "a.db", "CREATE TABLE t (a TEXT, b TEXT)", "INSERT INTO t VALUES ('A', 'B')")
    file = tmp_path / "schema.yaml"
    file.write_text("tables:\n- name: t\n  columns:\n  - {name: b, type: text}\n  - {name: a, type: text}\n")
    target = str(tmp_path / "b.db")
    assert operations.copy(source, target, create=True, schema_file=str(file)).verified
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT a, b FROM t").fetchall() == [("A", "B")]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_schema_file_may_say_less_and_otherwise_than_the_database(
    make_database: Callable[[str], str], tmp_path: Path, engine: str
) -> None:
    source = make_database(engine)
    execute(source, "CREATE TABLE t (a VARCHAR(9), b VARCHAR(9))", "INSERT INTO t VALUES ('12', 'B')")
    file = tmp_path / "schema.yaml"
    file.write_text("tables:\n- name: t\n  columns:\n  - {name: a, type: varchar(5)}\n")
    target = str(tmp_path / "b.db")
    assert operations.copy(source, target, create=True, schema_file=str(file)).verified
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT * FROM t").fetchall() == [("12",)]


@pytest.mark.parametrize("name", ["r /* was UPDATE */", '"on ""UPDATE"" t"', "IF NOT EXISTS main.update_log"])
def test_the_event_of_a_trigger_is_read_aright(tmp_path: Path, name: str) -> None:
    source = make(tmp_path / "a.db", "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES ('A')")
    target = make(
        tmp_path / "b.db", "CREATE TABLE t (a TEXT)", "CREATE TABLE log (a TEXT)",
        f"CREATE TRIGGER {name} AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1); END",
    )  # fmt: skip
    with pytest.raises(UnsafeError, match="triggers would fire"):
        operations.copy(source, target)


def test_a_failed_run_drops_only_what_it_made(make_database: Callable[[str], str], tmp_path: Path) -> None:
    url = make_database("mariadb")
    source = make(tmp_path / "a.db", "CREATE TABLE invoice_no (a TEXT)", "CREATE TABLE a_first (a TEXT)")
    with engine_of(url).begin() as connection:
        connection.execute(sa.text("CREATE SEQUENCE invoice_no"))
    with pytest.raises(DbdumpError, match="invoice_no"):
        operations.copy(source, url, create=True)
    with engine_of(url).connect() as connection:
        assert [row[0] for row in connection.execute(sa.text("SHOW TABLES"))] == ["invoice_no"]


def test_a_key_of_one_partition_is_seen(make_database: Callable[[str], str], tmp_path: Path) -> None:
    url = make_database("postgresql")
    source = make(
        tmp_path / "a.db", "CREATE TABLE customers (id INTEGER PRIMARY KEY)", "INSERT INTO customers VALUES (1)"
    )
    operations.copy(source, url, create=True)
    with engine_of(url).begin() as connection:
        for statement in (
            "CREATE TABLE orders (c bigint) PARTITION BY LIST (c)",
            "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES IN (1)",
            "ALTER TABLE orders_1 ADD FOREIGN KEY (c) REFERENCES customers ON DELETE CASCADE",
            "CREATE TABLE other (c bigint REFERENCES customers)",
            "INSERT INTO orders VALUES (1)",
        ):
            connection.execute(sa.text(statement))
    with pytest.raises(UnsafeError, match="orders_1"):
        operations.copy(source, url, replace=True)
    with engine_of(url).connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM orders")).scalar_one() == 1


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_lone_surrogate_is_no_text(make_database: Callable[[str], str], engine: str) -> None:
    """Without the proof too: MariaDB itself stores it (facts.md S3)."""
    source, target = make_database("sqlite"), make_database(engine)
    execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    execute(source, "INSERT INTO t VALUES (1, '\ud55c'), (2, CAST(x'eda080' AS TEXT))")
    execute(target, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    with refused(target, ValueRefusedError, "table t"):
        operations.copy(source, target, verify=False)
    execute(source, "DELETE FROM t WHERE id = 2")
    operations.copy(source, target, verify=False)
    assert query(target, "SELECT name FROM t") == [("\ud55c",)]
