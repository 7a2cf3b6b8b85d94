"""Pairs of types where an engine would make another value of some: known before the database is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dbdump_core.errors import ValueRefusedError
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import BIGINT, parse_type
from tests.memory import MemorySource
from tests.promises import MYSQLS, execute, load_memory, refused

MakeDatabase = Callable[[str], str]

CHANGED = [
    # the value's type, the value, the column's type at the target, engines
    ("text", "the cat sat", "tsvector", ("postgresql",)),
    ("text", "'sat':2 'cat':1", "tsvector", ("postgresql",)),
    ("text", "'cat':2,1", "tsvector", ("postgresql",)),
    ("text", "'cat' 'cat'", "tsvector", ("postgresql",)),
    ("text", "'cat' ", "tsvector", ("postgresql",)),
    ("text", "010.0.0.1", "inet", ("postgresql",)),
    ("text", "10.0.0.1/32", "inet", ("postgresql",)),
    ("text", "2001:DB8::1", "inet", ("postgresql",)),
    ("text", "2001:db8:0:0::1", "inet", ("postgresql",)),
    ("text", "localhost", "inet", ("postgresql",)),
    ("smallint", "70", "year", MYSQLS),
    ("smallint", "1900", "year", MYSQLS),
    ("smallint", "2156", "year", MYSQLS),
    ("text", "b,a", "set('a','b')", MYSQLS),
    ("text", "a,a", "set('a','b')", MYSQLS),
    ("json", "[18446744073709551616]", "json", ("mysql",)),
    ("json", '{"a": 0.12345678901234567890123}', "json", ("mysql",)),
    ("json", "[1e400]", "json", ("mysql",)),
    ("jsonb", "123456789012345678901234567890", "json", ("mysql",)),
]
KEPT = [
    ("text", "'ate' 'cat':3 'fat':2,11A 'it''s' 'sat\\\\':4B", "tsvector", ("postgresql",)),
    ("text", "", "tsvector", ("postgresql",)),
    ("text", "'a' 'aa' 'b'", "tsvector", ("postgresql",)),
    ("text", "10.0.0.1", "inet", ("postgresql",)),
    ("text", "10.0.0.1/8", "inet", ("postgresql",)),
    ("text", "2001:db8::1/64", "inet", ("postgresql",)),
    ("text", "::ffff:1.2.3.4", "inet", ("postgresql",)),
    ("smallint", "1901", "year", MYSQLS),
    ("smallint", "0", "year", MYSQLS),
    ("text", "a,b", "set('a','b')", MYSQLS),
    ("set('b', 'a')", "b,a", "set('a','b')", MYSQLS),
    ("enum('b')", "b", "set('a','b')", MYSQLS),
    ("json", "[18446744073709551615, -9223372036854775808, 0.1, 1.10, 1e2, 12345678901234567000]", "json", MYSQLS),
    ("json", "[18446744073709551616]", "longtext CHECK (json_valid(v))", ("mariadb",)),
]
ENGINES = ("postgresql", *MYSQLS)


def source(type_: str, value: str) -> MemorySource:
    columns = (Column("id", BIGINT, nullable=False), Column("v", parse_type(type_)))
    return MemorySource({Table("item", columns, primary_key=("id",)): [("1", None), ("42", value)]})


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", ENGINES)
def test_what_would_become_another_value_is_refused(make_database: MakeDatabase, engine: str, native: bool) -> None:
    """Without the proof too."""
    target = make_database(engine)
    for type_, value, column, engines in CHANGED:
        if engine in engines:
            execute(target, "DROP TABLE IF EXISTS item", f"CREATE TABLE item (id integer PRIMARY KEY, v {column})")
            with refused(target, ValueRefusedError, "table item, column v, row (id='42'): ", " is not "):
                load_memory(source(type_, value), target, native=native, verify=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_stays_the_same_value_is_kept(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    for type_, value, column, engines in KEPT:
        if engine in engines:
            execute(target, "DROP TABLE IF EXISTS item", f"CREATE TABLE item (id integer PRIMARY KEY, v {column})")
            assert load_memory(source(type_, value), target).verified, (type_, value)
