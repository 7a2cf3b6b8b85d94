"""Virtual tables of SQLite: left out whatever their module, and kept by their triggers while others are loaded."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dbdump_core.errors import UnsafeError
from dbdump_core.operations import copy, describe, dump, load, verify

TABLE = "CREATE TABLE page (id INTEGER PRIMARY KEY, title TEXT)"
INDEX = "CREATE VIRTUAL TABLE words USING fts5(title)"
ROWS = "INSERT INTO page VALUES (1, 'old song'), (2, 'new song')"
FED = (
    "CREATE TRIGGER added AFTER INSERT ON page BEGIN INSERT INTO words(rowid, title) VALUES (new.id, new.title); END",
    "CREATE TRIGGER gone AFTER DELETE ON page WHEN CASE old.id WHEN 0 THEN 0 ELSE 1 END BEGIN"
    " DELETE FROM words WHERE rowid = old.id; END",
)


def make(path: Path, *statements: str) -> str:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return str(path)


def rows(path: str, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def with_unknown_module(path: str, name: str = "SpatialIndex") -> str:
    """Put a virtual table into the file whose module is not here, as another program's extension leaves it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        sql = f"CREATE VIRTUAL TABLE {name} USING VirtualSpatialIndex()"
        connection.execute("INSERT INTO sqlite_master VALUES ('table', ?, ?, 0, ?)", (name, name, sql))
    return path


def test_a_virtual_table_without_its_module_stops_nothing(tmp_path: Path) -> None:
    source = with_unknown_module(make(tmp_path / "a.db", TABLE, ROWS, "CREATE INDEX by_title ON page (title)"))
    with pytest.raises(sqlite3.OperationalError, match="no such module"):
        rows(source, "SELECT * FROM SpatialIndex")
    assert [table.name for table in describe(source)] == ["page"]
    note = "left out 1 virtual tables: 'SpatialIndex'"
    folder, target = str(tmp_path / "dump"), str(tmp_path / "b.db")
    assert note in dump(source, folder).notes
    assert note in copy(source, target, create=True).notes
    assert load(folder, source, replace=True).verified
    assert verify(source, target).equal
    assert rows(target, "SELECT * FROM page") == [(1, "old song"), (2, "new song")]


def test_triggers_that_only_feed_a_search_index_do_their_work(tmp_path: Path) -> None:
    source = make(tmp_path / "a.db", TABLE, ROWS)
    target = make(tmp_path / "b.db", TABLE, INDEX, *FED, "INSERT INTO page VALUES (7, 'old hat')")
    assert copy(source, target, replace=True).verified
    assert rows(target, "SELECT rowid FROM words WHERE words MATCH 'old'") == [(1,)]
    more = make(tmp_path / "more.db", TABLE, "INSERT INTO page VALUES (3, 'old news')")
    assert copy(more, target, append=True).verified
    assert rows(target, "SELECT rowid FROM words WHERE words MATCH 'old'") == [(1,), (3,)]


INSERT = "CREATE TRIGGER added AFTER INSERT ON page BEGIN {}; END"
HARM = {
    "a table of its own": INSERT.format("INSERT INTO words VALUES (1); INSERT INTO log VALUES (1)"),
    "updates a table": INSERT.format("UPDATE OR IGNORE log SET n = 1"),
    "deletes from a table": INSERT.format("DELETE FROM log"),
    "replaces in a table": INSERT.format("INSERT OR REPLACE INTO log SELECT rowid FROM words"),
    "asks only": INSERT.format("SELECT title FROM words"),
    "refuses rows": INSERT.format("INSERT INTO words SELECT RAISE(IGNORE) WHERE new.id = 2"),
    "a view": INSERT.format("INSERT INTO shown VALUES (1)"),
    "another module": INSERT.format("INSERT INTO SpatialIndex VALUES (1)"),
    "a function that is not here": INSERT.format("INSERT INTO words VALUES (ST_MinX(new.title))"),
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_any_other_trigger_is_a_refusal(tmp_path: Path, harm: str) -> None:
    source = make(tmp_path / "a.db", TABLE, ROWS)
    target = with_unknown_module(make(tmp_path / "b.db", TABLE, INDEX, "CREATE TABLE log (n INTEGER UNIQUE)"))
    make(Path(target), "CREATE VIEW shown AS SELECT n FROM log", harm)
    with pytest.raises(UnsafeError, match=r"triggers would fire: 'page\.added'; drop or disable"):
        copy(source, target)
    assert rows(target, "SELECT * FROM page") == []


def test_a_harmful_trigger_is_named_beside_harmless_ones(tmp_path: Path) -> None:
    source = make(tmp_path / "a.db", TABLE, ROWS)
    harm = HARM["deletes from a table"].replace("added", "noisy")
    target = make(tmp_path / "b.db", TABLE, INDEX, "CREATE TABLE log (n INTEGER)", *FED, harm)
    with pytest.raises(UnsafeError, match=r"triggers would fire: 'page\.noisy';"):
        copy(source, target)
