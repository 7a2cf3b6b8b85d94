"""Reading SQLite with care: each value by its storage class, for what the block query rules out.

This is also SQLite's portable path: SQLAlchemy's types would refuse or guess at what the columns
of a typeless engine may hold. What is not spelled as its column says is marked where the task allows it,
converted where that loses nothing (`plain_values`), or refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from ...model.abc import BLOCK_BYTES, Block, Emit
from ...model.schema import Column
from ...rows.checking import Checker, made, passed
from ...rows.lines import NULL, Stored, mark
from ...rows.plain_values import plain
from ..portable import refused_value
from .rows import Statement
from .writing import plain_cell

ROWS = 64
"""Rows of one fetch: cells may be large."""


def read(
    raw: sqlite3.Connection, sql: Statement, emit: Emit, *, tail: str, parameters: tuple[int, ...] = ()
) -> None:
    """Hand the rows of `SELECT … tail` to `emit`; texts must come out as bytes."""
    columns = ", ".join(f"typeof({name}), {name}" for name in sql.names) or "NULL"
    checker = Checker(sql.task)
    lines: list[bytes] = []
    cursor = raw.execute(f"SELECT {columns} FROM {sql.table} AS t {tail}", parameters)
    while rows := cursor.fetchmany(ROWS):
        lines += made(rows, partial(_line, sql), sql.task.on_error)
        if sum(map(len, lines)) > BLOCK_BYTES:
            lines = _hand_over(checker, lines, emit)
    if lines:
        _hand_over(checker, lines, emit)


def _hand_over(checker: Checker, lines: list[bytes], emit: Emit) -> list[bytes]:
    block = Block(b"\n".join([*lines, b""]), len(lines))
    emit(passed(block, [checker], None, checker.task.on_error))
    return []


def _line(sql: Statement, row: Sequence[object]) -> bytes:
    cells = []
    for at, column in enumerate(sql.task.columns):
        storage, value = row[2 * at], row[2 * at + 1]
        try:
            cells.append(_cell(sql, column, storage, value))
        except ValueError as error:
            raise refused_value(sql.task, row[1::2], column.name, value=value, error=error) from None
    return b"\t".join(cells)


def _cell(sql: Statement, column: Column, storage: object, value: object) -> bytes:
    """Return the cell of a value; a marked one, where that is allowed, for what would not come back as it is."""
    if storage == b"null":
        return NULL
    stored = _stored(storage, value)
    if column.name not in sql.task.marks:
        return plain(stored, column.type)
    cell = plain_cell(stored, column.type, sql.affinities[column.name])
    return mark(stored) if cell is None else cell


def _stored(storage: Any, value: Any) -> Stored:
    """Return a value with its class; a text stays bytes where they are no UTF-8."""
    if storage == b"text" and isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            value = value.decode("utf-8")
    return Stored(storage.decode("ascii"), value)
