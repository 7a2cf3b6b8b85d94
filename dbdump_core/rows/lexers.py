"""Strict lexers: one per type, each accepts the canonical spelling and nothing else.

A lexer is called with a text and raises ValueError, whose text is what was expected. Engines
guess (`'12abc'` is 12, `'now'` is today, `'24-01-02'` some year: facts.md I4, T13, T15); a
lexer never does.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal

from ..model.types import Kind, Type

Lexer = Callable[[str], None]


class Unfit(ValueError):
    """A text that is not what was `expected`, for what it measures: characters, bytes or bits, or a number."""

    def __init__(self, expected: str, *, length: int | None = None, number: Decimal | None = None) -> None:
        super().__init__(expected if length is None else f"{expected} (it has {length})")
        self.expected = expected
        self.length = length
        self.number = number


_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_FLOAT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_DATE = re.compile(r"([0-9]{4,7})-([0-9]{2})-([0-9]{2})( BC)?")
_TIME = re.compile(r"-?[0-9]{2,3}:[0-5][0-9]:[0-5][0-9](?:\.([0-9]{0,5}[1-9]))?")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.([0-9]{0,5}[1-9]))?")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX = re.compile(r"\\x[0-9a-f]*+")
_BITS = re.compile(r"[01]*")
FIRST_YEAR, LAST_YEAR = 1901, 2155
"""What a year column holds, beside 0."""
_NOT_FINITE = ("NaN", "inf", "-inf")
_INFINITE = ("infinity", "-infinity")


def _boolean(target: Type, source: Type) -> Lexer:
    def lex(text: str) -> None:
        if text not in ("0", "1"):
            raise ValueError("a boolean, 0 or 1")

    return lex


def _integer(target: Type, source: Type) -> Lexer:
    low, high = target.integer_range()

    def lex(text: str) -> None:
        plain = _INTEGER.fullmatch(text) is not None and len(text) <= 25
        if not (plain and low <= int(text) <= high):
            raise Unfit(f"an integer from {low} to {high}", number=Decimal(text) if plain else None)

    return lex


def _year(target: Type, source: Type) -> Lexer:
    def lex(text: str) -> None:
        plain = _INTEGER.fullmatch(text) is not None and len(text) <= 25
        if not (plain and (text == "0" or FIRST_YEAR <= int(text) <= LAST_YEAR)):
            expected = f"a year from {FIRST_YEAR} to {LAST_YEAR}, or 0"
            raise Unfit(expected, number=Decimal(text) if plain else None)

    return lex


def _decimal(target: Type, source: Type) -> Lexer:
    scale = target.scale or 0
    most = None if target.precision is None else target.precision - scale

    def lex(text: str) -> None:
        if text in _NOT_FINITE:
            return
        if not _DECIMAL.fullmatch(text):
            raise ValueError("a decimal in plain digits")
        whole, _, part = text.lstrip("-").partition(".")
        if most is not None and (len(whole.lstrip("0")) > most or len(part.rstrip("0")) > scale):
            raise Unfit(f"a decimal({target.precision},{scale})", number=Decimal(text))

    return lex


def _float(target: Type, source: Type) -> Lexer:
    exact = source.kind in (Kind.DECIMAL, Kind.INTEGER, Kind.TEXT)

    def lex(text: str) -> None:
        if text in _NOT_FINITE:
            return
        if not _FLOAT.fullmatch(text) or math.isinf(float(text)):
            raise ValueError("a number that a double can hold")
        number = float(text)
        if exact and Decimal(repr(number)) != Decimal(text):
            raise ValueError("a number that a double can hold exactly")
        if target.bits == 32 and not _is_single(number):
            raise ValueError("a number that a 4-byte float can hold exactly")

    return lex


def _is_single(number: float) -> bool:
    try:
        return bool(struct.unpack("f", struct.pack("f", number))[0] == number)
    except OverflowError:
        return False


def _text(target: Type, source: Type) -> Lexer:
    most = target.length
    padded = target.fixed and not source.fixed

    def lex(text: str) -> None:
        if most is not None and len(text) > most:
            raise Unfit(f"at most {most} characters long", length=len(text))
        if padded and text.endswith(" "):
            raise ValueError(f"without spaces at its end, which a {target} column loses")

    return lex


def _bytes(target: Type, source: Type) -> Lexer:
    def lex(text: str) -> None:
        if len(text) % 2 or not _HEX.fullmatch(text):
            raise ValueError(r"bytes as \x and lower-case hex digits")
        size = len(text) // 2 - 1
        if target.length is not None and (size > target.length or (target.fixed and size != target.length)):
            raise Unfit(f"{'' if target.fixed else 'at most '}{target.length} bytes long", length=size)

    return lex


def _lex_date(text: str) -> None:
    """A calendar date; also what single engines hold: zero parts (MySQL), far years and BC (PostgreSQL)."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("a date YYYY-MM-DD")
    year, month, day = map(int, found.groups()[:3])
    if not (month and day) and month <= 12 and day <= 31:
        return
    leap_alike = 2000 + (year - bool(found.group(4))) % 400
    try:
        dt.date(leap_alike if not found.group(4) else 2000 + (1 - year) % 400, month, day)
    except ValueError:
        raise ValueError("a day of the calendar") from None


