"""What a neutral table becomes on MySQL and MariaDB: InnoDB, utf8mb4, no two texts equal that differ."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.sql.elements import Grouping

from ...model.schema import Column, Default, DefaultKind, Identity, Table
from ...model.types import TEXT, Kind, Type
from ..spelling import Spelling, keyed_columns, refused
from . import collations

_KEY_LENGTH = 255
"""Length of a text without one that is part of a key: only so much can be indexed; values are checked."""
_MAX_VARCHAR = 16_383
_MAX_FIXED = 255
_MAX_ROW = 60_000
"""Bytes of a row outside of blobs, of 65,535, with room for the row's own housekeeping."""

_SYSTEM_COLUMNS = {"db_row_id", "db_trx_id", "db_roll_ptr"}
_NO_SUCH_TABLE = {
    1069, 1070, 1071, 1074, 1117, 1118, 1166,  # too many or too long keys, columns, rows; a name it cannot have
    1005, 1215, 1822, 3780, 6125,  # a foreign key that does not fit its parent
}  # fmt: skip
"""Numbers of errors that say: such a table cannot be."""


class MysqlSpelling(Spelling):
    """Limits: 64 characters a name, decimal(65,30), bit(64), 65,535 bytes a row.

    `folds_tables`: the server's lower_case_table_names is on.
    """

    engine: ClassVar[str] = "MySQL"
    family: ClassVar[frozenset[str]] = frozenset({"mysql", "mariadb"})
    max_columns: ClassVar[int] = 1017
    """InnoDB's; the server's own is 4,096."""
    deferrable: ClassVar[bool] = False
    updates_now: ClassVar[bool] = True
    comment_length: ClassVar[int] = 1024
    unique_is_key: ClassVar[bool] = True
    indexes_foreign_keys: ClassVar[bool] = True
    shared_key_names: ClassVar[bool] = True
    repeats_columns: ClassVar[bool] = False
    actions: ClassVar[frozenset[str]] = frozenset({"cascade", "set null"})

    def collation(self, name: str) -> str | None:
        return collations.like(name, self._collations)

    def name_problem(self, name: str) -> str | None:
        if not name or name[-1] in " \t\n\v\f\r":
            return "takes no name that is empty or ends in white space"
        if any(char == "\0" or ord(char) > 0xFFFF for char in name):
            return "takes no name with a NUL or a character beyond U+FFFF"
        return "takes no name longer than 64 characters" if len(name) > 64 else None

    def column_problem(self, name: str) -> str | None:
        return "keeps that name for itself" if name.lower() in _SYSTEM_COLUMNS else self.name_problem(name)

    def creation_problem(self, error: sa.exc.DBAPIError) -> str | None:
        original = error.orig
        number = original.args[0] if original is not None and original.args else None
        return str(original.args[1]).rstrip(".") if original is not None and number in _NO_SUCH_TABLE else None

    def __init__(self, collations: Collection[str] = (), *, folds_tables: bool = False) -> None:
        super().__init__(collations)
        self._folds_tables = folds_tables

    def folded_table(self, name: str) -> str:
        return name.lower() if self._folds_tables else name

    def folded_column(self, name: str) -> str:
        return name.lower()

    def settle_types(self, table: Table, *, own: bool) -> Table:
        keyed = keyed_columns(table)
        columns = [replace(c, type=_settled(table, c, keyed=c.name in keyed, own=own)) for c in table.columns]
        while sum(_row_bytes(column.type) for column in columns) > _MAX_ROW:
            longest = max(columns, key=lambda c: 0 if c.name in keyed else _row_bytes(c.type))
            if longest.type.kind not in (Kind.TEXT, Kind.BYTES) or longest.name in keyed:
                break
            at = columns.index(longest)
            columns[at] = replace(longest, type=Type(longest.type.kind))
        return table.with_columns(tuple(columns))

    def spell(self, column: Column, literal: Callable[[str], str]) -> str:
        type_ = column.type
        if type_.kind is Kind.INTEGER:
            sign = " UNSIGNED" if type_.unsigned else ""
            return _INTEGERS[type_.bits or 64] + sign + (" AUTO_INCREMENT" if column.identity else "")
        if type_.kind in (Kind.ENUM, Kind.SET):
            return f"{type_.kind.upper()}({', '.join(map(literal, type_.values))})"
        if type_.kind is Kind.DECIMAL:
            return f"DECIMAL({type_.precision}, {type_.scale or 0})"
        if type_.kind in (Kind.TIME, Kind.TIMESTAMP):
            return _moment(column)
        if type_ == _UUID_TEXT:
            return "CHAR(36) CHARACTER SET ascii COLLATE ascii_bin"
        if type_.kind in (Kind.TEXT, Kind.BYTES, Kind.BIT) and type_.length is not None:
            return f"{_SIZED[type_.kind, type_.fixed]}({type_.length})"
        if type_.kind is Kind.FLOAT:
            return "FLOAT" if type_.bits == 32 else "DOUBLE"
        return _PLAIN[type_.kind]

    def identity(self, column: Column, table: Table) -> Identity | None:
        leads = [table.primary_key[:1], *(key.columns[:1] for key in table.unique)]
        others = [c for c in table.columns if c.identity and c.type.kind is Kind.INTEGER]
        possible = column.type.kind is Kind.INTEGER and (column.name,) in leads
        return Identity.AUTO if possible and others[0] == column else None

    def default(self, default: Default, type_: Type, *, utc: bool = False) -> str | sa.ColumnElement[Any] | None:
        if default.kind is DefaultKind.UUID or type_.kind is Kind.BYTES:
            return None
        if default.kind is not DefaultKind.VALUE:
            return _now(type_, utc)
        if type_.kind is Kind.BIT:
            bits = str(default.value)
            return sa.literal_column(str(int(bits, 2))) if bits and not bits.strip("01") else None
        text = str(int(default.value)) if isinstance(default.value, bool) else str(default.value)
        if type_.kind is Kind.JSON or type_ == TEXT:
            return Grouping(sa.literal(text))
        return text

    def numbering_options(self, table: Table) -> dict[str, Any]:
        known = [column.native.numbering for column in table.columns if column.native.numbering]
        return {"auto_increment": str(known[0].next)} if known and known[0].next != 1 else {}

    def table_options(self, connection: sa.Connection) -> dict[str, Any]:
        """Return engine, character set and collation: one that pads no blanks, where the server has it."""
        found = {row[0] for row in connection.exec_driver_sql(_COLLATIONS_THERE)}
        name = next((name for name in _COLLATIONS if name in found), _COLLATIONS[-1])
        options = {"engine": "InnoDB", "charset": "utf8mb4", "collate": name}
        return {f"{connection.dialect.name}_{key}": value for key, value in options.items()}


