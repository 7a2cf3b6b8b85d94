"""A database as a source and as a target: what is known of it; its rows are written by `database_writer`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from types import MappingProxyType

import sqlalchemy as sa

from ..errors import DatabaseError, SelectionError, UnsafeError, UsageError, shown
from ..model.abc import Emit, Limit, Path, Plan, ReadTask, Snapshot, Source
from ..model.schema import Column, Default, Schema, Table, TableKey
from ..model.types import Type
from .base import Backend, reason
from .parents import with_parents
from .spelling import as_created, computed_alike
from .writer import DatabaseWriter, has_rows

Describe = Callable[[Schema], Schema]
"""Takes the schema that reflection found and returns what is made of it: other types, the same columns."""

class DatabaseSource:
    """A database that is read from; holds one connection until `close`."""

    order: Sequence[TableKey] | None = None
    defaults: Mapping[TableKey, Mapping[str, Default]] = MappingProxyType({})

    def __init__(self, backend: Backend, describe: Describe | None = None) -> None:
        self.backend = backend
        self.connection = backend.connect(writing=False)
        self._describe = describe
        self.name = backend.shown()
        self.engine = backend.engine(self.connection)
        self.typed = backend.typed
        self.marks = backend.marks
        self.level: Snapshot | None = None
        self._paths: dict[TableKey, Path] = {}

    def schema(self) -> Schema:
        """Describe the database, once."""
        return self._described

    @cached_property
    def _described(self) -> Schema:
        return self._describe(self._reflected) if self._describe else self._reflected

    @cached_property
    def _reflected(self) -> Schema:
        with self.backend.speaking(self.connection):
            schema = self.backend.reflect(self.connection)
            self.connection.rollback()
        return schema

    @contextmanager
    def snapshot(self, tables: Sequence[Table]) -> Iterator[Snapshot]:
        """Hold one point in time over the tables."""
        # As the database has them: it looks whether they changed, and a schema file may describe them otherwise.
        own = [self._reflected.by_key.get(table.key, table) for table in tables]
        with self.backend.speaking(self.connection):
            level = self.backend.hold_snapshot(self.connection, own)
        self.level = level
        try:
            yield level
        finally:
            self.backend.release_snapshot(self.connection)
            # Nothing was written: where the connection broke, its own error is what matters.
            with suppress(DatabaseError), self.backend.speaking(self.connection):
                if not self.connection.closed:
                    self.connection.rollback()

    def try_condition(self, table: Table, condition: str) -> None:
        """Raise SelectionError for a condition that the database cannot work out; no row is read."""
        try:
            self.backend.try_condition(self.connection, table, condition)
        except sa.exc.DBAPIError as error:
            if self.backend.is_lost(self.connection, error):
                raise self.backend.told(self.connection, error) from error
            raise SelectionError(
                f"--where {shown(table.key)}: {self.name} cannot work out {shown(condition)}: {reason(error)};"
                " correct the condition"
            ) from None
        finally:
            with suppress(DatabaseError), self.backend.speaking(self.connection):
                self.connection.rollback()

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Hand a table's rows to `emit`."""
        with self.backend.speaking(self.connection):
            self._paths[task.table.key] = self.backend.read(self.connection, task, emit)

    def path(self, task: ReadTask) -> Path:
        """Tell how a table was read."""
        return self._paths.get(task.table.key, Path.PORTABLE)

    def estimate(self, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        """Return about how many rows the tables hold."""
        with self.backend.speaking(self.connection):
            return self.backend.estimate(self.connection, tables)

    def finish(self) -> None:
        """Have nothing left to say."""

    def cancel(self) -> None:
        """Stop the statement that runs."""
        if not self.connection.closed and not self.connection.invalidated:
            self.backend.cancel(self.connection)

    def close(self) -> None:
        """Close the connection."""
        self.backend.close(self.connection)


def _database(source: object) -> DatabaseSource | None:
    return source if isinstance(source, DatabaseSource) else None


class DatabaseTarget:
    """A database that is written to; holds one connection until `close`."""

    creates = False
    rereads = True

    def __init__(self, backend: Backend, describe: Describe | None = None) -> None:
        self.backend = backend
        self.connection = backend.connect(writing=True)
        self._describe = describe
        self.name = backend.shown()
        self.engine = backend.engine(self.connection)
        self.typed = backend.typed
        self.marks = backend.marks

    @cached_property
    def _schema(self) -> Schema:
        return self._describe(self._reflected) if self._describe else self._reflected

    @cached_property
    def _reflected(self) -> Schema:
        with self.backend.speaking(self.connection):
            schema = self.backend.reflect_target(self.connection)
            self.connection.rollback()
        return schema

    def schema(self) -> Schema:
        """Describe the database."""
        return self._schema

    def limit(self, type_: Type) -> Limit | None:
        """Return what looks at texts that the engine's own column might not take."""
        return self.backend.limit(self.connection, type_)

    def planned(self, tables: Sequence[Table], engine: str) -> Sequence[Table]:
        """Return the tables as they will be created here."""
        if not tables:
            return ()
        taken = [name for table in self._schema for name in (table.name, *(index.name for index in table.indexes))]
        with self.backend.speaking(self.connection):
            spelling = self.backend.spelling(self.connection)
        there = self._schema.by_key
        tables = with_parents(tables, there, needs_unique=engine != self.engine)
        return as_created(tables, spelling, source=engine, taken=taken, there=there)

    def computes_alike(self, table: Table, pair: tuple[Column, Column], engine: str) -> bool:
        """Tell whether a column of `engine` and one that is here get the same values of the same expression."""
        with suppress(UsageError), self.backend.speaking(self.connection):
            return computed_alike(table, pair, self.backend.spelling(self.connection), engine)
        return engine == self.engine  # nowhere described: its own words mean what they meant

    def occupied(self, tables: Sequence[Table]) -> Sequence[TableKey]:
        """Return those of the tables that hold rows."""
        there = [table for table in tables if table.key in self._schema.by_key]
        with self.backend.speaking(self.connection):
            found = [table.key for table in there if has_rows(self.backend, self.connection, table)]
            self.connection.rollback()
        return found

    def refuse_same(self, source: Source) -> None:
        """Raise UnsafeError when the source is this very database."""
        other = _database(source)
        if other is None:
            return
        with self.backend.speaking(self.connection):
            mark = self.backend.claim(self.connection)
        with other.backend.speaking(other.connection):
            same = other.backend.recognises(other.connection, mark)
            other.connection.rollback()
        if same:
            raise UnsafeError(f"{source.name} and {self.name} are the same database; name another target")

    def adopt(self, source: Source) -> bool:
        """Make the source's tables readable on the writing connection."""
        other = _database(source)
        if other is None:
            return False
        with self.backend.speaking(self.connection):
            self.connection.rollback()
            return self.backend.adopt(self.connection, other.backend)

    @contextmanager
    def writing(self, plan: Plan) -> Iterator[DatabaseWriter]:
        """Prepare the plan's tables and write in one transaction."""
        writer = DatabaseWriter(self.backend, self.connection, partial(self._look_again, plan), plan)
        interrupted = False
        try:
            writer.prepare(self.schema())
            yield writer
        except KeyboardInterrupt:
            interrupted = True
            raise
        finally:
            if not writer.sent:
                writer.undo(interrupted=interrupted)

    def _look_again(self, plan: Plan, made: Collection[TableKey]) -> Schema:
        """Describe the database as it is by now, with what the run has `made`.

        Raises UnsafeError where a table of the plan has changed, or one that is to be made is there.
        """
        now = self.backend.reflect_target(self.connection)
        for key in (table.target.key for table in plan.tables):
            if key not in made and _shape(now.by_key.get(key)) != _shape(self._reflected.by_key.get(key)):
                raise UnsafeError(f"{self.name}: table {key} was changed by someone just now; run again")
        return self._describe(now) if self._describe else now

    def close(self) -> None:
        """Close the connection; a file that was made for nothing goes with it."""
        self.backend.close(self.connection)
        self.backend.discard()


def _shape(table: Table | None) -> object:
    """Return what a plan relies on: what moves by itself, like the next key, is no part of it."""
    if table is None:
        return None
    return table.foreign_keys, [(column.name, column.type, column.nullable) for column in table.columns]
