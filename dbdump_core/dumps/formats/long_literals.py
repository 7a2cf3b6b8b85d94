"""Records with strings of many megabytes: worked on in pieces, so that no copy of a whole one is made but its cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from .literals import Broken, Value, place_of, read_list

LONG = 1024 * 1024
"""Bytes of a string from which on it is read in pieces of about that size."""
_QUOTE = re.compile(rb"([bBuUrR]{0,2})(['\"])")
_ESCAPE_BYTES = 12
"""More than the longest escape has, `\\U0010ffff`, or half of a pair, `\\ud83d`."""
_HIGH_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}")

_MARK: Value = ("text", "long")

Read = Callable[[Value], str]


def read_long_record(line: bytes, readers: Sequence[Read], null: str, span: tuple[int, int]) -> bytes:
    """Return the canonical line, without its end, of the record that stands from `span[0]` to `span[1]` of `line`.

    Raises Broken and UnicodeDecodeError.
    """
    text, longs = _shortened(line, *span)
    values = read_list(text, len(readers))
    cells: list[bytes] = []
    for at, (read, value) in enumerate(zip(readers, values, strict=True)):
        # Another string may say the same as a mark, so its place decides.
        if value == _MARK and (found := longs.get(place_of(text, at))) is not None:
            cells.append(b"".join(_cells(line, found, read)))
            continue
        try:
            cells.append((null if value[0] == "none" else read(value)).encode("utf-8", "surrogateescape"))
        except ValueError as error:
            raise Broken(0, str(error)) from None
    return b"\t".join(cells)


class _Long:
    """Where the inside of a long string stands in its line, and what stood before its quote."""

    def __init__(self, prefix: bytes, quote: bytes, start: int, end: int) -> None:
        self.prefix = prefix.decode().lower()
        self.quote = quote
        self.start = start
        self.end = end


def _shortened(line: bytes, at: int, stop: int) -> tuple[str, dict[int, _Long]]:
    """Return the line with a mark in the place of each long string, and the strings by the places of their marks."""
    parts: list[str] = []
    longs: dict[int, _Long] = {}
    while (opened := _QUOTE.search(line, at, stop)) is not None:
        end = _closing(line, opened, stop)
        if end - opened.end() < LONG:
            parts.append(line[at : end + 1].decode())
        else:
            parts.append(line[at : opened.start()].decode())
            longs[sum(map(len, parts))] = _Long(opened[1], opened[2], opened.end(), end)
            parts.append(f"'{_MARK[1]}'")
        at = end + 1
    return "".join([*parts, line[at:stop].decode()]), longs


def _closing(line: bytes, opened: re.Match[bytes], stop: int) -> int:
    quote, start = opened[2], opened.end()
    at = line.find(quote, start, stop)
    while at >= 0:
        if _slashes(line, start, at) % 2 == 0:
            return at
        at = line.find(quote, at + 1, stop)
    raise Broken(0, "a string with a closing quote")


def _slashes(line: bytes, start: int, end: int) -> int:
    """Return how many backslashes stand before `end`."""
    at = end
    while at > start and line[at - 1] == 0x5C:
        step = line[max(start, at - 4096) : at]
        kept = step.rstrip(b"\\")
        at -= len(step) - len(kept)
        if kept:
            break
    return end - at


def _cells(line: bytes, long: _Long, read: Read) -> Iterator[bytes]:
    """Yield a long string's cell in pieces."""
    prefix = ""
    for start, end in _pieces(line, long):
        literal = long.prefix + long.quote.decode() + line[start:end].decode() + long.quote.decode()
        try:
            cell = read(read_list(f"[{literal}]", 1)[0])
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            raise Broken(0, str(error)) from None
        if start == long.start:
            # Bytes begin with a mark, once.
            prefix = "\\\\x" if "b" in long.prefix and cell.startswith("\\\\x") else ""
        else:
            cell = cell.removeprefix(prefix)
        yield cell.encode("utf-8", "surrogateescape")


def _pieces(line: bytes, long: _Long) -> Iterator[tuple[int, int]]:
    at = long.start
    while at < long.end:
        end = long.end if long.end - at <= 2 * LONG else _cut(line, at, at + LONG)
        yield at, end
        at = end


def _cut(line: bytes, start: int, end: int) -> int:
    """Return a place near `end` that is inside no escape, character or pair of halves."""
    slash = line.rfind(b"\\", end - _ESCAPE_BYTES, end)
    if slash >= 0:
        if _slashes(line, start, slash + 1) % 2 == 0:
            return slash + 1
        half = slash - 6
        paired = _HIGH_HALF.fullmatch(line, half, slash) and _slashes(line, start, half + 1) % 2
        return half if paired else slash
    while line[end] & 0xC0 == 0x80:
        end -= 1
    return end
