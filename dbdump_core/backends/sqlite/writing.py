"""Writing SQLite: `executemany` on split lines, each value bound as the class its column stores.

Affinity eats text on its way in ('007' becomes 7, `CAST` misreads one double in 200: torture.md
S15, F2), so numbers are bound as numbers and what a column would turn into another value is refused.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from ...abc import Block, WriteTask
from ...lines import unescape
from ...types import Kind, Type
from ..base import reason
from ..portable import refused_row

Bind = Callable[[str], object]

EXACT_DIGITS = 15
"""Digits of a decimal that come back from a double as they were."""

_NUMERIC_LOOK = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*", re.ASCII)


def affinity(declared: str) -> str:
    """Return the affinity of a declared type (sqlite.org, Datatypes in SQLite, 3.1)."""
    upper = declared.upper()
    for name, words in (("INTEGER", ("INT",)), ("TEXT", ("CHAR", "CLOB", "TEXT")), ("BLOB", ("BLOB",))):
        if any(word in upper for word in words):
            return name
    if not upper:
        return "BLOB"
    return "REAL" if any(word in upper for word in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def _float(text: str) -> float:
    number = float(text)
    if number != number:
        raise ValueError("NaN, which SQLite stores as NULL")
    return number


def _integer(text: str) -> int:
    number = int(text)
    if str(number) != text:  # Python reads more than digits: '1_0', ' 7', other scripts
        raise ValueError("not an integer in plain digits")
    if not -(2**63) <= number < 2**63:
        raise ValueError("an integer beyond SQLite's 64 bits; declare the column as text")
    return number


def _number(text: str) -> int | float:
    """Return the number that NUMERIC affinity keeps exactly: 15 digits, or a 64-bit integer."""
    if len(text.lstrip("-").replace(".", "")) <= EXACT_DIGITS and text[-1].isdigit():
        return float(text)
    if text.lstrip("-").isdigit() and -(2**63) <= int(text) < 2**63:
        return int(text)
    number = _float(text)
    if number in (float("inf"), float("-inf")) or Decimal(repr(number)) != Decimal(text):
        raise ValueError("a decimal of more digits than SQLite's numbers hold; declare the column as text")
    return number


def _padded(text: str) -> str:
    """Return a time with six digits after the point or none, as Django and SQLAlchemy write it."""
    whole, point, part = text.partition(".")
    return f"{whole}.{part:0<6}" if point else text


def _uneaten(text: str) -> str:
    if _NUMERIC_LOOK.fullmatch(text):
        raise ValueError(
            "a text that the column's numeric affinity would turn into a number; declare it as text"
        )
    return text


_BINDS: Mapping[Kind, Bind] = {
    Kind.BOOLEAN: int, Kind.INTEGER: _integer, Kind.YEAR: int, Kind.FLOAT: _float, Kind.TIME: _padded,
    Kind.TIMESTAMP: _padded, Kind.BYTES: lambda text: bytes.fromhex(text[2:]),
}  # fmt: skip
_KEPT_TEXTS = {Kind.TEXT, Kind.UUID, Kind.ENUM, Kind.SET, Kind.BIT, Kind.INTERVAL, Kind.NATIVE}


def bind_for(type_: Type, declared: str | None) -> Bind | None:
    """Return what makes a text into the value to bind; None: the text itself.

    `declared`: the column's declared type, which decides its affinity; None: as this program makes it.
    """
    stored = affinity(declared) if declared is not None else None
    if type_.kind is Kind.DECIMAL:
        is_text = stored == "TEXT" if stored else type_.precision is None or type_.precision > EXACT_DIGITS
        return None if is_text else _number
    if type_.kind is Kind.INTEGER and (stored == "TEXT" or (type_.unsigned and type_.bits == 64)):
        return None
    if type_.kind in _KEPT_TEXTS and stored not in ("TEXT", "BLOB", None):
        return _uneaten
    return _BINDS.get(type_.kind)


class BlockWriter:
    """Inserts the blocks of one task."""

    def __init__(self, raw: sqlite3.Connection, task: WriteTask, sql: str, declared: Sequence[str]) -> None:
        self._raw = raw
        self._task = task
        self._sql = sql
        binds = [bind_for(column.type, text) for column, text in zip(task.columns, declared, strict=True)]
        self._binds = [(at, bind) for at, bind in enumerate(binds) if bind is not None]

    def write(self, block: Block) -> None:
        """Insert the block's rows. Raises ValueRefusedError naming the row that cannot be stored."""
        rows = self._values(block)
        self._raw.execute("SAVEPOINT block")
        try:
            self._raw.executemany(self._sql, rows)
        except sqlite3.Error:
            if not self._raw.in_transaction:  # SQLite has rolled all of it back itself: a full disk
                raise
            self._raw.execute("ROLLBACK TO block")
            self._name_refused_row(block, rows)
            raise
        self._raw.execute("RELEASE block")

    def _values(self, block: Block) -> list[list[object]]:
        lines = self._text(block).split("\n")
        lines.pop()
        rows: list[list[object]] = [list(line.split("\t")) for line in lines]
        if b"\\" in block.data:
            rows = [[_plain(cell) if "\\" in cell else cell for cell in line.split("\t")] for line in lines]
        for number, row in enumerate(rows):
            for at, bind in self._binds:
                if (text := row[at]) is not None:
                    try:
                        row[at] = bind(str(text))
                    except ValueError as error:
                        column = self._task.columns[at].name
                        raise refused_row(
                            self._task,
                            block,
                            number,
                            f"column {column}: {text!r:.60} is not storable: {error}",
                        ) from None
        return rows

    def _text(self, block: Block) -> str:
        try:
            return block.data.decode("utf-8")
        except UnicodeDecodeError as error:
            number = block.data.count(b"\n", 0, error.start)
            raise refused_row(self._task, block, number, "a text is not valid UTF-8") from None

    def _name_refused_row(self, block: Block, rows: list[list[object]]) -> None:
        for number, row in enumerate(rows):
            try:
                self._raw.execute(self._sql, row)
            except sqlite3.Error as error:
                raise refused_row(self._task, block, number, reason(error)) from error


def _plain(cell: str) -> str | None:
    return None if cell == "\\N" else unescape(cell.encode("utf-8")).decode("utf-8")
