"""What a load into MySQL or MariaDB would harm beside its own rows."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import sqlalchemy as sa

from ...errors import UnsafeError
from ...model.schema import TableKey
from ..base import Backend

_LASTING = """
SELECT t.table_name, t.engine FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine
WHERE t.table_schema = DATABASE() AND e.transactions <> 'YES' ORDER BY 1
"""
"""Tables whose rows a rollback does not touch."""
_FAR_CHILDREN = """
SELECT DISTINCT table_schema, table_name, referenced_table_name FROM information_schema.key_column_usage
WHERE referenced_table_schema = DATABASE() AND table_schema <> DATABASE() ORDER BY 1, 2
"""
_TRIGGERS = """
SELECT event_object_table, trigger_name, event_manipulation FROM information_schema.triggers
WHERE event_object_schema = DATABASE() ORDER BY 1, 2
"""


def far_children(connection: sa.Connection) -> Sequence[Any]:
    """Return tables of other databases with foreign keys into this one, and the tables that these refer to.

    With their checks off, nothing would protect them.
    """
    return connection.exec_driver_sql(_FAR_CHILDREN).all()


def triggers(connection: sa.Connection) -> Sequence[Any]:
    """Return the table, name and event of each trigger."""
    return connection.exec_driver_sql(_TRIGGERS).all()


def refuse(backend: Backend, connection: sa.Connection, names: Set[str], *, emptied: bool) -> None:
    """Raise UnsafeError where these tables roll nothing back, or rows far away would lose their parents."""
    for table, engine in connection.exec_driver_sql(_LASTING):
        if table in names:
            raise UnsafeError(
                f"{backend.shown()}: table {table} is stored by {engine}, which rolls nothing back; give it another"
                f" engine first: ALTER TABLE {backend.quote(connection, table)} ENGINE=InnoDB"
            )
    for schema, table, referred in far_children(connection) if emptied else ():
        far = backend.qualified(connection, TableKey(schema, table))
        if referred in names and backend.run(connection, f"SELECT 1 FROM {far} LIMIT 1").first():
            raise UnsafeError(
                f"{backend.shown()}: rows of {schema}.{table} may refer to {referred}, which would be emptied;"
                " drop that foreign key for the load, or give --append"
            )
