"""What runs tell: their progress, and what became of each table. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .schema import TableKey


class Path(StrEnum):
    """How a table's rows travelled."""

    NATIVE = "native"
    PORTABLE = "portable"
    PRIVATE = "private"


class Snapshot(StrEnum):
    """What a reader sees: one point in time, or each table at its own time."""

    CONSISTENT = "consistent"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A multiset of rows: how many, and the sum of their hashes modulo 2**128 (order does not matter)."""

    rows: int = 0
    total: int = 0

    def __add__(self, other: Fingerprint) -> Fingerprint:
        return Fingerprint(self.rows + other.rows, (self.total + other.total) % 2**128)

    def __str__(self) -> str:
        return f"{self.total:032x}"


@dataclass(frozen=True, slots=True)
class TableResult:
    """What became of one table: `bytes` of canonical lines, `seconds` from its first to its last block."""

    key: TableKey
    rows: int
    bytes: int
    seconds: float
    path: Path
    fingerprint: Fingerprint | None
    notes: tuple[str, ...] = ()


class Loss(str):
    """A note on values of the source that the target has no place for: even a quiet run says it."""

    __slots__ = ()


class Detail(str):
    """A note on what is as it should be, for those who ask for details."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did. `verified`: every table was read back and proved equal."""

    source: str
    target: str
    snapshot: Snapshot
    tables: tuple[TableResult, ...]
    seconds: float
    verified: bool
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        return sum(table.bytes for table in self.tables)


@dataclass(frozen=True, slots=True)
class TableComparison:
    """One table on both sides. `notes`: how values were brought to one spelling, one line each.

    `differences`: what differs besides the rows (columns that one side lacks), one line each.
    """

    key: TableKey
    left: Fingerprint
    right: Fingerprint
    notes: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        return self.left == self.right and not self.differences


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `verify` found: tables on both sides, and those that only one side has."""

    left: str
    right: str
    tables: tuple[TableComparison, ...]
    only_left: tuple[TableKey, ...] = ()
    only_right: tuple[TableKey, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        return not (self.only_left or self.only_right) and all(table.equal for table in self.tables)


@dataclass(frozen=True, slots=True)
class CheckedDump:
    """A dump that `check` found whole. `tables`: in load order, with their rows; `notes`: marks and edits.

    `version`: of the dump format; `format` and `compression`: of the data files; `edited`: it loads
    only where edits are allowed.
    """

    dump: str
    version: int
    engine: str
    format: str
    compression: str | None
    snapshot: Snapshot
    tables: tuple[tuple[TableKey, int], ...]
    edited: bool = False
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.tables)


class Phase(StrEnum):
    """The steps of a run that take time."""

    DESCRIBE = "describe"
    EMPTY = "empty"
    DATA = "data"
    FINISH = "finish"
    VERIFY = "verify"
    COMMIT = "commit"


@dataclass(frozen=True, slots=True)
class Event:
    """A step of progress. `rows`, `bytes`: so far, of `table` in this phase; `total`: rows expected.

    With no `table` the event speaks of the phase itself, and `total` is how many tables it goes through.
    """

    phase: Phase
    table: TableKey | None = None
    rows: int = 0
    bytes: int = 0
    total: int | None = None
    done: bool = False


class Progress(Protocol):
    """Told of each step; called from the thread that asked for the run."""

    def __call__(self, event: Event, /) -> None: ...
