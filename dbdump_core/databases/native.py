"""What an engine makes of the facts that another one, or its like, knows of its columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import shown
from ..model.schema import Column, Default, DefaultKind, Native, Numbering, Table
from ..model.types import Kind

if TYPE_CHECKING:
    from .spelling import Spelling

_NOW = Default(DefaultKind.DATETIME, "now")


def settled_native(told: Column, made: Column, spelling: Spelling, *, own: bool, notes: list[str]) -> Native:
    """Return the facts of the column `made` of `told`, as they will read back; add to `notes` what is lost.

    `own`: the source is an engine of the same family.
    """
    said = f"column {shown(told.name)}"
    updates = told.native.on_update_now and spelling.updates_now and made.type.kind is Kind.TIMESTAMP
    if told.native.on_update_now and not updates:
        notes.append(f"{said}: a change of the row sets it to the present moment at the source, but not here")
    collation = _collation(told, made, spelling) if own else None
    return Native(
        numbering=_numbering(told, made, spelling, notes) if made.identity else None,
        collation=collation,
        sorts_only=collation is not None and told.native.sorts_only,
        on_update_now=updates,
        utc_default=_utc_default(told, made, spelling),
        affinity=told.native.affinity if own and told.type.kind is made.type.kind else None,
    )


def _utc_default(told: Column, made: Column, spelling: Spelling) -> bool:
    """Tell whether the present moment is meant in UTC: so it is where an instant loses its zone."""
    if made.type.kind is not Kind.TIMESTAMP or made.type.zoned or made.default != _NOW:
        return False
    return spelling.now_is_utc or told.native.utc_default or told.type.zoned


def _numbering(column: Column, made: Column, spelling: Spelling, notes: list[str]) -> Numbering | None:
    told = column.native.numbering
    numbering = spelling.numbering(told, made.type)
    said = f"column {shown(column.name)}"
    if told and numbering and (told.step, told.cycle) != (numbering.step, numbering.cycle):
        way = "in a cycle" if told.cycle else f"in steps of {told.step}"
        notes.append(f"{said}: new rows are numbered {way} at the source, here upwards by one")
    if told and told.next is None:
        notes.append(f"{said}: the source does not show its next key; here it follows the highest one")
    return numbering


def _collation(told: Column, made: Column, spelling: Spelling) -> str | None:
    if told.native.collation is None or made.type.kind not in (Kind.TEXT, Kind.ENUM, Kind.SET):
        return None
    return spelling.collation(told.native.collation)


def collation_notes(table: Table, made: Sequence[Column]) -> list[str]:
    """Return what to say of collations that are others in the columns `made` of a table, or none any more."""
    changes: dict[tuple[Native, str | None], list[str]] = defaultdict(list)
    for told, column in zip(table.columns, made, strict=True):
        old = Native(collation=told.native.collation, sorts_only=told.native.sorts_only)
        if old.collation not in (None, column.native.collation) and told.type.kind is Kind.TEXT:
            changes[old, column.native.collation].append(told.name)
    return [_changed(table, old, new, names) for (old, new), names in changes.items()]


def _changed(table: Table, old: Native, new: str | None, names: Sequence[str]) -> str:
    columns = f"column{'s' if len(names) > 1 else ''} {', '.join(map(shown, names))}"
    said = f"{columns}: the collation {shown(old.collation)} "
    if new is None and old.sorts_only:
        return said + "is not kept: texts are sorted otherwise here"
    said += "is not kept: texts are equal here only if they are the same" if new is None else f"becomes {shown(new)}"
    keys = [table.primary_key, *(k.columns for k in table.unique), *(i.columns for i in table.indexes if i.unique)]
    concerned = [f"({', '.join(map(shown, key))})" for key in keys if set(key) & set(names)]
    if not concerned:
        return said
    what = "takes texts for two that were one" if new is None else "may take texts for one that were two"
    return f"{said}; so the unique key {', '.join(dict.fromkeys(concerned))} {what}"
