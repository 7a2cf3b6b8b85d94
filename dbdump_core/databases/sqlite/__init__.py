"""SQLite: one reading connection, one writing one; ATTACH where both ends are SQLite."""

from .backend import SqliteBackend as Backend

__all__ = ["Backend"]
