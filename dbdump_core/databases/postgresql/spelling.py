"""What a neutral table becomes on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import sqlalchemy as sa

from ...model.schema import Column, Default, DefaultKind, Identity, Numbering, Table
from ...model.types import BIGINT, DURATION, INTEGER, INTERVAL, SMALLINT, TEXT, UUID, UUID_HEX, Kind, Type, stored
from ..spelling import Spelling, numbered_columns

_SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}


class PostgresqlSpelling(Spelling):
    """Limits: 63 bytes a name, 1,600 columns, numeric(1000), varchar(10485760)."""

    engine: ClassVar[str] = "PostgreSQL"
    family: ClassVar[frozenset[str]] = frozenset({"postgresql"})
    max_columns: ClassVar[int] = 1600
    schemas: ClassVar[bool] = True
    empty_tables: ClassVar[bool] = True
    identity_clause: ClassVar[bool] = True
    comment_length: ClassVar[int] = 100_000
    shared_index_names: ClassVar[bool] = True

    def name_problem(self, name: str) -> str | None:
        if not name or "\0" in name:
            return "takes no name that is empty or holds a NUL"
        return "takes no name longer than 63 bytes" if len(name.encode()) > 63 else None

    def column_problem(self, name: str) -> str | None:
        return "keeps that name for itself" if name in _SYSTEM_COLUMNS else self.name_problem(name)

    def flavoured(self, type_: Type) -> Type:
        return {UUID_HEX: UUID, DURATION: INTERVAL}.get(type_, stored(type_))

    def settle_types(self, table: Table, *, own: bool) -> Table:
        numbered = numbered_columns(table)
        return table.with_columns(
            tuple(
                replace(column, type=_settled(column.type, column.name in numbered))
                for column in table.columns
            )
        )

    def spell(self, column: Column, literal: Callable[[str], str]) -> str:
        type_ = column.type
        if type_.kind is Kind.INTEGER:
            return {16: "SMALLINT", 32: "INTEGER"}.get(type_.bits or 64, "BIGINT")
        if type_.kind is Kind.FLOAT:
            return "REAL" if type_.bits == 32 else "DOUBLE PRECISION"
        if type_.kind is Kind.DECIMAL:
            size = "" if type_.precision is None else f"({type_.precision}, {type_.scale or 0})"
            return f"NUMERIC{size}"
        if type_.kind in (Kind.TIME, Kind.TIMESTAMP):
            size = "" if type_.precision in (None, 6) else f"({type_.precision})"
            return f"{type_.kind.upper()}{size} {'WITH' if type_.zoned else 'WITHOUT'} TIME ZONE"
        if type_.kind in (Kind.TEXT, Kind.BIT):
            return _sized(type_)
        if type_.kind is Kind.NATIVE and is_native(type_.name or ""):
            return type_.name or ""
        return "JSONB" if type_.name == "jsonb" else _PLAIN[type_.kind]

    def identity(self, column: Column, table: Table) -> Identity | None:
        if column.type.kind is not Kind.INTEGER:
            return None
        return Identity.ALWAYS if column.identity is Identity.ALWAYS else Identity.BY_DEFAULT

    def numbering(self, numbering: Numbering | None, type_: Type) -> Numbering | None:
        known = numbering or Numbering(next=1)
        least, most = type_.integer_range()
        # Limits of another type would be refused; without them the column's own hold.
        lowest = None if known.lowest is None else max(known.lowest, least)
        highest = None if known.highest is None else min(known.highest, most)
        usual = (1, most) if known.step > 0 else (least, -1)
        inside = (usual[0] if lowest is None else lowest) <= known.start <= (usual[1] if highest is None else highest)
        start = known.start if inside else 1 if known.step > 0 else -1
        following = start if known.next is None else known.next
        return replace(known, next=following, start=start, lowest=lowest, highest=highest)

    def default(self, default: Default, type_: Type, *, utc: bool = False) -> str | sa.ColumnElement[Any] | None:
        if default.kind is DefaultKind.UUID:
            return sa.func.gen_random_uuid() if type_.kind is Kind.UUID else None
        if default.kind is not DefaultKind.VALUE:
            return sa.literal_column("timezone('utc', now())" if utc else _NOW[type_.kind])
        if isinstance(default.value, bool):
            return sa.literal_column("true" if default.value else "false")
        # A literal without a type: the column's type reads it. The zone pins it to UTC.
        return f"{default.value}+00" if type_.zoned else str(default.value)


_PLAIN = {
    Kind.BOOLEAN: "BOOLEAN", Kind.BYTES: "BYTEA", Kind.DATE: "DATE", Kind.INTERVAL: "INTERVAL",
    Kind.UUID: "UUID", Kind.JSON: "JSON",
}  # fmt: skip
_NOW = {Kind.DATE: "CURRENT_DATE", Kind.TIME: "LOCALTIME", Kind.TIMESTAMP: "CURRENT_TIMESTAMP"}


def _sized(type_: Type) -> str:
    if type_.kind is Kind.BIT:
        size = "" if type_.length is None else f"({type_.length})"
        return f"BIT{'' if type_.fixed else ' VARYING'}{size}"
    if type_.length is None:
        return "TEXT"
    return f"{'CHAR' if type_.fixed else 'VARCHAR'}({type_.length})"


def _settled(type_: Type, numbered: bool) -> Type:
    if type_.kind is Kind.INTEGER:
        return _integer(type_, numbered)
    if type_.kind is Kind.YEAR:
        return SMALLINT
    if type_.kind is Kind.ENUM:
        # A check could name the members, but a type of its own would have to be made and dropped.
        return Type(Kind.TEXT, length=max([1, *map(len, type_.values)]))
    if type_.kind is Kind.SET or (type_.kind is Kind.NATIVE and not is_native(type_.name or "")):
        return TEXT
    if type_.kind is Kind.TEXT and type_.length is not None:
        return replace(type_, length=max(type_.length, 1)) if type_.length <= 10_485_760 else TEXT
    if type_.kind is Kind.BYTES:
        return Type(Kind.BYTES)
    if type_.kind is Kind.DECIMAL and (type_.precision or 0) > 1000:
        return Type(Kind.DECIMAL)
    return type_


def _integer(type_: Type, numbered: bool) -> Type:
    highest = type_.integer_range()[1]
    for wider in (SMALLINT, INTEGER, BIGINT):
        if highest <= wider.integer_range()[1]:
            return wider
    # Only a signed type numbers rows, and keys that refer to it must be like it; values are checked.
    return BIGINT if numbered else Type(Kind.DECIMAL, precision=20, scale=0)


# --- PostgreSQL's own types -------------------------------------------------------------------------

_RANGES = "int4 int8 num ts tstz date"
_OWN = (
    "inet cidr macaddr macaddr8 xml money tsvector tsquery pg_lsn oid name "
    "point line lseg box path polygon circle "
    + " ".join(f"{word}range {word}multirange" for word in _RANGES.split())
)
_SCALARS = (
    r"boolean|smallint|integer|bigint|real|double precision|text|bytea|date|uuid|jsonb?|interval"
    r"|numeric(?:\(\d{1,4},\d{1,4}\))?|(?:character|character varying|bit|bit varying)(?:\(\d{1,8}\))?"
    r"|(?:time|timestamp)(?:\([0-6]\))? with(?:out)? time zone"
)
_NATIVE = re.compile(
    rf'(?:{"|".join(_OWN.split())}|"char"|time(?:\([0-6]\))? with time zone)(?:\[\])*'
    rf"|(?:{_SCALARS})(?:\[\])+",
    re.ASCII,
)


def is_native(name: str) -> bool:
    """Tell whether `name` is a type that every PostgreSQL has; no other text becomes part of a statement."""
    return _NATIVE.fullmatch(name) is not None
