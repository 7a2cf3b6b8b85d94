"""Tables that one engine takes and another does not: refused by name before the first row, or made all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump_core import copy, dump, load, verify
from dbdump_core.errors import MismatchError
from dbdump_core.operations import describe
from tests.promises import MYSQLS, execute, query
from tests.servers import ENGINES, SERVER_ENGINES

Make = Callable[[str], str]
TEXTS = ", ".join(f"c{number} TEXT" for number in range(300))
PAIR = "CREATE TABLE p (x INTEGER, y INTEGER, UNIQUE (x, y))"
TWICE = "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, FOREIGN KEY (a, a) REFERENCES p (x, y))"
ODD = {
    "no name": ('CREATE TABLE t (id INTEGER, "" TEXT)', ENGINES, "column '': .*; rename it"),
    "system column": ("CREATE TABLE t (id INTEGER, ctid TEXT)", ["postgresql"], "'ctid': PostgreSQL keeps"),
    "another": ("CREATE TABLE t (id INTEGER, xmin TEXT)", ["postgresql"], "'xmin': PostgreSQL keeps"),
    "InnoDB's own": ("CREATE TABLE t (id INTEGER, Db_Row_Id TEXT)", MYSQLS, "'Db_Row_Id': MySQL keeps"),
    "a name for one type": ("CREATE TABLE t (id INTEGER, fts_doc_id TEXT)", MYSQLS, "table 't' .*'fts_doc_id'; change"),
    "column twice in a key": (TWICE, MYSQLS, r"table 't': the foreign key \(a, a\) names a column twice"),
    "300 texts": (f"CREATE TABLE t (id INTEGER, {TEXTS})", ["mysql"], "of 301 columns cannot be made so: Row size"),
}
CASES = [pytest.param(*case, engine, id=f"{name}-{engine}") for name, case in ODD.items() for engine in ENGINES]


@pytest.mark.parametrize(("table", "refusing", "told", "engine"), CASES)
def test_what_an_engine_cannot_have_is_refused_by_name(
    make_database: Make, table: str, refusing: list[str], told: str, engine: str
) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    execute(source, PAIR, "INSERT INTO p VALUES (1, 1)", table, "INSERT INTO t (id) VALUES (1)")
    execute(target, "CREATE TABLE other (id INTEGER)", "INSERT INTO other VALUES (1)")
    if engine not in refusing:
        assert copy(source, target, create=True).verified
        return
    with pytest.raises(MismatchError, match=told):
        copy(source, target, create=True)
    assert [table.name for table in describe(target)] == ["other"]


@pytest.mark.parametrize("engine", ["sqlite", *MYSQLS])
def test_a_table_without_columns_is_refused_by_name(make_database: Make, engine: str, tmp_path: Path) -> None:
    source, folder = make_database("postgresql"), str(tmp_path / "dump")
    execute(source, "CREATE TABLE t ()", "INSERT INTO t DEFAULT VALUES", "INSERT INTO t DEFAULT VALUES")
    dump(source, folder)
    with pytest.raises(MismatchError, match="table 't' has no columns"):
        copy(source, make_database(engine), create=True)
    with pytest.raises(MismatchError, match="table 't' has no columns"):
        load(folder, make_database(engine), create=True)
    again = make_database("postgresql")
    assert load(folder, again, create=True).verified
    assert query(again, "SELECT count(*) FROM t") == [(2,)]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_keys_that_name_a_column_twice_go_through_a_dump(make_database: Make, engine: str, tmp_path: Path) -> None:
    source, target, folder = make_database(engine), make_database(engine), str(tmp_path / "dump")
    execute(source, PAIR, TWICE, "INSERT INTO p VALUES (1, 1)", "INSERT INTO t VALUES (7, 1)")
    execute(source, "CREATE INDEX twice ON p (y, x, y)")
    dump(source, folder)
    assert load(folder, target, create=True, strict=True).verified
    assert verify(source, target).equal
    keys = {table.name: table for table in describe(target)}
    assert keys["t"].foreign_keys[0].columns == ("a", "a")
    assert keys["p"].indexes[0].columns == ("y", "x")


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_column_twice_in_a_unique_key_is_there_once(make_database: Make, engine: str) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    execute(source, "CREATE TABLE t (a INTEGER, b INTEGER, UNIQUE (a, b, a))", "INSERT INTO t VALUES (1, 2)")
    assert copy(source, target, create=True).verified
    assert [key.columns for key in describe(target).tables[0].unique] == [("a", "b")]


def test_a_column_without_a_name_that_is_there_is_filled(make_database: Make) -> None:
    source, target = make_database("sqlite"), make_database("sqlite")
    for url in (source, target):
        execute(url, 'CREATE TABLE t (id INTEGER PRIMARY KEY, "" TEXT)')
    execute(source, "INSERT INTO t VALUES (1, 'x')")
    assert copy(source, target).verified
    assert query(target, "SELECT * FROM t") == [(1, "x")]
    assert copy(source, target, replace=True, fail_fast=False).verified


def test_sqlite_reads_as_many_columns_as_it_has(make_database: Make, tmp_path: Path) -> None:
    source, target = make_database("sqlite"), str(tmp_path / "b.db")
    execute(source, f"CREATE TABLE t ({', '.join(f'c{number} INTEGER' for number in range(2000))})")
    execute(source, "INSERT INTO t (c0, c1999) VALUES (1, 2), (3, 4)")
    assert copy(source, target, create=True).verified
    dump(source, str(tmp_path / "dump"))
    assert verify(str(tmp_path / "dump"), target).equal
