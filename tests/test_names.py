"""Names that differ in case alone: found by one rule everywhere, never taken for one another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump_core import operations
from dbdump_core.databases.mysql.spelling import MysqlSpelling
from dbdump_core.databases.spelling import Spelling, as_created
from dbdump_core.databases.sqlite.spelling import SqliteSpelling
from dbdump_core.errors import MismatchError
from dbdump_core.model.names import Names, pair
from dbdump_core.model.schema import Column, Table, TableKey
from dbdump_core.model.selection import close
from dbdump_core.model.types import INTEGER
from tests.promises import MYSQLS, execute, query, refused
from tests.servers import SERVER_ENGINES

Make = Callable[[str], str]

ITEMS = ['CREATE TABLE "Item" (id INTEGER PRIMARY KEY)', "CREATE TABLE item (id INTEGER PRIMARY KEY)"]


def items(make: Make, upper: int, lower: int) -> str:
    url = make("postgresql")
    execute(url, *ITEMS, f'INSERT INTO "Item" VALUES ({upper})', f"INSERT INTO item VALUES ({lower})")
    return url


def columns(make: Make, *row: int) -> str:
    url = make("postgresql")
    execute(url, 'CREATE TABLE t (id INTEGER PRIMARY KEY, "a" INTEGER, "A" INTEGER)', f"INSERT INTO t VALUES {row}")
    return url


# The rule


@pytest.mark.parametrize(
    ("ours", "theirs", "there", "unclear"),
    [
        ("item", "item", {"item": "item"}, ""),
        ("Item", "item", {"Item": "item"}, ""),
        ("Item item", "item Item", {"Item": "Item", "item": "item"}, ""),
        ("Item item", "item", {"item": "item"}, ""),
        ("item", "Item item", {"item": "item"}, ""),
        ("Item item", "ITEM", {}, "Item item ITEM"),
        ("ITEM", "Item item", {}, "ITEM Item item"),
        ("Item item", "ITEM item", {"item": "item"}, "Item ITEM"),
        ("item", "other", {}, ""),
        ("STRASSE Ä", "straße ä", {"STRASSE": "straße", "Ä": "ä"}, ""),
    ],
)
def test_names_of_two_places_are_paired(ours: str, theirs: str, there: dict[str, str], unclear: str) -> None:
    found = pair(ours.split(), theirs.split())
    assert dict(found.there) == there
    assert [name for some, others in found.unclear for name in (*some, *others)] == unclear.split()
    keys = [[TableKey(None, name) for name in side.split()] for side in (ours, theirs)]
    assert {left.name: right.name for left, right in pair(*keys).there.items()} == there


def test_a_name_is_found_exactly_else_as_the_only_one_alike() -> None:
    names = Names(["Item", "item", "Order"])
    assert [names.find(name) for name in ("item", "Item", "ORDER", "other")] == ["item", "Item", "Order", None]
    with pytest.raises(MismatchError, match="column 'ITEM' could be 'Item' or 'item'"):
        names.find("ITEM", "column")
    assert close("itm", ["Item", "item"]) == "close ones: 'Item', 'item'"


# PostgreSQL, which tells cases apart


def test_verify_sees_each_of_two_alike_columns(make_database: Make) -> None:
    left = columns(make_database, 1, 1, 1)
    assert operations.verify(left, columns(make_database, 1, 1, 1)).equal
    for row in ((1, 999, 1), (1, 1, 999)):
        assert not operations.verify(left, columns(make_database, *row)).equal


def test_verify_sees_each_of_two_alike_tables(make_database: Make) -> None:
    left = items(make_database, 2, 2)
    alike = operations.verify(left, items(make_database, 2, 2))
    assert alike.equal and len(alike.tables) == 2
    for rows in ((7, 2), (2, 7)):
        found = operations.verify(left, items(make_database, *rows))
        assert [table.equal for table in found.tables].count(False) == 1


def test_verify_says_which_names_it_cannot_tell_apart(make_database: Make) -> None:
    left, right = items(make_database, 2, 2), make_database("sqlite")
    execute(right, "CREATE TABLE ITEM (id INTEGER PRIMARY KEY)", "INSERT INTO ITEM VALUES (2)")
    found = operations.verify(left, right)
    assert not found.equal and not found.tables
    assert {key.name for key in found.only_left} == {"Item", "item"} and found.only_right[0].name == "ITEM"
    assert any("table 'Item' or 'item' could be 'ITEM'" in note for note in found.notes)


def test_a_column_that_could_be_two_is_a_difference(make_database: Make) -> None:
    left, right = columns(make_database, 1, 2, 3), make_database("postgresql")
    execute(right, 'CREATE TABLE t (id INTEGER PRIMARY KEY, "A" INTEGER)', "INSERT INTO t VALUES (1, 3)")
    (table,) = operations.verify(left, right).tables
    assert table.left == table.right and not table.equal
    assert len(table.differences) == 1 and "column a is only in" in table.differences[0]


@pytest.mark.parametrize("through", ["copy", "dump"])
def test_alike_names_move_between_databases_that_tell_them_apart(
    make_database: Make, tmp_path: Path, through: str
) -> None:
    source = items(make_database, 1, 2)
    execute(source, 'CREATE TABLE t (id INTEGER PRIMARY KEY, "a" INTEGER, "A" INTEGER)', "INSERT INTO t VALUES (1,2,3)")
    target, folder = make_database("postgresql"), str(tmp_path / "out")
    if through == "dump":
        operations.dump(source, folder)
    for options in ({"create": True}, {"replace": True}):
        operations.copy(folder if through == "dump" else source, target, **options)
        assert query(target, 'SELECT * FROM "Item"') == [(1,)] and query(target, "SELECT * FROM item") == [(2,)]
        assert query(target, 'SELECT "a", "A" FROM t') == [(2, 3)]
    assert operations.verify(source, target).equal


@pytest.mark.parametrize("engine", ["sqlite", *MYSQLS])
def test_alike_columns_are_refused_where_they_would_be_one(make_database: Make, engine: str) -> None:
    source, target = columns(make_database, 1, 2, 3), make_database(engine)
    with refused(target, MismatchError, "table 't', columns 'a' and 'A'", "takes these names for one"):
        operations.copy(source, target, create=True)
    execute(target, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER)")
    with refused(target, MismatchError, "has no column 'A'"):
        operations.copy(source, target)


def test_alike_tables_are_refused_where_they_would_be_one(make_database: Make) -> None:
    source, target = items(make_database, 1, 2), make_database("sqlite")
    with refused(target, MismatchError, "tables 'Item' and 'item'", "SQLite takes these names for one"):
        operations.copy(source, target, create=True)
    execute(target, "CREATE TABLE item (id INTEGER PRIMARY KEY)")
    with refused(target, MismatchError, "tables 'item' and 'Item'", "takes these names for one"):
        operations.copy(source, target, create=True)
    with refused(target, MismatchError, "has no table 'Item'"):
        operations.copy(source, target)


def test_tables_that_could_fill_one_are_refused(make_database: Make) -> None:
    source, target = items(make_database, 1, 2), make_database("sqlite")
    execute(target, "CREATE TABLE ITEM (id INTEGER PRIMARY KEY)")
    with refused(target, MismatchError, "table 'Item' or 'item' could be 'ITEM'", "rename one"):
        operations.copy(source, target, create=True)


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_alike_tables_move_to_servers_that_tell_them_apart(make_database: Make, engine: str) -> None:
    source, target = items(make_database, 1, 2), make_database(engine)
    if engine in MYSQLS and query(target, "SELECT @@lower_case_table_names") != [(0,)]:
        pytest.skip("this server folds the names of tables")
    operations.copy(source, target, create=True)
    assert operations.verify(source, target).equal


def test_expressions_of_alike_columns_are_told_apart(make_database: Make) -> None:
    made = 'CREATE TABLE t (id INTEGER PRIMARY KEY, "a" INTEGER, "A" INTEGER, g INT GENERATED ALWAYS AS ({}) STORED)'
    source, target = make_database("postgresql"), make_database("postgresql")
    execute(source, made.format('"a" * 2'), 'INSERT INTO t (id, "a", "A") VALUES (1, 2, 3)')
    execute(target, made.format('"A" * 2'))
    with refused(target, MismatchError, "column t.g", "--recompute"):
        operations.copy(source, target)
    execute(target, "DROP TABLE t", made.format('"a" * 2'))
    assert operations.copy(source, target).verified


# What an engine takes for one name


def table(*names: str) -> Table:
    return Table(names[0], tuple(Column(name, INTEGER) for name in names[1:]))


@pytest.mark.parametrize(
    ("spelling", "names", "one"),
    [
        (MysqlSpelling(folds_tables=True), ("Item", "item"), True),
        (MysqlSpelling(folds_tables=True), ("É", "é"), True),
        (MysqlSpelling(), ("Item", "item"), False),
        (SqliteSpelling(), ("Item", "item"), True),
        (SqliteSpelling(), ("É", "é"), False),
    ],
)
def test_names_of_tables_that_an_engine_takes_for_one(spelling: Spelling, names: tuple[str, str], one: bool) -> None:
    tables = [table(name, "c") for name in names]
    if one:
        with pytest.raises(MismatchError, match="takes these names for one"):
            as_created(tables, spelling)
        with pytest.raises(MismatchError, match="takes these names for one"):
            as_created(tables[:1], spelling, there=[tables[1].key])
    else:
        assert len(as_created(tables, spelling)) == 2


def test_sqlite_tells_letters_apart_that_are_no_ascii(make_database: Make) -> None:
    source, target = make_database("sqlite"), make_database("sqlite")
    execute(
        source,
        "CREATE TABLE É (id INTEGER PRIMARY KEY, É INT, é INT, e1 INT AS (É + 1), É2 INT AS (1), é2 INT AS (2))",
        "CREATE TABLE é (id INTEGER PRIMARY KEY)",
        "CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES É (ID))",
        "INSERT INTO É VALUES (1, 2, 3)", "INSERT INTO é VALUES (4)", "INSERT INTO child VALUES (1, 1)",
    )  # fmt: skip
    schema = operations.describe(source)
    described = schema.by_key[TableKey(None, "É")].by_name
    assert (described["É2"].generated, described["é2"].generated) == ("1", "2")
    (key,) = schema.by_key[TableKey(None, "child")].foreign_keys
    assert key.table.name == "É" and key.referred == ("id",)
    assert operations.copy(source, target, create=True).verified
    assert query(target, "SELECT É, é FROM É") == [(2, 3)]
