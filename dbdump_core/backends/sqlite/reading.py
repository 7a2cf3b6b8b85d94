"""Reading SQLite: `group_concat` of a key range a cell, each block proving itself.

SQLite stores any class of value in any column, so each block also counts the rows in which a value
is not what its column says; such a range is read again with care, value by value (`careful`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...abc import Block, Emit
from .. import wire
from ..portable import FIRST_ROWS, next_rows
from . import careful
from .rows import Statement

CELL_LIMIT = 32 * 1024 * 1024
"""Bytes of one SQL value while blocks are built: a block of unexpectedly large rows fails early and
is asked for again in smaller pieces, instead of taking a gigabyte of memory."""
SQLITE_LIMIT = 1_000_000_000

_ROW = "CAST(x'fe' AS TEXT)"


@contextmanager
def bytes_out(raw: sqlite3.Connection) -> Iterator[None]:
    """Let texts come out as bytes: they may hold invalid UTF-8, and blocks hold separators that are none."""
    before = raw.text_factory
    raw.text_factory = bytes
    limit = raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, CELL_LIMIT)
    try:
        yield
    finally:
        raw.text_factory = before
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)


def read_by_key(raw: sqlite3.Connection, sql: Statement, rowid: str, emit: Emit) -> None:
    """Read a table in ranges of its rowid, one range a block."""
    query = (
        f"SELECT group_concat(line, {_ROW}), count(*), sum(bad), sum(nulls), max(id) FROM (SELECT t.{rowid} AS id,"
        f" {sql.line} AS line, {sql.bad} AS bad, {sql.nulls} AS nulls FROM {sql.table} AS t"
        f" WHERE t.{rowid} >= ? AND {sql.where} ORDER BY t.{rowid} LIMIT ?)"
    )
    first, size = -(2**63), FIRST_ROWS
    with bytes_out(raw):
        while True:
            data, rows, bad, nulls, last = _fetch(raw, query, first, size)
            if not rows:
                return
            # A line beyond the limit of a value is NULL; `careful` takes its cells one by one.
            block = None if bad or data is None else _block(sql, data + wire.ROW, rows, nulls)
            if block is None:
                tail = f"WHERE t.{rowid} BETWEEN ? AND ? AND {sql.where} ORDER BY t.{rowid}"
                careful.read(raw, sql, emit, tail=tail, parameters=(first, last))
            else:
                emit(block)
            if last == 2**63 - 1:
                return
            first, size = last + 1, next_rows(rows, len(data or b""))


def _fetch(raw: sqlite3.Connection, query: str, first: int, size: int) -> Any:
    while True:
        try:
            found = raw.execute(query, (first, size)).fetchone()
            if found[0] is not None or not found[1] or size == 1:
                return found
            size = max(1, size // 16)
        except sqlite3.DataError:
            if size == 1 and raw.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) >= SQLITE_LIMIT:
                raise
            if size == 1:
                raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_LIMIT)
            size = max(1, size // 16)


def read_by_row(raw: sqlite3.Connection, sql: Statement, order: str, emit: Emit) -> None:
    """Read a table row by row in the order of its key, for tables without a rowid."""
    query = (
        f"SELECT {sql.line}, {sql.bad}, {sql.nulls} FROM {sql.table} AS t WHERE {sql.where} ORDER BY {order}"
    )
    start, size = 0, FIRST_ROWS
    with bytes_out(raw):
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_LIMIT)
        cursor = raw.execute(query)
        while rows := cursor.fetchmany(size):
            block = _proved(sql, rows)
            if block is None:
                tail = f"WHERE {sql.where} ORDER BY {order} LIMIT ? OFFSET ?"
                careful.read(raw, sql, emit, tail=tail, parameters=(len(rows), start))
            else:
                emit(block)
            start += len(rows)
            size = next_rows(len(rows), sum(len(row[0] or b"") for row in rows))


def _proved(sql: Statement, rows: list[tuple[bytes, int, int]]) -> Block | None:
    if any(bad for _, bad, _ in rows):
        return None
    data = b"".join([line + wire.ROW for line, _, _ in rows])
    return _block(sql, data, len(rows), sum(nulls for _, _, nulls in rows))


def _block(sql: Statement, data: bytes, rows: int, nulls: int) -> Block | None:
    # Checks are asked for by servers that know their types, and these look at UTF-8 themselves.
    return wire.to_block(data, rows=rows, width=len(sql.names), nulls=nulls, validate=not sql.task.checks)
