"""Reading SQLite with care: each value by its storage class, for what the block query rules out.

This is also SQLite's portable path: SQLAlchemy's types would refuse or guess at what the columns
of a typeless engine may hold. Conversions made here lose nothing: an integral real in an integer
column, a `T` between date and time, a uuid without dashes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from uuid import UUID

from ...model.abc import BLOCK_BYTES, Block, Emit
from ...model.schema import Column
from ...model.types import Kind, Type
from ...rows.checking import Checker, made, passed
from ...rows.lines import encode
from ..portable import refused_value
from .rows import Statement

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
            cells.append(_cell(column, storage, value))
        except (ValueError, OverflowError, InvalidOperation, UnicodeError) as error:
            raise refused_value(sql.task, row[1::2], column.name, value=value, error=error) from None
    return b"\t".join(cells)


def _cell(column: Column, storage: object, value: object) -> bytes:
    if storage == b"null":
        return encode(None, column.type)
    if storage == b"text" and isinstance(value, bytes):
        return encode(_from_text(value.decode("utf-8"), column.type), column.type)
    if (storage == b"blob") is not (column.type.kind is Kind.BYTES):
        raise ValueError(_expected(column.type, "bytes" if storage == b"blob" else f"{value!r}"))
    if isinstance(value, int | float):
        value = _from_number(value, column.type)
    return encode(value, column.type)


def _expected(type_: Type, found: str) -> str:
    return f"a value of type {type_} (it is {found})"


def _from_number(value: int | float, type_: Type) -> object:
    if type_.kind is Kind.JSON:
        return repr(value)
    if type_.kind is Kind.FLOAT and isinstance(value, int) and int(float(value)) != value:
        raise ValueError("a number that a double can hold exactly")
    if type_.kind in (Kind.BOOLEAN, Kind.INTEGER, Kind.YEAR, Kind.DECIMAL, Kind.FLOAT):
        return value
    raise ValueError(_expected(type_, "a number"))


# What `fromisoformat` takes goes further: week dates, and digits beyond microseconds that it cuts.
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII
)


def _timestamp(text: str, type_: Type) -> object:
    if not _MOMENT.fullmatch(text):
        raise ValueError("a timestamp YYYY-MM-DD HH:MM:SS with at most 6 digits after the point")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return moment
    if not type_.zoned:
        raise ValueError("a timestamp without an offset")
    return moment.astimezone(UTC)


def _time(text: str, type_: Type) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _uuid(text: str, type_: Type) -> object:
    return UUID(text)


# `Decimal` takes more: underscores, digits of other scripts, exponents that fill the memory.
_NUMBER = re.compile(r"-?[0-9]{1,1000}(?:\.[0-9]{1,1000})?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)


def _decimal(text: str, type_: Type) -> object:
    if not _NUMBER.fullmatch(text):
        raise ValueError("a decimal in plain digits")
    return Decimal(text)


def _integer(text: str, type_: Type) -> object:
    return text if type_.unsigned and type_.bits == 64 else _refuse(text, type_)


def _refuse(text: str, type_: Type) -> object:
    raise ValueError(_expected(type_, "a text"))


_FROM_TEXT: Mapping[Kind, Callable[[str, Type], object]] = {
    Kind.TIMESTAMP: _timestamp, Kind.TIME: _time, Kind.UUID: _uuid, Kind.DECIMAL: _decimal,
    Kind.BOOLEAN: _refuse, Kind.INTEGER: _integer, Kind.YEAR: _refuse, Kind.FLOAT: _refuse, Kind.BYTES: _refuse,
}  # fmt: skip


def _from_text(text: str, type_: Type) -> object:
    """Return the value that a text stands for, where a text may stand for one."""
    convert = _FROM_TEXT.get(type_.kind)
    return convert(text, type_) if convert else text
