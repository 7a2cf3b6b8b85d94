"""One point in time on two connections, so that two threads can read a file side by side."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

ATTEMPTS = 3
"""How often to begin again where somebody commits meanwhile."""


def begin(raw: sqlite3.Connection) -> None:
    """Begin a read transaction: BEGIN alone is no snapshot, the first read takes it (facts.md X12)."""
    raw.execute("BEGIN")
    raw.execute("SELECT count(*) FROM sqlite_master").fetchone()


def begin_two(first: sqlite3.Connection, connect: Callable[[], sqlite3.Connection]) -> sqlite3.Connection | None:
    """Begin a read transaction on `first`, and on a connection more that sees the same; None where that cannot be had.

    Raises sqlite3.Error where even the first cannot begin.
    """
    try:
        with closing(connect()) as watch:
            for _ in range(ATTEMPTS):
                second = _begin_both(first, connect, watch)
                if second is not None:
                    return second
                first.rollback()
    except sqlite3.Error:
        first.rollback()
    begin(first)
    return None


def _begin_both(
    first: sqlite3.Connection, connect: Callable[[], sqlite3.Connection], watch: sqlite3.Connection
) -> sqlite3.Connection | None:
    """Return the second connection where nobody has committed between the two, as `watch` tells."""
    before = _version(watch)
    begin(first)
    second = connect()
    try:
        begin(second)
        if _version(watch) == before:
            return second
    except sqlite3.Error:
        second.close()
        raise
    second.close()
    return None


def _version(watch: sqlite3.Connection) -> int:
    """Return a number that changes where another connection has committed since it was last asked for."""
    return int(watch.execute("PRAGMA data_version").fetchone()[0])