_COLLATIONS_THERE = """
SELECT collation_name FROM information_schema.collation_character_set_applicability
WHERE character_set_name = 'utf8mb4'
"""
_COLLATIONS = ("utf8mb4_0900_bin", "utf8mb4_nopad_bin", "utf8mb4_bin")
_UUID_TEXT = Type(Kind.TEXT, length=36, fixed=True)
_INTEGERS = {8: "TINYINT", 16: "SMALLINT", 24: "MEDIUMINT", 32: "INTEGER", 64: "BIGINT"}
_SIZED = {
    (Kind.TEXT, True): "CHAR", (Kind.TEXT, False): "VARCHAR", (Kind.BYTES, True): "BINARY",
    (Kind.BYTES, False): "VARBINARY", (Kind.BIT, True): "BIT",
}  # fmt: skip
_PLAIN = {
    Kind.BOOLEAN: "TINYINT(1)", Kind.TEXT: "LONGTEXT", Kind.BYTES: "LONGBLOB", Kind.DATE: "DATE",
    Kind.JSON: "JSON", Kind.YEAR: "YEAR",
}  # fmt: skip


def _now(type_: Type, utc: bool) -> sa.ColumnElement[Any]:
    if type_.kind is Kind.TIMESTAMP:
        digits = _digits(type_)
        return sa.literal_column(f"(UTC_TIMESTAMP({digits}))" if utc else f"CURRENT_TIMESTAMP({digits})")
    return sa.literal_column("(CURRENT_DATE)" if type_.kind is Kind.DATE else "(CURRENT_TIME)")


