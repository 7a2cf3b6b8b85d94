"""The load map: what is known of target tables beyond the two schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model.abc import Maker, Rewrite
from ..model.schema import Column, TableKey


@dataclass(frozen=True, slots=True)
class TableMap:
    """What is known of one target table. Keys: names of target columns.

    `fills`: used where the source lacks the column. `converts`: used always where the column is
    written. Both are given the cells as they were read and return a cell in the spelling of the target
    column's stored type. `rows`: gets the written columns and works on the lines as they will be
    written, after all of that. `keeps`: rows of the table that are there stay.
    """

    fills: Mapping[str, Maker] = field(default_factory=dict)
    converts: Mapping[str, Maker] = field(default_factory=dict)
    rows: Callable[[Sequence[Column]], Rewrite] | None = None
    keeps: bool = False


LoadMap = Mapping[TableKey, TableMap]
"""By the keys of tables of the target."""
