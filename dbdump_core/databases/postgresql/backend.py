"""PostgreSQL as an engine."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from ...errors import DatabaseError, RefusedError, UnsafeError, UsageError, mask_urls
from ...model.abc import Block, Emit, Limit, ReadTask, Snapshot, WriteTask
from ...model.schema import Column, ForeignKey, Identity, Numbering, Table, TableKey
from ...model.types import FLOAT, Kind, Type
from .. import portable
from ..base import ROLLED_BACK, reason
from ..holding import Held
from ..probe import HARD_DOUBLES, all_come_back
from ..spelling import Spelling
from . import catalog, copying, limits, locking, sequences
from .connecting import PostgresqlConnecting
from .spelling import PostgresqlSpelling

# Each of these, set on a role or database, has changed or cut somebody's data (facts.md P1).
_SETTINGS = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "lc_monetary": "C",
    "array_nulls": "on",
    "xmloption": "content",
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "row_security": "off",
    "synchronize_seqscans": "off",
    "standard_conforming_strings": "on",
    "session_replication_role": "origin",
    # Each statement sees what is committed when it begins; readers ask for their snapshot themselves.
    "default_transaction_isolation": "read committed",
}
LOCK_SECONDS = 60
"""How long to wait for a lock on a table before giving up."""
_RUN_LOCK = (0x6462, 0x64756D70)
"""The two numbers of the advisory lock that a run holds on its target ("db", "dump")."""
_TEXT_KINDS = {Kind.DATE, Kind.TIME, Kind.INTERVAL, Kind.JSON, Kind.ENUM, Kind.BIT, Kind.UUID, Kind.NATIVE}
_NAMING = {"dbname", "service"}
_NAMING_VARIABLES = {"PGDATABASE", "PGSERVICE"}
"""What else than the path of a URL may name the database."""
_NO_RIGHT = "42501"
"""SQLSTATE insufficient_privilege."""
_COPY_DRIVERS = ("psycopg2", "psycopg")


class PostgresqlBackend(PostgresqlConnecting):
    """One PostgreSQL database."""

    name: ClassVar[str] = "postgresql"
    # Deadlock, out of space or memory, in use, stopped, system error, internal error.
    ends_run: ClassVar[frozenset[object]] = frozenset({"08", "40", "53", "55", "57", "58", "XX"})
    lock_errors: ClassVar[frozenset[object]] = frozenset({"40", "55"})
    catalog = catalog

    def __init__(self, url: sa.URL, **options: Any) -> None:
        named = url.database or _NAMING & url.query.keys() or _NAMING_VARIABLES & os.environ.keys()
        if not (named or options.get("make_connection")):
            # The driver would take the one that is named like the user.
            raise UsageError(f"no database named in {mask_urls(url.render_as_string())}; add it after the last slash")
        super().__init__(url, **options)
        self._partitioned: set[TableKey] | None = None

    def pin(self, connection: sa.Connection, *, writing: bool) -> None:
        if writing:
            self.refuse_guard(connection)
        wanted = dict(_SETTINGS, lock_timeout=f"{LOCK_SECONDS}s")
        if schema := connection.dialect.default_schema_name:
            # Only the default schema: what else a role searches could stand in for a function of ours.
            wanted["search_path"] = self.quote(connection, schema)
        settings = connection.execute(
            sa.text("SELECT name, setting FROM pg_catalog.pg_settings WHERE lower(name) = ANY(:names)"),
            {"names": list(wanted)},
        )
        for name, setting in settings.all():
            if setting != wanted[name.lower()]:
                self._set(connection, name, wanted[name.lower()])
        # The dialect saw the server's own standard_conforming_strings and would double each backslash.
        dialect: Any = connection.dialect
        dialect._backslash_escapes = False

    def _set(self, connection: sa.Connection, name: str, value: str) -> None:
        savepoint = connection.begin_nested()
        try:
            connection.execute(sa.text("SELECT set_config(:name, :value, false)"), {"name": name, "value": value})
        except sa.exc.DBAPIError as error:
            savepoint.rollback()
            raise RefusedError(
                f"{self.shown()}: {name} must be {value} so that no value changes: {reason(error)};"
                f" ask for `ALTER ROLE … SET {name} = '{value}'`"
            ) from None
        savepoint.commit()

    def probe_doubles(self, connection: sa.Connection) -> bool:
        values = ", ".join(f"({number}, {value!r}::float8)" for number, value in enumerate(HARD_DOUBLES))
        text = copying.cell(Column("v", FLOAT), "v")
        return all_come_back(
            self.run(connection, f"SELECT {text} FROM (VALUES {values}) AS t (n, v) ORDER BY n").scalars()
        )

    def spelling(self, connection: sa.Connection) -> Spelling:
        return PostgresqlSpelling(catalog.collations(connection))

    # --- reading --------------------------------------------------------------------------------

    def limit(self, connection: sa.Connection, type_: Type) -> Limit | None:
        return limits.limit(type_)

    def estimate(self, connection: sa.Connection, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        rows = self.run(
            connection,
            "SELECT n.nspname = current_schema(), n.nspname::text, c.relname::text, c.reltuples"
            " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.reltuples >= 0",
        )
        found = {TableKey(None if default else schema, name): int(count) for default, schema, name, count in rows}
        return {table.key: found[table.key] for table in tables if found.get(table.key)}

    def hold_snapshot(self, connection: sa.Connection, tables: Sequence[Table]) -> Snapshot:
        """Lock first, then let the first query take the snapshot, then look whether the tables are still those.

        The other way round a table truncated or rewritten in between reads as empty (facts.md X13).
        """
        self.run(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        self._partitioned = None
        if tables:
            # In one order, as a load takes its own: else the two could wait for each other.
            names = ", ".join(self.qualified(connection, table) for table in Held(kept=tables).tables)
            self.run(connection, f"LOCK TABLE {names} IN ACCESS SHARE MODE")
        now = self.reflect(connection).by_key
        for table in tables:
            found = now.get(table.key)
            if found is None or [(c.name, c.type) for c in found.columns] != [(c.name, c.type) for c in table.columns]:
                raise DatabaseError(f"table {table.key} was changed by someone just now; run again")
        return Snapshot.CONSISTENT

    def _from(self, connection: sa.Connection, table: Table) -> str:
        """Return the table for FROM: ONLY, or rows of inheriting tables come twice (facts.md K12)."""
        if self._partitioned is None:
            rows = self.run(
                connection,
                "SELECT n.nspname = current_schema(), n.nspname::text, c.relname::text FROM pg_catalog.pg_class c"
                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'p'",
            )
            self._partitioned = {TableKey(None if default else schema, name) for default, schema, name in rows}
        name = self.qualified(connection, table)
        return name if table.key in self._partitioned else f"ONLY {name}"

    def read_natively(self, connection: sa.Connection, task: ReadTask, emit: Emit) -> bool:
        if connection.dialect.driver not in _COPY_DRIVERS:
            return False
        cells = [copying.cell(column, f"t.{self.quote(connection, column.name)}") for column in task.columns]
        sql = f"SELECT {', '.join(cells)} FROM {self._from(connection, task.table)} AS t"
        if task.where:
            sql += f" WHERE ({task.where})"
        if task.ordered and task.table.primary_key:
            key = ", ".join(f"t.{self.quote(connection, name)}" for name in task.table.primary_key)
            sql += f" ORDER BY {key}"
        copying.copy_out(self.raw(connection), connection.dialect.driver, f"COPY ({sql}) TO STDOUT", emit)
        return True

    def portable_expression(self, column: Column, element: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        type_ = column.type
        if type_.kind is Kind.TIMESTAMP:
            element = sa.func.timezone("UTC", element) if type_.zoned else element
            return sa.cast(element, sa.Text)
        if type_.kind is Kind.NATIVE and type_.name == "money":
            element = sa.cast(element, sa.Numeric)
        elif type_.kind is Kind.NATIVE:
            # As its output function says it, like COPY: a cast says 10.0.0.1/32 (facts.md U4).
            return sa.case((element.is_not(None), sa.func.concat(element)))
        if type_.kind in _TEXT_KINDS or (type_.kind is Kind.TEXT and type_.fixed):
            return sa.cast(element, sa.Text)
        return sa.cast(element, sa.Double) if type_.kind is Kind.FLOAT else element

    # --- writing --------------------------------------------------------------------------------

    def begin_writing(self, connection: sa.Connection) -> None:
        # The session's, not the transaction's: asking is a query, and a load's first one comes after its locks.
        if not self.run(connection, f"SELECT pg_try_advisory_lock({_RUN_LOCK[0]}, {_RUN_LOCK[1]})").scalar_one():
            raise UnsafeError(f"another run is loading into {self.shown()}; wait for it to end")
        if self.run(connection, "SHOW transaction_read_only").scalar_one() == "on":
            raise UnsafeError(f"{self.shown()} is read-only (a replica?); name its primary server")
        connection.commit()

    def hold(self, connection: sa.Connection, held: Held) -> None:
        lockable = [table.key for table in held.vacant if self._may(connection, [table], "UPDATE, DELETE, TRUNCATE")]
        truncates = self._truncates(connection, held.emptied, held.outside)
        modes = locking.modes(held, truncates=truncates, lockable=lockable)
        names = {table.key: self._from(connection, table) for table in held.tables}
        connection.commit()
        self.run(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for key, name in names.items():
            with self.waiting(connection, f"table {key}"):
                self.run(connection, f"LOCK TABLE {name} IN {modes[key]} MODE")
        self.run(connection, "SET CONSTRAINTS ALL DEFERRED")

    def write_natively(self, connection: sa.Connection, task: WriteTask, block: Block) -> bool:
        if connection.dialect.driver not in _COPY_DRIVERS:
            return False
        names = ", ".join(self.quote(connection, column.name) for column in task.columns)
        listed = f" ({names})" if names else ""
        sql = f"COPY {self.qualified(connection, task.table)}{listed} FROM STDIN"
        try:
            copying.copy_in(self.raw(connection), connection.dialect.driver, sql, block.data)
        except self.driver_error(connection) as error:
            if self.raw(connection).closed:
                raise
            raise self._refused(error, task, block) from error
        return True

    def _refused(self, error: Any, task: WriteTask, block: Block) -> Exception:
        why = ". ".join(part for part in (error.diag.message_primary, error.diag.message_detail) if part)
        line, column = copying.refused_place(error, task.table.name)
        if error.diag.sqlstate == _NO_RIGHT:
            return DatabaseError(f"{self.shown()}: {why}; {ROLLED_BACK}")
        why = f'column "{column}": {why}' if column in task.table.by_name else why
        if line is None or line >= block.rows:
            return portable.refused_block(task, block, why or reason(error), code=error.diag.sqlstate)
        return portable.refused_row(task, block, line, why, code=error.diag.sqlstate)

    def refusal_code(self, error: BaseException) -> str | None:
        """Return the SQLSTATE."""
        original: Any = getattr(error, "orig", None) or error
        return getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)

    def error_code(self, error: BaseException) -> object:
        """Return the class of the SQLSTATE."""
        return (self.refusal_code(error) or "")[:2]

    def portable_value(self, column: Column, type_: Type, text: str) -> object:
        if type_.kind in (Kind.BOOLEAN, Kind.INTEGER, Kind.BYTES, Kind.FLOAT):
            return super().portable_value(column, type_, text)
        return text

    def portable_insert(self, connection: sa.Connection, task: WriteTask) -> sa.Insert:
        for column in task.columns:
            if column.identity is Identity.ALWAYS:
                # INSERT, unlike COPY, is not let into such a column; the DDL is undone with the rest.
                self._alter_identity(connection, task.table, column, "BY DEFAULT")
        return super().portable_insert(connection, task)

    def _alter_identity(self, connection: sa.Connection, table: Table, column: Column, kind: str) -> None:
        name = self.quote(connection, column.name)
        self.run(connection, f"ALTER TABLE {self.qualified(connection, table)} ALTER {name} SET GENERATED {kind}")

    def finish_table(self, connection: sa.Connection, table: Table) -> None:
        """Put back what portable inserts had to change."""
        if self.native and connection.dialect.driver in _COPY_DRIVERS:
            return
        for column in table.columns:
            if column.identity is Identity.ALWAYS:
                self._alter_identity(connection, table, column, "ALWAYS")

    def empty(self, connection: sa.Connection, tables: Sequence[Table], outside: Sequence[ForeignKey]) -> None:
        names = [self._from(connection, table) for table in tables]
        if self._truncates(connection, tables, outside):
            self.run(connection, f"TRUNCATE {', '.join(names)}")
            return
        for name in names:
            self.run(connection, f"DELETE FROM {name}")

    def _truncates(self, connection: sa.Connection, tables: Sequence[Table], outside: Sequence[ForeignKey]) -> bool:
        return bool(tables) and not outside and self._may(connection, tables, "TRUNCATE")

    def _may(self, connection: sa.Connection, tables: Sequence[Table], rights: str) -> bool:
        """Tell whether the account has one of these rights on all of the tables."""
        names_there = "unnest(CAST(:names AS text[])) AS t"
        statement = sa.text(f"SELECT bool_and(has_table_privilege(t, :rights)) FROM {names_there}")
        names = [self.qualified(connection, table) for table in tables]
        return bool(connection.execute(statement, {"names": names, "rights": rights}).scalar_one())

    def defer_foreign_keys(self, connection: sa.Connection, keys: Sequence[tuple[TableKey, ForeignKey]]) -> None:
        for table, key in keys:
            self._alter_constraint(connection, table, key, "DEFERRABLE INITIALLY DEFERRED")

    def check_foreign_keys(self, connection: sa.Connection, keys: Sequence[tuple[TableKey, ForeignKey]]) -> None:
        self.run(connection, "SET CONSTRAINTS ALL IMMEDIATE")
        for table, key in keys:
            self._alter_constraint(connection, table, key, "NOT DEFERRABLE")

    def _alter_constraint(self, connection: sa.Connection, table: TableKey, key: ForeignKey, how: str) -> None:
        if key.deferrable or key.name is None:
            return
        constraint = self.quote(connection, key.name)
        self.run(connection, f"ALTER TABLE {self.qualified(connection, table)} ALTER CONSTRAINT {constraint} {how}")

    def refuse_harm(self, connection: sa.Connection, tables: Sequence[Table], *, emptied: bool) -> None:
        """Refuse to empty what a single partition refers to: its foreign keys are not those of its root."""
        names = [self.qualified(connection, table) for table in tables]
        if not (emptied and names):
            return
        found = connection.execute(sa.text(_PARTITION_KEYS), {"names": names}).all()
        if found:
            raise UnsafeError(
                f"{self.shown()}: partition {found[0][0]} refers to {found[0][1]}, which would be emptied;"
                " drop that foreign key for the load, or give --append"
            )

    def firing_triggers(self, connection: sa.Connection, tables: Sequence[Table], *, emptied: bool) -> list[str]:
        # tgtype bits: 4 INSERT, 8 DELETE, 32 TRUNCATE (pg_trigger.h).
        statement = sa.text(
            # With the partitions: rows are routed into them and fire their triggers.
            "WITH named AS (SELECT unnest(CAST(:names AS regclass[])) AS oid), there AS (SELECT oid FROM named UNION"
            " SELECT p.relid FROM named, pg_catalog.pg_partition_tree(named.oid) p)"
            " SELECT c.oid::regclass::text || '.' || t.tgname FROM pg_catalog.pg_trigger t"
            " JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')"
            " AND t.tgtype::int & :events <> 0 AND t.tgrelid IN (SELECT * FROM there) UNION"
            # Rules rewrite INSERT and DELETE (ev_type 3 and 4) into whatever they say.
            " SELECT r.ev_class::regclass::text || '.' || r.rulename FROM pg_catalog.pg_rewrite r"
            " WHERE r.ev_enabled IN ('O', 'A') AND r.ev_type::text = ANY(:rules)"
            " AND r.ev_class IN (SELECT * FROM there) ORDER BY 1"
        )
        events = {"events": 44, "rules": ["3", "4"]} if emptied else {"events": 4, "rules": ["3"]}
        names = [self.qualified(connection, table) for table in tables]
        return list(connection.execute(statement, {"names": names, **events}).scalars())

    # --- sequences ------------------------------------------------------------------------------

    def move_sequences(
        self, connection: sa.Connection, table: Table, wanted: Mapping[str, Numbering]
    ) -> None:
        place, rows = self.qualified(connection, table), self._from(connection, table)
        sequences.move(connection, table, place=place, rows=rows, wanted=wanted)

    # --- one database ---------------------------------------------------------------------------

    def claim(self, connection: sa.Connection) -> str:
        mark = secrets.randbits(62)
        self.run(connection, f"SELECT pg_advisory_lock({mark})")
        return f"postgresql:{mark}"

    def recognises(self, connection: sa.Connection, mark: str) -> bool:
        engine, _, number = mark.partition(":")
        if engine != "postgresql":
            return False
        free = self.run(connection, f"SELECT pg_try_advisory_lock({int(number)})").scalar_one()
        if free:
            self.run(connection, f"SELECT pg_advisory_unlock({int(number)})")
        return not free


_PARTITION_KEYS = """
SELECT k.conrelid::regclass::text, k.confrelid::regclass::text
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid AND c.relispartition
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confrelid = ANY(CAST(CAST(:names AS text[]) AS regclass[]))
  AND pg_catalog.pg_partition_root(k.conrelid) <> ALL(CAST(CAST(:names AS text[]) AS regclass[]))
ORDER BY 1
"""
