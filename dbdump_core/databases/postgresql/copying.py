r"""COPY: PostgreSQL's own lines are canonical but for a few spellings, mended here in SQL or in bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from ...model.abc import BLOCK_BYTES, Block, Emit
from ...model.schema import Column
from ...model.types import Kind, Type

_CONTROL = ((rb"\b", b"\b"), (rb"\f", b"\f"), (rb"\v", b"\v"))
"""COPY writes these three, which are no escapes of the canonical line (facts.md S7)."""
_CONTROL_LETTERS = (b"b", b"f", b"v")


def cell(column: Column, name: str) -> str:
    """Return the SQL whose COPY output is the canonical cell of a column."""
    return _CELLS.get(column.type.kind, _plain)(name, column.type)


def _plain(name: str, type_: Type) -> str:
    return name


def _finite(name: str) -> str:
    return f"replace({name}::text, 'Infinity', 'inf')"


def _decimal(name: str, type_: Type) -> str:
    return name if type_.precision is not None else _finite(name)


def _float(name: str, type_: Type) -> str:
    """As a double: what a 4-byte float holds is the double, not its short spelling."""
    return _finite(f"{name}::float8")


def _text(name: str, type_: Type) -> str:
    """char(n) without its padding, which is no part of the value (facts.md S12)."""
    return f"{name}::text" if type_.fixed else name


def _timestamp(name: str, type_: Type) -> str:
    return f"timezone('UTC', {name})" if type_.zoned else name


def _native(name: str, type_: Type) -> str:
    return f"{name}::numeric" if type_.name == "money" else name


_CELLS: dict[Kind, Callable[[str, Type], str]] = {
    Kind.BOOLEAN: lambda name, type_: f"{name}::int",
    Kind.DECIMAL: _decimal,
    Kind.FLOAT: _float,
    Kind.TEXT: _text,
    Kind.TIMESTAMP: _timestamp,
    Kind.NATIVE: _native,
}


def canonical(data: bytes) -> bytes:
    """Return COPY's lines with the canonical escapes only."""
    # One byte is found four times as fast as two, and most blocks hold few backslashes.
    if not any(piece[:1] in _CONTROL_LETTERS for piece in data.split(b"\\")[1:]):
        return data
    # Between escaped backslashes each other backslash begins an escape of its own.
    pieces = data.split(rb"\\")
    for escape, plain in _CONTROL:
        pieces = [piece.replace(escape, plain) for piece in pieces]
    return rb"\\".join(pieces)


class _Blocks(io.RawIOBase):
    """Cuts what COPY writes into blocks of whole lines."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._rest = b""
        self._failed = False

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._failed:
            return len(data)
        chunk = self._rest + bytes(data)
        end = chunk.rfind(b"\n") + 1
        self._rest = chunk[end:]
        if end:
            # A failed write is tried again when the buffer is thrown away: then it must do nothing.
            self._failed = True
            self._emit(Block(canonical(chunk[:end]), chunk.count(b"\n", 0, end)))
            self._failed = False
        return len(data)


def copy_out(raw: Any, driver: str, sql: str, emit: Emit) -> None:
    """Run `COPY … TO STDOUT` and hand its lines on as blocks."""
    with io.BufferedWriter(_Blocks(emit), BLOCK_BYTES) as sink, raw.cursor() as cursor:
        if driver == "psycopg2":
            cursor.copy_expert(sql, sink)
        else:
            with cursor.copy(sql) as copy:
                for data in copy:
                    sink.write(data)


def copy_in(raw: Any, driver: str, sql: str, data: bytes) -> None:
    """Run `COPY … FROM STDIN` with these lines."""
    with raw.cursor() as cursor:
        if driver == "psycopg2":
            cursor.copy_expert(sql, io.BytesIO(data), len(data) + 1)
        else:
            with cursor.copy(sql) as copy:
                copy.write(data)


_PLACE = re.compile(r", \D+(\d+)(?:, \S+ (.+?)(?:: |$))?")


def refused_place(error: Any, table: str) -> tuple[int | None, str | None]:
    """Return the line (from 0) and the column that COPY names in an error, None for what it does not name."""
    context = error.diag.context or ""
    start = f"COPY {table}"
    found = _PLACE.search(context, len(start)) if context.startswith(start) else None
    return (int(found.group(1)) - 1, found.group(2)) if found else (None, None)
