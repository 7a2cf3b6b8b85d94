"""What an engine is to the rest of the program, with defaults that work on any SQLAlchemy dialect.

A backend only overrides what its engine does better or differently. Reads and writes fall back to
the portable path (`portable`): always there, always right, and the oracle of the native ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import sqlalchemy as sa

from ..errors import ROLLED_BACK, UnsafeError, UsageError
from ..model.abc import Block, Emit, Limit, Path, ReadTask, Snapshot, WriteTask
from ..model.schema import Column, ForeignKey, Numbering, Schema, Table, TableKey
from ..model.types import Kind, Type
from ..rows.checking import Checker, passed
from ..rows.lines import decoder
from . import portable
from .connecting import Connecting, MakeConnection, reason
from .holding import Held
from .reflection import reflect
from .spelling import Spelling

__all__ = ["ROLLED_BACK", "Backend", "MakeConnection", "reason"]


class Backend(Connecting):
    """One engine behind one URL; holds no connection. All methods take the connection they work on.

    `native`: False rules the native and private paths out (the contract tests compare both).
    `create`: the database may be made where it is no more than a file.
    """

    name: ClassVar[str] = "generic"
    typed: ClassVar[bool] = True
    """Values keep to their declared types (not so in SQLite)."""
    marks: ClassVar[bool] = False
    """Gives values off their column's type as marked cells, and takes such cells."""
    ddl_commits: ClassVar[bool] = False
    """A statement that creates something ends the transaction."""

    def __init__(
        self, url: sa.URL, *, native: bool = True, create: bool = False, make_connection: MakeConnection | None = None
    ) -> None:
        super().__init__(url, make_connection=make_connection)
        self.native = native
        self.create = create

    # --- connections ----------------------------------------------------------------------------

    spells_doubles: bool = True
    """The engine's texts of HARD_DOUBLES were exact on the last connection; else floats go the portable way."""

    def probe(self, connection: sa.Connection) -> None:
        self.spells_doubles = self.probe_doubles(connection)

    def probe_doubles(self, connection: sa.Connection) -> bool:
        """Tell whether the native spelling of HARD_DOUBLES is exact here."""
        return True

    def may_read_natively(self, task: ReadTask) -> bool:
        """Tell whether nothing rules the native path out for these columns."""
        floats = any(column.type.kind is Kind.FLOAT for column in task.columns)
        return self.native and (self.spells_doubles or not floats)

    def engine(self, connection: sa.Connection) -> str:
        """Return the engine's name, as `mysql` and `mariadb` tell apart only when connected."""
        return connection.dialect.name

    def run(self, connection: sa.Connection, sql: str, parameters: Any = None) -> Any:
        """Execute SQL text as it stands: no percent sign in it is touched unless there are parameters.

        Returns SQLAlchemy's result, whose rows are as wide as the SQL says.
        """
        if parameters is None:
            return connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        return connection.exec_driver_sql(sql, parameters)

    # --- names ----------------------------------------------------------------------------------

    def quote(self, connection: sa.Connection, name: str) -> str:
        """Return an identifier quoted for SQL text that no driver formats."""
        preparer = connection.dialect.identifier_preparer
        quoted = preparer.quote_identifier(name)
        return quoted.replace("%%", "%") if "%%" in preparer.quote_identifier("%") else quoted

    def qualified(self, connection: sa.Connection, table: Table | TableKey) -> str:
        """Return a table's full quoted name: a temporary table could shadow a bare one (facts.md K14)."""
        schema = table.schema or connection.dialect.default_schema_name
        parts = [schema, table.name] if schema else [table.name]
        return ".".join(self.quote(connection, part) for part in parts)

    def clause(self, connection: sa.Connection, table: Table | TableKey, columns: Sequence[str] = ()) -> sa.TableClause:
        """Return a table for SQLAlchemy Core, its columns untyped: the driver's own values come back."""
        schema = table.schema or connection.dialect.default_schema_name
        named: list[sa.ColumnClause[Any]] = [sa.column(sa.sql.quoted_name(name, True)) for name in columns]
        return sa.table(
            sa.sql.quoted_name(table.name, True),
            *named,
            schema=sa.sql.quoted_name(schema, True) if schema else None,
        )

    # --- describing -----------------------------------------------------------------------------

    catalog: Any = None
    """The engine's catalog module: columns and spelled types, or None for SQLAlchemy's reflection."""

    def reflect(self, connection: sa.Connection) -> Schema:
        """Describe all tables."""
        return reflect(connection, self.catalog)

    def spelling(self, connection: sa.Connection) -> Spelling:
        """Return how this engine says types and keys when it creates tables. Raises UsageError."""
        raise UsageError(f"cannot create tables in {connection.dialect.name}; create them first")

    def reflect_target(self, connection: sa.Connection) -> Schema:
        """Describe all tables as what they can take."""
        return self.reflect(connection)

    def limit(self, connection: sa.Connection, type_: Type) -> Limit | None:
        """Return what looks at each text for a column of this type, where the engine does not take all of them."""
        return None

    def estimate(self, connection: sa.Connection, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        """Return about how many rows tables hold; unknown ones are absent."""
        return {}

    # --- reading --------------------------------------------------------------------------------

    def try_condition(self, connection: sa.Connection, table: Table, condition: str) -> None:
        """Let the database work out a condition over none of a table's rows. Raises the driver's errors."""
        rows = self.clause(connection, table).alias("t")
        chosen = sa.text(portable.literally(condition))
        connection.execute(sa.select(sa.literal(1)).select_from(rows).where(chosen).limit(0))

    def hold_snapshot(self, connection: sa.Connection, tables: Sequence[Table]) -> Snapshot:
        """Begin one point in time over `tables`; it lasts until `release_snapshot` and the connection's rollback."""
        connection.execute(sa.select(sa.literal(1)))
        return Snapshot.NONE

    def release_snapshot(self, connection: sa.Connection) -> None:
        """Give up what a snapshot holds beside its connection's transaction."""

    def read(self, connection: sa.Connection, task: ReadTask, emit: Emit) -> Path:
        """Hand a table's rows to `emit`, checked as the task asks; tell which path it took."""
        checkers = [Checker(task)]

        def checked(block: Block) -> None:
            emit(passed(block, checkers, None, task.on_error))

        if self.may_read_natively(task) and self.read_natively(connection, task, checked):
            return Path.NATIVE
        portable.read(self, connection, task, checked)
        return Path.PORTABLE

    def read_natively(self, connection: sa.Connection, task: ReadTask, emit: Emit) -> bool:
        """Read by the engine's own bulk path; False, before the first block, where it cannot."""
        return False

    def portable_expression(self, column: Column, element: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return what to select so that the driver's value encodes exactly."""
        return sa.cast(element, sa.Text) if column.type.kind in (Kind.JSON, Kind.INTERVAL, Kind.NATIVE) else element

    # --- writing --------------------------------------------------------------------------------

    def begin_writing(self, connection: sa.Connection) -> None:
        """Take the target's lock, which another run must not hold. Raises UnsafeError."""
        connection.execute(sa.select(sa.literal(1)))

    def hold(self, connection: sa.Connection, held: Held) -> None:
        """Begin the one transaction of a load: lock its tables first, so that it sees what is there by then.

        May be called again, after DDL has ended the transaction; the lock of the run is still held. Tables
        of others are not locked. Raises UnsafeError where a lock is not to be had in time.
        """

    lock_errors: ClassVar[frozenset[object]] = frozenset()
    """Codes of errors that say that a lock was not to be had: in time, or at all as two waited for each other."""

    @contextmanager
    def waiting(self, connection: sa.Connection, what: object = "a table") -> Iterator[None]:
        """Turn a lock that is not to be had into a refusal; for the time before the first row."""
        try:
            yield
        except (sa.exc.DBAPIError, self.driver_error(connection)) as error:
            if self.error_code(getattr(error, "orig", None) or error) not in self.lock_errors:
                raise
            raise UnsafeError(
                f"{self.shown()}: {what} is in use by another session: {reason(error)}; run again when that has ended"
            ) from error

    def current(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        """Return a query that sees what is committed now, and keeps others from changing it until the end.

        The statement itself where the engine's foreign keys see to that.
        """
        return statement

    def drop_new(self, connection: sa.Connection, tables: Sequence[Table]) -> list[TableKey]:
        """Drop tables that the run made and no rollback takes away; return those that others have filled by now."""
        return []

    def publish(self) -> None:
        """Give what `connect` had to make its name, once it is whole. Raises UnsafeError where that is taken."""

    def discard(self) -> None:
        """Remove what `connect` had to make and no run has published, once its connection is closed."""

    def write(self, connection: sa.Connection, task: WriteTask, block: Block) -> Path:
        """Store a block's rows; tell which path it took.

        Raises ValueRefusedError, which names the row where the engine tells or the block has only one; other
        rows may have been stored by then.
        """
        if self.native and self.write_natively(connection, task, block):
            return Path.NATIVE
        portable.write(self, connection, task, block)
        return Path.PORTABLE

    def write_natively(self, connection: sa.Connection, task: WriteTask, block: Block) -> bool:
        """Write by the engine's own bulk path; False, with nothing written, where it cannot."""
        return False

    ends_run: ClassVar[frozenset[object]] = frozenset()
    """Codes of errors that are no row's fault, or that undo more than their statement."""

    def refusal_code(self, error: BaseException) -> str | None:
        """Return what the engine calls its reason for refusing a row; None where its message says just that."""
        return None

    def blames_row(self, error: BaseException) -> bool:
        """Tell whether a refusal is a single row's fault, so that other rows may still be stored."""
        if getattr(error, "connection_invalidated", False):
            return False
        return self.error_code(getattr(error, "orig", None) or error) not in self.ends_run

    def portable_value(self, column: Column, type_: Type, text: str) -> object:
        """Return the value to hand the driver for a text in the spelling of `type_`."""
        return decoder(type_)(text)

    def portable_insert(self, connection: sa.Connection, task: WriteTask) -> sa.Insert:
        """Return the INSERT of one row, with bind parameters c0, c1 …"""
        names = [column.name for column in task.columns]
        table = self.clause(connection, task.table, names)
        return sa.insert(table).values({table.c[name]: sa.bindparam(f"c{at}") for at, name in enumerate(names)})

    def empty(self, connection: sa.Connection, tables: Sequence[Table], outside: Sequence[ForeignKey]) -> None:
        """Delete all rows of `tables` (children first). `outside`: keys of other tables that refer to them."""
        for table in tables:
            connection.execute(sa.delete(self.clause(connection, table)))

    def defer_foreign_keys(self, connection: sa.Connection, keys: Sequence[tuple[TableKey, ForeignKey]]) -> None:
        """Put the checking of the named foreign keys off to the end of the transaction."""

    def check_foreign_keys(self, connection: sa.Connection, keys: Sequence[tuple[TableKey, ForeignKey]]) -> None:
        """Check now what was put off, and put the named keys back as they were."""

    def finish_table(self, connection: sa.Connection, table: Table) -> None:
        """Put back what writing into the table had to change."""

    def refuse_harm(self, connection: sa.Connection, tables: Sequence[Table], *, emptied: bool) -> None:
        """Raise UnsafeError for what only this engine knows would harm data that nobody named."""

    def firing_triggers(self, connection: sa.Connection, tables: Sequence[Table], *, emptied: bool) -> list[str]:
        """Return the triggers that a load would fire, as `table.trigger`."""
        return []

    def move_sequences(
        self, connection: sa.Connection, table: Table, wanted: Mapping[str, Numbering]
    ) -> None:
        """Move what numbers new rows past the highest key, and as far as `wanted` says of columns; forward only."""

    # --- one database, one run ------------------------------------------------------------------

    def claim(self, connection: sa.Connection) -> str:
        """Leave a mark in the database that `recognises` finds from another connection to it."""
        return ""

    def recognises(self, connection: sa.Connection, mark: str) -> bool:
        """Tell whether this connection is to the database that bears the mark (not by its URL's text)."""
        return False

    # --- the private path -----------------------------------------------------------------------

    def adopt(self, connection: sa.Connection, source: Backend) -> bool:
        """Make the source's tables readable on the writing connection; False where that cannot be."""
        return False

    def insert_adopted(self, connection: sa.Connection, read: ReadTask, write: WriteTask) -> int | None:
        """Copy an adopted table within the engine; return its rows, or None where this table cannot go so."""
        return None

    def read_adopted(self, connection: sa.Connection, task: ReadTask, emit: Emit) -> None:
        """Read a table of the adopted source as `insert_adopted` saw it."""
