"""One transaction on a database: the order of steps is here, the engine's words are in its backend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import sqlalchemy as sa

from .abc import Block, Emit, Path, Plan, ReadTask, Snapshot, TablePlan, TableResult, WriteTask
from .backends import ddl
from .backends.base import ROLLED_BACK, Backend
from .errors import ConnectError, DatabaseError, UnsafeError, ValueRefusedError, holds_rows, shown
from .order import parents_first
from .salvage import salvaged
from .schema import ForeignKey, Schema, Table, TableKey

EXAMPLES = 3
"""Rows named in a message at most."""
KEYS_NAMED = 10
"""Foreign keys named in a message at most."""


def has_rows(backend: Backend, connection: sa.Connection, table: Table) -> bool:
    """Tell whether a table holds a row."""
    statement = sa.select(sa.literal(1)).select_from(backend.clause(connection, table)).limit(1)
    return connection.execute(statement).first() is not None


def _referring(schema: Schema, tables: Sequence[Table]) -> list[tuple[Table, ForeignKey]]:
    """Return the foreign keys that other tables have to these."""
    chosen = {table.key for table in tables}
    others = [table for table in schema if table.key not in chosen]
    return [(table, key) for table in others for key in table.foreign_keys if key.table in chosen]


GROUP_BLOCKS = 8
"""Blocks under one savepoint, which costs two round trips; they wait in memory to be written again without a row."""


class DatabaseWriter:
    """One transaction on a database."""

    def __init__(self, backend: Backend, connection: sa.Connection, schema: Schema, plan: Plan) -> None:
        self.backend = backend
        self.connection = connection
        self.plan = plan
        self.committed = False
        self._spelling = backend.spelling(connection)
        self._name = backend.shown()
        self._paths: dict[TableKey, Path] = {}
        self._tables = [table.write.table for table in plan.tables]
        self._old = [table.write.table for table in plan.tables if not table.creates]
        self._new = [table.target for table in plan.tables if table.creates]
        kept = {table.target.key for table in plan.tables if plan.append or table.keeps}
        self._emptied = [table for table in self._old if table.key not in kept]
        self._kept = [table for table in self._old if table.key in kept]
        self._made: list[Table] = []
        self._savepoint: sa.NestedTransaction | None = None
        self._group: list[tuple[WriteTask, Block]] = []
        self._group_blocks = GROUP_BLOCKS
        self._outside = _referring(schema, self._tables)
        self._endangered = _referring(schema, self._emptied)

    # --- before the data ------------------------------------------------------------------------

    def prepare(self) -> None:
        """Take the lock, refuse what is not safe, create what is missing, empty what is there."""
        self.connection.rollback()
        with self.backend.speaking(self.connection):
            self.backend.begin_writing(self.connection)
            self._refuse_unsafe()
            self._create()
            old = {table.key for table in self._old}
            deferred = [(key, foreign_key) for key, foreign_key in self.plan.deferred if key in old]
            self.backend.defer_foreign_keys(self.connection, deferred)
            if self._emptied:
                outside = [key for _, key in self._endangered]
                self.backend.empty(self.connection, parents_first(self._emptied)[::-1], outside)

    def _refuse_unsafe(self) -> None:
        if self.plan.only_empty:
            occupied = [table.key for table in self._emptied if has_rows(self.backend, self.connection, table)]
            if occupied:
                raise holds_rows(self._name, occupied)
        triggers = []
        for tables, emptied in ((self._emptied, True), (self._kept, False)):
            if tables:
                self.backend.refuse_harm(self.connection, tables, emptied=emptied)
                triggers += self.backend.firing_triggers(self.connection, tables, emptied=emptied)
        if triggers:
            raise UnsafeError(
                f"{self._name}: triggers would fire: {', '.join(map(shown, triggers[:EXAMPLES]))}"
                f"{' …' if len(triggers) > EXAMPLES else ''}; drop or disable them for the load"
            )
        for table, key in self._endangered:
            if self._refers(table, key):
                raise UnsafeError(
                    f"{self._name}: rows of {table.key} refer to {key.table}, which would be emptied;"
                    f" add {table.key} to the tables to load, or give --append"
                )

    def _refers(self, table: Table, key: ForeignKey) -> bool:
        clause = self.backend.clause(self.connection, table, key.columns)
        there = sa.and_(*[clause.c[name].is_not(None) for name in key.columns])
        return (
            self.connection.execute(sa.select(sa.literal(1)).select_from(clause).where(there).limit(1)).first()
            is not None
        )

    def _create(self) -> None:
        if not self._new:
            return
        ddl.create_tables(self.connection, self._spelling, self._new, made=self._made.append)
        if self.backend.ddl_commits:
            # DDL ends the transaction there, so all of it comes before the first row.
            self._create_keys()
            self.backend.begin_again(self.connection)

    def _create_keys(self) -> None:
        ddl.create_indexes(self.connection, self._spelling, self._new)
        ddl.create_foreign_keys(self.connection, self._spelling, self._new)

    # --- the data -------------------------------------------------------------------------------

    def take(self, plan: TablePlan) -> int | None:
        """Copy a table within the engine; None where it cannot go so."""
        with self.backend.speaking(self.connection):
            rows = self.backend.insert_adopted(self.connection, plan.read, plan.write)
        if rows is not None:
            self._paths[plan.target.key] = Path.PRIVATE
        return rows

    def read_taken(self, task: ReadTask, emit: Emit) -> None:
        """Read a table of the source as `take` saw it."""
        with self.backend.speaking(self.connection):
            self.backend.read_adopted(self.connection, task, emit)

    def write(self, task: WriteTask, block: Block) -> None:
        """Store a block's rows."""
        with self.backend.speaking(self.connection):
            path = self.backend.write(self.connection, task, block)
        if self._paths.get(task.table.key) is not Path.PORTABLE:
            self._paths[task.table.key] = path

    def salvage(self, task: WriteTask, block: Block) -> Iterator[ValueRefusedError]:
        """Store the block's rows but those that are refused; yield the errors of these."""
        self._group.append((task, block))
        with self.backend.speaking(self.connection):
            self._savepoint = self._savepoint or self.connection.begin_nested()
        if self._refusal(task, block) is None:
            if len(self._group) >= self._group_blocks:
                self._end_group()
            return
        # From here on the run can only find more errors, so blocks go one by one.
        self._group_blocks = 1
        group = list(self._group)
        self._end_group(keep=False)
        for grouped, part in group:
            yield from salvaged(part, partial(self._attempt, grouped))

    def _end_group(self, *, keep: bool = True) -> None:
        """End the savepoint under which blocks were written; `keep` what was written since."""
        savepoint, self._savepoint = self._savepoint, None
        self._group.clear()
        if savepoint is not None:
            with self.backend.speaking(self.connection):
                (savepoint.commit if keep else savepoint.rollback)()

    def _attempt(self, task: WriteTask, block: Block) -> ValueRefusedError | None:
        """Store all rows of a block or none; return the error of one that is refused."""
        with self.backend.speaking(self.connection):
            savepoint = self.connection.begin_nested()
            error = self._refusal(task, block)
            (savepoint.rollback if error else savepoint.commit)()
        return error

    def _refusal(self, task: WriteTask, block: Block) -> ValueRefusedError | None:
        """Store a block's rows, or return the error of one that is refused: then a savepoint has to undo the others."""
        try:
            self.write(task, block)
        except ValueRefusedError as error:
            if error.__cause__ is not None and not self.backend.blames_row(error.__cause__):
                raise DatabaseError(f"{self._name}: {error}") from error.__cause__
            return error
        return None

    def path(self, task: WriteTask) -> Path:
        """Tell how a table was written; portable as soon as one block was."""
        return self._paths.get(task.table.key, Path.NATIVE)

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Read back what is there now."""
        with self.backend.speaking(self.connection):
            self.backend.read(self.connection, task, emit)

    # --- after the data -------------------------------------------------------------------------

    def finish(self) -> None:
        """Make keys and indexes, check every reference, move the sequences."""
        self._end_group()
        old = {table.key for table in self._old}
        deferred = [(key, foreign_key) for key, foreign_key in self.plan.deferred if key in old]
        with self.backend.speaking(self.connection):
            self._refuse_orphans()
            self.backend.check_foreign_keys(self.connection, deferred)
            if self._new and not self.backend.ddl_commits:
                self._create_keys()
            for table in self._tables:
                self.backend.finish_table(self.connection, table)

    def _refuse_orphans(self) -> None:
        inside = [(table, key) for table in self._tables for key in table.foreign_keys]
        found = []
        for table, key in (*inside, *self._outside):
            if rows := self._orphans(table, key):
                named = ", ".join(f"({', '.join(map(shown, row))})" for row in rows[:EXAMPLES])
                found.append(
                    f"table {table.key}: {', '.join(key.columns)} refers to rows that {key.table} does not have:"
                    f" {named}{' …' if len(rows) > EXAMPLES else ''}"
                )
        if found:
            more = f"; and {len(found) - KEYS_NAMED} more keys" if len(found) > KEYS_NAMED else ""
            advice = "load those rows as well, or leave the tables out that refer to them"
            raise ValueRefusedError(f"{'; '.join(found[:KEYS_NAMED])}{more}; {advice}; {ROLLED_BACK}")

    def _orphans(self, table: Table, key: ForeignKey) -> Sequence[sa.Row[tuple[object, ...]]]:
        child = self.backend.clause(self.connection, table, key.columns).alias("child")
        parent = self.backend.clause(self.connection, key.table, key.referred).alias("parent")
        same = [parent.c[right] == child.c[left] for left, right in zip(key.columns, key.referred, strict=True)]
        found = sa.exists(sa.select(sa.literal(1)).select_from(parent).where(*same))
        columns = [child.c[name] for name in key.columns]
        statement = sa.select(*columns).where(*[column.is_not(None) for column in columns], ~found)
        return self.connection.execute(statement.distinct().limit(EXAMPLES + 1)).all()

    def commit(self, results: Sequence[TableResult], snapshot: Snapshot) -> None:
        """Make it last."""
        with self.backend.speaking(self.connection):
            for plan in self.plan.tables:
                # Last of all: a sequence that was moved does not move back with a rollback.
                wanted = {} if self.plan.append and not plan.creates else plan.numbering
                self.backend.move_sequences(self.connection, plan.write.table, wanted)
            self.connection.commit()
        self.committed = True

    def undo(self) -> None:
        """Roll back, and take away what rolling back does not.

        Raises DatabaseError only where something new is left, and says what.
        """
        try:
            with self.backend.speaking(self.connection):
                self.connection.rollback()
                self._drop_made(self.connection)
        except DatabaseError:
            # Interrupted in the middle of a statement, the connection is of no use any more.
            self.backend.cancel(self.connection)
            self.connection.invalidate()
            self._undo_anew()

    def _undo_anew(self) -> None:
        if not (self._made and self.backend.ddl_commits):
            return
        try:
            connection = self.backend.connect(writing=True)
            with self.backend.speaking(connection):
                self._drop_made(connection)
            connection.close()
        except (DatabaseError, ConnectError) as error:
            names = ", ".join(str(table.key) for table in self._made)
            raise DatabaseError(f"{self._name}: the new, empty tables {names} are left; drop them: {error}") from None

    def _drop_made(self, connection: sa.Connection) -> None:
        """Drop what this run created, where a rollback does not; foreign keys are not checked here."""
        if not (self._made and self.backend.ddl_commits):
            return
        for table in self._made:
            self.backend.run(connection, f"DROP TABLE IF EXISTS {self.backend.qualified(connection, table)}")
        connection.commit()
