"""Savepoints that leave nothing behind: what is undone is released as well."""

from __future__ import annotations

import sqlalchemy as sa


class Savepoint:
    """A point in the transaction that what follows can be taken back to; `name`: unlike those around it.

    SQLAlchemy's own is not released when it is rolled back, so the next one stands inside it: a
    thousand of them are a thousand transactions deep, each with a lock of its own on PostgreSQL.
    """

    def __init__(self, connection: sa.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        connection.dialect.do_savepoint(connection, name)

    def end(self, *, keep: bool) -> None:
        """Go on without the savepoint; `keep` what was written since, or undo it."""
        dialect = self._connection.dialect
        if not keep:
            dialect.do_rollback_to_savepoint(self._connection, self._name)
        dialect.do_release_savepoint(self._connection, self._name)
