"""Writing SQLite: `executemany` on split lines, each value bound as the class its column stores.

Affinity eats text on its way in ('007' becomes 7, `CAST` misreads one double in 200: facts.md
S15, F2), so numbers are bound as numbers and what a column would turn into another value is refused.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from ...model.abc import Block, WriteTask
from ...model.types import Kind, Type
from ...rows.lines import unescape
from ..base import reason
from ..portable import refused_block, refused_row

Bind = Callable[[list[str]], Sequence[object]]
"""Takes the texts of a column, none of them NULL, and returns the values to bind. Raises ValueError."""

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


def _floats(texts: list[str]) -> list[float]:
    numbers = list(map(float, texts))
    if any(map(math.isnan, numbers)):
        raise ValueError("NaN, which SQLite stores as NULL")
    return numbers


def _integers(texts: list[str]) -> list[int]:
    numbers = list(map(int, texts))
    if list(map(str, numbers)) != texts:  # Python reads more than digits: '1_0', ' 7', other scripts
        raise ValueError("not an integer in plain digits")
    if texts and not (min(numbers) >= -(2**63) and max(numbers) < 2**63):
        raise ValueError("an integer beyond SQLite's 64 bits; declare the column as text")
    return numbers


def _numbers(texts: list[str]) -> Sequence[object]:
    if texts and max(map(len, texts)) <= EXACT_DIGITS and not "".join(texts).translate(_PLAIN_NUMBER):
        return list(map(float, texts))
    return list(map(_number, texts))


_PLAIN_NUMBER = str.maketrans("", "", "0123456789.-")


def _number(text: str) -> int | float:
    """Return the number that NUMERIC affinity keeps exactly: 15 digits, or a 64-bit integer."""
    if len(text.lstrip("-").replace(".", "")) <= EXACT_DIGITS and text[-1].isdigit():
        return float(text)
    if text.lstrip("-").isdigit() and -(2**63) <= int(text) < 2**63:
        return int(text)
    (number,) = _floats([text])
    if number in (float("inf"), float("-inf")) or Decimal(repr(number)) != Decimal(text):
        raise ValueError("a decimal of more digits than SQLite's numbers hold; declare the column as text")
    return number


def _padded(texts: list[str]) -> list[str]:
    """Return times with six digits after the point or none, as Django and SQLAlchemy write them."""
    return [text if "." not in text else _filled(text) for text in texts]


def _filled(text: str) -> str:
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<6}"


def _uneaten(texts: list[str]) -> list[str]:
    if any(map(_NUMERIC_LOOK.fullmatch, texts)):
        raise ValueError(
            "a text that the column's numeric affinity would turn into a number; declare it as text"
        )
    return texts


def _blobs(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text[2:]) for text in texts]


_BINDS: Mapping[Kind, Bind] = {
    Kind.BOOLEAN: lambda texts: list(map(int, texts)), Kind.INTEGER: _integers,
    Kind.YEAR: lambda texts: list(map(int, texts)), Kind.FLOAT: _floats, Kind.TIME: _padded,
    Kind.TIMESTAMP: _padded, Kind.BYTES: _blobs,
}  # fmt: skip
_KEPT_TEXTS = {Kind.TEXT, Kind.UUID, Kind.ENUM, Kind.SET, Kind.BIT, Kind.INTERVAL, Kind.NATIVE}


def bind_for(type_: Type, declared: str | None) -> Bind | None:
    """Return what makes the texts of a column into the values to bind; None: the texts themselves.

    `declared`: the column's declared type, which decides its affinity; None: as this program makes it.
    """
    stored = affinity(declared) if declared is not None else None
    if type_.kind is Kind.DECIMAL:
        is_text = stored == "TEXT" if stored else type_.precision is None or type_.precision > EXACT_DIGITS
        return None if is_text else _numbers
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
        self._binds = [bind_for(column.type, text) for column, text in zip(task.columns, declared, strict=True)]

    def write(self, block: Block) -> None:
        """Insert the block's rows. Raises ValueRefusedError, which names the row where the block has only one."""
        rows = self._values(block)
        try:
            self._raw.executemany(self._sql, rows)
        except sqlite3.Error as error:
            if not self._raw.in_transaction:  # SQLite has rolled all of it back itself: a full disk
                raise
            raise refused_block(self._task, block, reason(error), code=None) from error

    def _values(self, block: Block) -> list[tuple[object, ...]]:
        width = len(self._binds)
        cells = self._text(block).replace("\n", "\t").split("\t")
        cells.pop()
        escaped = b"\\" in block.data
        try:
            columns = [_bound(bind, cells[at::width], escaped=escaped) for at, bind in enumerate(self._binds)]
        except ValueError:
            self._name_unstorable(block, cells)
            raise
        return list(zip(*columns, strict=True)) if columns else [()] * block.rows

    def _name_unstorable(self, block: Block, cells: list[str]) -> None:
        """Raise ValueRefusedError for the first row with a value that cannot be bound."""
        for number in range(block.rows):
            for at, (column, bind) in enumerate(zip(self._task.columns, self._binds, strict=True)):
                cell = cells[number * len(self._binds) + at]
                try:
                    _bound(bind, [cell], escaped=True)
                except ValueError as error:
                    why = f"column {column.name}: {_plain(cell)!r:.60} is not storable: {error}"
                    raise refused_row(self._task, block, number, why, code=str(error)) from None

    def _text(self, block: Block) -> str:
        try:
            return block.data.decode("utf-8")
        except UnicodeDecodeError as error:
            number = block.data.count(b"\n", 0, error.start)
            raise refused_row(self._task, block, number, "a text is not valid UTF-8") from None


def _bound(bind: Bind | None, cells: list[str], *, escaped: bool) -> Sequence[object]:
    """Return the values of a column; without `escaped` there is no backslash in it, and so no NULL."""
    if not escaped:
        return bind(cells) if bind else cells
    if bind is None:
        return [_plain(cell) if "\\" in cell else cell for cell in cells]
    if "\\N" not in cells:
        return bind([str(_plain(cell)) if "\\" in cell else cell for cell in cells])
    texts = [str(_plain(cell)) if "\\" in cell else cell for cell in cells if cell != "\\N"]
    values = iter(bind(texts))
    return [None if cell == "\\N" else next(values) for cell in cells]


def _plain(cell: str) -> str | None:
    return None if cell == "\\N" else unescape(cell.encode("utf-8")).decode("utf-8")
