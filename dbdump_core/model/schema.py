"""The neutral schema: what tables there are and what they hold. Frozen data, no SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from .types import Type


class TableKey(NamedTuple):
    """A table's identity: its database schema (None = the default one) and its name."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


class DefaultKind(StrEnum):
    """What a default is; the words of the 2007 format, plus `sql`, which is kept and never run."""

    VALUE = "value"
    REFERENCE = "reference"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    UUID = "uuid"
    NULL = "null"
    SQL = "sql"


@dataclass(frozen=True, slots=True)
class Default:
    """A column's default. `value`: a literal, a column name (REFERENCE), `now` or a literal (times), SQL text."""

    kind: DefaultKind
    value: str | int | float | bool | None = None


class Identity(StrEnum):
    """Who numbers the rows: AUTO = serial, AUTO_INCREMENT or rowid; the others are SQL identity columns."""

    AUTO = "auto"
    BY_DEFAULT = "by default"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where the keys that a column gives to new rows come from: a sequence, or what does its work.

    `next`: the key of the next row, None where nobody may see it. `lowest` and `highest`: None for
    what the engine takes by itself; `cycle`: after the last key comes the first one again.
    """

    next: int | None = None
    start: int = 1
    step: int = 1
    lowest: int | None = None
    highest: int | None = None
    cycle: bool = False


@dataclass(frozen=True, slots=True)
class Native:
    """What the column's own engine knows of it beyond the neutral words; another one takes what it can.

    `numbering`: of a column with an identity; None where the highest key decides. `collation`: by the
    engine's own name, None where texts are equal only if they are the same. `on_update_now`: a change
    of the row sets the column to the present moment. `affinity`: SQLite's, where it is not that of the type's
    usual name there: it decides how a value is stored. `untyped`: the declared type says nothing, and the
    neutral one is that of the values.
    """

    numbering: Numbering | None = None
    collation: str | None = None
    sorts_only: bool = False
    on_update_now: bool = False
    utc_default: bool = False
    affinity: str | None = None
    untyped: bool = False


AFFINITIES = ("BLOB", "TEXT", "NUMERIC", "INTEGER", "REAL")
"""What `Native.affinity` may be."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `generated`: the expression of a generated column, as its engine prints it."""

    name: str
    type: Type
    nullable: bool = True
    default: Default | None = None
    auto_now: bool = False
    auto_now_add: bool = False
    identity: Identity | None = None
    generated: str | None = None
    comment: str | None = None
    native: Native = Native()


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A unique constraint."""

    name: str | None
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Rows of this table refer to rows of `table` by `columns` -> `referred`.

    `deferrable`: None, `immediate` or `deferred` (when it is checked at first).
    """

    name: str | None
    columns: tuple[str, ...]
    table: TableKey
    referred: tuple[str, ...]
    on_delete: str | None = None
    on_update: str | None = None
    deferrable: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """An index on plain columns."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A check constraint, as its engine prints it; kept for people, never run."""

    name: str | None
    expression: str


@dataclass(frozen=True)
class Table:
    """One table. `notes`: what could not be described, one line each, for the report."""

    name: str
    columns: tuple[Column, ...]
    schema: str | None = None
    primary_key: tuple[str, ...] = ()
    unique: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    checks: tuple[Check, ...] = ()
    comment: str | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> TableKey:
        return TableKey(self.schema, self.name)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    def with_columns(self, columns: tuple[Column, ...]) -> Table:
        """Return this table with other columns."""
        return replace(self, columns=columns)


@dataclass(frozen=True)
class Schema:
    """All tables of one database, in a stable order. `notes`: what was left out, one line each.

    `rowless`: what goes by a table's name and has no rows of its own, and what it is (`a view`).
    """

    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    rowless: Mapping[TableKey, str] = field(default_factory=dict, compare=False)

    @cached_property
    def by_key(self) -> dict[TableKey, Table]:
        """Tables by key."""
        return {table.key: table for table in self.tables}

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)
