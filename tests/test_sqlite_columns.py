"""One column that needs Python takes no other with it: SQLite's rows stay in blocks that its own SQL made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from dbdump_core.databases.sqlite import careful
from dbdump_core.databases.sqlite.backend import SqliteBackend
from dbdump_core.errors import ValueRefusedError
from dbdump_core.model.abc import Block, ReadTask
from dbdump_core.model.results import Path as Way
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import INTEGER, JSON, TEXT, Kind, Type
from dbdump_core.model.types import UUID as UUID_TYPE
from dbdump_core.operations import copy
from tests.promises import MYSQLS, execute, query
from tests.servers import SERVER_ENGINES

Make = Callable[[str], str]
TOKEN = "0188d9a4-7d2c-7cc3-98c4-dc0c0c07398f"
ROW = {
    "token": ("char(36)", TOKEN),
    "paid": ("boolean", 1),
    "document": ("text", '{"a": [1, 2.50]}'),
    "total": ("decimal", 1234.56),
    "at": ("datetime", "2024-02-29 12:30:00"),
    "small": ("bigint", 12),
    "state": ("text", "new"),
}
SERVER_TYPES = {
    "token": ("uuid", "char(36)"),
    "paid": ("smallint", "tinyint(1)"),
    "document": ("jsonb", "json"),
    "total": ("numeric(12,4)", "decimal(12,4)"),
    "at": ("timestamp(0)", "datetime(0)"),
    "small": ("smallint", "smallint"),
    "state": ("varchar(5)", "enum('new', 'old')"),
}
ROWS = 5_000


def orders(path: Path, **others: Any) -> str:
    """A file with ROWS rows alike, the last of them with the values in `others`."""
    columns = ", ".join(f"{name} {type_}" for name, (type_, _) in ROW.items())
    marks = ", ".join("?" for _ in ROW)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE orders (id integer PRIMARY KEY, {columns})")
        for number in range(ROWS):
            row = {name: value for name, (_, value) in ROW.items()} | (others if number == ROWS - 1 else {})
            connection.execute(f"INSERT INTO orders VALUES (NULL, {marks})", list(row.values()))
    return str(path)


@pytest.fixture
def no_care(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading value by value fails the test."""
    monkeypatch.setattr(careful, "read", lambda *_, **__: pytest.fail("rows were read value by value"))


@pytest.mark.parametrize("engine", SERVER_ENGINES)
@pytest.mark.usefixtures("no_care")
def test_columns_of_other_types_leave_the_table_native(engine: str, make_database: Make, tmp_path: Path) -> None:
    url = make_database(engine)
    columns = ", ".join(f"{name} {types[engine in MYSQLS]}" for name, types in SERVER_TYPES.items())
    execute(url, f"CREATE TABLE orders (id integer PRIMARY KEY, {columns})")
    report = copy(orders(tmp_path / "orders.db"), url)
    assert report.verified
    assert [table.path for table in report.tables] == [Way.NATIVE]
    ((token, paid, total, small, state),) = query(
        url, "SELECT DISTINCT token, paid, total, small, state FROM orders"
    )
    assert (str(token), int(paid), total, small, state) == (TOKEN, 1, Decimal("1234.5600"), 12, "new")
    assert isinstance(token, UUID) or engine in MYSQLS


@pytest.mark.parametrize("engine", SERVER_ENGINES)
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("token", TOKEN + "0"),
        ("document", "{"),
        ("at", "2024-02-29 12:30:00.5"),
        ("small", 40_000),
        ("state", "none of"),
    ],
)
def test_the_one_row_that_does_not_fit_is_named(
    engine: str, column: str, value: object, make_database: Make, tmp_path: Path
) -> None:
    url = make_database(engine)
    columns = ", ".join(f"{name} {types[engine in MYSQLS]}" for name, types in SERVER_TYPES.items())
    execute(url, f"CREATE TABLE orders (id integer PRIMARY KEY, {columns})")
    with pytest.raises(ValueRefusedError, match=rf"table orders, column {column}\b.*{ROWS}"):
        copy(orders(tmp_path / "orders.db", **{column: value}), url)
    assert query(url, "SELECT count(*) FROM orders") == [(0,)]


NUMBERS = [0.1, 1 / 3, 1e22, 1.5e-9, -2.5, 5e-324, 1.7976931348623157e308, 7, -(2**63), None, 123456789.123456789]


def test_decimals_without_a_scale_have_their_shortest_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "numbers.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, n decimal, b text)")
        connection.executemany("INSERT INTO t (n, b) VALUES (?, 'x')", [(number,) for number in NUMBERS])
    with_care = lines(path, native=False)
    monkeypatch.setattr(careful, "read", lambda *_, **__: pytest.fail("rows were read value by value"))
    assert lines(path) == with_care


def lines(path: Path, *, native: bool = True) -> bytes:
    backend = SqliteBackend(sa.make_url(f"sqlite:///{path}"), native=native)
    with closing(backend.connect(writing=False)) as connection:
        (table,) = backend.reflect(connection).tables
        blocks: list[Block] = []
        backend.read(connection, ReadTask(table, table.columns), blocks.append)
    return b"".join(block.data for block in blocks)


def test_only_what_sql_cannot_check_is_looked_at_in_python() -> None:
    from dbdump_core.databases.sqlite.rows import statement

    columns = (Column("a", INTEGER), Column("b", TEXT), Column("c", TEXT), Column("d", Type(Kind.BOOLEAN)))
    checks = {"a": Type(Kind.INTEGER, bits=16), "b": UUID_TYPE, "c": JSON, "d": INTEGER}
    task = ReadTask(Table("t", columns), columns, checks=checks)
    affinities = {"a": "INTEGER", "b": "TEXT", "c": "TEXT", "d": "NUMERIC"}
    assert statement(task, "t", lambda name: f'"{name}"', affinities).unchecked == {"b", "c"}
