"""What an engine makes of the facts that another one, or its like, knows of its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import shown
from ..schema import Column, Default, DefaultKind, Native, Numbering
from ..types import Kind

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
    return Native(
        numbering=_numbering(told, made, spelling, notes) if made.identity else None,
        on_update_now=updates,
        utc_default=_utc_default(told, made, spelling),
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
