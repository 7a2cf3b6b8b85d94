"""Looking at a whole column of cells in a few calls, before any cell is looked at alone.

`column_check` accepts exactly what the lexer of the type accepts of each cell. A quick look either is
sure of all cells or says nothing; then the distinct ones are lexed one by one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import orjson

from ..model.types import Kind, Type
from .lexers import FIRST_YEAR, LAST_YEAR, lexer
from .lines import NULL, unescape

ColumnCheck = Callable[[Sequence[bytes]], None]
"""Takes the cells of a column. Raises ValueError where one is not what the type asks; NULL is not looked at."""

_Look = Callable[[Sequence[bytes], bytes], bool]
"""Takes cells, none of them NULL, and the same joined by LF. True: all are good; False: not known."""

_DIGITS = b"0123456789"
_HEX = b"0123456789abcdef"
_LONGEST_INTEGER = 20


def column_check(target: Type, source: Type | None = None) -> ColumnCheck:
    """Return what looks at a column for `target`; `source` is the type that its texts were written as, if another."""
    lex = lexer(target, source)
    make = _LOOKS.get(target.kind)
    look = make(target, source or target) if make else None

    def check(cells: Sequence[bytes]) -> None:
        if NULL in cells:
            cells = [cell for cell in cells if cell != NULL]
        if not cells or (look is not None and look(cells, b"\n".join(cells))):
            return
        for cell in set(cells):
            lex(unescape(cell).decode("utf-8"))

    return check


def limited(check: ColumnCheck, limit: Callable[[str], None] | None) -> ColumnCheck:
    """Return what looks at a column by both; `limit` takes the text of one cell."""
    if limit is None:
        return check
    further = each_cell(limit)

    def both(cells: Sequence[bytes]) -> None:
        check(cells)
        further(cells)

    return both


def each_cell(look: Callable[[str], None]) -> ColumnCheck:
    """Return what looks at the distinct cells of a column one by one."""

    def check(cells: Sequence[bytes]) -> None:
        for cell in set(cells) - {NULL}:
            look(unescape(cell).decode("utf-8"))

    return check


def _only(joined: bytes, letters: bytes) -> bool:
    return not joined.translate(None, letters + b"\n")


def _stride(joined: bytes, size: int, marks: Mapping[int, bytes]) -> bool:
    """Tell whether cells of `size` bytes and an LF each (but the last) have these marks at these places."""
    count = len(joined) // size
    return all(joined[at::size] == mark * count for at, mark in marks.items())


def _boolean(target: Type, source: Type) -> _Look:
    return lambda cells, joined: set(cells) <= {b"0", b"1"}


def _are_integers(cells: Sequence[bytes], joined: bytes, low: int, high: int) -> bool:
    if not _only(joined, _DIGITS + b"-") or max(map(len, cells)) > _LONGEST_INTEGER:
        return False
    try:
        numbers = list(map(int, cells))
    except ValueError:
        return False
    return low <= min(numbers) and max(numbers) <= high and list(map(b"%d".__mod__, numbers)) == list(cells)


def _integer(target: Type, source: Type) -> _Look:
    low, high = (FIRST_YEAR, LAST_YEAR) if target.kind is Kind.YEAR else target.integer_range()
    return lambda cells, joined: _are_integers(cells, joined, low, high)


def _decimal(target: Type, source: Type) -> _Look:
    """Numbers that all have the same digits after the point, as a column of one scale has them."""
    scale = target.scale or 0
    most = 18 if target.precision is None else min(18, target.precision - scale)
    bound = 10 ** max(most, 0)

    def look(cells: Sequence[bytes], joined: bytes) -> bool:
        part = len(cells[0].partition(b".")[2])
        if most < 0 or (target.precision is not None and part > scale):
            return False
        if not part:
            return _are_integers(cells, joined, 1 - bound, bound - 1)
        tails = b"".join([cell[-part - 1 :] for cell in cells])
        if len(tails) != (part + 1) * len(cells) or tails[:: part + 1] != b"." * len(cells):
            return False
        if tails.count(b".") != len(cells) or tails.translate(None, _DIGITS + b"."):
            return False
        heads = [cell[: -part - 1] for cell in cells]
        return _are_integers(heads, b"\n".join(heads), 1 - bound, bound - 1)

    return look


def _text(target: Type, source: Type) -> _Look:
    most, padded = target.length, target.fixed and not source.fixed

    def look(cells: Sequence[bytes], joined: bytes) -> bool:
        if padded and (b" \n" in joined or joined.endswith(b" ")):
            return False
        # Characters are never more than bytes, and escapes make a cell longer than its text.
        if most is None or max(map(len, cells)) <= most:
            return _decodes(joined)
        return b"\\" not in joined and _decodes(joined) and max(map(len, joined.decode().split("\n"))) <= most

    return look


def _decodes(joined: bytes) -> bool:
    try:
        return joined.isascii() or bool(joined.decode())
    except UnicodeDecodeError:
        return False


def _bytes(target: Type, source: Type) -> _Look:
    shortest = target.length if target.fixed else None

    def look(cells: Sequence[bytes], joined: bytes) -> bool:
        digits = (b"\n" + joined).replace(b"\n\\\\x", b"")
        if digits.translate(None, _HEX):
            return False
        sizes = set(map(len, cells))  # `\\x` and two digits a byte
        if any(size % 2 == 0 for size in sizes):
            return False
        longest = target.length is None or max(sizes) <= 3 + 2 * target.length
        return longest and (shortest is None or min(sizes) >= 3 + 2 * shortest)

    return look


def _uuid(target: Type, source: Type) -> _Look:
    def look(cells: Sequence[bytes], joined: bytes) -> bool:
        if set(map(len, cells)) != {36} or not _only(joined, _HEX + b"-"):
            return False
        dashes = joined.count(b"-") == 4 * len(cells)
        return dashes and _stride(joined + b"\n", 37, dict.fromkeys((8, 13, 18, 23), b"-"))

    return look


_DAY_MARKS = {4: b"-", 7: b"-"}
_SECOND_MARKS = {**_DAY_MARKS, 10: b" ", 13: b":", 16: b":"}


def _are_moments(joined: bytes, size: int, marks: Mapping[int, bytes], read: Callable[[str], object]) -> bool:
    """Tell whether moments of `size` bytes are in the calendar; years have four digits and are not 0."""
    letters = _DIGITS + b"".join(set(marks.values()))
    count = (len(joined) + 1) // (size + 1)
    if not _only(joined, letters) or not _stride(joined + b"\n", size + 1, marks):
        return False
    if len(joined.translate(None, _DIGITS + b"\n")) != count * len(marks):
        return False
    try:
        list(map(read, joined.decode("ascii").split("\n")))
    except ValueError:
        return False
    return True


def _date(target: Type, source: Type) -> _Look:
    def look(cells: Sequence[bytes], joined: bytes) -> bool:
        return set(map(len, cells)) == {10} and _are_moments(joined, 10, _DAY_MARKS, dt.date.fromisoformat)

    return look


def _timestamp(target: Type, source: Type) -> _Look:
    most = 6 if target.precision is None else target.precision

    def look(cells: Sequence[bytes], joined: bytes) -> bool:
        heads, fractions = joined, b""
        sizes = set(map(len, cells))
        if min(sizes) < 19 or max(sizes) > 26:
            return False
        if sizes != {19}:
            heads = b"\n".join([cell[:19] for cell in cells])
            fractions = b"".join([cell[19:] + b"\n" for cell in cells if len(cell) > 19])
        return _are_fractions(fractions, sizes, most) and _are_moments(
            heads, 19, _SECOND_MARKS, dt.datetime.fromisoformat
        )

    return look


def _are_fractions(fractions: bytes, sizes: set[int], most: int) -> bool:
    r"""Tell whether each line is a point and one to `most` digits, the last of them not 0."""
    if not fractions:
        return True
    lines = fractions.count(b"\n")
    dots = (b"\n" + fractions).count(b"\n.") == lines == fractions.count(b".")
    short = max(sizes) - 20 <= most and b".\n" not in fractions and b"0\n" not in fractions
    return dots and short and _only(fractions, _DIGITS + b".")


def _json(target: Type, source: Type) -> _Look:
    def look(cells: Sequence[bytes], joined: bytes) -> bool:
        texts = map(unescape, cells) if b"\\" in joined else cells
        try:
            for text in texts:
                orjson.loads(text)
        except ValueError:
            return False
        return True

    return look


def _bit(target: Type, source: Type) -> _Look:
    def look(cells: Sequence[bytes], joined: bytes) -> bool:
        sizes = set(map(len, cells))
        fits = target.length is None or (sizes == {target.length} if target.fixed else max(sizes) <= target.length)
        return fits and _only(joined, b"01")

    return look


_LOOKS: Mapping[Kind, Callable[[Type, Type], _Look]] = {
    Kind.BOOLEAN: _boolean, Kind.INTEGER: _integer, Kind.YEAR: _integer, Kind.DECIMAL: _decimal,
    Kind.TEXT: _text, Kind.BYTES: _bytes, Kind.UUID: _uuid, Kind.DATE: _date, Kind.TIMESTAMP: _timestamp,
    Kind.JSON: _json, Kind.BIT: _bit,
}  # fmt: skip
