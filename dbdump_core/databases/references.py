"""The foreign keys of a load, looked at here because no engine looks at all of them itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ..errors import UnsafeError, ValueRefusedError, shown
from ..model.schema import ForeignKey, Schema, Table, TableKey
from .base import ROLLED_BACK, Backend
from .holding import Held

EXAMPLES = 3
"""Rows named in a message at most."""
KEYS_NAMED = 10
"""Foreign keys named in a message at most."""
MOST_ORPHANS = 100_000
"""Values that may be missing before the load; they are held in memory until its end."""

Key = tuple[Table, ForeignKey]
Values = tuple[object, ...]


def referring(schema: Schema, emptied: Sequence[Table]) -> list[Key]:
    """Return the foreign keys to `emptied` that other tables of the schema have.

    Those whose rows the load keeps are among them: emptying may cascade to them as to any.
    """
    goals = {table.key for table in emptied}
    others = [table for table in schema if table.key not in goals]
    return [(table, key) for table in others for key in table.foreign_keys if key.table in goals]


class References:
    """Looks for rows whose parents a load takes away, or does not bring.

    `tables`: those of the load, `held` those of them that were there before; `endangered`: the foreign
    keys to what is emptied that tables have which are not.
    """

    def __init__(self, backend: Backend, connection: sa.Connection, tables: Sequence[Table], held: Held) -> None:
        self._backend = backend
        self._connection = connection
        self._inside = [(table, key) for table in tables for key in table.foreign_keys]
        self._tables = {table.key for table in tables}
        self._kept = {table.key for table in held.kept}
        self._ours = self._tables - self._kept
        self._missing: dict[tuple[TableKey, ForeignKey], dict[Values, int]] = {}

    def refuse_endangered(self, endangered: Sequence[Key]) -> None:
        """Raise UnsafeError where rows outside the load refer to what would be emptied."""
        for table, key in endangered:
            clause = self._backend.clause(self._connection, table, key.columns)
            there = sa.and_(*[clause.c[name].is_not(None) for name in key.columns])
            statement = sa.select(sa.literal(1)).select_from(clause).where(there).limit(1)
            if self._connection.execute(statement).first() is not None:
                raise UnsafeError(
                    f"{self._backend.shown()}: rows of {table.key} refer to {key.table}, which would be emptied;"
                    f" add {table.key} to the tables to load, or give --append"
                )

    def remember_orphans(self) -> None:
        """Count the rows of kept tables that have no parents already: they are not this load's doing.

        Raises UnsafeError where they are too many to be told from those that come.
        """
        for table, key in self._inside:
            if table.key not in self._kept:
                continue
            rows = self._connection.execute(self._counted(table, key).limit(MOST_ORPHANS + 1)).all()
            if len(rows) > MOST_ORPHANS:
                raise UnsafeError(
                    f"{self._backend.shown()}: table {table.key}: {', '.join(key.columns)} refers to more than"
                    f" {MOST_ORPHANS} rows that {key.table} does not have; mend those first"
                )
            self._missing[table.key, key] = {tuple(values): count for *values, count in rows}

    def refuse_orphans(self, endangered: Sequence[Key]) -> None:
        """Raise ValueRefusedError where a row that was loaded, or one outside, has no parent; as it is now."""
        found = []
        outside = [(table, key) for table, key in endangered if table.key not in self._tables]
        for table, key in (*self._inside, *outside):
            if rows := self._new_orphans(table, key):
                named = ", ".join(f"({', '.join(map(shown, row))})" for row in rows[:EXAMPLES])
                found.append(
                    f"table {table.key}: {', '.join(key.columns)} refers to rows that {key.table} does not have:"
                    f" {named}{' …' if len(rows) > EXAMPLES else ''}"
                )
        if found:
            more = f"; and {len(found) - KEYS_NAMED} more keys" if len(found) > KEYS_NAMED else ""
            advice = "load those rows as well, or leave the tables out that refer to them"
            raise ValueRefusedError(f"{'; '.join(found[:KEYS_NAMED])}{more}; {advice}; {ROLLED_BACK}")

    def _new_orphans(self, table: Table, key: ForeignKey) -> list[Values]:
        """Return the missing values of some rows that had none missing before."""
        if table.key not in self._kept:
            statement = self._orphans(table, key).distinct().limit(EXAMPLES + 1)
            return [tuple(row) for row in self._connection.execute(statement)]
        known = self._missing.get((table.key, key), {})
        found: list[Values] = []
        with self._connection.execute(self._counted(table, key)) as rows:
            for *values, count in rows:
                if count > known.get(tuple(values), 0):
                    found.append(tuple(values))
                if len(found) > EXAMPLES:
                    break
        return found

    def _counted(self, table: Table, key: ForeignKey) -> sa.Select[Any]:
        """Return the values of rows whose parents are missing, each once, and how many rows have it."""
        statement = self._orphans(table, key)
        return statement.add_columns(sa.func.count()).group_by(*statement.selected_columns)

    def _orphans(self, table: Table, key: ForeignKey) -> sa.Select[Any]:
        """Return the values of rows whose parents are missing.

        What others may change meanwhile is looked at as it is committed now.
        """
        child = self._backend.clause(self._connection, table, key.columns).alias("child")
        parent = self._backend.clause(self._connection, key.table, key.referred).alias("parent")
        same = [parent.c[right] == child.c[left] for left, right in zip(key.columns, key.referred, strict=True)]
        inner: sa.Select[Any] = sa.select(sa.literal(1)).select_from(parent).where(*same)
        inside = table.key in self._tables
        if not inside or key.table not in self._ours:
            inner = self._backend.current(inner)
        columns = [child.c[name] for name in key.columns]
        statement = sa.select(*columns).where(*[column.is_not(None) for column in columns], ~sa.exists(inner))
        return statement if inside else self._backend.current(statement)
