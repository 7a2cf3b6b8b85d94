"""The locks of a load: rows and the gaps between them, taken by the reads that come before its snapshot."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Any

import sqlalchemy as sa

from ...model.schema import Table, TableKey
from ..holding import Held
from .faults import NO_RIGHT, NO_TABLE

_EMPTY = "SELECT 1 FROM {} LIMIT 1 LOCK IN SHARE MODE"
"""Waits for rows that are being added; in a table without rows it locks the gap that all new ones go into."""
_ALL_ROWS = "SELECT COUNT(*) FROM {} FOR UPDATE"
"""Waits for whoever refers to a row just now, and keeps others from it: their foreign keys look at it with a lock."""
_DEFINITION = "SELECT 1 FROM {} LIMIT 0"
"""Locks no row, only the table's definition."""


def statement(table: Table, held: Held, referred: Set[TableKey]) -> str:
    """Return the query that locks a table as it must be, with a place for its name."""
    if table in held.vacant:
        return _EMPTY
    # What nobody refers to is locked by the deleting itself: nothing was looked at before that.
    return _ALL_ROWS if table in held.emptied and table.key in referred else _DEFINITION


def drop_empty(run: Callable[[str], Any], name: str) -> bool:
    """Drop the table, unless it holds rows or somebody is at work on it: then return False."""
    try:
        run(f"LOCK TABLES {name} WRITE")
    except sa.exc.DBAPIError as error:
        code = error.orig.args[0] if error.orig else None
        if code not in NO_RIGHT:
            return code == NO_TABLE
    try:
        if run(f"SELECT 1 FROM {name} LIMIT 1").first() is not None:
            return False
        run(f"DROP TABLE {name}")
    finally:
        run("UNLOCK TABLES")
    return True
