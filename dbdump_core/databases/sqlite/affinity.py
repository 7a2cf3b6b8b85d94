"""Affinity: what a column of SQLite makes of a value on its way in."""

from __future__ import annotations

import re

NUMERIC_LOOK = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*", re.ASCII)
"""A text that a column of numbers turns into one."""
_NUMBERS = ("NUMERIC", "INTEGER", "REAL")


def affinity(declared: str) -> str:
    """Return the affinity of a declared type (sqlite.org, Datatypes in SQLite, 3.1)."""
    upper = declared.upper()
    for name, words in (("INTEGER", ("INT",)), ("TEXT", ("CHAR", "CLOB", "TEXT")), ("BLOB", ("BLOB",))):
        if any(word in upper for word in words):
            return name
    if not upper:
        return "BLOB"
    return "REAL" if any(word in upper for word in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def settled(value: object, stored: str) -> object:
    """Return what a column of this affinity makes of a value; None where it becomes another that only SQLite knows."""
    if isinstance(value, str):
        return None if stored in _NUMBERS and NUMERIC_LOOK.fullmatch(value) else value
    if not isinstance(value, int | float) or stored == "BLOB":
        return value
    if stored == "TEXT":
        return None
    if stored == "REAL":
        return float(value)
    whole = isinstance(value, float) and value.is_integer() and -(2**63) < value < 2**63 - 1
    return int(value) if whole else value


def is_kept(value: object, stored: str) -> bool:
    """Tell whether a column of this affinity stores a value as it is, in the same class."""
    there = settled(value, stored)
    return type(there) is type(value) and there == value
