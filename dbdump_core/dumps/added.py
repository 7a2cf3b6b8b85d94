"""Columns that a person added to the schema of a dump: the data files lack them, so defaults fill them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import DumpError, shown
from ..model.schema import Column, Default, DefaultKind, Schema, Table, TableKey
from ..model.types import Kind
from ..rows.fills import maker

_NOW = {Kind.DATE: DefaultKind.DATE, Kind.TIME: DefaultKind.TIME, Kind.TIMESTAMP: DefaultKind.DATETIME}
"""The default of a column that is set when its row is made or changed."""


def added_defaults(
    schema: Schema, columns: Mapping[TableKey, Sequence[str]], place: Callable[[TableKey, str], str]
) -> dict[TableKey, dict[str, Default]]:
    """Return what fills the columns that the data files, which have `columns`, lack.

    `place` tells where the schema describes a column. Raises DumpError for a column without a default,
    SchemaError for one that cannot be used, MismatchError for a reference to a field that is not there.
    """
    found = {table.key: _of_table(table, columns[table.key], place) for table in schema if table.key in columns}
    return {key: defaults for key, defaults in found.items() if defaults}


def _of_table(table: Table, there: Sequence[str], place: Callable[[TableKey, str], str]) -> dict[str, Default]:
    return {
        column.name: _checked(table, column, there, place(table.key, column.name))
        for column in table.columns
        if column.name not in there
    }


def _checked(table: Table, column: Column, there: Sequence[str], where: str) -> Default:
    default = column.default
    if default is None and (column.auto_now or column.auto_now_add) and column.type.kind in _NOW:
        default = Default(_NOW[column.type.kind], "now")
    if default is None:
        raise DumpError(
            f"{where}: table {shown(table.key)}: the dump has no column {shown(column.name)}; its columns are"
            f" {', '.join(map(shown, there)) or 'none'}; give it a default, such as {{kind: \"null\"}}, or take it out"
        )
    maker(default, column.type, where=where)(there)
    return default
