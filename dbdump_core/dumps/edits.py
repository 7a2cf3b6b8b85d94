"""Edits: in what the schema of a dump is not the one that was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields

from ..errors import shown
from ..model.schema import Column, DefaultKind, Schema, Table, TableKey

_PARTS = ("primary_key", "unique", "foreign_keys", "indexes", "checks", "comment")


def missing(there: Schema, columns: Mapping[TableKey, Sequence[str]]) -> Iterator[str]:
    """Yield a line for each table and column of the dump, which has `columns`, that the schema does not describe.

    A column that another one takes its values from (a default of kind reference) is not missing.
    """
    for key, names in columns.items():
        table = there.by_key.get(key)
        if table is None:
            yield f"table {shown(key)} is not described; not loaded"
            continue
        used = {name for one in table.columns if one.name not in names and (name := _reference(one))}
        for name in names:
            if name not in table.by_name and name not in used:
                yield f"table {shown(key)}: column {shown(name)} is not described; not loaded"


def _reference(column: Column) -> str | None:
    default = column.default
    return str(default.value) if default is not None and default.kind is DefaultKind.REFERENCE else None


def changed(there: Schema, dumped: Schema) -> Iterator[str]:
    """Yield a line for each thing that both schemas describe, and differently. Columns that were added are none."""
    for table in there:
        if (old := dumped.by_key.get(table.key)) is not None:
            yield from (f"table {shown(table.key)}: {line}" for line in _of_table(table, old))


def _of_table(table: Table, old: Table) -> Iterable[str]:
    for column in table.columns:
        if (was := old.by_name.get(column.name)) is not None and was != column:
            yield from (f"column {shown(column.name)}: {line}" for line in _of_column(column, was))
    for name in _PARTS:
        if getattr(table, name) != getattr(old, name):
            yield f"{name} is not what was dumped"


def _of_column(column: Column, was: Column) -> Iterable[str]:
    for field in fields(Column):
        before, now = getattr(was, field.name), getattr(column, field.name)
        if before != now:
            told = f" {shown(before)} became {shown(now)}" if field.name in ("type", "nullable") else " was changed"
            yield f"{field.name}{told}"
