"""Fingerprints: the count of a table's rows and the sum of their hashes modulo 2**128.

The sum does not depend on the order of rows and, unlike XOR, does not lose duplicate ones
(facts.md V1). Rows are hashed as their canonical lines; where two engines spell equal values
differently (floats, JSON, decimals of another scale) the cells are first brought to one spelling.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from xxhash import xxh3_128_intdigest

from ..model.abc import Block, Fingerprint
from ..model.types import Kind, Type
from .lines import NULL, is_marked, unescape

Canonical = Callable[[list[bytes]], list[bytes]]
"""Takes the cells of one column and returns, cell by cell, the one spelling of each value."""

_MODULUS = 2**128
_NULL_DOUBLE = b"\xff" * 8
_NEGATIVE_ZERO = struct.pack(">d", -0.0)
_ZERO = struct.pack(">d", 0.0)


def canonical(source: Type, target: Type) -> Canonical | None:
    """Return what brings a column's cells to one spelling, None where equal values look alike."""
    kinds = {source.kind, target.kind}
    if Kind.FLOAT in kinds:
        return canonical_floats
    if Kind.DECIMAL in kinds:
        fixed = source.kind is target.kind and source.precision is not None and target.precision is not None
        return None if fixed and (source.scale or 0) == (target.scale or 0) else canonical_decimals
    if kinds == {Kind.SET}:
        return None if source.values == target.values else canonical_sets
    return canonical_jsons if Kind.JSON in kinds else None


def canonical_sets(cells: list[bytes]) -> list[bytes]:
    """Return the members of sets in one order: columns list theirs in orders of their own."""
    return [b",".join(sorted(cell.split(b","))) if b"," in cell and not is_marked(cell) else cell for cell in cells]


def canonical_floats(cells: list[bytes]) -> list[bytes]:
    """Return doubles as their 8 bytes; a negative zero equals zero (facts.md F5)."""
    try:
        return _packed(cells)
    except ValueError:
        # Those bytes before a marked cell, which is no double, so that it is none of eight bytes.
        others = iter(_packed([cell for cell in cells if not is_marked(cell)]))
        return [_NULL_DOUBLE + cell if is_marked(cell) else next(others) for cell in cells]


def _packed(cells: list[bytes]) -> list[bytes]:
    nulls = NULL in cells
    numbers = [math.nan if cell == NULL else float(cell) for cell in cells] if nulls else list(map(float, cells))
    packed = struct.pack(f">{len(numbers)}d", *numbers)
    result = [one for (one,) in struct.iter_unpack("8s", packed)]
    if nulls:
        result = [_NULL_DOUBLE if cell == NULL else one for cell, one in zip(cells, result, strict=True)]
    return [_ZERO if one == _NEGATIVE_ZERO else one for one in result] if _NEGATIVE_ZERO in result else result


def canonical_decimals(cells: list[bytes]) -> list[bytes]:
    """Return decimals without trailing zeros after the point."""
    return [_canonical_decimal(cell) for cell in cells]


def canonical_jsons(cells: list[bytes]) -> list[bytes]:
    """Return JSON with sorted keys, the last of duplicate keys, and numbers by value."""
    return [_canonical_json(cell) for cell in cells]


def _canonical_decimal(cell: bytes) -> bytes:
    if b"." in cell and not is_marked(cell):
        cell = cell.rstrip(b"0").rstrip(b".")
    return b"0" if cell == b"-0" else cell


# A number that a double could narrow, or that engines spell in several ways (1e2, 1.0, 100).
_DELICATE_NUMBER = re.compile(rb"[0-9][.eE]|[0-9]{16}|\\u")
_NO_JSON = b"\xff"
"""Stands before a text that is no JSON, which is compared as it is: no UTF-8 has this byte."""


def _canonical_json(cell: bytes) -> bytes:
    if cell == NULL:
        return cell
    try:
        text = unescape(cell)
        return _sorted_json(_careful_value(text) if _DELICATE_NUMBER.search(text) else orjson.loads(text))
    except (ValueError, RecursionError):
        return _NO_JSON + cell


def _careful_value(text: bytes) -> Any:
    return json.loads(text.decode(), parse_float=_number, parse_int=_number, parse_constant=_no_constant)


def _sorted_json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # lone surrogates, or more than 254 levels
        return _sorted_json_in_ascii(value)


def _sorted_json_in_ascii(value: Any) -> bytes:
    """Return the same by the standard library; NaN, which is no JSON, is where large numbers were."""
    numbers = []

    def set_aside(number: orjson.Fragment) -> float:
        numbers.append(orjson.dumps(number))
        return math.nan

    return b" ".join([json.dumps(value, sort_keys=True, default=set_aside).encode(), *numbers])


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _number(text: str) -> int | orjson.Fragment:
    """Return a small integer as itself, any other number as its digits and exponent."""
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    bare = digits.rstrip("0")
    if not bare:
        return 0
    sign = "-" if text.startswith("-") else ""
    power = int(exponent or 0) - len(fraction) + len(digits) - len(bare)
    if power >= 0 and len(bare) + power < 16:
        return int(sign + bare + "0" * power)
    return orjson.Fragment(f"{sign}{bare}e{power}".encode())


class Hasher:
    """Adds up the fingerprint of the blocks it is shown; one canonical form (or None) per field."""

    def __init__(self, forms: Sequence[Canonical | None] = ()) -> None:
        self._width = len(forms)
        self._forms = [(at, form) for at, form in enumerate(forms) if form is not None]
        self.fingerprint = Fingerprint()

    def add(self, block: Block) -> None:
        """Count the block's rows and add their hashes."""
        total = sum(map(xxh3_128_intdigest, self._rows(block.data))) % _MODULUS
        self.fingerprint += Fingerprint(block.rows, total)

    def _rows(self, data: bytes) -> Iterable[bytes]:
        if not self._forms:
            lines = data.split(b"\n")
            lines.pop()
            return lines
        # By column and in C: one split, one map and one join for a block cost half of the same by row.
        cells = data.replace(b"\n", b"\t").split(b"\t")
        cells.pop()
        for at, form in self._forms:
            cells[at :: self._width] = form(cells[at :: self._width])
        return map(b"\t".join, zip(*[iter(cells)] * self._width, strict=True))
