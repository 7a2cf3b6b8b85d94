"""Reading SQLite: `group_concat` of a key range a cell, each block proving itself.

SQLite stores any class of value in any column, so each block also counts the rows in which a value
is not what its column says; such a range is read again with care, value by value (`careful`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ...abc import Block, Emit, ReadTask
from ...types import Kind, Type
from .. import wire
from ..portable import FIRST_ROWS, next_rows
from . import careful

CELL_LIMIT = 32 * 1024 * 1024
"""Bytes of one SQL value while blocks are built: a block of unexpectedly large rows fails early and
is asked for again in smaller pieces, instead of taking a gigabyte of memory."""
SQLITE_LIMIT = 1_000_000_000

_NULL = "CAST(x'fd' AS TEXT)"
_CELL = "CAST(x'ff' AS TEXT)"
_ROW = "CAST(x'fe' AS TEXT)"

_CLOCK = "[0-9][0-9]:[0-5][0-9]:[0-5][0-9]"
_HEX = "[0-9a-f]"
_UUID = "-".join(_HEX * count for count in (8, 4, 4, 4, 12))


@dataclass(frozen=True, slots=True)
class Reading:
    """How SQL spells one column: `text` of a value, and the condition that it `holds` what its type says."""

    text: str
    holds: str


def _of_class(name: str, *classes: str) -> str:
    listed = ", ".join(f"'{one}'" for one in (*classes, "null"))
    return f"typeof({name}) IN ({listed})"


def _boolean(name: str, type_: Type) -> Reading:
    return Reading(name, f"({_of_class(name, 'integer')} AND ifnull({name}, 0) IN (0, 1))")


def _integer(name: str, type_: Type) -> Reading:
    """Beyond 63 bits SQLite has no integers: such columns are declared as text."""
    holds = _of_class(name, "integer")
    if type_.unsigned and type_.bits == 64:
        digits = f"length({name}) BETWEEN 1 AND 20 AND {name} NOT GLOB '*[^0-9]*'"
        holds = f"({holds} OR (typeof({name}) = 'text' AND {digits}))"
    return Reading(name, holds)


def _decimal(name: str, type_: Type) -> Reading:
    """Numbers at the column's scale where 15 digits tell the double; texts that are spelled so already."""
    scale = type_.scale or 0
    if type_.precision is None or scale > 14:
        return Reading(name, _of_class(name, "integer"))
    number = f"printf('%.{scale}f', {name})"
    exact = f"abs({name}) < 1e{15 - scale} AND CAST({number} AS REAL) = {name}"
    bare = f"substr({name}, 1 + (substr({name}, 1, 1) = '-'))"
    plain = f"trim({bare}, '0123456789') = '{'.' if scale else ''}' AND {bare} GLOB '*[0-9]"
    plain += f".{'[0-9]' * scale}'" if scale else "'"
    return Reading(
        f"CASE typeof({name}) WHEN 'text' THEN {name} ELSE {number} END",
        f"CASE typeof({name}) WHEN 'null' THEN 1 WHEN 'text' THEN {plain} WHEN 'blob' THEN 0 ELSE {exact} END",
    )


def _float(name: str, type_: Type) -> Reading:
    """26 digits: fewer lose the last bits of some doubles, CAST and `||` keep only 15 (torture.md F1)."""
    finite = f"abs({name}) <= 1.7976931348623157e308"
    return Reading(
        f"printf('%!.26g', {name})",
        f"CASE typeof({name}) WHEN 'real' THEN {finite} WHEN 'null' THEN 1 ELSE 0 END",
    )


def _text(name: str, type_: Type) -> Reading:
    return Reading(name, _of_class(name, "text"))


def _bytes(name: str, type_: Type) -> Reading:
    return Reading(f"'\\x' || lower(hex({name}))", _of_class(name, "blob"))


def _date(name: str, type_: Type) -> Reading:
    return Reading(name, f"({name} IS NULL OR (typeof({name}) = 'text' AND date({name}) IS {name}))")


def _trimmed(name: str, whole: int) -> str:
    return f"CASE WHEN length({name}) <= {whole} THEN {name} ELSE rtrim(rtrim({name}, '0'), '.') END"


def _fraction(name: str, whole: int) -> str:
    digits = f"substr({name}, {whole + 2})"
    return (
        f"(length({name}) = {whole} OR (substr({name}, {whole + 1}, 1) = '.'"
        f" AND length({digits}) BETWEEN 1 AND 6 AND {digits} NOT GLOB '*[^0-9]*'))"
    )


def _time(name: str, type_: Type) -> Reading:
    clock = f"time(substr({name}, 1, 8)) IS substr({name}, 1, 8) AND {_fraction(name, 8)}"
    return Reading(_trimmed(name, 8), f"({name} IS NULL OR (typeof({name}) = 'text' AND {clock}))")


def _timestamp(name: str, type_: Type) -> Reading:
    clock = f"datetime(substr({name}, 1, 19)) IS substr({name}, 1, 19) AND {_fraction(name, 19)}"
    return Reading(_trimmed(name, 19), f"({name} IS NULL OR (typeof({name}) = 'text' AND {clock}))")


