"""One transaction on a database: the order of steps is here, the engine's words are in its backend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial

import sqlalchemy as sa

from ..errors import (
    ConnectError,
    ConnectionLostError,
    DatabaseError,
    DbdumpError,
    ProtocolError,
    UnknownOutcomeError,
    UnsafeError,
    ValueRefusedError,
    holds_rows,
    shown,
)
from ..model import interruption
from ..model.abc import Block, Emit, Path, Plan, ReadTask, Snapshot, TablePlan, TableResult, WriteTask
from ..model.order import parents_first
from ..model.schema import Schema, Table, TableKey
from . import ddl
from .base import Backend
from .holding import Held
from .references import Key, References, referring
from .salvage import salvaged
from .savepoint import Savepoint
from .spelling import Spelling

EXAMPLES = 3
"""Triggers named in a message at most."""
Look = Callable[[Collection[TableKey]], Schema]
"""Describes the database as it is by now, given the tables that the run has made in it.

Raises UnsafeError where a planned table is another than it was.
"""


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or "interrupted"


def has_rows(backend: Backend, connection: sa.Connection, table: Table) -> bool:
    """Tell whether a table holds a row."""
    statement = sa.select(sa.literal(1)).select_from(backend.clause(connection, table)).limit(1)
    return connection.execute(statement).first() is not None


GROUP_BLOCKS = 8
"""Blocks under one savepoint, which costs two round trips; they wait in memory to be written again without a row."""


class DatabaseWriter:
    """One transaction on a database."""

    def __init__(self, backend: Backend, connection: sa.Connection, look: Look, plan: Plan) -> None:
        self.backend = backend
        self.connection = connection
        self.plan = plan
        self.committed = False
        self._look = look
        self.sent = False
        """The commit is on its way, or done: nothing is undone any more."""
        self._name = backend.shown()
        self._paths: dict[TableKey, Path] = {}
        self._tables = [table.write.table for table in plan.tables]
        self._new = [table.target for table in plan.tables if table.creates]
        self._held = _held(plan)
        self._references = References(backend, connection, self._tables, self._held)
        self._made: list[Table] = []
        self._savepoint: Savepoint | None = None
        self._group: list[tuple[WriteTask, Block]] = []
        self._group_blocks = GROUP_BLOCKS
        self._endangered: Sequence[Key] = ()

    @cached_property
    def _spelling(self) -> Spelling:
        """How tables are made here, asked only where some are: of an engine that is nowhere described, nobody knows."""
        return self.backend.spelling(self.connection)

    # --- before the data ------------------------------------------------------------------------

    def prepare(self, schema: Schema) -> None:
        """Take the locks, refuse what is not safe, create what is missing, empty what is there.

        `schema`: what the database was when the plan was made.
        """
        with self.backend.speaking(self.connection), self.backend.waiting(self.connection):
            self.connection.rollback()
            self.backend.begin_writing(self.connection)
            self._endangered = referring(schema, self._held.emptied)
            self._hold(self._held)
            if self._new:
                self._create()
            self._references.remember_orphans()
            self.backend.defer_foreign_keys(self.connection, self._held.deferred)
            if self._held.emptied:
                outside = [key for _, key in self._endangered]
                self.backend.empty(self.connection, parents_first(self._held.emptied)[::-1], outside)

    def _hold(self, held: Held) -> None:
        """Lock the tables that are there, and only then look at what they hold."""
        self.backend.hold(self.connection, replace(held, outside=[key for _, key in self._endangered]))
        schema = self._look({table.key for table in self._made})
        self._endangered = referring(schema, held.emptied)
        occupied = [table.key for table in held.vacant if has_rows(self.backend, self.connection, table)]
        if occupied:
            raise holds_rows(self._name, occupied)
        self._refuse_harm()
        self._references.refuse_endangered(self._endangered)

    def _refuse_harm(self) -> None:
        triggers = []
        for tables, emptied in ((self._held.emptied, True), ((*self._held.vacant, *self._held.kept), False)):
            if tables:
                self.backend.refuse_harm(self.connection, tables, emptied=emptied)
                triggers += self.backend.firing_triggers(self.connection, tables, emptied=emptied)
        if triggers:
            raise UnsafeError(
                f"{self._name}: triggers would fire: {', '.join(map(shown, triggers[:EXAMPLES]))}"
                f"{' …' if len(triggers) > EXAMPLES else ''}; drop or disable them for the load"
            )

    def _create(self) -> None:
        ddl.create_tables(self.connection, self._spelling, self._new, made=self._made.append)
        if self.backend.ddl_commits:
            # DDL ends the transaction there, so all of it comes before the first row.
            self._create_keys()
            self._hold(replace(self._held, vacant=(*self._held.vacant, *self._new)))

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
        """Store a block's rows. Raises ValueRefusedError naming the row where one is refused."""
        for error in self.salvage(task, block):
            raise error

    def salvage(self, task: WriteTask, block: Block) -> Iterator[ValueRefusedError]:
        """Store the block's rows but those that are refused; yield the errors of these."""
        self._group.append((task, block))
        with self.backend.speaking(self.connection):
            self._savepoint = self._savepoint or Savepoint(self.connection, "dbdump_group")
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
                savepoint.end(keep=keep)

    def _attempt(self, task: WriteTask, block: Block) -> ValueRefusedError | None:
        """Store all rows of a block or none; return the error of one that is refused."""
        with self.backend.speaking(self.connection):
            savepoint = Savepoint(self.connection, "dbdump_piece")
            error = self._refusal(task, block)
            savepoint.end(keep=error is None)
        return error

    def _refusal(self, task: WriteTask, block: Block) -> ValueRefusedError | None:
        """Store a block's rows, or return the error of one that is refused: then a savepoint has to undo the others."""
        try:
            self._store(task, block)
        except ValueRefusedError as error:
            if error.__cause__ is not None and not self.backend.blames_row(error.__cause__):
                raise DatabaseError(f"{self._name}: {error}") from error.__cause__
            return error
        return None

    def _store(self, task: WriteTask, block: Block) -> None:
        with self.backend.speaking(self.connection):
            path = self.backend.write(self.connection, task, block)
        if self._paths.get(task.table.key) is not Path.PORTABLE:
            self._paths[task.table.key] = path

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
        with self.backend.speaking(self.connection):
            self._references.refuse_orphans(self._endangered)
            self.backend.check_foreign_keys(self.connection, self._held.deferred)
            if self._new and not self.backend.ddl_commits:
                self._create_keys()
            for table in self._tables:
                self.backend.finish_table(self.connection, table)

    def commit(self, results: Sequence[TableResult], snapshot: Snapshot) -> None:
        """Make it last. Raises UnknownOutcomeError where nobody can say whether it does."""
        with self.backend.speaking(self.connection):
            for plan in self.plan.tables:
                # Last of all: a sequence that was moved does not move back with a rollback.
                wanted = {} if self.plan.append and not plan.creates else plan.numbering
                self.backend.move_sequences(self.connection, plan.write.table, wanted)
        interruption.hold()
        self.sent = True
        try:
            with self.backend.speaking(self.connection):
                self.connection.commit()
                self.backend.publish()
        except (ConnectionLostError, ProtocolError, KeyboardInterrupt) as error:
            raise UnknownOutcomeError(
                f"the commit was sent to {self._name} and its answer did not come ({_first_line(error)}): it may have"
                " been committed; run dbdump verify with the same source and target to see whether it was"
            ) from error
        except DbdumpError:
            self.sent = False
            interruption.release()
            raise
        self.committed = True

    def undo(self, *, interrupted: bool = False) -> None:
        """Roll back, and take away what rolling back does not.

        `interrupted`: by somebody who wants to know whether all is undone; otherwise the error that ended the
        run tells of its server.
        Raises DatabaseError only where something is left, and says what.
        """
        try:
            with self.backend.speaking(self.connection):
                self.connection.rollback()
                left = None if self.connection.invalidated else self.backend.drop_new(self.connection, self._made)
        except DatabaseError:
            left = None  # interrupted in the middle of a statement, or its server gone: it is of no use any more
        if left is None:
            left = self._undo_elsewhere(interrupted=interrupted)
        if left:
            names = ", ".join(map(str, left))
            raise DatabaseError(f"{self._name}: the new tables {names} are left, as others have put rows into them")

    def _undo_elsewhere(self, *, interrupted: bool) -> list[TableKey]:
        """Leave a connection that is of no use any more; return what `drop_new` leaves. Raises ConnectionLostError."""
        undone = not self.backend.abandoned and self.backend.give_up(self.connection)
        if self.backend.abandoned or (interrupted and not undone):
            raise ConnectionLostError(
                f"{self._name} does not answer; what was begun there stays, unseen and locked, until the server notices"
                f" that the connection is gone, and is then rolled back{self._left()}"
            )
        return self._undo_anew()

    def _left(self) -> str:
        if not (self._made and self.backend.ddl_commits):
            return ""
        return f"; the new, empty tables {', '.join(str(table.key) for table in self._made)} are left: drop them"

    def _undo_anew(self) -> list[TableKey]:
        if not (self._made and self.backend.ddl_commits):
            return []
        try:
            connection = self.backend.connect(writing=True)
            with self.backend.speaking(connection):
                left = self.backend.drop_new(connection, self._made)
            connection.close()
        except (DatabaseError, ConnectError) as error:
            raise ConnectionLostError(f"{error}{self._left()}") from None
        return left


def _held(plan: Plan) -> Held:
    """Return the tables of a plan that are there, by what becomes of their rows."""
    there = [table for table in plan.tables if not table.creates]
    keys = {table.target.key for table in there}
    kept = {table.target.key for table in there if plan.append or table.keeps}
    tables = [table.write.table for table in there]
    return Held(
        emptied=[table for table in tables if table.key not in kept | plan.vacant],
        vacant=[table for table in tables if table.key in plan.vacant],
        kept=[table for table in tables if table.key in kept],
        deferred=[(key, foreign_key) for key, foreign_key in plan.deferred if key in keys],
    )
