"""The vocabulary: what a source and a target of rows promise each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ..errors import ValueRefusedError
from .results import (
    Comparison,
    Event,
    Fingerprint,
    Path,
    Phase,
    Progress,
    Report,
    Snapshot,
    TableComparison,
    TableResult,
)
from .schema import Column, Default, ForeignKey, Numbering, Schema, Table, TableKey
from .types import Type

__all__ = [
    "BLOCK_BYTES",
    "Block",
    "Comparison",
    "Emit",
    "Event",
    "Fingerprint",
    "Limit",
    "Make",
    "Maker",
    "Path",
    "Phase",
    "Plan",
    "Progress",
    "ReadTask",
    "Report",
    "Rewrite",
    "Salvager",
    "Snapshot",
    "Source",
    "TableComparison",
    "TablePlan",
    "TableResult",
    "Target",
    "WriteTask",
    "Writer",
]

BLOCK_BYTES = 1024 * 1024
"""Bytes of lines in one block, about: large enough that a block's fixed cost is nothing, small
enough that a queue of them stays far under the memory ceiling."""


class Block:
    """Whole canonical lines of one table: `data` ends in LF (or is empty), `rows` lines in it.

    `data` may be given as a function that makes it, called once where it is first looked at: the
    thread that reads has enough to do, and another one makes the lines.
    """

    __slots__ = ("_data", "rows")

    def __init__(self, data: bytes | Callable[[], bytes], rows: int) -> None:
        self._data = data
        self.rows = rows

    @property
    def data(self) -> bytes:
        if not isinstance(self._data, bytes):
            self._data = self._data()
        return self._data

    def made(self) -> Block:
        """Return this block, its data made in the thread that calls."""
        self._data = self.data
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Block) and (self.rows, self.data) == (other.rows, other.data)

    def __hash__(self) -> int:
        return hash((self.rows, self.data))

    def __repr__(self) -> str:
        return f"Block({self.data!r}, {self.rows})"


Emit = Callable[[Block], None]
"""Takes one block; it may wait (a full queue) and it may raise, which ends the read."""


Make = Callable[[Sequence[bytes]], bytes]
"""Takes the cells of a line as it was read and returns one cell to write.

Raises ValueError, whose text is what was expected. It may be called more than once for a line.
"""

Maker = Callable[[Sequence[str]], Make]
"""Takes the names of the columns that are read, in the order of a line's fields, and returns the Make.

Raises MismatchError where a name that it needs is not among them.
"""


Limit = Callable[[str], None]
"""Takes a text in the spelling of its column and raises ValueError, whose text is what was expected: what an
engine's own column takes of the values that its neutral type has."""


class Rewrite(Protocol):
    """Turns the lines of one table as they are read into those to be written.

    Runs in the thread that makes the lines, table after table in the order of the plan.
    """

    def block(self, block: Block) -> Block:
        """Return the block's rows as they are to be written; there may be fewer or more of them.

        Raises ValueRefusedError naming the row.
        """
        ...

    def rest(self) -> Block | None:
        """Return rows to add after the last block, None for none; called once."""
        ...


@dataclass(frozen=True, slots=True)
class ReadTask:
    """What to read of one table: plain data, so that it can run anywhere.

    `columns` in the order of the fields of each line; their types are those that engines have
    (`types.stored`). `checks`: column name -> the type that each of its values must be able to become;
    the reader raises ValueRefusedError naming the row where one cannot. `required`: columns that may not
    be NULL. `limits`: column name -> what else looks at each of its texts. `where`: an SQL condition of the
    user's own. `ordered`: by primary key, where the engine can. `on_error`: takes the error of a bad
    line, which is then left out, instead of it being raised; a source that cannot go on raises it.
    `marks`: columns whose cells may be marked (`lines.mark`), where a value is not what the column says or would
    come back in another spelling; in all others such a value is converted where it plainly means one of the
    column's type, and refused where it does not.
    """

    table: Table
    columns: tuple[Column, ...]
    checks: Mapping[str, Type] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    limits: Mapping[str, Limit] = field(default_factory=dict)
    where: str | None = None
    ordered: bool = False
    on_error: Callable[[ValueRefusedError], None] | None = None
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WriteTask:
    """What a table takes: the `columns` that the fields of each line fill, in order.

    `source_types`: how each field is spelled: the type it had where it was read, or that of the column
    where it was rewritten. All types are those that engines have (`types.stored`). `marks`: columns whose cells may
    be marked.
    """

    table: Table
    columns: tuple[Column, ...]
    source_types: tuple[Type, ...]
    marks: frozenset[str] = frozenset()


