"""What columns of PostgreSQL's own types take as it is: a text that they would spell otherwise is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from ...model.abc import Limit
from ...model.types import Kind, Type

_WORD = re.compile(r"'((?:[^'\\]|''|\\\\)+)'(?::((?:[0-9]+[ABC]?,)*[0-9]+[ABC]?))?")
_MOST_POSITION = 16_383


def limit(type_: Type) -> Limit | None:
    """Return what looks at each text for a column of this type, None where there is nothing to look at."""
    return _LIMITS.get(type_.name or "") if type_.kind is Kind.NATIVE else None


def _tsvector(text: str) -> None:
    """The words of a vector as the server prints them: sorted, each once; any other text would be taken apart."""
    found, at = [], 0
    while word := _WORD.match(text, at):
        found.append(word)
        at = word.end() + 1
        if text[word.end() : at] not in ("", " "):
            break
    words = [word[1].replace("''", "'").replace("\\\\", "\\").encode() for word in found]
    whole = " ".join(word[0] for word in found) == text
    if not (whole and words == sorted(set(words)) and all(_are_positions(word[2]) for word in found)):
        raise ValueError(
            "a tsvector as the server prints it ('cat':3 'sat':4); load it into a text column and make the vector there"
        )


def _are_positions(listed: str | None) -> bool:
    numbers = [int(one.rstrip("ABC")) for one in listed.split(",")] if listed else []
    return numbers == sorted(set(numbers)) and all(0 < number <= _MOST_POSITION for number in numbers)


def _inet(text: str) -> None:
    """An address as the server prints it: without leading zeros, in the short form, and no length that says all."""
    address, slash, length = text.partition("/")
    try:
        parsed = ip_address(address)
    except ValueError:
        raise ValueError("an internet address without leading zeros") from None
    mixed = isinstance(parsed, IPv6Address) and "." in address  # Python's releases differ in how they spell these
    plain = not slash or (length.isascii() and length.isdigit() and str(int(length)) == length)
    if not plain or (slash and int(length) >= parsed.max_prefixlen) or not (mixed or str(parsed) == address):
        raise ValueError(f"an internet address as the server prints it, such as {parsed}")


_LIMITS: Mapping[str, Limit] = {"tsvector": _tsvector, "inet": _inet}
