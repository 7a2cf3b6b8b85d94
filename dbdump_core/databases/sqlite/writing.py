"""Writing SQLite: `executemany` on split lines, each value bound as the class its column stores.

Affinity eats text on its way in ('007' becomes 7, `CAST` misreads one double in 200: facts.md
S15, F2), so numbers are bound as numbers and what a column would turn into another value is refused.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import NoReturn

from ...errors import VerificationError, shown
from ...model.abc import Block, WriteTask
from ...model.types import Kind, Type
from ...rows.lines import MARKS, Stored, holds_marks, read_mark, shown_cell, unescape
from ...rows.plain_values import plain
from ..base import reason
from ..portable import refused_block, refused_row
from .affinity import NUMERIC_LOOK, is_kept, settled

Bind = Callable[[list[str]], Sequence[object]]
"""Takes the texts of a column, none of them NULL, and returns the values to bind. Raises ValueError."""

EXACT_DIGITS = 15
"""Digits of a decimal that come back from a double as they were."""


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
    if any(map(NUMERIC_LOOK.fullmatch, texts)):
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


def bind_for(type_: Type, stored: str | None) -> Bind | None:
    """Return what makes the texts of a column into the values to bind; None: the texts themselves.

    `stored`: the column's affinity; None: as this program makes it.
    """
    if type_.kind is Kind.DECIMAL:
        is_text = stored == "TEXT" if stored else type_.precision is None or type_.precision > EXACT_DIGITS
        return None if is_text else _numbers
    if type_.kind is Kind.INTEGER and (stored == "TEXT" or (type_.unsigned and type_.bits == 64)):
        return None
    if type_.kind in _KEPT_TEXTS and stored not in ("TEXT", "BLOB", None):
        return _uneaten
    return _BINDS.get(type_.kind)


def plain_cell(value: Stored, type_: Type, stored: str) -> bytes | None:
    """Return the plain cell that a column of this affinity gets the value back from, in its class and spelling.

    None where only a mark can say it.
    """
    bind = bind_for(type_, stored)
    try:
        cell = plain(value, type_)
        text = unescape(cell).decode("utf-8")
        there = settled(bind([text])[0] if bind else text, stored)
    except ValueError:
        return None
    return cell if type(there) is type(value.value) and there == value.value else None


class BrokenText(bytes):
    """The bytes of a text that is no UTF-8."""


class BlockWriter:
    """Inserts the blocks of one task. `into`: the INSERT up to the values; `stored`: the affinity of each column."""

    def __init__(self, raw: sqlite3.Connection, task: WriteTask, into: str, stored: Sequence[str]) -> None:
        self._raw = raw
        self._task = task
        self._into = into
        self._stored = stored
        self._binds = [bind_for(column.type, one) for column, one in zip(task.columns, stored, strict=True)]
        self._plain = ("?",) * len(stored)

    def write(self, block: Block) -> None:
        """Insert the block's rows. Raises ValueRefusedError, which names the row where the block has only one."""
        rows, marked = self._values(block)
        try:
            for shape, some in groupby(rows, _shape) if marked else [(self._plain, rows)]:
                self._raw.executemany(f"{self._into} ({', '.join(shape)})", some)
        except sqlite3.Error as error:
            if not self._raw.in_transaction:  # SQLite has rolled all of it back itself: a full disk
                raise
            raise refused_block(self._task, block, reason(error), code=None) from error

    def _values(self, block: Block) -> tuple[list[tuple[object, ...]], bool]:
        """Return the rows to bind, and whether any of their cells is marked."""
        width = len(self._binds)
        cells = self._text(block).replace("\n", "\t").split("\t")
        cells.pop()
        escaped = b"\\" in block.data
        marked = False
        try:
            columns = [_bound(bind, cells[at::width], escaped=escaped) for at, bind in enumerate(self._binds)]
        except ValueError:
            # No marked cell is bound as though it were none: each has an escape that `unescape` does not take.
            marked = holds_marks(block.data)
            columns = self._with_marks(block, cells) if marked else self._name_unstorable(block, cells)
        return list(zip(*columns, strict=True)) if columns else [()] * block.rows, marked

    def _with_marks(self, block: Block, cells: list[str]) -> list[Sequence[object]]:
        """Return the values of each column, those of marked cells in their own storage class."""
        width = len(self._binds)
        try:
            return [self._column(at, cells[at::width]) for at in range(width)]
        except ValueError:
            return self._name_unstorable(block, cells)

    def _column(self, at: int, cells: list[str]) -> list[object]:
        plain = iter(_bound(self._binds[at], [cell for cell in cells if not _is_marked(cell)], escaped=True))
        return [self._unmarked(at, cell) if _is_marked(cell) else next(plain) for cell in cells]

    def _unmarked(self, at: int, cell: str) -> object:
        """Return the value of a marked cell. Raises ValueError where the column would make another one of it."""
        value, stored = read_mark(cell.encode("utf-8")), self._stored[at]
        if (cell_without := plain_cell(value, self._task.columns[at].type, stored)) is not None:
            raise ValueError(f"{value} needs no mark; write {shown(cell_without)}")
        if not is_kept(value.value, stored):
            raise ValueError(f"{value} would become another value in a column of {stored.lower()} affinity")
        if value.storage == "text" and isinstance(value.value, bytes):
            if self._encoding() != "UTF-8":
                raise ValueError(f"{value} is no UTF-8, and the database is in another encoding")
            return BrokenText(value.value)
        return value.value

    def _encoding(self) -> str:
        return str(self._raw.execute("PRAGMA main.encoding").fetchone()[0])

    def _name_unstorable(self, block: Block, cells: list[str]) -> NoReturn:
        """Raise ValueRefusedError for the first row with a value that cannot be bound."""
        for number in range(block.rows):
            for at, column in enumerate(self._task.columns):
                cell = cells[number * len(self._binds) + at]
                try:
                    self._column(at, [cell])
                except ValueError as error:
                    what = shown_cell(cell.encode()) if _is_marked(cell) else f"{_plain(cell)!r:.60}"
                    why = f"column {column.name}: {what} is not storable: {error}"
                    raise refused_row(self._task, block, number, why, code=str(error)) from None
        raise VerificationError(f"table {self._task.table.key}: a block holds fewer rows than it says")

    def _text(self, block: Block) -> str:
        try:
            return block.data.decode("utf-8")
        except UnicodeDecodeError as error:
            number = block.data.count(b"\n", 0, error.start)
            raise refused_row(self._task, block, number, "a text is not valid UTF-8") from None


_MARK_TEXTS = tuple(mark.decode("ascii") for mark in MARKS)


def _is_marked(cell: str) -> bool:
    return cell.startswith(_MARK_TEXTS)


def _shape(row: tuple[object, ...]) -> tuple[str, ...]:
    """Return what stands for each value of a row in the INSERT: only a cast makes a text of bytes that are none."""
    return tuple("CAST(? AS TEXT)" if isinstance(value, BrokenText) else "?" for value in row)


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
