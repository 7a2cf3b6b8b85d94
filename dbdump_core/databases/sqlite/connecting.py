"""SQLite files that somebody else has opened, and what to do about one that is in use."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

import sqlalchemy as sa

from ...errors import ConnectError, shown

_OPTIONS = frozenset({"cached_statements", "check_same_thread", "detect_types", "isolation_level", "timeout", "uri"})
"""What a URL may hand to the driver; SQLAlchemy leaves others out."""
_BUSY = "another program reads or writes it, or has left it open; let that end or close it, then run again"
HINTS: Mapping[object, str] = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_IOERR: "see whether its disk is full or damaged, then run again",
    sqlite3.SQLITE_FULL: "free space on its disk, then run again",
}
"""Primary result code -> advice."""


def file_of(raw: sqlite3.Connection) -> str:
    """Return the file of a connection that somebody else has opened, '' for one in memory; close it."""
    with closing(raw):
        return str(raw.execute("PRAGMA database_list").fetchone()[2] or "")


def refuse_strange(url: sa.URL) -> None:
    """Raise ConnectError for a URL that SQLAlchemy cannot mean: one with a server, or with options of none."""
    if url.host:
        path = f"{url.host}/{url.database}" if url.database else url.host
        raise ConnectError(f"SQLite has no server {shown(url.host)}; write {shown(f'sqlite:///{path}')} for the file")
    strange = sorted(url.query.keys() - _OPTIONS)
    if strange and "uri" not in url.query:
        raise ConnectError(f"SQLite has no option {', '.join(map(shown, strange))}; leave it out of the URL")


def recover(uri: str, path: Path) -> None:
    """Let SQLite put back what a journal holds that was left, as by a full disk; it removes it then itself."""
    if not path.with_name(f"{path.name}-journal").exists():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(uri, uri=True, timeout=0)) as raw:
        raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
