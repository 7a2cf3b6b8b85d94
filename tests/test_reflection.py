"""Real databases described in neutral words: every odd type, key, default and thing to leave out."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core.databases.mysql import catalog as mysql_catalog
from dbdump_core.databases.postgresql import catalog as postgresql_catalog
from dbdump_core.databases.reflection import reflect
from dbdump_core.databases.sqlite import catalog as sqlite_catalog
from dbdump_core.model import schema_yaml
from dbdump_core.model.schema import (
    Check,
    Default,
    DefaultKind,
    ForeignKey,
    Identity,
    Index,
    Table,
    TableKey,
    UniqueKey,
)

CATALOGS: dict[str, Any] = {
    "sqlite": sqlite_catalog,
    "postgresql": postgresql_catalog,
    "mysql": mysql_catalog,
    "mariadb": mysql_catalog,
}
ANY_MYSQL = pytest.mark.parametrize("engine_name", ["mysql", "mariadb"])
NOW = Default(DefaultKind.DATETIME, "now")


@pytest.fixture
def connection(engine_name: str, database_url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(database_url)
    with engine.connect() as opened:
        if engine_name == "postgresql":
            opened.exec_driver_sql("SET TIME ZONE 'UTC'")
        yield opened
    engine.dispose()


def run(connection: sa.Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def described(connection: sa.Connection, engine: str) -> dict[str, Table]:
    """Return the tables by name, after a journey through YAML that must not change them."""
    schema = reflect(connection, CATALOGS[engine])
    assert schema_yaml.loads(schema_yaml.dumps(schema)) == schema
    return {str(table.key): table for table in schema}


def check_columns(connection: sa.Connection, engine: str, rows: list[tuple[Any, ...]]) -> None:
    """Make a table of one column for each (SQL, type, other expected attributes) and compare."""
    inside = ", ".join(f"c{at} {row[0]}" for at, row in enumerate(rows))
    # Drivers with parameters in the style of printf halve percent signs.
    percent = "%" if engine == "sqlite" else "%%"
    run(connection, f"CREATE TABLE t ({inside})".replace("%", percent))
    table = described(connection, engine)["t"]
    for found, (sql, type_, *others) in zip(table.columns, rows, strict=True):
        expected = others[0] if others else {}
        assert str(found.type) == type_, sql
        assert {key: getattr(found, key) for key in expected} == expected, sql


def value(literal: str | float) -> dict[str, Any]:
    return {"default": Default(DefaultKind.VALUE, literal)}


def sql(text: str) -> dict[str, Any]:
    return {"default": Default(DefaultKind.SQL, text)}


# --- PostgreSQL ---------------------------------------------------------------------------------

POSTGRESQL = [
    ("smallint", "smallint"), ("integer DEFAULT -5", "integer", value(-5)),
    ("bigint DEFAULT 5", "bigint", value(5)),
    ("integer DEFAULT (1+2)", "integer", sql("(1 + 2)")), ("numeric", "decimal"),
    ("numeric(12)", "decimal(12,0)"),
    ("numeric(12,2) DEFAULT 1.50", "decimal(12,2)", value("1.50")), ("numeric(2,-3)", "decimal(5,0)"),
    ("numeric(3,5)", "decimal(5,5)"), ("real DEFAULT -1.5", "real", value(-1.5)),
    ("double precision DEFAULT '1e10'", "float", value(1e10)), ("text DEFAULT 'now'", "text", value("now")),
    ("varchar(40) DEFAULT 'it''s \\ 100% :x'", "varchar(40)", value("it's \\ 100% :x")), ("varchar", "text"),
    ("char(4)", "char(4)"), ("char", "char(1)"), ("bpchar", "text"),
    ("bytea DEFAULT '\\x00ff'", "bytes", value("\\x00ff")),
    ("date DEFAULT '2024-01-01'", "date", value("2024-01-01")),
    ("date DEFAULT current_date", "date", {"default": Default(DefaultKind.DATE, "now")}),
    ("time DEFAULT '10:11:12.50'", "time", value("10:11:12.5")), ("time(3)", "time(3)"),
    ("time DEFAULT localtime", "time", {"default": Default(DefaultKind.TIME, "now")}),
    ("timestamp DEFAULT now()", "timestamp", {"default": NOW}), ("timestamp(0)", "timestamp(0)"),
    ("timestamp DEFAULT (now() AT TIME ZONE 'utc')", "timestamp", {"default": NOW}),
    ("timestamptz DEFAULT current_timestamp(3)", "timestamptz", {"default": NOW}),
    ("timestamptz(3) DEFAULT '2024-01-01 01:00+01'", "timestamptz(3)", value("2024-01-01 00:00:00")),
    ("text DEFAULT now()", "text", sql("now()")), ("interval", "interval"), ("interval(3)", "interval"),
    ("interval day to second(3)", "interval"), ("uuid", "uuid"), ("json", "json"), ("jsonb", "jsonb"),
    ("uuid DEFAULT gen_random_uuid()", "uuid", {"default": Default(DefaultKind.UUID)}),
    ("bit(10) DEFAULT B'1000000001'", "bit(10)", value("1000000001")), ("bit", "bit(1)"),
    ("bit varying(5)", "varbit(5)"), ("bit varying", "varbit"),
    ("boolean DEFAULT true", "boolean", value(True)),
    ("text DEFAULT NULL", "text", {"default": None}),
    ("text DEFAULT upper('x')", "text", sql("upper('x'::text)")),
    ("mood DEFAULT 'it''s'", "enum('ok', 'it''s', 'x,y')", value("it's")), ("mood[]", "native('mood[]')"),
    ("positive", "integer", {"nullable": False} | value(7)), ("positive2", "integer", {"nullable": False}),
    ("pair", "native('pair')"), ("text[] DEFAULT '{}'", "native('text[]')", value("{}")),
    ("int4range", "native('int4range')"), ("inet", "native('inet')"), ("xml", "native('xml')"),
    ("pg_lsn", "native('pg_lsn')"), ("box", "native('box')"), ("hstore", "native('hstore')"),
    ("tsvector", "native('tsvector')"), ("money", "native('money')"), ('"char"', "native('\"char\"')"),
    ("oid", "native('oid')"), ("name", "native('name')"), ("citext", "native('citext')"),
    ("timetz", "native('time with time zone')"), ("timetz(3)", "native('time(3) with time zone')"),
    ("public.\"uuid\"", "native('public.uuid')"),
    ("bigserial", "bigint", {"identity": Identity.AUTO, "default": None, "nullable": False}),
    ("integer DEFAULT nextval('other')", "integer", {"identity": Identity.AUTO, "default": None}),
    ("integer GENERATED ALWAYS AS IDENTITY", "integer", {"identity": Identity.ALWAYS}),
    ("bigint GENERATED BY DEFAULT AS IDENTITY", "bigint", {"identity": Identity.BY_DEFAULT}),
    ("integer GENERATED ALWAYS AS (c0 * 2) STORED", "integer", {"generated": "(c0 * 2)", "default": None}),
]  # fmt: skip


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_postgresql_columns(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        "CREATE EXTENSION hstore",
        "CREATE EXTENSION citext",
        "CREATE SEQUENCE other",
        "CREATE TYPE mood AS ENUM ('ok', 'it''s', 'x,y')",
        "CREATE TYPE pair AS (a int, b text)",
        'CREATE TYPE public."uuid" AS (a int)',
        "CREATE DOMAIN positive AS int CHECK (value > 0) NOT NULL DEFAULT 7",
        "CREATE DOMAIN positive2 AS positive",
    )
    check_columns(connection, engine_name, POSTGRESQL)


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_postgresql_lists_what_holds_rows_of_its_own(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        "CREATE TABLE a (gone int, x int)",
        "ALTER TABLE a DROP gone",
        "CREATE TABLE heir (y int) INHERITS (a)",
        "CREATE TABLE part (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)",
        "CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE refers (id int REFERENCES part)",
        "CREATE TABLE empty ()",
        "CREATE UNLOGGED TABLE unlogged (x int)",
        "CREATE VIEW v AS SELECT 1 AS x",
        "CREATE MATERIALIZED VIEW mv AS SELECT 1 AS x",
        "CREATE SEQUENCE s",
        "CREATE TEMPORARY TABLE a (other text)",
        'CREATE SCHEMA "Other s"',
        'CREATE TABLE "Other s".a (z int)',
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER srv FOREIGN DATA WRAPPER w",
        "CREATE FOREIGN TABLE far (x int) SERVER srv",
    )
    tables = described(connection, engine_name)
    assert list(tables) == ["a", "empty", "heir", "part", "refers", "unlogged", "Other s.a"]
    assert [c.name for c in tables["a"].columns] == ["x"]
    assert [c.name for c in tables["heir"].columns] == ["x", "y"]
    assert len(tables["refers"].foreign_keys) == 1
    assert reflect(connection, postgresql_catalog).notes == (
        "left out 1 foreign tables: 'public.far'",
        "left out 1 materialized views: 'public.mv'",
    )


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_postgresql_lists_tables_one_may_not_read(connection: sa.Connection, engine_name: str) -> None:
    """facts.md K15: information_schema would show none of them."""
    run(
        connection,
        "CREATE TABLE secret (x int)",
        "DROP ROLE IF EXISTS dbdump_reflection_nobody",
        "CREATE ROLE dbdump_reflection_nobody",
        "SET ROLE dbdump_reflection_nobody",
    )
    assert list(described(connection, engine_name)) == ["secret"]
    connection.rollback()


@pytest.mark.parametrize("engine_name", ["postgresql"])
def test_postgresql_keys(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        'CREATE SCHEMA "o.s"',
        'CREATE TABLE "o.s"."p,(x)" (a int, "b,c" text, PRIMARY KEY ("b,c", a), UNIQUE (a))',
        'CREATE TABLE t (a int, b text, c text, r int4range, CONSTRAINT "f,(k)" FOREIGN KEY (b, a)'
        ' REFERENCES "o.s"."p,(x)" ON DELETE CASCADE ON UPDATE RESTRICT DEFERRABLE INITIALLY DEFERRED,'
        ' CONSTRAINT g FOREIGN KEY (a) REFERENCES "o.s"."p,(x)" (a) ON DELETE SET NULL DEFERRABLE,'
        " CONSTRAINT u UNIQUE (a, b), EXCLUDE USING gist (r WITH &&), CONSTRAINT ck CHECK (a > 0))",
        "CREATE INDEX i ON t (b DESC, a)",
        "CREATE UNIQUE INDEX included ON t (c) INCLUDE (b)",
        "CREATE INDEX partial ON t (a) WHERE a > 5",
        "CREATE UNIQUE INDEX expression ON t (lower(b))",
        "CREATE INDEX hashed ON t USING hash (a)",
        "COMMENT ON TABLE t IS 'it''s'",
        "COMMENT ON COLUMN t.a IS 'ü'",
    )
    tables = described(connection, engine_name)
    parent = TableKey("o.s", "p,(x)")
    assert tables["o.s.p,(x)"].primary_key == ("b,c", "a")
    assert tables["t"].foreign_keys == (
        ForeignKey("g", ("a",), parent, ("a",), "set null", None, "immediate"),
        ForeignKey("f,(k)", ("b", "a"), parent, ("b,c", "a"), "cascade", "restrict", "deferred"),
    )
    assert tables["t"].unique == (UniqueKey("u", ("a", "b")),)
    assert tables["t"].indexes == (Index("i", ("b", "a")), Index("included", ("c",), True))
    assert tables["t"].checks == (Check("ck", "(a > 0)"),)
    assert (tables["t"].comment, tables["t"].columns[0].comment) == ("it's", "ü")
    assert len(tables["t"].notes) == 4


# --- MySQL and MariaDB ----------------------------------------------------------------------------

MYSQL = [
    ("tinyint", "tinyint"), ("tinyint(1) DEFAULT 1", "boolean", value(True)),
    ("bool DEFAULT false", "boolean"),
    ("tinyint(1) unsigned", "tinyint unsigned"), ("tinyint(1) DEFAULT 7", "tinyint", value(7)),
    ("smallint", "smallint"), ("mediumint unsigned zerofill", "mediumint unsigned"),
    ("int DEFAULT -5", "integer", value(-5)),
    ("int unsigned", "integer unsigned"), ("bigint unsigned", "bigint unsigned"),
    ("int DEFAULT (1 + 2)", "integer", sql("(1 + 2)")),
    ("decimal(10,2) DEFAULT 1.50", "decimal(10,2)", value("1.50")),
    ("decimal", "decimal(10,0)"), ("float", "real"), ("double DEFAULT 1e10", "float", value(1e10)),
    ("char(4)", "char(4)"),
    ("varchar(40) DEFAULT 'it''s \\\\ 100%\\n:x \"ü\"'", "varchar(40)", value('it\'s \\ 100%\n:x "ü"')),
    ("varchar(3) DEFAULT ''", "varchar(3)", value("")),
    ("varchar(10) DEFAULT 'NULL'", "varchar(10)", value("NULL")),
    ("varchar(30) DEFAULT 'current_timestamp'", "varchar(30)", value("current_timestamp")),
    ("varchar(9) DEFAULT '🍣'", "varchar(9)", {}), ("varchar(9)", "varchar(9)", {"default": None}),
    ("tinytext", "text"), ("text DEFAULT ('abc')", "text", value("abc")), ("mediumtext", "text"),
    ("longtext", "text"),
    ("binary(4)", "binary(4)"), ("varbinary(5)", "varbinary(5)"), ("tinyblob", "bytes"),
    ("longblob", "bytes"),
    ("date DEFAULT '2024-01-01'", "date", value("2024-01-01")),
    ("date DEFAULT (current_date)", "date", {"default": Default(DefaultKind.DATE, "now")}),
    ("time", "time(0)"), ("time(2) DEFAULT '10:11:12.5'", "time(2)", value("10:11:12.5")),
    ("datetime", "timestamp(0)"),
    ("datetime(3) DEFAULT current_timestamp(3) ON UPDATE current_timestamp(3)", "timestamp(3)",
     {"default": NOW}),
    ("timestamp(6) NULL DEFAULT current_timestamp(6)", "timestamptz", {"default": NOW}),
    ("year DEFAULT 2024", "year", value(2024)), ("bit(3) DEFAULT b'1'", "bit(3)", value("001")),
    ("bit", "bit(1)"),
    ("enum('a','it''s','x,y','','b\\\\s','n\\nl','ü',')','t\\tq','c\\rr','%') DEFAULT 'it''s'",
     "enum('a', 'it''s', 'x,y', '', 'b\\s', 'n\nl', 'ü', ')', 't\tq', 'c\rr', '%')", value("it's")),
    ("enum('🍣','b') CHARACTER SET utf8mb4", "text"), ("set('a','b c')", "set('a', 'b c')"),
    ("json", "json"), ("json DEFAULT ('{}')", "json", value("{}")), ("geometry", "native('geometry')"),
    ("char(36) DEFAULT (uuid())", "char(36)", {"default": Default(DefaultKind.UUID)}),
    ("int GENERATED ALWAYS AS (c7 * 2) STORED", "integer", {"default": None}), ("int INVISIBLE", "integer"),
    ("int unsigned NOT NULL AUTO_INCREMENT UNIQUE", "integer unsigned",
     {"identity": Identity.AUTO, "nullable": False}),
]  # fmt: skip


@ANY_MYSQL
def test_mysql_columns(connection: sa.Connection, engine_name: str) -> None:
    check_columns(connection, engine_name, MYSQL)
    table = described(connection, engine_name)["t"]
    assert [c.generated for c in table.columns if c.generated] in (["(`c7` * 2)"], ["`c7` * 2"])
    emoji = [c.default for c in table.columns if c.default and "?" in str(c.default.value)]
    assert [default.kind for default in emoji] == [DefaultKind.SQL]


@ANY_MYSQL
def test_tinyint_is_boolean_by_its_values_alone(connection: sa.Connection, engine_name: str) -> None:
    """facts.md I6."""
    run(
        connection,
        "CREATE TABLE `t%% :x` (a tinyint(1) DEFAULT 1, b tinyint(1) DEFAULT 1,"
        " `c%%` tinyint(1), d tinyint(1))",
        "INSERT INTO `t%% :x` VALUES (1, 1, 2, NULL), (0, -1, NULL, NULL)",
    )
    table = described(connection, engine_name)["t% :x"]
    assert [str(c.type) for c in table.columns] == ["boolean", "tinyint", "tinyint", "boolean"]
    assert [c.default and c.default.value for c in table.columns[:2]] == [True, 1]


@ANY_MYSQL
def test_mysql_keys(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        "CREATE TABLE `p``,(x)\n%%` (a int, b int, PRIMARY KEY (b, a))",
        "CREATE TABLE t (a int, b int, c varchar(99) COMMENT 'ü''s',"
        " CONSTRAINT `f,``(k)%%` FOREIGN KEY (b, a) REFERENCES `p``,(x)\n%%` (b, a)"
        " ON DELETE CASCADE, UNIQUE KEY u (b, c), KEY pre (c(5)),"
        " FULLTEXT KEY ft (c), KEY i (a, c), CONSTRAINT ck CHECK (a > 0)) COMMENT 'it''s'",
        "CREATE VIEW v AS SELECT 1 AS x",
        "CREATE TEMPORARY TABLE temporary (x int)",
    )
    tables = described(connection, engine_name)
    assert list(tables) == ["p`,(x)\n%", "t"]
    parent = TableKey(None, "p`,(x)\n%")
    table = tables["t"]
    assert tables[parent.name].primary_key == ("b", "a")
    assert table.foreign_keys == (ForeignKey("f,`(k)%", ("b", "a"), parent, ("b", "a"), "cascade"),)
    assert table.unique == (UniqueKey("u", ("b", "c")),)
    assert table.indexes == (Index("f,`(k)%", ("b", "a")), Index("i", ("a", "c")))
    assert [check.name for check in table.checks] == ["ck"]
    assert (table.comment, table.columns[2].comment) == ("it's", "ü's")
    assert len(table.notes) == 2


@pytest.mark.parametrize("engine_name", ["mariadb"])
def test_mariadb_alone(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        "CREATE SEQUENCE sq",
        "CREATE TABLE v (u uuid DEFAULT uuid(), i inet6, n inet4) WITH SYSTEM VERSIONING",
        "CREATE TABLE j (`a``b` json, c longtext CHECK (json_valid(c) AND c <> ''), d longtext)",
    )
    tables = described(connection, engine_name)
    assert [str(c.type) for c in tables["v"].columns] == ["uuid", "native('inet6')", "native('inet4')"]
    assert tables["v"].notes == ("system-versioned: the history of its rows is left out",)
    assert [str(c.type) for c in tables["j"].columns] == ["json", "text", "text"]
    assert len(tables["j"].checks) == 1
    assert reflect(connection, mysql_catalog).notes == ("left out 1 sequences: 'sq'",)


@pytest.mark.parametrize("engine_name", ["mysql"])
def test_mysql_alone(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        "SET sql_generate_invisible_primary_key = ON",
        "CREATE TABLE t (c varchar(9), d text DEFAULT ('ü'), CHECK (c <> 'it''s'))",
        "CREATE INDEX f ON t ((lower(c)))",
    )
    table = described(connection, engine_name)["t"]
    assert [c.name for c in table.columns] == ["my_row_id", "c", "d"]
    assert table.columns[2].default == Default(DefaultKind.SQL, "(?)")
    assert table.primary_key == ("my_row_id",)
    assert table.checks[0].expression == "(`c` <> _utf8mb4'it\\'s')"
    assert table.notes == ("'f' is not a plain index on columns; it is not described",)


# --- SQLite -------------------------------------------------------------------------------------

SQLITE = [
    ("INT DEFAULT 5", "bigint", value(5)), ("INTEGER DEFAULT -5", "bigint", value(-5)), ("BIGINT", "bigint"),
    ("UNSIGNED BIG INT", "bigint"), ("integer unsigned", "bigint"), ("smallint unsigned", "integer"),
    ("SMALLINT", "smallint"), ("TINYINT", "smallint"), ("MEDIUMINT", "integer"),
    ("INT DEFAULT (1+2)", "bigint", sql("1+2")),
    ("BOOL DEFAULT true", "boolean", value(True)), ("BOOLEAN DEFAULT 0", "boolean", value(False)),
    ("DECIMAL(10, 2) DEFAULT 1.50", "decimal(10,2)", value("1.50")), ("NUMERIC", "decimal"),
    ("DECIMAL(9)", "decimal(9,0)"),
    ("REAL DEFAULT 1e10", "float", value(1e10)), ("DOUBLE PRECISION", "float"), ("FLOAT", "float"),
    ("CHAR(4)", "varchar(4)"),
    ("varchar ( 40 ) DEFAULT 'it''s \\ % :x'", "varchar(40)", value("it's \\ % :x")),
    ("NATIVE CHARACTER(7)", "varchar(7)"), ("TEXT DEFAULT \"dq\"", "text", value("dq")), ("CLOB", "text"),
    ("BLOB DEFAULT x'00FF'", "bytes", value("\\x00ff")), ("BINARY(16)", "varbinary(16)"),
    ("VARBINARY(9)", "varbinary(9)"),
    ("DATE DEFAULT CURRENT_DATE", "date", {"default": Default(DefaultKind.DATE, "now")}),
    ("TIME(3)", "time(3)"),
    ("DATETIME DEFAULT current_timestamp", "timestamp", {"default": NOW}), ("TIMESTAMP(0)", "timestamp(0)"),
    ("TIMESTAMPTZ", "timestamptz"), ("TIMESTAMP WITH TIME ZONE", "timestamptz"), ("UUID", "uuid"),
    ("JSON", "json"),
    ("DECIMAL_TEXT(40,3)", "decimal(40,3)"), ("DECIMAL_TEXT", "decimal"), ("UUID_TEXT", "uuid"),
    ("JSON_TEXT", "json"),
    ("DURATION_TEXT", "interval"), ("UNSIGNED_TEXT", "bigint unsigned"), ("BIT_TEXT(5)", "bit(5)"),
    ("VARBIT_TEXT", "varbit"),
    ("TEXT DEFAULT (lower('x'))", "text", sql("lower('x')")),
    ("TEXT DEFAULT NULL", "text", {"default": Default(DefaultKind.NULL)}),
    ("INTEGER GENERATED ALWAYS AS (c0 * 2) VIRTUAL", "bigint", {"generated": "c0 * 2"}),
    ("TEXT AS ('a)' || /* ) */ c0) STORED CHECK (c0 <> ')')", "text", {"generated": "'a)' || /* ) */ c0"}),
]  # fmt: skip


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_sqlite_columns(connection: sa.Connection, engine_name: str) -> None:
    check_columns(connection, engine_name, SQLITE)


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_sqlite_columns_without_a_type(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        'CREATE TABLE "t%" (i, r FOO, ir, t STRING, b, n, "m""%")',
        """INSERT INTO "t%" VALUES (1, 1.5, 1, 'x', x'00', NULL, 1)""",
        """INSERT INTO "t%" VALUES (NULL, 2.5, 2.5, 'y', x'01', NULL, 'a')""",
    )
    table = described(connection, engine_name)["t%"]
    assert [str(c.type) for c in table.columns] == [
        "bigint",
        "float",
        "float",
        "text",
        "bytes",
        "text",
        "text",
    ]
    assert table.notes == (
        "column 'm\"%' is declared as '' and holds integer and text; it is described as text",
    )


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize("recent", [True, False])
def test_sqlite_leaves_out_what_is_not_a_table(
    connection: sa.Connection, engine_name: str, recent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """facts.md K3. Before 3.37 there is no list of tables that tells shadow tables apart."""
    if not recent:
        monkeypatch.setattr(sqlite_catalog, "_TABLES", sqlite_catalog._TABLES_BEFORE_3_37)
    run(
        connection,
        "CREATE TABLE t (x INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO t VALUES (1)",
        "CREATE VIEW v AS SELECT 1 AS x",
        "CREATE VIRTUAL TABLE ft USING fts5(x)",
        "CREATE TEMPORARY TABLE t (other)",
        'CREATE TABLE "" ("" int)',
        "CREATE TABLE derived AS SELECT 1 AS x, 2.5 AS y",
    )
    tables = described(connection, engine_name)
    assert list(tables) == ["", "derived", "t"]
    assert [c.name for c in tables["t"].columns] == ["x"]
    assert reflect(connection, sqlite_catalog).notes == ("left out 1 virtual tables: 'ft'",)


@pytest.mark.parametrize("engine_name", ["sqlite"])
@pytest.mark.parametrize(
    ("column", "identity"),
    [
        ("k INTEGER PRIMARY KEY", True),
        ("k integer PRIMARY KEY AUTOINCREMENT", True),
        ("k INTEGER, PRIMARY KEY (k)", True),
        ("k INT PRIMARY KEY", False),
        ("k INTEGER PRIMARY KEY DESC", False),
        ("k INTEGER, l INTEGER, PRIMARY KEY (k, l)", False),
    ],
)
def test_sqlite_rowid(connection: sa.Connection, engine_name: str, column: str, identity: bool) -> None:
    run(
        connection,
        f"CREATE TABLE t ({column})",
        "CREATE TABLE w (k INTEGER PRIMARY KEY, x TEXT) WITHOUT ROWID",
    )
    tables = described(connection, engine_name)
    assert tables["t"].columns[0].identity == (Identity.AUTO if identity else None)
    assert tables["t"].columns[0].nullable is not identity
    assert tables["w"].columns[0].identity is None


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_sqlite_keys(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        "CREATE TABLE p (a int, b int, PRIMARY KEY (b, a))",
        "CREATE TABLE t (x int REFERENCES t ON DELETE SET NULL, a int,"
        " b int CONSTRAINT nn NOT NULL CONSTRAINT cu UNIQUE CONSTRAINT cf REFERENCES P (A) ON UPDATE CASCADE,"
        ' "k(,)" int, k INTEGER PRIMARY KEY, CONSTRAINT "f,k" FOREIGN KEY (b, A) REFERENCES P'
        " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, UNIQUE (x), CONSTRAINT uu UNIQUE (a, b),"
        " FOREIGN KEY (a) REFERENCES gone NOT DEFERRABLE INITIALLY DEFERRED, -- a comment ) here\n"
        """ CONSTRAINT "ck (1)" CHECK (a IN (1, 2) OR x <> 'it''s'), CHECK (b < 3))""",
        'CREATE UNIQUE INDEX "i x" ON t (x, a)',
        "CREATE INDEX expression ON t (x + 1)",
        "CREATE INDEX partial ON t (a) WHERE a > 1",
        "CREATE INDEX plain ON t (a COLLATE nocase, b DESC)",
    )
    table = described(connection, engine_name)["t"]
    parent = TableKey(None, "p")
    assert table.foreign_keys == (
        ForeignKey("cf", ("b",), parent, ("a",), None, "cascade"),
        ForeignKey("f,k", ("b", "a"), parent, ("b", "a"), "cascade", None, "deferred"),
        ForeignKey(None, ("x",), TableKey(None, "t"), ("k",), "set null"),
    )
    assert table.unique == (UniqueKey(None, ("x",)), UniqueKey("cu", ("b",)), UniqueKey("uu", ("a", "b")))
    assert table.indexes == (Index("i x", ("x", "a"), True), Index("plain", ("a", "b")))
    assert table.checks == (Check(None, "b < 3"), Check("ck (1)", "a IN (1, 2) OR x <> 'it''s'"))
    assert len(table.notes) == 3


# --- every engine -----------------------------------------------------------------------------------


def test_an_empty_database_has_no_tables(connection: sa.Connection, engine_name: str) -> None:
    assert described(connection, engine_name) == {}


@contextmanager
def work_counted(connection: sa.Connection) -> Iterator[Counter[str]]:
    """Count the statements that are run, and the calls of functions."""
    work: Counter[str] = Counter()

    def statement(*_: object) -> None:
        work["statements"] += 1

    def profile(frame: object, event: str, argument: object) -> None:
        work["calls"] += event == "call"

    sa.event.listen(connection, "before_cursor_execute", statement)
    sys.setprofile(profile)
    try:
        yield work
    finally:
        sys.setprofile(None)
        sa.event.remove(connection, "before_cursor_execute", statement)


def test_two_hundred_tables_are_no_more_work_each_than_ten(connection: sa.Connection, engine_name: str) -> None:
    if engine_name == "sqlite":
        run(connection, "BEGIN")
    done = []
    for start, end in ((0, 10), (10, 200)):
        for at in range(start, end):
            run(connection, f"CREATE TABLE t{at} (id int PRIMARY KEY, a varchar(40) UNIQUE, b int, c date)")
        with work_counted(connection) as work:
            schema = reflect(connection, CATALOGS[engine_name])
        done.append(work)
    few, many = done
    assert many["calls"] < 24 * few["calls"]
    assert many["statements"] <= (20 * few["statements"] if engine_name == "sqlite" else few["statements"])
    assert len(schema) == 200
    assert [table.name for table in schema] == sorted(table.name for table in schema)
    assert all(len(table.columns) == 4 and table.primary_key == ("id",) for table in schema)
    assert all(len(table.unique) == 1 for table in schema)


def test_any_other_engine_is_described_by_sqlalchemy(connection: sa.Connection, engine_name: str) -> None:
    run(
        connection,
        "CREATE TABLE p (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE t (id bigint NOT NULL PRIMARY KEY, p int, n numeric(10,2), s varchar(40), d date,"
        " f double precision, ts timestamp NULL, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE,"
        " CONSTRAINT u UNIQUE (s))",
        "CREATE INDEX i ON t (d, f)",
        "CREATE VIEW v AS SELECT 1 AS x",
    )
    schema = reflect(connection)
    assert [table.name for table in schema] == ["p", "t"]
    table = schema.by_key[TableKey(None, "t")]
    names = ["bigint", "bigint", "decimal(10,2)", "varchar(40)", "date", "float", "timestamp"]
    assert [str(c.type) for c in table.columns] == names
    assert [c.nullable for c in table.columns] == [False] + [True] * 6
    (key,) = table.foreign_keys
    assert (key.columns, key.table, key.referred, key.on_delete) == (
        ("p",),
        TableKey(None, "p"),
        ("id",),
        "cascade",
    )
    assert Index("i", ("d", "f")) in table.indexes
    assert UniqueKey("u", ("s",)) in table.unique
