"""Values that a target cannot hold: refused by name on every path, verified or not, and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dbdump_core.errors import DbdumpError, MismatchError, ValueRefusedError
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import parse_type
from dbdump_core.operations import copy
from tests.memory import MemorySource
from tests.promises import MYSQLS, execute, load_memory, query, refused
from tests.servers import ENGINES, SERVER_ENGINES

UNHELD = [
    # the value's type, the value, the column's type at the target, engines
    ("integer", "2147483648", "integer", SERVER_ENGINES),
    ("bigint", "2147483648", "integer", SERVER_ENGINES),
    ("bigint", "-32769", "smallint", SERVER_ENGINES),
    ("integer", "-1", "int unsigned", MYSQLS),
    ("bigint unsigned", "18446744073709551615", "bigint", ("postgresql", "mysql", "mariadb", "sqlite")),
    ("text", "toolong", "varchar(6)", SERVER_ENGINES),
    ("text", "sixsix  ", "varchar(6)", SERVER_ENGINES),
    ("varchar(40)", "é" * 7, "varchar(6)", SERVER_ENGINES),
    ("bytes", "\\x00010203", "varbinary(3)", MYSQLS),
    ("decimal(12,3)", "1.239", "decimal(10,2)", SERVER_ENGINES),
    ("decimal(12,2)", "12345678901.00", "decimal(10,2)", SERVER_ENGINES),
    ("decimal", "NaN", "decimal(10,2)", MYSQLS),
    ("text", "a\0b", "text", ("postgresql",)),
    ("float", "NaN", "double precision", (*MYSQLS, "sqlite")),
    ("float", "inf", "double precision", MYSQLS),
    ("float", "0.1", "real", ("postgresql",)),
    ("float", "0.1", "float", MYSQLS),
    ("float", "1e300", "real", ("postgresql",)),
    ("date", "0000-00-00", "date", ("postgresql",)),
    ("timestamp", "2024-01-01 00:00:00.5", "timestamp(0)", ("postgresql",)),
    ("timestamp", "2024-01-01 00:00:00.5", "datetime", MYSQLS),
    ("timestamp", "0999-01-01 00:00:00", "timestamp(6)", MYSQLS),
    ("timestamp", "2040-01-01 00:00:00", "timestamp(6) NULL", ("mariadb", "mysql")),
    ("time", "-00:00:01", "time", ("postgresql",)),
    ("text", "🍣", "varchar(9) CHARACTER SET latin1", MYSQLS),
    ("text", "🍣", "varchar(9) CHARACTER SET utf8mb3", MYSQLS),
    ("text", "c", "enum('a','b')", MYSQLS),
    ("text", "", "enum('a','b')", MYSQLS),
    ("text", "x", "integer", SERVER_ENGINES),
    ("text", "2024-02-30", "date", SERVER_ENGINES),
    ("text", "{", "json", ("postgresql", "mysql", "mariadb")),
    ("integer", "2", "boolean", ("postgresql",)),
    ("text", "not-a-uuid", "uuid", ("postgresql", "mariadb")),
    ("bytes", "\\x000102", "binary(4)", MYSQLS),
    ("text", "007", "integer", ("sqlite",)),
    ("text", "1e3", "numeric", ("sqlite",)),
    ("decimal(30,5)", "1234567890123456789.12345", "decimal(30,5)", ("sqlite",)),
]  # fmt: skip
ALL = "SELECT * FROM t ORDER BY id"
LOOSE = [
    # values that only a source without types, or an edited dump, can hold
    ("timestamp", "2024-01-01 00:00:00+02:00", "timestamp", ("postgresql",)),
    ("timestamp", "2024-01-01 00:00:00+02:00", "datetime(6)", MYSQLS),
    ("date", "2024-02-30", "date", SERVER_ENGINES),  # SQLite keeps the text as it is
    ("integer", "abc", "integer", ENGINES),
    ("integer", "1_0", "bigint", ENGINES),
    ("decimal(9,2)", "1e2", "decimal(9,2)", SERVER_ENGINES),
    ("boolean", "yes", "boolean", ENGINES),
    ("bytes", "\\xzz", "blob", (*MYSQLS, "sqlite")),
    ("uuid", "xyz", "uuid", ("postgresql",)),
    ("json", "{", "json", ("postgresql", *MYSQLS)),
]  # fmt: skip
# SQLite's portable path is for the tables that this program makes: their columns are text there.
NATIVE_ONLY = [("sqlite", "decimal(30,5)")]


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", ENGINES)
def test_values_that_the_target_cannot_hold(make_database: Callable[[str], str], engine: str, native: bool) -> None:
    target = make_database(engine)
    for typed, cases in ((True, UNHELD), (False, LOOSE)):
        for source, value, column, engines in cases:
            if engine in engines and (native or (engine, source) not in NATIVE_ONLY):
                problem = problem_of(target, (source, value, column), typed=typed, native=native)
                assert problem is None, (source, value, column, problem)


def problem_of(target: str, case: tuple[str, str, str], *, typed: bool, native: bool) -> str | None:
    """What is wrong with how a value is refused, None if nothing; verification is off, so it cannot help."""
    source, value, column = case
    execute(
        target,
        "DROP TABLE IF EXISTS t",
        f"CREATE TABLE t (id integer PRIMARY KEY, v {column})",
        "INSERT INTO t (id) VALUES (1)",
    )
    columns = (Column("id", parse_type("integer"), nullable=False), Column("v", parse_type(source)))
    good: list[tuple[str | None, ...]] = [(str(number), None) for number in range(7, 12)]
    rows = {Table("t", columns, primary_key=("id",)): [*good, ("42", value)]}
    try:
        load_memory(MemorySource(rows, typed=typed), target, native=native, verify=False, replace=True)
    except (ValueRefusedError, MismatchError) as error:
        message = str(error)
        named = "share no" in message or ("table t" in message and "42" in message)
        whole = named and message.isprintable() and query(target, ALL) == [(1, None)]
        return None if whole else message
    except DbdumpError as error:
        return repr(error)
    return f"taken: {query(target, ALL)}"


@pytest.mark.parametrize("verify", [True, False], ids=["verified", "unverified"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("column", "stored"),
    [
        ("DATE", "'2024-02-30'"),
        ("INTEGER", "'abc'"),
        ("INTEGER", "1.5"),
        ("VARCHAR(3)", "'four'"),
        ("TEXT", "CAST(x'ff41' AS TEXT)"),
        ("DECIMAL(10,2)", "1.239"),
        ("BOOLEAN", "7"),
        ("DATE", "x'323032342d30322d3138'"),
        ("TIMESTAMP(6) NULL", "'2024-02-30 10:00:00.123456'"),
        # Of the length and with the marks of a good one; a server would take most of them for another moment.
        ("TIMESTAMP(6) NULL", "'2024-01-01 10:00:00 +01:00'"),
        ("TIMESTAMP(6) NULL", "'2024-01-01 10:00:00.12345Z'"),
        ("TIMESTAMP(6) NULL", "'2024-01-01 24:00:00.000000'"),
        ("TIMESTAMP(6) NULL", "'2024-01-01 10:00:60.123456'"),
    ],
)
def test_what_sqlite_holds_against_its_types(
    make_database: Callable[[str], str], column: str, stored: str, engine: str, verify: bool
) -> None:
    """Refused by a server; another SQLite file takes it as it is, or refuses it."""
    source, target = make_database("sqlite"), make_database(engine)
    for url in (source, target):
        execute(url, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {column})")
    execute(source, f"INSERT INTO t VALUES (1, NULL), (42, {stored})")
    try:
        copy(source, target, verify=verify)
    except ValueRefusedError as error:
        message = str(error)
        assert all(word in message for word in ("table t", "42")), message
        assert any(word in message for word in ("column v", "column 'v'", stored.strip("'"))), message
        assert message.isprintable()
        assert query(target, ALL) == []
    else:
        assert engine == "sqlite"
        how = "SELECT id, typeof(v), CAST(v AS BLOB) FROM t ORDER BY id"
        assert query(target, how) == query(source, how)


@pytest.mark.parametrize("engine", [*MYSQLS, "sqlite"])
def test_a_unique_key_that_takes_case_for_equal(make_database: Callable[[str], str], engine: str) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    loose = "COLLATE NOCASE" if engine == "sqlite" else "COLLATE utf8mb4_general_ci"
    execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(9))", "INSERT INTO t VALUES (1, 'a'), (42, 'A')")
    execute(target, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(9) {loose} UNIQUE)")
    with refused(target, ValueRefusedError, "table t", "A"):
        copy(source, target, verify=False)
