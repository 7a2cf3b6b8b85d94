"""SQLite files that somebody else has opened, and what to do about one that is in use."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing

_BUSY = "another program reads or writes it, or has left it open; let that end or close it, then run again"
HINTS: Mapping[object, str] = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: "free space on its disk, then run again",
}
"""Primary result code -> advice."""


def file_of(raw: sqlite3.Connection) -> str:
    """Return the file of a connection that somebody else has opened, '' for one in memory; close it."""
    with closing(raw):
        return str(raw.execute("PRAGMA database_list").fetchone()[2] or "")
