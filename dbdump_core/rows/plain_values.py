"""What a value that is stored in a column of another type plainly means there, without losing anything.

An integral real in an integer column, a `T` between date and time, a uuid without dashes: towards a side
that keeps to its types such a value is spelled as its column says. What could be meant otherwise is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from ..errors import Refusal, ValueRefusedError, row_text, shown
from ..model.abc import ReadTask
from ..model.types import Kind, Type
from .lines import Stored, cut_text, encode, is_marked, read_mark, row_key

ADVICE = "correct the value, or the type of its column"


def plain(stored: Stored, type_: Type) -> bytes:
    """Return the cell of a stored value in a column of this type. Raises ValueError: its text is what was expected."""
    try:
        return _plain(stored.storage, stored.value, type_)
    except (OverflowError, InvalidOperation) as error:
        raise ValueError(str(error)) from None


def _plain(storage: str, value: int | float | str | bytes, type_: Type) -> bytes:
    if storage == "text":
        text = value if isinstance(value, str) else bytes(value).decode("utf-8")  # type: ignore[arg-type]
        return encode(_from_text(text, type_), type_)
    if (storage == "blob") is not (type_.kind is Kind.BYTES):
        raise ValueError(_expected(type_, "bytes" if storage == "blob" else f"{value!r}"))
    return encode(_from_number(value, type_) if isinstance(value, int | float) else value, type_)


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


# --- marked cells -------------------------------------------------------------------------------


def unmarked(task: ReadTask, cells: Sequence[bytes], place: str = "") -> list[bytes]:
    """Return a row with the marked cells of columns that take none as what they plainly mean.

    Raises ValueRefusedError, which names the row, the value and its storage class.
    """
    taken = list(cells)
    for at, (cell, column) in enumerate(zip(cells, task.columns, strict=False)):
        if is_marked(cell) and column.name not in task.marks:
            taken[at] = _meant(task, cells, at, place)
    return taken


def _meant(task: ReadTask, cells: Sequence[bytes], at: int, place: str) -> bytes:
    what = f"the marked cell {shown(cells[at], 40)}"
    try:
        stored = read_mark(cells[at])
        what = str(stored)
        return plain(stored, task.columns[at].type)
    except ValueError as error:
        said = "valid Unicode" if isinstance(error, UnicodeError) else str(error)
        raise _refused(task, cells, at, problem=f"{what} is not {said}", said=said, place=place) from None


def _refused(
    task: ReadTask, cells: Sequence[bytes], at: int, *, problem: str, said: str, place: str
) -> ValueRefusedError:
    column = task.columns[at]
    refusal = Refusal(
        table=str(task.table.key),
        columns=(column.name,),
        row=row_key(task.table, task.columns, cells),
        values=((column.name, cut_text(cells[at])),),
        problem=f"values are not {said}",
        advice=ADVICE,
        place=place,
    )
    named = f"table {task.table.key}, column {column.name} ({column.type}), row {row_text(refusal.row)}"
    return ValueRefusedError(f"{f'{place}: ' if place else ''}{named}: {problem}; {ADVICE}", refusal)
