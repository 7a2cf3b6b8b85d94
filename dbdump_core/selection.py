"""Which tables, and which of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase

from .errors import SelectionError, shown
from .names import Names, fold
from .schema import Schema, Table, TableKey

NAMES_SHOWN = 6
"""Names listed in a message at most."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to move. `tables`, `exclude`: names or globs; `where`: table name -> SQL condition on its rows."""

    tables: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)

    def condition(self, key: TableKey) -> str | None:
        """Return the condition on the rows of a table, None for all rows."""
        return next((sql for name, sql in self.where.items() if _matches(key, name)), None)


def select(schema: Schema, selection: Selection) -> list[Table]:
    """Return the chosen tables of a schema, in its order.

    Raises SelectionError for a name that no table has; it lists the close ones.
    """
    for pattern in (*selection.tables, *selection.exclude, *selection.where):
        if not any(_matches(table.key, pattern) for table in schema):
            raise unknown(pattern, [str(table.key) for table in schema])
    return [table for table in schema if _chosen(table.key, selection)]


def _chosen(key: TableKey, selection: Selection) -> bool:
    wanted = not selection.tables or any(_matches(key, pattern) for pattern in selection.tables)
    return wanted and not any(_matches(key, pattern) for pattern in selection.exclude)


def _matches(key: TableKey, pattern: str) -> bool:
    return pattern in (str(key), key.name) or fnmatchcase(str(key), pattern) or fnmatchcase(key.name, pattern)


def unknown(name: str, names: Sequence[str], what: str = "table") -> SelectionError:
    """Return the error for a name that is not among `names`."""
    return SelectionError(f"no {what} {shown(name)}; {close(name, names)}")


def close(name: str, names: Iterable[str]) -> str:
    """Return advice: the names close to `name`, or the first ones there are."""
    there = list(names)
    alike = {str(folded): some for folded, some in Names(there).groups().items()}
    near = [one for found in get_close_matches(str(fold(name)), alike, NAMES_SHOWN, 0.6) for one in alike[found]]
    if near:
        return "close ones: " + ", ".join(map(shown, near[:NAMES_SHOWN]))
    more = ", …" if len(there) > NAMES_SHOWN else ""
    return f"there are: {', '.join(map(shown, there[:NAMES_SHOWN]))}{more}" if there else "there are none"