def _moment(column: Column) -> str:
    """Return the words of a time or timestamp. NULL is said: old servers take TIMESTAMP alone for NOT NULL."""
    digits = _digits(column.type)
    if column.type.kind is Kind.TIME:
        return f"TIME({digits})"
    words = f"TIMESTAMP({digits}){' NULL' if column.nullable else ''}" if column.type.zoned else f"DATETIME({digits})"
    return words + (f" ON UPDATE CURRENT_TIMESTAMP({digits})" if column.native.on_update_now else "")


def _digits(type_: Type) -> int:
    return 6 if type_.precision is None else type_.precision


def _row_bytes(type_: Type) -> int:
    """Return about how many bytes of the row a column takes."""
    if type_.kind is Kind.TEXT and type_.length is not None:
        return type_.length * 4 + 2
    return type_.length + 2 if type_.kind is Kind.BYTES and type_.length is not None else 32


def _settled(table: Table, column: Column, *, keyed: bool, own: bool) -> Type:
    if own and column.type.kind is Kind.TIMESTAMP:
        return column.type  # one that ends in 2038, as it did at the source
    type_ = _like(table, column)
    if type_.kind not in (Kind.TEXT, Kind.BYTES):
        return type_
    if type_.length is None:
        return Type(type_.kind, length=_KEY_LENGTH) if keyed else type_
    if type_.length > _MAX_VARCHAR:
        return Type(type_.kind)
    return replace(type_, fixed=type_.fixed and type_.length <= _MAX_FIXED)


def _like(table: Table, column: Column) -> Type:
    """Return the type nearest to the column's."""
    type_ = column.type
    if type_.kind is Kind.DECIMAL:
        return _decimal(table, column)
    if type_.kind is Kind.TIMESTAMP:
        return replace(type_, zoned=False)
    if type_.kind is Kind.INTERVAL:
        return Type(Kind.TEXT, length=64)
    if type_.kind is Kind.UUID:
        return _UUID_TEXT
    if type_.kind is Kind.BIT and not (type_.fixed and (type_.length or 1) <= 64):
        return Type(Kind.TEXT, length=type_.length)
    if type_.kind is Kind.ENUM and not _can_be_members(type_.values, 65_535):
        return Type(Kind.TEXT, length=max([1, *map(len, type_.values)]))
    if type_.kind is Kind.SET and ("," in "".join(type_.values) or not _can_be_members(type_.values, 64)):
        return TEXT
    if type_.kind is Kind.NATIVE:
        return TEXT
    return Type(Kind.JSON) if type_.kind is Kind.JSON else type_


def _can_be_members(values: tuple[str, ...], most: int) -> bool:
    """Tell whether MySQL keeps these members as they are and prints them so."""
    return 0 < len(values) <= most and all(map(_can_be_member, values))


def _can_be_member(value: str) -> bool:
    # Blanks at the end are cut; what lies beyond U+FFFF is printed as a question mark.
    return (
        len(value) <= 255
        and not value.endswith(" ")
        and all("\0" != c != "?" and c <= "\uffff" for c in value)
    )


def _decimal(table: Table, column: Column) -> Type:
    type_ = column.type
    if type_.precision is None:
        raise refused(table, column, "has no precision, MySQL needs one; give it one, such as decimal(38,10)")
    scale = type_.scale or 0
    precision = max(type_.precision, scale)
    if precision > 65 or scale > 30:
        raise refused(table, column, "is beyond MySQL's decimal(65,30); give it fewer digits or make it text")
    return Type(Kind.DECIMAL, precision=precision, scale=scale)
