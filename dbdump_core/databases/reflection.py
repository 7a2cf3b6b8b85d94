"""The neutral schema of a live database: base tables only, in a stable order.

An engine that is known well describes itself from its own catalog, because SQLAlchemy's reflection
loses types, defaults and hidden columns, and cuts names with commas, quotes or newlines in them.
For any other engine `reflect` makes do with SQLAlchemy's inspector.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import sqlalchemy as sa

from ..errors import shown
from ..model.schema import (
    Check,
    Column,
    Default,
    DefaultKind,
    ForeignKey,
    Identity,
    Index,
    Schema,
    Table,
    TableKey,
    UniqueKey,
)
from ..model.types import Kind, Type

ACTIONS = {"CASCADE": "cascade", "SET NULL": "set null", "SET DEFAULT": "set default", "RESTRICT": "restrict"}
"""What happens to rows that refer to a row, as engines say it and as the neutral schema does."""


class Catalog(Protocol):
    """What an engine tells of its own tables. A module with this function will do."""

    def describe(self, connection: sa.Connection, /) -> Schema:
        """Return all base tables that the connected account can name, in any order."""
        ...


def reflect(connection: sa.Connection, catalog: Catalog | None = None) -> Schema:
    """Return the tables of the connected database, sorted by schema and name.

    The default schema is None. Views, temporary, virtual and foreign tables are left out; what a
    user would miss is in `Schema.notes`, what a table could not tell of itself in `Table.notes`.
    Raises SQLAlchemy's errors as they come.
    """
    schema = catalog.describe(connection) if catalog else _inspected(connection)
    tables = sorted(map(tidy, schema.tables), key=lambda table: (table.schema or "", table.name))
    return replace(schema, tables=tuple(tables), notes=tuple(sorted(schema.notes)))


def tidy(table: Table) -> Table:
    """Return `table` with its keys in one order, whatever order an engine lists them in.

    A column that stands in a key twice makes it no other key, and not every engine takes it: it stands there once.
    """
    unique = [replace(key, columns=tuple(dict.fromkeys(key.columns))) for key in table.unique]
    indexes = [replace(index, columns=tuple(dict.fromkeys(index.columns))) for index in table.indexes]
    return replace(
        table,
        unique=tuple(sorted(unique, key=lambda key: (key.name or "", key.columns))),
        foreign_keys=tuple(sorted(table.foreign_keys, key=lambda key: (key.columns, key.name or ""))),
        indexes=tuple(sorted(indexes, key=lambda index: index.name)),
        checks=tuple(sorted(table.checks, key=lambda check: (check.name or "", check.expression))),
    )


@dataclass
class Draft:
    """One table while the rows of a catalog are put together."""

    key: TableKey
    columns: list[Column] = field(default_factory=list)
    primary_key: list[str] = field(default_factory=list)
    unique: list[UniqueKey] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    comment: str | None = None
    notes: list[str] = field(default_factory=list)

    def table(self) -> Table:
        return Table(
            name=self.key.name,
            schema=self.key.schema,
            columns=tuple(self.columns),
            primary_key=tuple(self.primary_key),
            unique=tuple(self.unique),
            foreign_keys=tuple(self.foreign_keys),
            indexes=tuple(self.indexes),
            checks=tuple(self.checks),
            comment=self.comment,
            notes=tuple(self.notes),
        )


# --- literals in defaults -----------------------------------------------------------------------

_NOW = {Kind.DATE: DefaultKind.DATE, Kind.TIME: DefaultKind.TIME, Kind.TIMESTAMP: DefaultKind.DATETIME}


def now_default(type_: Type) -> Default | None:
    """Return the default `now` of a date, time or timestamp column; None for other columns."""
    kind = _NOW.get(type_.kind)
    return Default(kind, "now") if kind else None


def value_default(text: str, type_: Type) -> Default | None:
    """Return a literal default from its text, as the column's type means it; None where it means nothing.

    Decimals stay text: a float would change them. Fractions of times lose their trailing zeros.
    """
    try:
        if type_.kind is Kind.BOOLEAN:
            return Default(DefaultKind.VALUE, _TRUTH[text.lower()])
        if type_.kind in (Kind.INTEGER, Kind.YEAR):
            return Default(DefaultKind.VALUE, int(text))
        if type_.kind is Kind.FLOAT:
            return Default(DefaultKind.VALUE, float(text))
    except (KeyError, ValueError):
        return None
    if type_.kind in (Kind.TIME, Kind.TIMESTAMP) and "." in text:
        text = text.rstrip("0").rstrip(".")
    return Default(DefaultKind.VALUE, text)


_TRUTH = {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}


# --- any other engine -----------------------------------------------------------------------------


def _inspected(connection: sa.Connection) -> Schema:
    inspector = sa.inspect(connection)
    drafts: dict[str, Draft] = {}
    for (_, name), columns in inspector.get_multi_columns().items():
        draft = drafts[name] = Draft(TableKey(None, name))
        draft.columns.extend(_inspected_column(column) for column in columns)
    for (_, name), key in inspector.get_multi_pk_constraint().items():
        drafts[name].primary_key.extend(key["constrained_columns"])
    for (_, name), keys in inspector.get_multi_foreign_keys().items():
        drafts[name].foreign_keys.extend(map(_inspected_foreign_key, keys))
    for (_, name), uniques in inspector.get_multi_unique_constraints().items():
        drafts[name].unique.extend(UniqueKey(u["name"], tuple(u["column_names"])) for u in uniques)
    for (_, name), indexes in inspector.get_multi_indexes().items():
        drafts[name].indexes.extend(_inspected_indexes(indexes))
    return Schema(tuple(draft.table() for draft in drafts.values()))


def _inspected_column(column: Mapping[str, Any]) -> Column:
    automatic = column.get("autoincrement") is True or column.get("identity")
    computed = column.get("computed")
    text = column.get("default")
    return Column(
        name=column["name"],
        type=neutral_type(column["type"]),
        nullable=bool(column.get("nullable", True)),
        default=Default(DefaultKind.SQL, text) if text and not automatic and not computed else None,
        identity=Identity.AUTO if automatic else None,
        generated=computed["sqltext"] if computed else None,
        comment=column.get("comment"),
    )


def _inspected_foreign_key(key: Mapping[str, Any]) -> ForeignKey:
    options = key.get("options") or {}
    deferrable = "deferred" if str(options.get("initially", "")).upper() == "DEFERRED" else "immediate"
    return ForeignKey(
        name=key["name"],
        columns=tuple(key["constrained_columns"]),
        table=TableKey(key["referred_schema"], key["referred_table"]),
        referred=tuple(key["referred_columns"]),
        on_delete=ACTIONS.get(str(options.get("ondelete", "")).upper()),
        on_update=ACTIONS.get(str(options.get("onupdate", "")).upper()),
        deferrable=deferrable if options.get("deferrable") else None,
    )


def _inspected_indexes(indexes: Sequence[Mapping[str, Any]]) -> list[Index]:
    """Return the indexes on plain columns that do not merely stand behind a unique constraint."""
    return [
        Index(index["name"], tuple(index["column_names"]), bool(index["unique"]))
        for index in indexes
        if None not in index["column_names"] and not index.get("duplicates_constraint")
    ]


def neutral_type(type_: sa.types.TypeEngine[Any]) -> Type:
    """Return the neutral type of an SQLAlchemy type; NATIVE with its text where there is none."""
    for base, make in _GENERIC.items():
        if isinstance(type_, base):
            return make(type_)
    return Type(Kind.NATIVE, name=str(type_))


def _integer(bits: int) -> Callable[[Any], Type]:
    return lambda type_: Type(Kind.INTEGER, bits=bits)


def _plain(kind: Kind) -> Callable[[Any], Type]:
    return lambda type_: Type(kind)


def _decimal(type_: Any) -> Type:
    if type_.precision is None:
        return Type(Kind.DECIMAL)
    return decimal(type_.precision, type_.scale or 0)


def decimal(precision: int, scale: int) -> Type:
    """Return the decimal type that holds all values of `precision` and `scale` as PostgreSQL means them.

    There the scale may be negative or larger than the precision (PostgreSQL 15 and newer).
    """
    if scale < 0:
        return Type(Kind.DECIMAL, precision=precision - scale, scale=0)
    return Type(Kind.DECIMAL, precision=max(precision, scale), scale=scale)


# Subclasses first: the first match wins.
_GENERIC: dict[type[Any], Callable[[Any], Type]] = {
    sa.Boolean: _plain(Kind.BOOLEAN),
    sa.SmallInteger: _integer(16),
    sa.BigInteger: _integer(64),
    # Engines disagree on how wide INTEGER is; the wide one holds all.
    sa.Integer: _integer(64),
    sa.Float: lambda type_: Type(Kind.FLOAT, bits=64),
    sa.Numeric: _decimal,
    sa.Enum: lambda type_: Type(Kind.ENUM, values=tuple(type_.enums)),
    sa.Uuid: _plain(Kind.UUID),
    sa.JSON: _plain(Kind.JSON),
    sa.String: lambda type_: Type(Kind.TEXT, length=type_.length),
    sa.types._Binary: lambda type_: Type(Kind.BYTES, length=type_.length),
    sa.DateTime: lambda type_: Type(Kind.TIMESTAMP, precision=6, zoned=bool(type_.timezone)),
    sa.Date: _plain(Kind.DATE),
    sa.Time: lambda type_: Type(Kind.TIME, precision=6),
    sa.Interval: _plain(Kind.INTERVAL),
}


def left_out(what: str, names: Sequence[str]) -> list[str]:
    """Return the note that says which tables of a sort were left out, if there are any."""
    if not names:
        return []
    listed = ", ".join(map(shown, sorted(names)[:10])) + (", …" if len(names) > 10 else "")
    return [f"left out {len(names)} {what}: {listed}"]


def grouped(rows: Sequence[Sequence[Any]], width: int) -> dict[tuple[Any, ...], list[Sequence[Any]]]:
    """Return `rows` by their first `width` values, in the order of their first appearance."""
    groups: dict[tuple[Any, ...], list[Sequence[Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[:width])].append(row)
    return groups