class Source(Protocol):
    """Something that rows are read from.

    A read that fails half-way raises; it never ends early as though the table were shorter.
    """

    name: str
    """For people: the database or path, without secrets."""
    engine: str
    """`postgresql`, `mysql`, `mariadb`, `sqlite` …; for an archive, the engine it was made from."""
    typed: bool
    """True when values are known to keep to their declared types (not so in SQLite or an edited dump)."""
    marks: bool
    """True when cells may come marked, where the task allows it."""
    level: Snapshot | None
    """What the rows were read of; None until it is known (in a stream: until `finish`)."""
    order: Sequence[TableKey] | None
    """The only order in which tables can be read (a stream), or None for any."""
    defaults: Mapping[TableKey, Mapping[str, Default]]
    """Columns that the rows do not hold, though the schema may name them, and what fills them:
    table of the source -> column of the target -> default. Known once `schema` has returned."""

    def schema(self) -> Schema:
        """Describe all tables. Raises ConnectError or DumpError."""
        ...

    def snapshot(self, tables: Sequence[Table]) -> AbstractContextManager[Snapshot]:
        """Hold one point in time over `tables` while inside; reads outside it are not allowed."""
        ...

    def try_condition(self, table: Table, condition: str) -> None:
        """Raise SelectionError or UsageError for a condition that rows of the table cannot be chosen by."""
        ...

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Hand the rows of one table to `emit`, as blocks of canonical lines."""
        ...

    def path(self, task: ReadTask) -> Path:
        """Tell how `read` goes about this task (known once it has been read)."""
        ...

    def estimate(self, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        """Return about how many rows tables hold, for the progress bar; unknown ones are absent."""
        ...

    def finish(self) -> None:
        """Check what only the end can tell; called after the last read, before the target commits.

        Raises DumpError when a stream does not end with the manifest that its data matches; a
        database, and a dump that was checked beforehand, have nothing left to say.
        """
        ...

    def cancel(self) -> None:
        """Stop a read under way in another thread, soon. Safe to call twice or too late."""
        ...

    def close(self) -> None:
        """Let everything go. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class TablePlan:
    """How one table moves.

    `target`: the table as it is, or as it will be created (`creates`). The fields of a line are
    `read.columns` at the source and `write.columns` at the target, position by position unless there
    is a `rewrite`, which makes the one line from the other. `keeps`: rows of this table that are there
    stay, whatever `Plan.append` says. `numbering`: columns of the target whose next key is to be as far
    as that of the source. `notes`: conversions and other things worth saying, one line each.
    """

    source: Table
    target: Table
    read: ReadTask
    write: WriteTask
    creates: bool = False
    notes: tuple[str, ...] = ()
    rewrite: Rewrite | None = None
    keeps: bool = False
    numbering: Mapping[str, Numbering] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a transfer will do: tables in load order, parents first.

    `deferred`: foreign keys of the target that cannot hold row by row, because they are part of a
    cycle or refer to their own table; they are checked before the commit. `append`: keep the rows
    that are there; otherwise the planned tables are emptied first. `vacant`: tables that nobody agreed to
    empty, as they held no rows when that was looked at; with the lock held it is looked at again.
    """

    tables: tuple[TablePlan, ...]
    deferred: tuple[tuple[TableKey, ForeignKey], ...] = ()
    append: bool = False
    vacant: frozenset[TableKey] = frozenset()
    notes: tuple[str, ...] = ()


class Writer(Protocol):
    """One transaction on a target. Nothing it does lasts unless `commit` returns."""

    def take(self, plan: TablePlan) -> int | None:
        """Copy a table of the adopted source within the engine; return its rows, None where it cannot."""
        ...

    def read_taken(self, task: ReadTask, emit: Emit) -> None:
        """Read a table of the adopted source as `take` saw it."""
        ...

    def write(self, task: WriteTask, block: Block) -> None:
        """Store the block's rows. Raises ValueRefusedError naming the row where one is refused."""
        ...

    def finish(self) -> None:
        """After the last block: indexes, foreign keys, orphan check, sequences."""
        ...

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Read back what the target holds now, inside the transaction (as `Source.read`)."""
        ...

    def path(self, task: WriteTask) -> Path:
        """Tell how `write` went about this task."""
        ...

    def commit(self, results: Sequence[TableResult], snapshot: Snapshot) -> None:
        """Make it last. Raises when it cannot be sure that it does."""
        ...


@runtime_checkable
class Salvager(Protocol):
    """A writer that can go on after a refused row."""

    def salvage(self, task: WriteTask, block: Block) -> Iterable[ValueRefusedError]:
        """Store the block's rows but those that are refused, and return the errors of these.

        All has been stored once the errors have been taken. Raises DatabaseError for what is not a row's fault.
        """
        ...


class Target(Protocol):
    """Something that rows are written to."""

    name: str
    engine: str
    creates: bool
    """True: tables need not exist, they are made as the source has them (an archive)."""
    rereads: bool
    """True: `Writer.read` works, so that a transfer can be proved before the commit."""
    typed: bool
    """True: its columns refuse or change what their types do not hold, so values are looked at."""
    marks: bool
    """True: it takes marked cells, from its own engine and for columns that are alike on both sides."""

    def schema(self) -> Schema:
        """Describe the tables that are there."""
        ...

    def occupied(self, tables: Sequence[Table]) -> Sequence[TableKey]:
        """Return those of `tables` that hold rows."""
        ...

    def refuse_same(self, source: Source) -> None:
        """Raise UnsafeError when `source` is this very database, under whatever name."""
        ...

    def limit(self, type_: Type) -> Limit | None:
        """Return what looks at each text for a column of this type, beside the type itself; None for nothing."""
        ...

    def planned(self, tables: Sequence[Table], engine: str) -> Sequence[Table]:
        """Return tables of `engine` as this target would create them.

        Raises MismatchError where it cannot hold them.
        """
        ...

    def computes_alike(self, table: Table, pair: tuple[Column, Column], engine: str) -> bool:
        """Tell whether two generated columns get the same values of the same expression.

        `pair`: a column of `table` of `engine`, and the one of this target that is to be the same.
        """
        ...

    def adopt(self, source: Source) -> bool:
        """Make the source's tables readable to the writer itself; False where that cannot be."""
        ...

    def writing(self, plan: Plan) -> AbstractContextManager[Writer]:
        """Prepare the tables of the plan and write; leaving without `commit` undoes everything.

        Raises UnsafeError before the first change for triggers that would fire, for rows outside
        the plan that refer to what would be emptied, or when another run is at work here.
        """
        ...

    def close(self) -> None:
        """Let everything go. Safe to call twice."""
        ...
