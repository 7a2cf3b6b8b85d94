"""Foreign keys of tables that are to be made: what they refer to, as the target has it or will have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..model.names import Names
from ..model.results import Loss
from ..model.schema import ForeignKey, Table, TableKey


def with_parents(
    tables: Sequence[Table], there: Mapping[TableKey, Table], *, needs_unique: bool = True
) -> list[Table]:
    """Return `tables` with those of their foreign keys that can be made, each by its parent's own names.

    The parent is one of `tables` or of those that are `there`. `needs_unique`: a key must refer to columns that
    are unique together. What is left out is a Loss in `Table.notes`. Raises MismatchError for a name that is unclear.
    """
    known = {**there, **{table.key: table for table in tables}}
    names = Names(known)
    return [_with_parents(table, known, names, needs_unique=needs_unique) for table in tables]


def _with_parents(
    table: Table, known: Mapping[TableKey, Table], names: Names[TableKey], *, needs_unique: bool
) -> Table:
    kept, notes = [], list(table.notes)
    for key in table.foreign_keys:
        found = names.find(key.table, "table")
        made = _spelled(key, known[found]) if found else "the target does not have that table"
        if isinstance(made, ForeignKey) and needs_unique and not _is_unique(made.referred, known[made.table]):
            made = f"{', '.join(made.referred)} is no unique key there"
        if isinstance(made, ForeignKey):
            kept.append(made)
        else:
            columns = ", ".join(key.columns)
            notes.append(Loss(f"the foreign key {table.key} ({columns}) to {key.table} is left out: {made}"))
    return replace(table, foreign_keys=tuple(kept), notes=tuple(notes))


def _spelled(key: ForeignKey, parent: Table) -> ForeignKey | str:
    """Return a key by its parent's own names, or what the parent lacks."""
    names = Names(parent.by_name)
    referred = [names.find(name, f"column of table {parent.key}") for name in key.referred]
    missing = next((name for name, found in zip(key.referred, referred, strict=True) if found is None), None)
    if missing is not None:
        return f"that table has no column {missing}"
    return replace(key, table=parent.key, referred=tuple(name for name in referred if name is not None))


def _is_unique(columns: Sequence[str], table: Table) -> bool:
    """Tell whether the columns of a table are a key of it, in any order."""
    keys = [table.primary_key, *(key.columns for key in table.unique)]
    keys += [index.columns for index in table.indexes if index.unique]
    return any(sorted(key) == sorted(columns) for key in keys)
