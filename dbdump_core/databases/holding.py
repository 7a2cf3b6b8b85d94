"""What a load does to the tables that are there: what an engine must know to keep others from changing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.schema import ForeignKey, Table, TableKey


@dataclass(frozen=True, slots=True)
class Held:
    """The tables of a load, by what becomes of the rows that are there.

    `emptied`: somebody agreed that they go. `vacant`: there must be none, and nothing is deleted.
    `kept`: they stay, and others may go on changing them. `outside`: foreign keys to `emptied` that other
    tables have. `deferred`: foreign keys of these tables whose checks are put off.
    """

    emptied: Sequence[Table] = ()
    vacant: Sequence[Table] = ()
    kept: Sequence[Table] = ()
    outside: Sequence[ForeignKey] = ()
    deferred: Sequence[tuple[TableKey, ForeignKey]] = ()

    @property
    def tables(self) -> list[Table]:
        """Return all of them in one order, so that two sessions cannot wait for each other."""
        every = (*self.emptied, *self.vacant, *self.kept)
        return sorted(every, key=lambda table: (table.schema or "", table.name))

    @property
    def referred(self) -> frozenset[TableKey]:
        """Return the keys of the emptied tables that other tables refer to."""
        return frozenset(key.table for key in self.outside)
