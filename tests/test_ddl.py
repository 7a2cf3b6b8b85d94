"""Tables made from neutral ones read back as `as_created` said, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core.databases import ddl
from dbdump_core.databases.expressions import portable_expression
from dbdump_core.databases.mysql import catalog as mysql_catalog
from dbdump_core.databases.mysql.spelling import MysqlSpelling
from dbdump_core.databases.postgresql import catalog as postgresql_catalog
from dbdump_core.databases.postgresql.spelling import PostgresqlSpelling, is_native
from dbdump_core.databases.reflection import reflect
from dbdump_core.databases.spelling import Spelling, as_created, names_in
from dbdump_core.databases.sqlite import catalog as sqlite_catalog
from dbdump_core.databases.sqlite.spelling import SqliteSpelling
from dbdump_core.errors import MismatchError
from dbdump_core.model import types
from dbdump_core.model.schema import (
    Check,
    Column,
    Default,
    DefaultKind,
    ForeignKey,
    Identity,
    Index,
    Schema,
    Table,
    TableKey,
    UniqueKey,
)
from dbdump_core.model.types import Kind, Type

SPELLINGS: dict[str, Spelling] = {
    "sqlite": SqliteSpelling(),
    "postgresql": PostgresqlSpelling(),
    "mysql": MysqlSpelling(),
    "mariadb": MysqlSpelling(),
}
CATALOGS = {
    "sqlite": sqlite_catalog,
    "postgresql": postgresql_catalog,
    "mysql": mysql_catalog,
    "mariadb": mysql_catalog,
}


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(database_url)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def create(connection: sa.Connection, spelling: Spelling, tables: tuple[Table, ...]) -> None:
    ddl.create_tables(connection, spelling, tables)
    ddl.create_indexes(connection, spelling, tables)
    ddl.create_foreign_keys(connection, spelling, tables)


def made(
    connection: sa.Connection, engine: str, tables: tuple[Table, ...], *, source: str | None = None
) -> dict[TableKey, Table]:
    """Create `tables`, check that they read back as announced, and return them as announced."""
    spelling = SPELLINGS[engine]
    announced = as_created(tables, spelling, source=source)
    create(connection, spelling, announced)
    found = reflect(connection, CATALOGS[engine])
    for table in announced:
        assert plain(found.by_key[table.key]) == plain(table)
    assert len(found) == len(announced)
    return {table.key: table for table in announced}


def plain(table: Table) -> Table:
    """Return a table without how an engine prints expressions."""
    columns = [replace(c, generated=None if c.generated is None else "computed") for c in table.columns]
    return table.with_columns(tuple(columns))


def column(name: str, type_: Type = types.INTEGER, **more: Any) -> Column:
    return Column(name, type_, **more)


def named_types(*types_: Type) -> tuple[Column, ...]:
    return tuple(column(f"c{at}", type_) for at, type_ in enumerate(types_))


INTEGERS = [Type(Kind.INTEGER, bits=n, unsigned=u) for n in (8, 16, 24, 32, 64) for u in (False, True)]
EVERY_TYPE = [
    *INTEGERS, types.BOOLEAN, types.FLOAT, types.REAL, types.TEXT, types.BYTES, types.DATE, types.TIME,
    types.TIMESTAMP, types.TIMESTAMPTZ, types.UUID, types.JSON, Type(Kind.YEAR),
    Type(Kind.JSON, name="jsonb"), Type(Kind.INTERVAL), Type(Kind.DECIMAL, precision=12, scale=2),
    Type(Kind.DECIMAL, precision=40, scale=3),
    Type(Kind.DECIMAL, precision=5, scale=5), Type(Kind.TEXT, length=40), Type(Kind.TEXT, length=0),
    Type(Kind.TEXT, length=4, fixed=True), Type(Kind.TEXT, length=20_000), Type(Kind.BYTES, length=9),
    Type(Kind.TEXT, length=300, fixed=True), Type(Kind.BYTES, length=16, fixed=True),
    Type(Kind.BYTES, length=300, fixed=True), Type(Kind.BYTES, length=20_000),
    Type(Kind.TIME, precision=0), Type(Kind.TIMESTAMP, precision=3),
    Type(Kind.TIMESTAMP, precision=0, zoned=True), Type(Kind.BIT, length=10, fixed=True),
    Type(Kind.BIT, length=64, fixed=True), Type(Kind.BIT, length=65, fixed=True), Type(Kind.BIT, length=10),
    Type(Kind.BIT), Type(Kind.SET, values=("a", "b c")), Type(Kind.SET, values=("a", "b,c")),
    Type(Kind.ENUM, values=("a", "it's", "x,y", "", "no", ")", "back\\slash", "ü\n", "%", "%s", ":x", "A")),
    Type(Kind.ENUM, values=("blank ",)),
    Type(Kind.ENUM, values=("🍣", "?")), Type(Kind.ENUM), Type(Kind.NATIVE, name="inet"),
    Type(Kind.NATIVE, name="text[]"), Type(Kind.NATIVE, name="time(3) with time zone"),
    Type(Kind.NATIVE, name="int4range"), Type(Kind.NATIVE, name="hstore"), Type(Kind.NATIVE, name="point"),
    Type(Kind.NATIVE, name='"char"'), Type(Kind.NATIVE, name="inet; drop table t"),
]  # fmt: skip


def test_every_type(connection: sa.Connection, engine_name: str) -> None:
    made(connection, engine_name, (Table("t", named_types(*EVERY_TYPE)),))


def test_types_that_change_say_so(engine_name: str) -> None:
    (table,) = as_created(
        (Table("t", (column("c", Type(Kind.NATIVE, name="hstore")),)),), SPELLINGS[engine_name]
    )
    assert table.notes == ("column 'c': native('hstore') becomes text",)


def test_unlimited_decimals(connection: sa.Connection, engine_name: str) -> None:
    tables = (Table("t", (column("c", Type(Kind.DECIMAL)),)),)
    if engine_name in ("mysql", "mariadb"):
        with pytest.raises(
            MismatchError, match=r"^table 't', column 'c': decimal has no precision.*; give it one"
        ):
            made(connection, engine_name, tables)
    else:
        made(connection, engine_name, tables)


def test_decimals_beyond_mysql(engine_name: str) -> None:
    tables = (Table("t", (column("c", Type(Kind.DECIMAL, precision=66, scale=2)),)),)
    if engine_name in ("mysql", "mariadb"):
        with pytest.raises(MismatchError, match="beyond MySQL"):
            as_created(tables, SPELLINGS[engine_name])
    else:
        assert as_created(tables, SPELLINGS[engine_name])[0].columns == tables[0].columns


DEFAULTS: list[tuple[Type, Any]] = [
    (types.INTEGER, 5), (types.INTEGER, -5), (types.BIGINT, -(2**63)),
    (types.BOOLEAN, True), (types.BOOLEAN, False),
    (types.FLOAT, 1.5), (types.FLOAT, -1e22), (types.TEXT, "it's \\ 100% :x \"q\"\n"), (types.TEXT, ""),
    (Type(Kind.TEXT, length=40), "it's \\ 100% %s :x\nü"), (Type(Kind.TEXT, length=9), "NULL"),
    (Type(Kind.DECIMAL, precision=12, scale=2), "-1.50"), (types.DATE, "2024-02-29"),
    (types.TIME, "10:11:12.5"),
    (types.TIMESTAMP, "2024-01-01 00:00:00"), (types.TIMESTAMPTZ, "2024-01-01 12:00:00"),
    (Type(Kind.BIT, length=3, fixed=True), "011"), (types.JSON, '{"a": 1}'),
    (types.UUID, "00000000-0000-4000-8000-000000000000"),
    (Type(Kind.ENUM, values=("a", "it's")), "it's"), (types.BYTES, "\\x00ff"),
]  # fmt: skip


def test_literal_defaults(connection: sa.Connection, engine_name: str) -> None:
    columns = tuple(
        column(f"c{at}", type_, default=Default(DefaultKind.VALUE, value))
        for at, (type_, value) in enumerate(DEFAULTS)
    )
    table = made(connection, engine_name, (Table("t", columns),))[TableKey(None, "t")]
    kept = {at for at in range(len(DEFAULTS)) if table.columns[at].default is not None}
    lost = {20} if engine_name in ("mysql", "mariadb") else set()
    assert kept == set(range(len(DEFAULTS))) - lost


def test_a_default_holds_any_letter(connection: sa.Connection, engine_name: str) -> None:
    columns = tuple(
        column(f"c{at}", type_, default=Default(DefaultKind.VALUE, "ü 🍣 ?"))
        for at, type_ in enumerate((types.TEXT, Type(Kind.TEXT, length=9)))
    )
    create(
        connection,
        SPELLINGS[engine_name],
        as_created((Table("t", (column("k"), *columns)),), SPELLINGS[engine_name]),
    )
    connection.execute(sa.insert(sa.table("t", sa.column("k"))).values(k=1))
    assert list(connection.execute(sa.text("SELECT c0, c1 FROM t")).one()) == ["ü 🍣 ?"] * 2


def test_defaults_that_are_now(connection: sa.Connection, engine_name: str) -> None:
    columns = (
        column("a", types.DATE, default=Default(DefaultKind.DATE, "now")),
        column("b", types.TIME, default=Default(DefaultKind.TIME, "now")),
        column("c", types.TIMESTAMP, default=Default(DefaultKind.DATETIME, "now")),
        column("d", Type(Kind.TIMESTAMP, precision=0), default=Default(DefaultKind.DATETIME, "now")),
        column("e", types.TIMESTAMPTZ, default=Default(DefaultKind.DATETIME, "now")),
    )
    table = made(connection, engine_name, (Table("t", columns),))[TableKey(None, "t")]
    assert [c.default and c.default.value for c in table.columns] == ["now"] * 5
    row = sa.insert(sa.table("t", sa.column("a"))).values(a="2024-01-01")
    connection.execute(row)
    assert connection.execute(sa.text("SELECT e FROM t")).scalar() is not None


def test_defaults_that_are_not_created(connection: sa.Connection, engine_name: str) -> None:
    columns = (
        column("a", default=Default(DefaultKind.SQL, "1); drop table t; --")),
        column("b", default=Default(DefaultKind.REFERENCE, "a")),
        column("c", default=Default(DefaultKind.NULL)),
        column("d", default=Default(DefaultKind.VALUE, "not a number")),
        column("e", types.TEXT, default=Default(DefaultKind.UUID)),
    )
    table = made(connection, engine_name, (Table("t", columns),))[TableKey(None, "t")]
    assert [c.default for c in table.columns] == [None] * 5
    assert len(table.notes) == 4


def test_uuid_default(connection: sa.Connection, engine_name: str) -> None:
    tables = (Table("t", (column("u", types.UUID, default=Default(DefaultKind.UUID)),)),)
    table = made(connection, engine_name, tables)[TableKey(None, "t")]
    assert (table.columns[0].default is not None) == (engine_name == "postgresql")


def keyed() -> tuple[Table, ...]:
    """Tables with every sort of key: composite, self-referring, in a cycle, text."""
    country = Table("country", (column("code", types.TEXT, nullable=False),), primary_key=("code",))
    customer = Table(
        "customer",
        (
            column("id", types.BIGINT, nullable=False, identity=Identity.AUTO),
            column("boss", types.BIGINT),
            column("country", types.TEXT),
            column("mail", Type(Kind.TEXT, length=100)),
            column("token", types.BYTES),
            column("favourite", types.BIGINT),
            column("line", types.INTEGER),
        ),
        primary_key=("id",),
        unique=(UniqueKey("mail_key", ("mail",)), UniqueKey("tl", ("token", "line"))),
        foreign_keys=(
            ForeignKey("boss_fk", ("boss",), TableKey(None, "customer"), ("id",), "set null"),
            ForeignKey("country_fk", ("country",), TableKey(None, "country"), ("code",), on_update="cascade"),
            ForeignKey(
                "cycle_fk",
                ("favourite", "line"),
                TableKey(None, "item"),
                ("order", "line"),
                deferrable="deferred",
            ),
        ),
        indexes=(Index("by_country", ("country", "line")), Index("u", ("boss", "line"), unique=True)),
        checks=(Check("ck", "line > 0"),),
    )
    item = Table(
        "item",
        (
            column("order", types.BIGINT, nullable=False),
            column("line", types.INTEGER, nullable=False),
            column("customer", types.BIGINT, nullable=False),
        ),
        primary_key=("order", "line"),
        unique=(UniqueKey("mail_key", ("customer", "line")),),
        foreign_keys=(
            ForeignKey("c", ("customer",), TableKey(None, "customer"), ("id",), "cascade", None, "immediate"),
        ),
        indexes=(Index("by_country", ("line",)),),
    )
    return country, customer, item


def test_keys_cycles_and_indexes(connection: sa.Connection, engine_name: str) -> None:
    tables = made(connection, engine_name, keyed())
    assert tables[TableKey(None, "customer")].columns[0].identity is not None
    assert len({index.name for table in tables.values() for index in table.indexes}) >= 2


def test_unnamed_keys_get_names_where_they_need_them(connection: sa.Connection, engine_name: str) -> None:
    tables = tuple(
        replace(
            table,
            unique=tuple(replace(key, name=None) for key in table.unique),
            foreign_keys=tuple(replace(key, name=None) for key in table.foreign_keys),
        )
        for table in keyed()
    )
    made(connection, engine_name, tables)


def test_names_that_are_there_already_are_not_taken(connection: sa.Connection, engine_name: str) -> None:
    spelling = SPELLINGS[engine_name]
    create(connection, spelling, as_created(keyed(), spelling))
    there = reflect(connection, CATALOGS[engine_name])
    more = as_created(
        (
            Table(
                "more",
                (column("a"), column("b")),
                indexes=(Index("by_country", ("a",)), Index("more", ("b",))),
            ),
        ),
        spelling,
        taken=names_in(there),
    )
    create(connection, spelling, more)
    found = reflect(connection, CATALOGS[engine_name]).by_key[TableKey(None, "more")]
    assert found.indexes == more[0].indexes
    assert len(found.indexes) == 2


def test_long_names_of_keys_are_cut_and_stay_apart(connection: sa.Connection, engine_name: str) -> None:
    long = "é" * 70
    tables = tuple(
        Table(
            name,
            (column("a", nullable=False), column("b"), column("c")),
            primary_key=("a",),
            unique=(UniqueKey(long + "1", ("b",)), UniqueKey(long + "2", ("c",))),
            indexes=(Index(long, ("b", "c")), Index(long + "x", ("c", "b"))),
            foreign_keys=(ForeignKey(long, ("b",), TableKey(None, name), ("a",)),),
        )
        for name in ("t", "u")
    )
    made(connection, engine_name, tables)


@pytest.mark.parametrize("identity", list(Identity))
@pytest.mark.parametrize("type_", [*INTEGERS, Type(Kind.DECIMAL, precision=9, scale=0)], ids=str)
def test_numbered_rows(engine_name: str, identity: Identity, type_: Type) -> None:
    tables = (Table("t", (column("id", type_, nullable=False, identity=identity),), primary_key=("id",)),)
    (table,) = as_created(tables, SPELLINGS[engine_name])
    assert (table.columns[0].identity is None) == (type_.kind is Kind.DECIMAL)


@pytest.mark.parametrize("identity", list(Identity))
def test_numbered_rows_number_themselves(
    connection: sa.Connection, engine_name: str, identity: Identity
) -> None:
    key = column("id", Type(Kind.INTEGER, bits=64, unsigned=True), nullable=False, identity=identity)
    child = Table(
        "u",
        (column("t", Type(Kind.INTEGER, bits=64, unsigned=True)),),
        foreign_keys=(ForeignKey("f", ("t",), TableKey(None, "t"), ("id",)),),
    )
    made(connection, engine_name, (Table("t", (key, column("v")), primary_key=("id",)), child))
    for value in (7, 8):
        connection.execute(sa.insert(sa.table("t", sa.column("v"))).values(v=value))
    assert connection.execute(sa.text("SELECT id FROM t ORDER BY v")).scalars().all() == [1, 2]


def test_a_number_that_is_no_key_is_a_plain_column(connection: sa.Connection, engine_name: str) -> None:
    table = Table("t", (column("a", identity=Identity.AUTO), column("b", nullable=False)), primary_key=("b",))
    found = made(connection, engine_name, (table,))[table.key]
    assert (found.columns[0].identity is None) == (engine_name != "postgresql")


GENERATED = [
    ("(a * 2) + b", True), ('("a" - `b`)', True), ("-a", True), ("a / b", False), ("round(a)", False),
    ("a::text", False), ("(a", False), ("a; drop table t", False), ("a + (select 1)", False),
    ("nosuch + 1", False),
    ("a * 1.5e3", False), ("'x'", False), ("", False), ("price * 2", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "portable"), GENERATED)
def test_generated_columns(connection: sa.Connection, engine_name: str, text: str, portable: bool) -> None:
    price = Type(Kind.DECIMAL, precision=10, scale=2)
    type_ = price if "price" in text else types.BIGINT
    columns = (column("a"), column("b"), column("price", price), column("g", type_, generated=text))
    source = "oracle"
    table = made(connection, engine_name, (Table("t", columns),), source=source)[TableKey(None, "t")]
    expected = portable and not ("price" in text and engine_name == "sqlite")
    assert (table.columns[3].generated is not None) == expected


def test_generated_columns_of_the_same_engine(connection: sa.Connection, engine_name: str) -> None:
    columns = (
        column("a% :x"),
        column('b"`', types.TEXT),
        column("g", generated='"a% :x" / 2'),
        column("h", types.TEXT, generated='coalesce(lower(`b"```), `b"```)'),
    )
    table = made(connection, engine_name, (Table("t", columns),), source=engine_name)[TableKey(None, "t")]
    assert [c.generated is not None for c in table.columns] == [False, False, True, True]
    connection.execute(sa.insert(sa.table("t", sa.column("a% :x"))).values({"a% :x": 8}))
    assert int(connection.execute(sa.text("SELECT g FROM t")).scalar_one()) == 4


def test_an_expression_cannot_be_deep_enough_to_hurt() -> None:
    assert portable_expression("(" * 100_000 + "a" + ")" * 100_000, ["a"], same_engine=True) is None
    assert portable_expression("-" * 100_000 + "a", ["a"], same_engine=True) is None
    assert portable_expression("+".join("a" * 5000), ["a"], same_engine=True) is None


NASTY = [
    "select", "Users", "users2", 'q"uote', "back`tick", "100%", "%s", "%(x)s", ":x", "a;--", "new\nline",
    "日本",
    " lead", "a.b", "a,b", "(a)", "[a]", "it's", "back\\slash", "\x1b[0m", "'", '"', "ta\tb", "é" * 20,
    "../../etc/x",
]  # fmt: skip


def test_nasty_names(connection: sa.Connection, engine_name: str) -> None:
    tables = [
        Table(
            name,
            tuple(column(n, nullable=at > 0) for at, n in enumerate(NASTY)),
            primary_key=(NASTY[0],),
            unique=(UniqueKey(f"u {name}", (name, NASTY[1] if name != NASTY[1] else NASTY[2])),),
            indexes=(Index(f"i {name}", (name,)),),
            foreign_keys=(ForeignKey(f"f {name}", (NASTY[1],), TableKey(None, NASTY[0]), (NASTY[0],)),),
        )
        for name in NASTY
    ]
    made(connection, engine_name, tuple(tables))


def test_names_that_an_engine_cannot_have_are_refused(engine_name: str) -> None:
    refused = {
        "sqlite": ["a\0", "sqlite_x"],
        "postgresql": ["", "é" * 40, "a\0"],
        "mysql": ["", "a" * 65, "blank ", "🍣"],
        "mariadb": ["", "a" * 65, "blank ", "🍣"],
    }
    for name in refused[engine_name]:
        for table in (Table(name, (column("c"),)), Table("t", (column(name),))):
            with pytest.raises(MismatchError, match="rename"):
                as_created((table,), SPELLINGS[engine_name])


def test_other_schemas(connection: sa.Connection, engine_name: str) -> None:
    parent = Table("p", (column("id", nullable=False),), schema='Other "s" %', primary_key=("id",))
    child = Table("p", (column("id"),), foreign_keys=(ForeignKey("f", ("id",), parent.key, ("id",)),))
    if engine_name == "postgresql":
        made(connection, engine_name, (parent, child))
    else:
        with pytest.raises(MismatchError, match="has no schemas; rename"):
            as_created((parent, child), SPELLINGS[engine_name])


def test_tables_without_columns_and_with_too_many(connection: sa.Connection, engine_name: str) -> None:
    if engine_name == "postgresql":
        made(connection, engine_name, (Table("t", ()),))
    else:
        with pytest.raises(MismatchError, match="no columns"):
            as_created((Table("t", ()),), SPELLINGS[engine_name])
    with pytest.raises(MismatchError, match="2001 columns"):
        as_created((Table("t", named_types(*[types.INTEGER] * 2001)),), SPELLINGS[engine_name])


def test_rows_too_wide_for_varchar(connection: sa.Connection, engine_name: str) -> None:
    made(connection, engine_name, (Table("t", named_types(*[Type(Kind.TEXT, length=2000)] * 20)),))


def test_comments(connection: sa.Connection, engine_name: str) -> None:
    table = Table(
        "t", (column("c", comment="it's 100% \\ :x"), column("d", comment="x" * 2000)), comment="'ü\n%s"
    )
    found = made(connection, engine_name, (table,))[table.key]
    assert found.comment == (None if engine_name == "sqlite" else "'ü\n%s")


def test_texts_that_differ_are_different_keys(connection: sa.Connection, engine_name: str) -> None:
    """facts.md S14: no collation may take one text for another."""
    table = Table("t", (column("k", Type(Kind.TEXT, length=20), nullable=False),), primary_key=("k",))
    made(connection, engine_name, (table,))
    texts = ["a", "A", "á", "a ", "ß", "ss", "🍣", "🍺", "\u00ad", "", "e\u0301", "é"]
    for text in texts:
        connection.execute(sa.insert(sa.table("t", sa.column("k"))).values(k=text))
    assert sorted(connection.execute(sa.text("SELECT k FROM t")).scalars()) == sorted(texts)


def test_text_of_digits_stays_text(connection: sa.Connection, engine_name: str) -> None:
    """facts.md S15: a declared type may not eat digits."""
    kinds = [
        types.TEXT, Type(Kind.TEXT, length=40), Type(Kind.ENUM, values=("007",)), types.JSON,
        Type(Kind.DECIMAL, precision=40, scale=3), Type(Kind.SET, values=("007",)),
    ]  # fmt: skip
    if engine_name == "sqlite":
        kinds += [
            types.UUID,
            Type(Kind.INTERVAL),
            Type(Kind.BIT, length=20, fixed=True),
            Type(Kind.BIT),
            INTEGERS[-1],
        ]
        made(connection, engine_name, (Table("t", named_types(*kinds)),))
        values = {f"c{at}": "18446744073709551615" for at in range(len(kinds))}
        connection.execute(sa.insert(sa.table("t", *map(sa.column, values))).values(values))
        row = connection.execute(sa.text("SELECT * FROM t")).one()
        assert list(row) == ["18446744073709551615"] * len(kinds)
    else:
        made(connection, engine_name, (Table("t", named_types(*kinds[:3])),))
        connection.execute(
            sa.insert(sa.table("t", *map(sa.column, ("c0", "c1", "c2")))).values(c0="007", c1="007", c2="007")
        )
        assert list(connection.execute(sa.text("SELECT * FROM t")).one()) == ["007"] * 3


@pytest.mark.parametrize(
    "name", ["inet", "text[]", "numeric(10,2)[]", "time(3) with time zone", '"char"', "int4range[]"]
)
def test_types_that_every_postgresql_has(name: str) -> None:
    assert is_native(name)


@pytest.mark.parametrize(
    "name", ["hstore", "inet; drop table t", "text", "inet --", "inet\n", "public.inet", "", "[]", "int4"]
)
def test_no_other_text_becomes_a_type(name: str) -> None:
    assert not is_native(name)


def test_a_whole_schema_file_survives(connection: sa.Connection, engine_name: str) -> None:
    tables = tuple(made(connection, engine_name, keyed()).values())
    assert Schema(as_created(tables, SPELLINGS[engine_name])) == Schema(tables)
