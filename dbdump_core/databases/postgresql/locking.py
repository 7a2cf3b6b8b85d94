"""The locks of a load, all taken before the query that takes its snapshot.

Under REPEATABLE READ the snapshot is that of the first query, and LOCK TABLE is none: whatever was
committed before the locks were had is then seen, and what others commit later never is. So a table
that others go on filling needs no lock against them: what the load reads back is what it found and
what it wrote itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...model.schema import TableKey
from ..holding import Held

ADD = "ROW EXCLUSIVE"
"""What COPY takes itself: others read and write, and nobody alters the table."""
KEEP = "EXCLUSIVE"
"""Others read; they neither write nor refer: a foreign key's check locks the row it finds."""
OWN = "ACCESS EXCLUSIVE"
"""What TRUNCATE and ALTER TABLE take; had at once, as a stronger lock later may never come."""


def modes(held: Held, *, truncates: bool, lockable: Iterable[TableKey]) -> dict[TableKey, str]:
    """Return the lock that each table needs. `lockable`: those that the account may do more to than insert."""
    may = set(lockable)
    wanted = {table.key: OWN if truncates else KEEP for table in held.emptied}
    # Who may only insert takes nothing away either, so the weaker lock harms nobody.
    wanted |= {table.key: KEEP if table.key in may else ADD for table in held.vacant}
    wanted |= {table.key: ADD for table in held.kept}
    altered = {table for table, key in held.deferred if key.name is not None and not key.deferrable}
    return {key: OWN if key in altered else mode for key, mode in wanted.items()}
