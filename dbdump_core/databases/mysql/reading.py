"""Reading MySQL and MariaDB: the server joins each row into one binary cell.

CONCAT, not CONCAT_WS: a cell beyond `max_allowed_packet` is NULL, which CONCAT_WS would skip, so
that a column vanished from the line (facts.md S19). With CONCAT the whole line is NULL; such rows
are asked for again, by themselves, on the portable path.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import ValueRefusedError, shown
from ...model.abc import Block, Emit, ReadTask
from ...model.schema import Column
from ...model.types import Kind, Type
from ...rows.lines import row_name
from .. import wire
from ..portable import FIRST_ROWS, next_rows


def _text(name: str, type_: Type) -> str:
    """As UTF-8 and then as bytes: the marks between cells are no text that it could be joined with."""
    return f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"


def _plain(name: str, type_: Type) -> str:
    return name


def _float(name: str, type_: Type) -> str:
    """FLOAT prints six digits unless it takes part in a double's arithmetic (facts.md F3)."""
    return f"{name} + 0e0" if type_.bits == 32 else name


def _time(name: str, type_: Type) -> str:
    if type_.precision == 0:
        return name
    return f"IF(MICROSECOND({name}) = 0, SUBSTRING_INDEX({name}, '.', 1), TRIM(TRAILING '0' FROM {name}))"


def _bytes(name: str, type_: Type) -> str:
    return rf"CONCAT(0x5c78, LOWER(HEX({name})))"


def _bit(name: str, type_: Type) -> str:
    return f"LPAD(BIN({name} + 0), {type_.length or 1}, '0')"


def _native(name: str, type_: Type) -> str:
    return _text(name, type_) if is_printable(type_) else _bytes(name, type_)


def is_printable(type_: Type) -> bool:
    """Tell whether a native type has a text of its own (inet4, inet6); geometries are bytes."""
    return (type_.name or "").startswith("inet")


_CELLS: dict[Kind, Callable[[str, Type], str]] = {
    Kind.TEXT: _text, Kind.ENUM: _text, Kind.SET: _text, Kind.BYTES: _bytes, Kind.BIT: _bit,
    Kind.FLOAT: _float, Kind.TIME: _time, Kind.TIMESTAMP: _time, Kind.NATIVE: _native,
    Kind.YEAR: lambda name, type_: f"{name} + 0",
    Kind.UUID: _text, Kind.JSON: _text,
}  # fmt: skip


def cell(column: Column, name: str) -> str:
    """Return the SQL text of a column's value, unescaped."""
    return _CELLS.get(column.type.kind, _plain)(name, column.type)


def line(columns: Sequence[Column], names: Sequence[str]) -> str:
    """Return the SQL of one row: its cells joined, ended by the row mark; NULL where it is too long."""
    parts = []
    for column, name in zip(columns, names, strict=True):
        text = cell(column, name)
        parts.append(f"IF({name} IS NULL, 0xfd, {text})" if column.nullable else text)
    return f"CONCAT({', 0xff, '.join(parts)}{', ' if parts else ''}0xfe)"


def read_lines(cursor: Any, task: ReadTask, emit: Emit) -> int:
    """Hand on all lines of an unbuffered cursor as blocks; return how many were too long to come."""
    size, oversize = FIRST_ROWS, 0
    while rows := cursor.fetchmany(size):
        lines = [line for (line,) in rows if line is not None]
        oversize += len(rows) - len(lines)
        data = b"".join(lines)
        if lines:
            emit(_block(task, data, lines))
        size = next_rows(len(rows), len(data))
    return oversize


def _block(task: ReadTask, data: bytes, lines: Sequence[bytes]) -> Block:
    width = len(task.columns)
    block = wire.to_block(data, rows=len(lines), width=width)
    if block is not None:
        return block
    bad = next((line for line in lines if wire.to_block(line, rows=1, width=width) is None), lines[0])
    cells = bad.removesuffix(wire.ROW).split(wire.CELL)
    at = next((at for at, cell in enumerate(cells) if not wire.is_utf8(cell) and cell != wire.NULL), 0)
    column = task.columns[min(at, width - 1)].name
    raise ValueRefusedError(
        f"table {task.table.key}, column {column}, row {row_name(task.table, task.columns, cells)}:"
        f" {shown(cells[at])} is not valid UTF-8 (a lone surrogate?); correct the text"
    )
