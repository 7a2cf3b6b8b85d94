"""Values of a folder of 2007: spelled as their writer pleased, read as the cells of a type."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from ...model.schema import Default, DefaultKind
from ...model.types import DURATION, INTERVAL, TEXT, TIMESTAMP, TIMESTAMPTZ, UUID, UUID_HEX, Kind, Type
from ...rows.conversions import conversion, spelled
from ...rows.conversions import zone as zone_named
from ..formats.literals import Value
from ..formats.py import Read, plain_digits, reader

_PLAIN = re.compile(r"(-?[0-9]+)(?:\.([0-9]+))?")
_CLOCK = re.compile(r"(.*[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]*?)0*")
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
_OFFSET = re.compile(rf"({_MOMENT})(Z|[+-][0-9]{{2}}:[0-9]{{2}})")
_BARE_UUID = re.compile(r"[0-9a-fA-F]{32}")
_WHOLE = re.compile(r"-?[0-9]+")


def value_reader(type_: Type, *, old: bool, zone: str | None) -> Read:
    """Return what turns literals of any writer into cells, in the spelling of the stored type.

    `old`: the file does not bear our mark, so floats may stand for decimals and timestamps are those
    of `zone`. What does not fit the type is left as it is, for its lexer to refuse. The Read raises
    ValueError, whose text is what was expected.
    """
    if type_.kind is Kind.DECIMAL:
        return _decimal(type_, old=old)
    if type_.kind is Kind.TIMESTAMP:
        return _timestamp(type_, zone if old else None)
    if type_.kind is Kind.TIME:
        return _then(reader(type_), _without_zeros)
    if type_.kind is Kind.UUID:
        return _uuid(type_)
    if type_.kind is Kind.INTERVAL:
        return _interval(type_)
    return reader(type_)


def default_for(default: Default, type_: Type, *, old: bool, zone: str | None) -> Default:
    """Return a file's default for a column of `type_`, meant as its records are: times are those of `zone`.

    `old`, `zone` as in `value_reader`; the present day and clock are those of `zone` in any file. Raises
    ValueError, whose text is what was expected.
    """
    value = default.value
    if type_.kind is Kind.INTERVAL and isinstance(value, int) and not isinstance(value, bool):
        return Default(DefaultKind.VALUE, _interval(type_)(("int", str(value))))
    if zone is None or not isinstance(value, str):
        return default
    if default.kind in _TIMES and value == "now":
        present = _present(default.kind, type_, zone)
        if present is None:
            return default
        default, value = Default(default.kind, present), present
    moments = type_.kind is Kind.TIMESTAMP and (type_.zoned or type_.name is not None)
    if not (old and moments and default.kind in (DefaultKind.VALUE, DefaultKind.DATE, DefaultKind.DATETIME)):
        return default
    text = f"{value} 00:00:00" if default.kind is DefaultKind.DATE else value
    return Default(DefaultKind.VALUE, _timestamp(type_, zone)(("text", text)))


_TIMES = (DefaultKind.DATE, DefaultKind.TIME, DefaultKind.DATETIME)


def _present(kind: DefaultKind, type_: Type, zone: str) -> str | None:
    """Return what the clocks of `zone` show now; None for a moment, which is one everywhere, and for no time."""
    part = {Kind.DATE: DefaultKind.DATE, Kind.TIME: DefaultKind.TIME}.get(type_.kind, kind)
    moment = type_.kind is Kind.TIMESTAMP and part is not DefaultKind.DATE
    if moment or type_.kind not in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TEXT):
        return None
    day, _, clock = spelled(dt.datetime.now(zone_named(zone)).replace(microsecond=0)).decode().partition(" ")
    return {DefaultKind.DATE: day, DefaultKind.TIME: clock}.get(part, f"{day} {clock}")


def _then(read: Read, change: Callable[[str], str]) -> Read:
    return lambda value: change(read(value))


def _converted(cell: str, source: Type, target: Type) -> str:
    convert = conversion(source, target)
    return cell if convert is None else convert(cell.encode()).decode()


def _decimal(type_: Type, *, old: bool) -> Read:
    plain, scale = reader(type_), type_.scale or 0

    def read(value: Value) -> str:
        cell = plain(value)
        if type_.precision is None:
            return cell
        if old and value[0] == "float" and len(cell.partition(".")[2]) > scale:
            cell = _shortest(value[1], cell)
        return _scaled(cell, scale)

    return read


def _shortest(literal: str, cell: str) -> str:
    """Return what Python 2.7 and later write of a float that a Python before them wrote.

    Those wrote 17 digits, 0.10000000000000001 of the decimal 0.1; a literal that is not such a one
    keeps the digits that it has.
    """
    number = float(literal)
    return plain_digits(repr(number)) if format(number, ".17g") == literal else cell


def _scaled(cell: str, scale: int) -> str:
    """Return plain digits with as many after the point as the column has, unless that would change it."""
    found = _PLAIN.fullmatch(cell)
    if found is None:
        return cell
    whole, part = found.group(1), (found.group(2) or "").rstrip("0")
    if len(part) > scale:
        return cell
    return f"{whole}.{part.ljust(scale, '0')}" if scale else whole


def _without_zeros(cell: str) -> str:
    found = _CLOCK.fullmatch(cell) if "." in cell else None
    return found.group(1).rstrip(".") if found else cell


def _timestamp(type_: Type, zone: str | None) -> Read:
    plain = reader(TIMESTAMP)
    known = type_.zoned or type_.name is not None

    def read(value: Value) -> str:
        text = plain(value)
        if type_.zoned and text.endswith("+00:00"):
            return _without_zeros(text.removesuffix("+00:00"))
        cell = _without_zeros(text)
        found = _OFFSET.fullmatch(cell) if known else None
        if found is not None:
            return _converted(_in_utc(found.group(1), found.group(2)), TIMESTAMPTZ, type_)
        if known and zone is not None and cell[-1:].isdigit():
            return _converted(cell, Type(Kind.TIMESTAMP, name=zone), type_)
        return cell

    return read


def _in_utc(moment: str, offset: str) -> str:
    try:
        return spelled(dt.datetime.fromisoformat(moment + offset).astimezone(dt.UTC)).decode()
    except (ValueError, OverflowError):
        raise ValueError("a timestamp YYYY-MM-DD HH:MM:SS+HH:MM") from None


def _uuid(type_: Type) -> Read:
    plain = reader(UUID)

    def read(value: Value) -> str:
        cell = plain(value)
        if type_ == UUID_HEX:
            return _converted(cell, TEXT, UUID_HEX)
        return _converted(cell.lower(), UUID_HEX, UUID) if _BARE_UUID.fullmatch(cell) else cell

    return read


def _interval(type_: Type) -> Read:
    plain = reader(INTERVAL)

    def read(value: Value) -> str:
        cell = plain(value)
        if type_ == DURATION:
            return cell if _WHOLE.fullmatch(cell) else _converted(cell, INTERVAL, DURATION)
        return _converted(cell, DURATION, type_) if value[0] == "int" else cell

    return read
