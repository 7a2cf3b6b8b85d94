"""What a neutral table becomes on SQLite.

Affinity decides how SQLite stores a value: a declared type with INT in it eats digits, and so does
any it does not know. What must stay text is declared with TEXT in its name and no INT (facts.md S15).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import sqlalchemy as sa

from ...model.schema import Column, Default, DefaultKind, Identity, Numbering, Table
from ...model.types import BIGINT, FLOAT, SMALLINT, TEXT, Kind, Type
from ..spelling import Spelling, numbered_columns
from .affinity import affinity
from .statements import folded

_EXACT_DIGITS = 15
"""Decimals of so many digits come back from a double as they were; longer ones are kept as text."""


class SqliteSpelling(Spelling):
    """No limit on names; 2,000 columns; foreign keys only along with their table."""

    engine: ClassVar[str] = "SQLite"
    family: ClassVar[frozenset[str]] = frozenset({"sqlite"})
    max_columns: ClassVar[int] = 2000
    inline_foreign_keys: ClassVar[bool] = True
    exact_decimals: ClassVar[bool] = False
    shared_index_names: ClassVar[bool] = True
    named_keys: ClassVar[bool] = False
    now_is_utc: ClassVar[bool] = True

    def collation(self, name: str) -> str | None:
        return name if name in ("NOCASE", "RTRIM") else None

    def name_problem(self, name: str) -> str | None:
        if "\0" in name:
            return "takes no name that holds a NUL"
        return (
            "keeps names that start with sqlite_ for itself" if folded(name).startswith("sqlite_") else None
        )

    def column_problem(self, name: str) -> str | None:
        # SQLite would take it; nothing that writes its SQL does.
        return self.name_problem(name) if name else "is given no column with an empty name"

    def folded_table(self, name: str) -> str:
        return folded(name)

    def folded_column(self, name: str) -> str:
        return folded(name)

    def settle_types(self, table: Table, *, own: bool) -> Table:
        numbered = numbered_columns(table)
        return table.with_columns(
            tuple(
                replace(column, type=_settled(column.type, column.name in numbered))
                for column in table.columns
            )
        )

    def spell(self, column: Column, literal: Callable[[str], str]) -> str:
        usual, own = _usual(column), column.native.affinity
        return usual if own in (None, affinity(usual)) else _of_affinity(column.type, own or "")

    def identity(self, column: Column, table: Table) -> Identity | None:
        sole = table.primary_key == (column.name,)
        return Identity.AUTO if sole and column.type == BIGINT else None

    def numbering(self, numbering: Numbering | None, type_: Type) -> Numbering | None:
        # AUTOINCREMENT, which gives no key twice, only to what gave none twice.
        return None if numbering is None else super().numbering(numbering, type_)

    def keyed_in_type(self, table: Table) -> bool:
        return any(column.native.numbering is not None for column in table.columns)

    def default(self, default: Default, type_: Type, *, utc: bool = False) -> str | sa.ColumnElement[Any] | None:
        if default.kind is DefaultKind.UUID:
            return None
        if default.kind is not DefaultKind.VALUE:
            return sa.literal_column(_NOW[type_.kind])
        if type_.kind is Kind.BYTES:
            return _blob(str(default.value))
        if isinstance(default.value, int):
            return sa.literal_column(str(int(default.value)))
        return str(default.value)


def _usual(column: Column) -> str:
    """Return the declared type of a settled column by its neutral type alone."""
    type_ = column.type
    if type_.kind is Kind.INTEGER:
        if column.identity is not None:
            return "INTEGER" if column.native.numbering is None else "INTEGER PRIMARY KEY AUTOINCREMENT"
        # Not INTEGER: a primary key of that name would number rows by itself.
        return "UNSIGNED_TEXT" if type_.unsigned else _INTEGERS[type_.bits or 64]
    if type_.kind is Kind.DECIMAL:
        return _decimal(type_)
    if type_.kind in (Kind.TIME, Kind.TIMESTAMP):
        word = "TIMESTAMPTZ" if type_.zoned else type_.kind.upper()
        return word if type_.precision in (None, 6) else f"{word}({type_.precision})"
    word, sized = _WORDS[type_.kind, type_.fixed]
    return word if type_.length is None else f"{sized}({type_.length})"


def usual_affinity(column: Column) -> str:
    """Return the affinity of a column as it is made for its type, whatever it says of itself."""
    return affinity(_usual(replace(column, type=_settled(column.type, numbered=False))))


def _of_affinity(type_: Type, stored: str) -> str:
    """Return a declared type of another affinity than the usual one: it reads back as the same, or by its values."""
    if type_.kind is Kind.DECIMAL and type_.precision is not None:
        word = {"NUMERIC": "DECIMAL", "TEXT": "DECIMAL_TEXT"}.get(stored)
        return f"{word}({type_.precision}, {type_.scale or 0})" if word else _UNTYPED[stored]
    if type_.kind is Kind.BYTES and stored == "NUMERIC":
        return "BINARY" if type_.length is None else f"VARBINARY({type_.length})"
    return _OTHER_WORDS.get((type_.kind, stored)) or _UNTYPED[stored]


_OTHER_WORDS = {(Kind.DECIMAL, "NUMERIC"): "DECIMAL", (Kind.UUID, "NUMERIC"): "UUID", (Kind.JSON, "NUMERIC"): "JSON"}
_UNTYPED = {"BLOB": "", "NUMERIC": "ANY", "INTEGER": "ANY_INT", "REAL": "ANY_REAL", "TEXT": "ANY_TEXT"}
"""Types that say how a value is stored and not what it is."""

_INTEGERS = {16: "SMALLINT", 32: "MEDIUMINT", 64: "BIGINT"}
_WORDS = {
    (Kind.BOOLEAN, False): ("BOOLEAN", ""), (Kind.FLOAT, False): ("DOUBLE PRECISION", ""),
    (Kind.TEXT, False): ("TEXT", "VARCHAR"), (Kind.BYTES, False): ("BLOB", "VARBINARY"),
    (Kind.DATE, False): ("DATE", ""), (Kind.UUID, False): ("UUID_TEXT", ""),
    (Kind.JSON, False): ("JSON_TEXT", ""), (Kind.INTERVAL, False): ("DURATION_TEXT", ""),
    (Kind.BIT, False): ("VARBIT_TEXT", "VARBIT_TEXT"), (Kind.BIT, True): ("BIT_TEXT", "BIT_TEXT"),
}  # fmt: skip
_NOW = {Kind.DATE: "CURRENT_DATE", Kind.TIME: "CURRENT_TIME", Kind.TIMESTAMP: "CURRENT_TIMESTAMP"}


def _decimal(type_: Type) -> str:
    if type_.precision is None:
        return "DECIMAL_TEXT"
    word = "DECIMAL" if type_.precision <= _EXACT_DIGITS else "DECIMAL_TEXT"
    return f"{word}({type_.precision}, {type_.scale or 0})"


def _blob(text: str) -> sa.ColumnElement[Any] | None:
    try:
        digits = bytes.fromhex(text.removeprefix("\\x")).hex()
    except ValueError:
        return None
    return sa.literal_column(f"x'{digits}'")


def _settled(type_: Type, numbered: bool) -> Type:
    if type_.kind is Kind.INTEGER:
        return _integer(type_, numbered)
    if type_.kind is Kind.YEAR:
        return SMALLINT
    if type_.kind is Kind.FLOAT:
        return FLOAT
    if type_.kind is Kind.ENUM:
        return Type(Kind.TEXT, length=max([1, *map(len, type_.values)]))
    if type_.kind in (Kind.SET, Kind.NATIVE):
        return TEXT
    if type_.kind in (Kind.TEXT, Kind.BYTES):
        # SQLite pads nothing.
        length = None if type_.length is None else max(type_.length, 1)
        return Type(type_.kind, length=length)
    return Type(Kind.JSON) if type_.kind is Kind.JSON else type_


def _integer(type_: Type, numbered: bool) -> Type:
    highest = type_.integer_range()[1]
    if numbered or 2**31 - 1 <= highest <= BIGINT.integer_range()[1]:
        return BIGINT
    if highest > BIGINT.integer_range()[1]:
        return Type(Kind.INTEGER, bits=64, unsigned=True)
    return SMALLINT if highest <= SMALLINT.integer_range()[1] else Type(Kind.INTEGER, bits=32)
