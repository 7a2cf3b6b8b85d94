"""Reading SQLite: `group_concat` of a key range a cell, each block proving itself.

SQLite stores any class of value in any column, so each block also counts the rows in which a value
is not what its column says; such a range is read again with care, value by value (`careful`).
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from ...model.abc import Block, Emit
from .. import wire
from ..portable import FIRST_ROWS, next_rows
from . import careful
from .mending import mended, with_marks
from .rows import Statement

CELL_LIMIT = 32 * 1024 * 1024
"""Bytes of one SQL value while blocks are built: a block of unexpectedly large rows fails early and
is asked for again in smaller pieces, instead of taking a gigabyte of memory."""
SQLITE_LIMIT = 1_000_000_000
_ALL = (-(2**63), 2**63 - 1)

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


class _Range(NamedTuple):
    """The rows whose rowid is `first` to `last`; about `rows` of them."""

    first: int
    last: int
    rows: int


class _Fetched(NamedTuple):
    """What came of asking for a range; `block` is None where it did not prove itself. `bytes`: of its lines."""

    block: Block | None
    bytes: int
    too_large: bool = False
    empty: bool = False


def read_by_key(readers: Sequence[sqlite3.Connection], sql: Statement, rowid: str, emit: Emit) -> None:
    """Read a table in ranges of its rowid, one range a block; `readers` see the same and work side by side."""
    with ExitStack() as stack, ThreadPoolExecutor(len(readers), "dbdump-sqlite") as pool:
        for raw in readers:
            stack.enter_context(bytes_out(raw))
        try:
            _RangeReader(sql, rowid, emit).read(readers, pool)
        except BaseException:
            for raw in readers:
                raw.interrupt()
            raise


class _RangeReader:
    """Hands the ranges of one table to connections that are free, and their blocks on in order."""

    def __init__(self, sql: Statement, rowid: str, emit: Emit) -> None:
        self._sql = sql
        self._emit = emit
        self._size = FIRST_ROWS
        key = f"t.{rowid}"
        self._condition = f"WHERE {key} BETWEEN ? AND ? AND {sql.where} ORDER BY {key}"
        # With the user's condition: cut by all rows, it would be worked out again for each range of the table.
        self._beyond = (
            f"SELECT {key} FROM {sql.table} AS t WHERE {key} >= ? AND {sql.where} ORDER BY {key} LIMIT 1 OFFSET ?"
        )
        self._query = (
            f"SELECT group_concat(line, {_ROW}), count(*), count(line), sum(bad), sum(nulls) FROM"
            f" (SELECT {sql.line} AS line, {sql.bad} AS bad, {sql.nulls} AS nulls"
            f" FROM {sql.table} AS t {self._condition})"
        )

    def read(self, readers: Sequence[sqlite3.Connection], pool: Executor) -> None:
        free = deque(readers)
        running: deque[tuple[sqlite3.Connection, _Range, Future[_Fetched]]] = deque()
        rest: tuple[int, int] | None = _ALL
        while rest or running:
            while rest and free:
                raw = free.popleft()
                some, rest = self._cut(raw, *rest)
                running.append((raw, some, pool.submit(self._fetch, raw, some)))
            raw, some, future = running.popleft()
            self._take(raw, some, future.result())
            free.append(raw)

    def _cut(self, raw: sqlite3.Connection, first: int, last: int) -> tuple[_Range, tuple[int, int] | None]:
        """Return the range of the next rows from `first` on, and what is left of it up to `last`."""
        rows = self._size
        found = raw.execute(self._beyond, (first, rows)).fetchone()
        if found is None or found[0] > last:
            return _Range(first, last, rows), None
        return _Range(first, found[0] - 1, rows), (found[0], last)

    def _fetch(self, raw: sqlite3.Connection, some: _Range) -> _Fetched:
        try:
            data, rows, lines, bad, nulls = raw.execute(self._query, some[:2]).fetchone()
        except sqlite3.DataError:
            return _Fetched(None, 0, too_large=True)
        # A line beyond the limit of a value is NULL, which group_concat passes over.
        if not rows or lines < rows:
            return _Fetched(None, 0, too_large=rows > 0, empty=rows == 0)
        block = None if bad else _block(self._sql, data + wire.ROW, rows, nulls)
        return _Fetched(block, len(data))

    def _fetch_large(self, raw: sqlite3.Connection, some: _Range) -> _Fetched:
        """Fetch a row that is larger than a whole block may be."""
        limit = raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_LIMIT)
        try:
            return self._fetch(raw, some)
        finally:
            raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)

    def _take(self, raw: sqlite3.Connection, some: _Range, fetched: _Fetched) -> None:
        if fetched.too_large and some.rows > 1:
            self._size = max(1, some.rows // 16)
            self._take_parts(raw, some)
            return
        if fetched.too_large:
            fetched = self._fetch_large(raw, some)
        self._size = next_rows(some.rows, fetched.bytes)
        if fetched.block is not None:
            self._emit(fetched.block)
        elif not fetched.empty:
            self._take_with_care(raw, some)

    def _take_parts(self, raw: sqlite3.Connection, some: _Range) -> None:
        rest: tuple[int, int] | None = some[:2]
        while rest:
            part, rest = self._cut(raw, *rest)
            self._take(raw, part, self._fetch(raw, part))

    def _take_with_care(self, raw: sqlite3.Connection, some: _Range) -> None:
        """Take the cells of each row one by one: they may be large as well."""
        limit = raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_LIMIT)
        try:
            careful.read(raw, self._sql, self._emit, tail=self._condition, parameters=some[:2])
        finally:
            raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)


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


def _proved(sql: Statement, rows: list[tuple[bytes | None, int, int]]) -> Block | None:
    lines = [line + wire.ROW for line, bad, _ in rows if line is not None and not bad]
    if len(lines) < len(rows):
        return None
    data = b"".join(lines)
    return _block(sql, data, len(rows), sum(nulls for _, _, nulls in rows))


def _block(sql: Statement, data: bytes, rows: int, nulls: int) -> Block | None:
    # Checks are asked for by servers that know their types, and these look at UTF-8 themselves.
    validate = not sql.task.checks or bool(sql.task.marks)
    block = wire.to_block(data, rows=rows, width=len(sql.names), nulls=nulls, validate=validate)
    if block and sql.marked:
        block = with_marks(block, len(sql.names), sql.marked)
    return mended(block, len(sql.names), sql.mends) if block and sql.mends else block