def _date(target: Type, source: Type) -> Lexer:
    def lex(text: str) -> None:
        if text not in _INFINITE:
            _lex_date(text)

    return lex


def _check_fraction(found: re.Match[str] | None, target: Type, words: str) -> None:
    if found is None:
        raise ValueError(f"{words}, a fraction without trailing zeros")
    most = 6 if target.precision is None else target.precision
    if len(found.group(1) or "") > most:
        raise ValueError(f"{words} with at most {most} digits after the point")


def _time(target: Type, source: Type) -> Lexer:
    return lambda text: _check_fraction(_TIME.fullmatch(text), target, "a time HH:MM:SS")


def _timestamp(target: Type, source: Type) -> Lexer:
    def lex(text: str) -> None:
        if text in _INFINITE:
            return
        era = " BC" if text.endswith(" BC") else ""
        day, _, clock = text.removesuffix(era).partition(" ")
        _check_fraction(_CLOCK.fullmatch(clock), target, "a timestamp YYYY-MM-DD HH:MM:SS")
        _lex_date(day + era)

    return lex


def _uuid(target: Type, source: Type) -> Lexer:
    def lex(text: str) -> None:
        if not _UUID.fullmatch(text):
            raise ValueError("a uuid in lower case with dashes")

    return lex


def _refuse_constant(word: str) -> None:
    raise ValueError(word)


def _json(target: Type, source: Type) -> Lexer:
    def lex(text: str) -> None:
        try:
            json.loads(text, parse_constant=_refuse_constant, parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            raise ValueError("valid JSON") from None

    return lex


def _bit(target: Type, source: Type) -> Lexer:
    def lex(text: str) -> None:
        fits = target.length is None or (
            len(text) == target.length if target.fixed else len(text) <= target.length
        )
        if not (fits and _BITS.fullmatch(text)):
            raise ValueError(f"{'' if target.fixed else 'at most '}{target.length} bits 0 or 1")

    return lex


def _enum(target: Type, source: Type) -> Lexer:
    members = frozenset(target.values)

    def lex(text: str) -> None:
        if text not in members:
            raise ValueError("one of " + ", ".join(target.values[:8]))

    return lex


def _set(target: Type, source: Type) -> Lexer:
    position = {member: at for at, member in enumerate(target.values)}
    ordered = source.kind is not Kind.SET  # of two sets the members are compared, whatever their order

    def lex(text: str) -> None:
        found = [position.get(member, -1) for member in text.split(",")] if text else []
        known = ", ".join(target.values[:8])
        if -1 in found:
            raise ValueError(f"a list of {known}")
        if ordered and found != sorted(set(found)):
            raise ValueError(f"a list in the order of the column, each member once: {known}")

    return lex


def _any(target: Type, source: Type) -> Lexer:
    return lambda text: None


_LEXERS: Mapping[Kind, Callable[[Type, Type], Lexer]] = {
    Kind.BOOLEAN: _boolean, Kind.INTEGER: _integer, Kind.YEAR: _year, Kind.DECIMAL: _decimal,
    Kind.FLOAT: _float, Kind.TEXT: _text, Kind.BYTES: _bytes, Kind.DATE: _date, Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp, Kind.UUID: _uuid, Kind.JSON: _json, Kind.BIT: _bit, Kind.ENUM: _enum,
    Kind.SET: _set, Kind.INTERVAL: _any, Kind.NATIVE: _any,
}  # fmt: skip


def lexer(target: Type, source: Type | None = None) -> Lexer:
    """Return the lexer of `target`; `source` is the type that the text was written as, if another."""
    return _LEXERS[target.kind](target, source or target)