def _uuid(name: str, type_: Type) -> Reading:
    return Reading(name, f"({name} IS NULL OR (typeof({name}) = 'text' AND {name} GLOB '{_UUID}'))")


_READINGS: dict[Kind, Callable[[str, Type], Reading]] = {
    Kind.BOOLEAN: _boolean, Kind.INTEGER: _integer, Kind.YEAR: _integer, Kind.DECIMAL: _decimal,
    Kind.FLOAT: _float, Kind.BYTES: _bytes, Kind.DATE: _date, Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp, Kind.UUID: _uuid,
}  # fmt: skip


def _is_unlimited(type_: Type) -> bool:
    if type_.kind in (Kind.TIME, Kind.TIMESTAMP):
        return type_.precision in (None, 6)
    return type_.length is None and type_.precision is None and not type_.values and type_.bits != 32


def _check(name: str, source: Type, target: Type) -> str | None:
    """Return the SQL condition under which `target` takes a value of `source`; None: Python must look."""
    if target.kind is not source.kind:
        return None
    if target.kind is Kind.INTEGER:
        low, high = target.integer_range()
        return f"ifnull({name}, 0) BETWEEN {max(low, -(2**63))} AND {min(high, 2**63 - 1)}"
    if target.kind is Kind.TEXT and target.length is not None and not target.fixed:
        return f"length(ifnull({name}, '')) <= {target.length}"
    if target.kind is Kind.DECIMAL and source.precision and target.precision:
        whole = target.precision - (target.scale or 0)
        if (source.scale or 0) <= (target.scale or 0) and whole < 16:
            return f"abs(ifnull({name}, 0)) < 1e{whole}"
    return "1" if _is_unlimited(target) else None


@dataclass(frozen=True)
class Statement:
    """The SQL of one task: `line` builds a row, `bad` is 1 where it is not what its columns say."""

    task: ReadTask
    table: str
    names: tuple[str, ...]
    line: str
    bad: str
    nulls: str
    checked: bool

    @property
    def where(self) -> str:
        return f"({self.task.where})" if self.task.where else "1"


def statement(task: ReadTask, table: str, quote: Callable[[str], str]) -> Statement:
    """Return the SQL of a task; `checked`: its conditions cover all of the task's checks."""
    # "t"."c", always with the table: SQLite takes a bare unknown "c" for a string (torture.md K25).
    names = tuple(f"t.{quote(column.name)}" for column in task.columns)
    # A NULL where the table says NOT NULL makes the line NULL, which the count of rows gives away.
    nullable = [name for name, column in zip(names, task.columns, strict=True) if column.nullable]
    cells, holds, checked = [], [], True
    for name, column in zip(names, task.columns, strict=True):
        reading = _READINGS.get(column.type.kind, _text)(name, column.type)
        cells.append(_or_null(name, reading.text) if column.nullable else reading.text)
        holds.append(reading.holds)
        if column.name in task.checks:
            check = _check(name, column.type, task.checks[column.name])
            checked &= check is not None
            holds.append(check or "1")
    return Statement(
        task,
        table,
        names,
        f" || {_CELL} || ".join(cells) or "''",
        f"NOT ifnull({' AND '.join(holds)}, 0)" if holds else "0",
        " + ".join(f"({name} IS NULL)" for name in nullable) or "0",
        checked,
    )


def _or_null(name: str, text: str) -> str:
    if text == name:
        return f"ifnull({name}, {_NULL})"
    return f"CASE WHEN {name} IS NULL THEN {_NULL} ELSE {text} END"


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
            block = (
                None if bad else wire.to_block(data + wire.ROW, rows=rows, width=len(sql.names), nulls=nulls)
            )
            if block is None:
                tail = f"WHERE t.{rowid} BETWEEN ? AND ? AND {sql.where} ORDER BY t.{rowid}"
                careful.read(raw, sql, tail, (first, last), emit)
            else:
                emit(block)
            if last == 2**63 - 1:
                return
            first, size = last + 1, next_rows(rows, len(data))


def _fetch(raw: sqlite3.Connection, query: str, first: int, size: int) -> Any:
    while True:
        try:
            return raw.execute(query, (first, size)).fetchone()
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
            block = _proved(rows, len(sql.names))
            if block is None:
                tail = f"WHERE {sql.where} ORDER BY {order} LIMIT ? OFFSET ?"
                careful.read(raw, sql, tail, (len(rows), start), emit)
            else:
                emit(block)
            start += len(rows)
            size = next_rows(len(rows), sum(len(row[0] or b"") for row in rows))


def _proved(rows: list[tuple[bytes, int, int]], width: int) -> Block | None:
    if any(bad for _, bad, _ in rows):
        return None
    data = b"".join([line + wire.ROW for line, _, _ in rows])
    return wire.to_block(data, rows=len(rows), width=width, nulls=sum(nulls for _, _, nulls in rows))
