"""Load maps, kept tables, leniency and columns that a person added: what happens to rows on real servers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseSource, DatabaseTarget
from dbdump_core.dumps import make_target
from dbdump_core.dumps import open_source as open_dump
from dbdump_core.endpoints import open_source, open_target
from dbdump_core.errors import DumpError, MismatchError, SchemaError, UnsafeError, ValueRefusedError
from dbdump_core.model.abc import Block, Make, Maker
from dbdump_core.model.abc import Path as Way
from dbdump_core.model.schema import Column, Default, DefaultKind, Schema, Table, TableKey
from dbdump_core.model.selection import Selection
from dbdump_core.model.types import INTEGER, TEXT
from dbdump_core.operations import copy, dump, load
from dbdump_core.plan.load_map import LoadMap, TableMap
from dbdump_core.rows.lines import NULL, split_rows
from dbdump_core.run.transfer import Options, transfer
from tests.memory import MemorySource
from tests.promises import execute, load_memory, query, refused
from tests.servers import ENGINES

MakeDatabase = Callable[[str], str]
TAG = TableKey(None, "tag")
POST = TableKey(None, "post")


def fixed(cell: bytes) -> Maker:
    return lambda names: lambda cells: cell


def numbering(names: Sequence[str]) -> Make:
    """A value that no two rows share."""
    count = iter(range(1, 1_000_000))
    return lambda cells: b"%d" % next(count)


def lowered(names: Sequence[str]) -> Make:
    at = names.index("name")
    return lambda cells: cells[at] if cells[at] == NULL else cells[at].lower()


class Renumbering:
    """Rows of tags under the ids that the target has for their names; those it has are left out.

    The shape of what content types need: `ids` is for the tables that come later.
    """

    def __init__(self, there: dict[bytes, bytes]) -> None:
        self.there = there
        self.ids: dict[bytes, bytes] = {}
        self.ended = False

    def __call__(self, columns: Sequence[Column]) -> Renumbering:
        assert [column.name for column in columns] == ["id", "name"]
        return self

    def block(self, block: Block) -> Block:
        kept = []
        for number, name in split_rows(block):
            self.ids[number] = self.there.get(name, b"9" + number)
            if name not in self.there:
                kept.append(b"9" + number + b"\t" + name + b"\n")
        return Block(b"".join(kept), len(kept))

    def rest(self) -> Block | None:
        self.ended = True
        return Block(b"999\tlast\n", 1)

    def refer(self, names: Sequence[str]) -> Make:
        at = names.index("tag_id")
        return lambda cells: self.ids[cells[at]]


def blog(make: MakeDatabase, engine: str, *rows: str) -> str:
    url = make(engine)
    execute(
        url,
        "CREATE TABLE tag (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL)",
        "CREATE TABLE post (id INTEGER PRIMARY KEY, tag_id INTEGER REFERENCES tag(id))",
        *rows,
    )
    return url


TAGS = "INSERT INTO tag VALUES (1, 'red'), (2, 'green'), (3, 'blue')"
POSTS = "INSERT INTO post VALUES (1, 1), (2, 2), (3, 3), (4, 1)"


def move(source: str, target: str, **options: Any) -> Any:
    with closing(open_source(source)) as opened, closing(open_target(target, create=False)) as written:
        return transfer(opened, written, Options(**options))


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_become_those_that_are_there(make_database: MakeDatabase, engine: str) -> None:
    source = blog(make_database, engine, TAGS, POSTS)
    there = "INSERT INTO tag VALUES (7, 'blue'), (8, 'red')"
    target = blog(make_database, engine, there, "INSERT INTO post VALUES (5, 7)")
    tags = Renumbering({b"blue": b"7", b"red": b"8"})
    known: LoadMap = {TAG: TableMap(rows=tags, keeps=True), POST: TableMap(converts={"tag_id": tags.refer})}
    report = move(source, target, load_map=known, replace=True)
    assert tags.ended
    assert report.verified
    assert [(table.key.name, table.rows) for table in report.tables] == [("tag", 2), ("post", 4)]
    assert Way.PRIVATE not in {table.path for table in report.tables}
    rows = query(target, "SELECT id, name FROM tag ORDER BY id")
    assert rows == [(7, "blue"), (8, "red"), (92, "green"), (999, "last")]
    assert query(target, "SELECT id, tag_id FROM post ORDER BY id") == [(1, 8), (2, 92), (3, 7), (4, 8)]


def test_a_plan_without_a_map_is_what_it_was(make_database: MakeDatabase) -> None:
    source, target = blog(make_database, "sqlite", TAGS, POSTS), blog(make_database, "sqlite")
    report = move(source, target)
    assert {table.path for table in report.tables} == {Way.PRIVATE}
    report = move(source, target, replace=True, load_map={POST: TableMap(converts={"id": numbering})})
    assert [table.path for table in report.tables] == [Way.PRIVATE, Way.NATIVE]


THING = Table("thing", (Column("id", INTEGER, nullable=False), Column("name", TEXT)), primary_key=("id",))
ROWS = [("1", "One"), ("2", "Two"), ("3", None)]
MADE = (
    "CREATE TABLE thing (id INTEGER PRIMARY KEY, name VARCHAR(20), place INTEGER NOT NULL,"
    " note VARCHAR(20) DEFAULT 'x')"
)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("native", [True, False])
def test_fills_and_converts(make_database: MakeDatabase, engine: str, native: bool) -> None:
    target = make_database(engine)
    execute(target, MADE)
    known = {THING.key: TableMap(fills={"place": numbering, "name": fixed(b"never")}, converts={"name": lowered})}
    report = load_memory(MemorySource({THING: ROWS}), target, native=native, load_map=known)
    assert report.verified
    assert "column thing.place is not in the source; filled for each row" in report.tables[0].notes
    rows = query(target, "SELECT id, name, place, note FROM thing ORDER BY id")
    assert rows == [(1, "one", 1, "x"), (2, "two", 2, "x"), (3, None, 3, "x")]


def test_a_source_default_comes_before_a_fill(make_database: MakeDatabase) -> None:
    target = make_database("sqlite")
    execute(target, MADE)
    source = MemorySource({THING: ROWS})
    source.defaults = {
        THING.key: {"PLACE": Default(DefaultKind.REFERENCE, "id"), "note": Default(DefaultKind.VALUE, "y")}
    }
    known = {THING.key: TableMap(fills={"place": fixed(b"0"), "note": fixed(b"z")})}
    assert load_memory(source, target, load_map=known).verified
    assert query(target, "SELECT id, place, note FROM thing") == [(1, 1, "y"), (2, 2, "y"), (3, 3, "y")]


def test_a_column_that_nothing_fills_is_refused(make_database: MakeDatabase) -> None:
    target = make_database("postgresql")
    execute(target, MADE)
    for lenient in (False, True):
        with refused(target, MismatchError, "thing.place", "NOT NULL without a default"):
            load_memory(MemorySource({THING: ROWS}), target, lenient=lenient)


@pytest.mark.parametrize("cell", [b"many", b"3000000000", b"\xff"])
def test_made_cells_are_looked_at(make_database: MakeDatabase, cell: bytes) -> None:
    target = make_database("mariadb")
    execute(target, MADE)
    known = {THING.key: TableMap(fills={"place": fixed(cell)})}
    with refused(target, ValueRefusedError, "table thing, column place, row (id='1')"):
        load_memory(MemorySource({THING: ROWS}), target, load_map=known)


def test_a_column_that_the_target_lacks(make_database: MakeDatabase) -> None:
    target = make_database("sqlite")
    execute(target, "CREATE TABLE thing (id INTEGER PRIMARY KEY)")
    source = MemorySource({THING: ROWS})
    with refused(target, MismatchError, "no column 'name'"):
        load_memory(source, target)
    report = load_memory(source, target, lenient=True)
    assert report.verified
    assert report.tables[0].notes == ("column thing.name is not in the target; left out",)
    assert query(target, "SELECT * FROM thing") == [(1,), (2,), (3,)]


# Kept tables


@pytest.mark.parametrize("engine", ENGINES)
def test_a_kept_table_is_neither_emptied_nor_asked_about(make_database: MakeDatabase, engine: str) -> None:
    source = blog(make_database, engine, "INSERT INTO tag VALUES (2, 'green')", "INSERT INTO post VALUES (9, 2)")
    target = blog(make_database, engine, "INSERT INTO tag VALUES (1, 'red')")
    asked: list[object] = []

    def confirm(plan: object, occupied: Sequence[TableKey]) -> bool:
        asked.extend(occupied)
        return True

    assert move(source, target, confirm=confirm, load_map={TAG: TableMap(keeps=True)}).verified
    assert asked == []
    assert query(target, "SELECT name FROM tag ORDER BY id") == [("red",), ("green",)]
    # The same rows again: now their keys are taken.
    with refused(target, ValueRefusedError, "tag"):
        move(source, target, replace=True, load_map={TAG: TableMap(keeps=True)})


@pytest.mark.parametrize("engine", ENGINES)
def test_kept_rows_that_refer_to_emptied_ones_are_a_refusal(make_database: MakeDatabase, engine: str) -> None:
    source = blog(make_database, engine, TAGS)
    target = blog(make_database, engine, TAGS, POSTS)
    kept = {POST: TableMap(keeps=True)}
    with refused(target, UnsafeError, "rows of post refer to tag, which would be emptied"):
        move(source, target, replace=True, load_map=kept)
    execute(target, "UPDATE post SET tag_id = NULL")
    assert move(source, target, replace=True, load_map=kept).verified
    assert query(target, "SELECT count(*) FROM post") == [(4,)]


# The order


def test_tables_that_come_first(make_database: MakeDatabase, tmp_path: Path) -> None:
    source = make_database("sqlite")
    execute(
        source,
        *(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY)" for name in "abcd"),
        "CREATE TABLE z (id INTEGER PRIMARY KEY REFERENCES d(id))",
    )
    folder = tmp_path / "dump"
    first = (TableKey(None, "z"), TableKey(None, "c"), TableKey(None, "nowhere"))
    with closing(open_source(source)) as opened:
        report = transfer(opened, make_target(str(folder), source_engine="sqlite"), Options(first=first))
    assert [table.key.name for table in report.tables] == ["d", "z", "c", "a", "b"]
    assert sorted(path.name for path in (folder / "data").iterdir())[:3] == ["0001-d.tsv", "0002-z.tsv", "0003-c.tsv"]


# Columns that a person adds to schema.yaml


def shop_dump(make: MakeDatabase, folder: Path) -> Path:
    source = make("sqlite")
    execute(
        source,
        "CREATE TABLE shop (id INTEGER PRIMARY KEY, name VARCHAR(20), old_price BIGINT)",
        "INSERT INTO shop VALUES (1, 'one', 10), (2, 'two', NULL)",
    )
    dump(source, str(folder))
    return folder / "schema.yaml"


def add(schema: Path, *columns: str) -> None:
    text = schema.read_text()
    mark = "  primary_key:"
    schema.write_text(text.replace(mark, "".join(f"  - {{{column}}}\n" for column in columns) + mark, 1))


ADDED = (
    "name: kind, type: varchar(10), default: {kind: value, value: new}",
    "name: price, type: bigint, default: {kind: reference, value: old_price}",
    "name: token, type: uuid, nullable: false, default: {kind: uuid}",
    "name: made, type: timestamptz, auto_now_add: true",
    'name: gone, type: date, default: {kind: "null"}',
)


@pytest.mark.parametrize("engine", ENGINES)
def test_added_columns_are_filled(make_database: MakeDatabase, tmp_path: Path, engine: str) -> None:
    schema = shop_dump(make_database, tmp_path / "dump")
    add(schema, *ADDED)
    target = make_database(engine)
    assert load(str(tmp_path / "dump"), target, create=True).verified
    rows = query(target, "SELECT id, name, old_price, kind, price, token, made, gone FROM shop ORDER BY id")
    assert [row[:5] for row in rows] == [(1, "one", 10, "new", 10), (2, "two", None, "new", None)]
    assert len({str(row[5]) for row in rows}) == 2
    assert all(row[6] is not None and row[7] is None for row in rows)


def test_a_column_may_be_renamed_by_reference(make_database: MakeDatabase, tmp_path: Path) -> None:
    schema = shop_dump(make_database, tmp_path / "dump")
    text = schema.read_text()
    line = next(line for line in text.splitlines() if "old_price" in line)
    renamed = "  - {name: price, type: smallint, default: {kind: reference, value: old_price}}"
    schema.write_text(text.replace(line, renamed))
    target = make_database("postgresql")
    assert load(str(tmp_path / "dump"), target, create=True).verified
    assert query(target, "SELECT * FROM shop ORDER BY id") == [(1, "one", 10), (2, "two", None)]
    schema.write_text(schema.read_text().replace("smallint", "boolean"))
    empty = make_database("postgresql")
    with refused(empty, ValueRefusedError, "0001-shop.tsv:2: table shop, column old_price", "'10' is not a boolean"):
        load(str(tmp_path / "dump"), empty, create=True)


FLAVOURED = (
    "name: code, type: uuid_hex, default: {kind: value, value: 0123456789ABCDEF0123456789abcdef}",
    "name: spent, type: duration, default: {kind: value, value: 5000000}",
    "name: met, type: \"timestamp in 'Europe/Berlin'\", default: {kind: datetime, value: '2024-07-01 10:00:00'}",
    "name: took, type: duration, default: {kind: reference, value: old_price}",
    "name: late, type: \"timestamp in 'Asia/Tokyo'\", default: {kind: datetime, value: now}",
)


def test_defaults_are_spelled_as_the_schema_of_the_dump_says(make_database: MakeDatabase, tmp_path: Path) -> None:
    schema = shop_dump(make_database, tmp_path / "dump")
    text = schema.read_text()
    line = next(line for line in text.splitlines() if "old_price" in line)
    schema.write_text(text.replace(line + "\n", ""))
    add(schema, *FLAVOURED)
    target = make_database("postgresql")
    execute(
        target,
        "CREATE TABLE shop (id BIGINT PRIMARY KEY, name TEXT, code UUID, spent INTERVAL, met TIMESTAMPTZ,"
        " took INTERVAL, late TIMESTAMPTZ)",
    )
    assert load(str(tmp_path / "dump"), target).verified
    assert query(
        target,
        "SELECT code::text, spent::text, met AT TIME ZONE 'UTC', took::text,"
        " abs(extract(epoch FROM now() - late)) < 600 FROM shop WHERE id = 1",
    ) == [("01234567-89ab-cdef-0123-456789abcdef", "00:00:05", dt.datetime(2024, 7, 1, 8), "00:00:00.00001", True)]


@pytest.mark.parametrize(
    ("column", "kind", "words"),
    [
        ("name: kind, type: text", DumpError, ("tables[0].columns[3]", "no column 'kind'", "give it a default")),
        (
            "name: price, type: bigint, default: {kind: reference, value: oldprice}",
            MismatchError,
            ("schema.yaml:", "tables[0].columns[3]", "no field 'oldprice'", "'old_price'"),
        ),
        ("name: n, type: integer, default: {kind: value, value: x}", SchemaError, ("tables[0].columns[3]", "'x'")),
        ("name: n, type: text, default: {kind: sql, value: x()}", SchemaError, ("tables[0].columns[3]", "never run")),
    ],
)
def test_an_added_column_that_cannot_be_filled(
    make_database: MakeDatabase, tmp_path: Path, column: str, kind: type[Exception], words: Sequence[str]
) -> None:
    schema = shop_dump(make_database, tmp_path / "dump")
    add(schema, column)
    target = make_database("sqlite")
    with refused(target, kind, *words):  # type: ignore[arg-type]
        load(str(tmp_path / "dump"), target, create=True)


def test_defaults_of_columns_that_are_there_change_nothing(make_database: MakeDatabase, tmp_path: Path) -> None:
    schema = shop_dump(make_database, tmp_path / "dump")
    described = "name: name, type: varchar(20)"
    schema.write_text(schema.read_text().replace(described, f"{described}, default: {{kind: value, value: z}}"))
    source = open_dump(str(tmp_path / "dump"), allow_edited=True)
    assert source.schema().tables[0].columns[1].default is not None
    assert source.defaults == {}


# What is made of the reflected schema


def test_a_schema_may_be_described(make_database: MakeDatabase) -> None:
    url = blog(make_database, "sqlite", TAGS)

    def without_posts(schema: Schema) -> Schema:
        return Schema(tuple(table for table in schema if table.name == "tag"))

    for opened in (
        DatabaseSource(backend_for(sa.make_url(url)), without_posts),
        DatabaseTarget(backend_for(sa.make_url(url)), without_posts),
        open_source(sa.make_url(url), describe=without_posts),
        open_target(sa.make_url(url), create=False, describe=without_posts),
    ):
        with closing(opened):
            assert [table.name for table in opened.schema()] == ["tag"]
    assert copy(url, blog(make_database, "mysql"), selection=Selection(tables=("tag",))).verified
