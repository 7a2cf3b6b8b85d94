r"""The canonical line: the only definition in Python of how a row is written.

Fields are separated by a tab, lines end in LF, NULL is `\N`, and there are exactly four escapes:
`\\`, `\t`, `\n`, `\r`. A *cell* is the escaped bytes of a field, its *text* the unescaped string.
Each type has one spelling (floats apart); `encode` writes it, `Lexer` accepts nothing else. A value that
its column's type has no place for is *marked*: its cell begins with `\I`, `\R`, `\T`, `\B` or `\U`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from ..errors import Cells, row_text, shown
from ..model.abc import Block
from ..model.schema import Column, Table
from ..model.types import Kind, Type
from .lexers import lexer

NULL = b"\\N"
_ESCAPES = ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r"))
_UNESCAPES = {b"\\\\": b"\\", b"\\t": b"\t", b"\\n": b"\n", b"\\r": b"\r"}
_ESCAPE = re.compile(rb"\\.", re.DOTALL)


def escape(raw: bytes) -> bytes:
    """Return the cell for the UTF-8 bytes of a text."""
    for plain, escaped in _ESCAPES:
        if plain in raw:
            raw = raw.replace(plain, escaped)
    return raw


def unescape(cell: bytes) -> bytes:
    r"""Return the UTF-8 bytes that a cell spells; `cell` is not `\N`. Raises ValueError for a marked one."""
    if b"\\" not in cell:
        return cell
    try:
        return _ESCAPE.sub(lambda found: _UNESCAPES[found.group()], cell)
    except KeyError:
        raise ValueError("a value of its column's type") from None


def text_of(cell: bytes) -> str | None:
    """Return the text of a cell, None for NULL."""
    return None if cell == NULL else unescape(cell).decode("utf-8")


# --- values to text ---------------------------------------------------------------------------


def _boolean(value: Any, type_: Type) -> str:
    if value in (0, 1):
        return "1" if value else "0"
    raise ValueError("a boolean")


def _integer(value: Any, type_: Type) -> str:
    if value in (float("inf"), float("-inf")) or value != int(value):
        raise ValueError("an integer")
    return str(int(value))


def _decimal(value: Any, type_: Type) -> str:
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        return "NaN" if number.is_nan() else "inf" if number > 0 else "-inf"
    if type_.precision is None:
        return format(number, "f")
    scale = type_.scale or 0
    whole, _, part = format(number, "f").partition(".")
    kept, cut = part[:scale], part[scale:]
    if cut.strip("0"):
        raise ValueError(f"a decimal with at most {scale} digits after the point")
    return f"{whole}.{kept.ljust(scale, '0')}" if scale else whole


def _float(value: Any, type_: Type) -> str:
    number = float(value)
    return "NaN" if number != number else repr(number)


def _bytes(value: Any, type_: Type) -> str:
    return "\\x" + bytes(value).hex()


def _date(value: Any, type_: Type) -> str:
    if isinstance(value, dt.datetime):
        value = value.date()
    return str(value.isoformat())


def _fraction(microseconds: int) -> str:
    return f".{microseconds:06d}".rstrip("0") if microseconds else ""


def _time(value: Any, type_: Type) -> str:
    if isinstance(value, dt.time):
        return value.strftime("%H:%M:%S") + _fraction(value.microsecond)
    sign = "-" if value < dt.timedelta(0) else ""
    span = abs(value)
    seconds = span.days * 86_400 + span.seconds
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return sign + clock + _fraction(span.microseconds)


def _timestamp(value: Any, type_: Type) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC)
    return f"{value.date().isoformat()} {value:%H:%M:%S}{_fraction(value.microsecond)}"


def _uuid(value: Any, type_: Type) -> str:
    return str(value if isinstance(value, UUID) else UUID(str(value)))


def _plain(value: Any, type_: Type) -> str:
    raise ValueError(f"text for {type_}")


_ENCODERS: Mapping[Kind, Callable[[Any, Type], str]] = {
    Kind.BOOLEAN: _boolean,
    Kind.INTEGER: _integer,
    Kind.YEAR: _integer,
    Kind.DECIMAL: _decimal,
    Kind.FLOAT: _float,
    Kind.BYTES: _bytes,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp,
    Kind.UUID: _uuid,
}
_ANY_TEXT = {Kind.TEXT, Kind.ENUM, Kind.SET, Kind.JSON, Kind.INTERVAL, Kind.NATIVE, Kind.BIT}


def encode(value: object, type_: Type) -> bytes:
    """Return the cell of a Python value, spelled as its type asks.

    Takes what drivers return: None, bool, int, Decimal, float, str, bytes, date, time, timedelta,
    datetime (zoned ones become UTC), UUID; a str for any type is taken as its text and must be
    in the canonical spelling already. Raises ValueError, whose text is what was expected.
    """
    if value is None:
        return NULL
    if isinstance(value, str):
        if type_.kind not in _ANY_TEXT:
            lexer(type_)(value)
        return escape(value.encode("utf-8"))
    return escape(_ENCODERS.get(type_.kind, _plain)(value, type_).encode("utf-8"))


# --- text to values ---------------------------------------------------------------------------


def _span(text: str) -> dt.timedelta:
    clock = text.lstrip("-")
    hours, minutes, seconds = clock.split(":")
    span = dt.timedelta(hours=int(hours), minutes=int(minutes)) + dt.timedelta(
        seconds=int(seconds[:2]), microseconds=int(seconds[3:].ljust(6, "0"))
    )
    return -span if text.startswith("-") else span


def _clock(text: str) -> dt.time | dt.timedelta:
    """Return a time of day, or a span where a day does not hold it (MySQL's TIME)."""
    return dt.time.fromisoformat(text) if "00:" <= text < "24:" and len(text) < 16 else _span(text)


_DECODERS: Mapping[Kind, Callable[[str], object]] = {
    Kind.BOOLEAN: lambda text: text == "1",
    Kind.INTEGER: int,
    Kind.YEAR: int,
    Kind.DECIMAL: Decimal,
    Kind.FLOAT: float,
    Kind.BYTES: lambda text: bytes.fromhex(text[2:]),
    Kind.DATE: dt.date.fromisoformat,
    Kind.TIME: _clock,
    Kind.UUID: UUID,
}


def decoder(type_: Type) -> Callable[[str], object]:
    """Return what turns a well formed text of this type into the Python value that drivers take."""
    if type_.kind is Kind.TIMESTAMP:
        if type_.zoned:
            return lambda text: dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
        return dt.datetime.fromisoformat
    return _DECODERS.get(type_.kind, str)


# --- marks ------------------------------------------------------------------------------------

MARKS = (b"\\I", b"\\R", b"\\T", b"\\B", b"\\U")
"""What begins a cell whose value is not what its column says: an integer, a real, a text, a blob (in hex),
a text that is no UTF-8 (its bytes in hex)."""
_MARK = re.compile(rb"(?:\A|(?<=[\t\n]))\\[IRTBU]")
_MAYBE_MARK = re.compile(rb"\\[IRTBU]")
_TEXT_CELL = re.compile(rb"(?:[^\\\t\n\r]|\\[\\tnr])*+")
_PLAIN_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")
_HEX_DIGITS = re.compile(rb"(?:[0-9a-f]{2})*+")


class Stored(NamedTuple):
    """A value as it is stored, whatever its column says: `integer`, `real`, `text` or `blob`.

    `value`: int, float, str or bytes; bytes also for a text that is no UTF-8.
    """

    storage: str
    value: int | float | str | bytes

    def __str__(self) -> str:
        return f"the {self.storage} {shown(self.value, 40)}"


def is_marked(cell: bytes) -> bool:
    """Tell whether a cell is marked."""
    return cell.startswith(MARKS)


def holds_marks(data: bytes) -> bool:
    """Tell whether lines hold a marked cell; one pass where no escape looks like a mark."""
    return _MAYBE_MARK.search(data) is not None and _MARK.search(data) is not None


def count_marks(data: bytes) -> int:
    """Return how many marked cells lines hold."""
    return sum(1 for _ in _MARK.finditer(data)) if _MAYBE_MARK.search(data) else 0


def mark(stored: Stored) -> bytes:
    """Return the marked cell of a value."""
    value = stored.value
    if isinstance(value, bytes):
        return (b"\\B" if stored.storage == "blob" else b"\\U") + value.hex().encode("ascii")
    if isinstance(value, str):
        return b"\\T" + escape(value.encode("utf-8"))
    return (b"\\I%d" % value) if isinstance(value, int) else b"\\R" + repr(value).encode("ascii")


def read_mark(cell: bytes) -> Stored:
    """Return the value of a marked cell. Raises ValueError for all that `mark` does not write."""
    return _MARK_READERS[cell[1:2]](cell[2:])


def _integer_mark(body: bytes) -> Stored:
    if not _PLAIN_INTEGER.fullmatch(body) or not -(2**63) <= int(body) < 2**63:
        raise ValueError(r"an integer of 64 bits in plain digits after \I")
    return Stored("integer", int(body))


def _real_mark(body: bytes) -> Stored:
    try:
        number = float(body)
    except ValueError:
        number = math.nan
    if math.isnan(number) or repr(number).encode("ascii") != body:
        raise ValueError(r"the shortest digits of a double after \R, such as 1.5, 1e+16 or inf")
    return Stored("real", number)


def _text_mark(body: bytes) -> Stored:
    if not _TEXT_CELL.fullmatch(body):
        raise ValueError(r"a text with no escape but \\ \t \n \r after \T")
    return Stored("text", unescape(body).decode("utf-8"))


def _bytes_of(body: bytes, letter: str) -> bytes:
    if not _HEX_DIGITS.fullmatch(body):
        raise ValueError(rf"pairs of lower-case hex digits after \{letter}")
    return bytes.fromhex(body.decode("ascii"))


def _broken_text_mark(body: bytes) -> Stored:
    value = _bytes_of(body, "U")
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return Stored("text", value)
    raise ValueError(r"the bytes of a text that is no UTF-8 after \U; one that is stands after \T")


_MARK_READERS: Mapping[bytes, Callable[[bytes], Stored]] = {
    b"I": _integer_mark,
    b"R": _real_mark,
    b"T": _text_mark,
    b"B": lambda body: Stored("blob", _bytes_of(body, "B")),
    b"U": _broken_text_mark,
}


# --- lines ------------------------------------------------------------------------------------


def join_rows(rows: Sequence[Sequence[object]], types: Sequence[Type]) -> Block:
    """Return a block of rows of Python values. Raises ValueError as `encode` does."""
    lines = [
        b"\t".join([encode(value, type_) for value, type_ in zip(row, types, strict=True)]) for row in rows
    ]
    return Block(b"\n".join([*lines, b""]), len(lines))


def split_rows(block: Block) -> list[list[bytes]]:
    """Return the cells of each row of a block."""
    lines = block.data.split(b"\n")
    lines.pop()
    return [line.split(b"\t") for line in lines]


def project(block: Block, positions: Sequence[int]) -> Block:
    """Return the block with only the fields at `positions`, in that order."""
    lines = [b"\t".join([cells[at] for at in positions]) for cells in split_rows(block)]
    return Block(b"\n".join([*lines, b""]), block.rows)


def row_key(table: Table, columns: Sequence[Column], cells: Sequence[bytes]) -> Cells:
    """Return what names a row for people: its primary key, or its first fields where there is none."""
    names = [column.name for column in columns]
    key = [name for name in table.primary_key if name in names] or names[:3]
    at = {name: names.index(name) for name in key}
    return tuple((name, cut_text(cells[at[name]])) for name in key if at[name] < len(cells))


def row_name(table: Table, columns: Sequence[Column], cells: Sequence[bytes]) -> str:
    """Return a row's name for a message."""
    return row_text(row_key(table, columns, cells))


VALUE_CUT = 60
"""Characters kept of a value for a message."""


def cut_text(cell: bytes) -> str | None:
    """Return the text of a cell for a message, cut; None for NULL."""
    if cell == NULL:
        return None
    cell = cell[2:] if is_marked(cell) else cell
    return cell[: 8 * VALUE_CUT].decode("utf-8", "backslashreplace")[:VALUE_CUT]


def shown_cell(cell: bytes) -> str:
    """Return a cell for a message, escaped and cut."""
    if is_marked(cell):
        return f"the {_STORAGE[cell[1:2]]} {shown(cell[2:], 40)}"
    return "NULL" if cell == NULL else shown(cell, 40)


_STORAGE = {b"I": "integer", b"R": "real", b"T": "text", b"B": "blob", b"U": "text of the bytes"}
