"""Conversions: what turns a cell in the spelling of one type into that of another, exactly or not at all."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import MismatchError, shown
from ..model.types import DURATION, UUID, UUID_HEX, Kind, Type
from .lines import NULL

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Convert = Callable[[bytes], bytes]
"""Takes a cell and returns a cell; NULL stays NULL. Raises ValueError, whose text is what was expected."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


def conversion(source: Type, target: Type) -> Convert | None:
    """Return what turns cells of `source` into cells of `target`, as their stored types spell them.

    None where the cells are to be taken as they are. Raises MismatchError for a time zone that is not known.
    """
    if target == UUID_HEX and (source == UUID or source.kind is Kind.TEXT):
        return _to_uuid_hex
    if (source, target) == (UUID_HEX, UUID):
        return _to_uuid
    if source.kind is target.kind is Kind.INTERVAL and source != target:
        return _to_duration if target == DURATION else _to_interval
    if source.kind is target.kind is Kind.TIMESTAMP:
        return _between_zones(_zone_name(source), _zone_name(target))
    return None


def convert_column(convert: Convert, cells: Sequence[bytes]) -> list[bytes]:
    """Return the cells of a column converted, in a few calls where that can be. Raises ValueError as `convert` does."""
    quick = _QUICK.get(convert)
    if quick and NULL in cells:
        others = iter(convert_column(convert, [cell for cell in cells if cell != NULL]))
        return [cell if cell == NULL else next(others) for cell in cells]
    return (quick(cells) if quick and cells else None) or list(map(convert, cells))


# --- uuids --------------------------------------------------------------------------------------

_UUID_HEX = re.compile(rb"[0-9a-f]{32}")
_UUID_TEXT = re.compile(rb"(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)


def _to_uuid_hex(cell: bytes) -> bytes:
    if cell == NULL:
        return cell
    if not _UUID_TEXT.fullmatch(cell):
        raise ValueError("a uuid")
    return cell.replace(b"-", b"").lower()


def _to_uuid(cell: bytes) -> bytes:
    if cell == NULL:
        return cell
    if not _UUID_HEX.fullmatch(cell):
        raise ValueError("a uuid as 32 hex digits in lower case")
    return b"-".join((cell[:8], cell[8:12], cell[12:16], cell[16:20], cell[20:]))


def _to_uuids(cells: Sequence[bytes]) -> list[bytes] | None:
    """Return 32 hex digits each as uuids, made by places; None where a cell is something else."""
    joined = b"\n".join([*cells, b""])
    if set(map(len, cells)) != {32} or joined.translate(None, b"0123456789abcdef\n"):
        return None
    made = bytearray(b"-" * (37 * len(cells)))
    places = [*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 37)]
    for at, place in enumerate(places):
        made[place::37] = joined[at::33]
    return bytes(made[:-1]).split(b"\n")


def _to_uuid_hexes(cells: Sequence[bytes]) -> list[bytes] | None:
    """Return uuids each as 32 hex digits; None where a cell is something else."""
    joined = b"\n".join([*cells, b""])
    dashes = [joined[at::37] == b"-" * len(cells) for at in (8, 13, 18, 23)]
    if set(map(len, cells)) != {36} or not all(dashes) or joined.count(b"-") != 4 * len(cells):
        return None
    if joined.translate(None, b"0123456789abcdef-\n"):
        return None
    return joined[:-1].replace(b"-", b"").split(b"\n")


_QUICK: Mapping[Convert, Callable[[Sequence[bytes]], list[bytes] | None]] = {
    _to_uuid: _to_uuids,
    _to_uuid_hex: _to_uuid_hexes,
}


# --- intervals ----------------------------------------------------------------------------------

_INTERVAL = re.compile(
    rb"(?:([+-]?\d+) years? ?)?(?:([+-]?\d+) mons? ?)?(?:([+-]?\d+) days?(?: |$))?"
    rb"(?:([+-]?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?)?"
)
_MICROSECONDS = re.compile(rb"0|-?[1-9][0-9]{0,18}")


def _to_duration(cell: bytes) -> bytes:
    """An interval as PostgreSQL spells it (`-1 days +02:03:00.5`), as microseconds of days of 24 hours."""
    if cell == NULL:
        return cell
    found = _INTERVAL.fullmatch(cell)
    if not (cell and found):
        raise ValueError("an interval of days and a time")
    years, months, days, sign, hours, minutes, seconds, part = found.groups()
    if years or months:
        raise ValueError("an interval without months and years, whose length is not fixed")
    clock = (int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)) * _SECOND
    clock += int((part or b"").ljust(6, b"0"))
    total = int(days or 0) * _DAY + (-clock if sign == b"-" else clock)
    if not -(2**63) <= total < 2**63:
        raise ValueError("an interval that 64 bits of microseconds can hold")
    return b"%d" % total


def _to_interval(cell: bytes) -> bytes:
    """Microseconds as PostgreSQL spells whole days and a time that is never negative, as Python does."""
    if cell == NULL:
        return cell
    if not _MICROSECONDS.fullmatch(cell):
        raise ValueError("a duration in whole microseconds")
    days, rest = divmod(int(cell), _DAY)
    seconds, microseconds = divmod(rest, _SECOND)
    words = [b"%d day%s" % (days, b"" if days == 1 else b"s")] if days else []
    if rest or not days:
        sign = b"+" if days < 0 else b""
        clock = b"%s%02d:%02d:%02d" % (sign, seconds // 3600, seconds // 60 % 60, seconds % 60)
        words.append(clock + (b".%06d" % microseconds).rstrip(b"0") if microseconds else clock)
    return b" ".join(words)


# --- timestamps ---------------------------------------------------------------------------------

_TIMESTAMP = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?")
_INFINITE = (b"infinity", b"-infinity")


def _zone_name(type_: Type) -> str | None:
    """Return the zone that a timestamp's cells are spelled in; None where it is not told."""
    return "UTC" if type_.zoned else type_.name


def _between_zones(source: str | None, target: str | None) -> Convert | None:
    if source is None or target is None or source == target:
        return None
    here, there = zone(source), zone(target)

    def convert(cell: bytes) -> bytes:
        if cell == NULL or cell in _INFINITE:
            return cell
        if not _TIMESTAMP.fullmatch(cell):
            raise ValueError("a timestamp YYYY-MM-DD HH:MM:SS")
        try:
            moment = dt.datetime.fromisoformat(cell.decode()).replace(tzinfo=here)
            instant = moment.astimezone(dt.UTC)
            local = instant.astimezone(there)
            exists = instant.astimezone(here).replace(tzinfo=None) == moment.replace(tzinfo=None)
        except (ValueError, OverflowError):
            raise ValueError("a moment of the calendar from year 1 to 9999") from None
        if not exists:
            raise ValueError(f"a time that clocks of {source} ever showed; they were set forward over it")
        if local.fold:
            raise ValueError(f"a moment that clocks of {target} tell apart from the one an hour before it")
        return spelled(local)

    return convert


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name. Raises MismatchError for one that is not known here."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, no such name, a folder
        raise MismatchError(
            f"no time zone {shown(name)} here; correct the name or install the tzdata package"
        ) from None


def spelled(moment: dt.datetime) -> bytes:
    """Return the cell of a moment as its clock shows it, without its zone."""
    text = moment.replace(tzinfo=None, microsecond=0).isoformat(" ")
    return (f"{text}.{moment.microsecond:06d}".rstrip("0") if moment.microsecond else text).encode("ascii")
