"""Which tables, and which of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from ..errors import SelectionError, shown
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
    """Return the chosen tables of a schema, in its order. Raises SelectionError, as `settled` does."""
    settled_ = settled(schema, selection)
    return [table for table in schema if chosen(table.key, settled_)]


def settled(schema: Schema, selection: Selection) -> Selection:
    """Return the selection by the names that the tables have.

    Raises SelectionError for a name that no table has, listing the close ones; for an excluded one
    `vain` has a note. Raises MismatchError for a name that could mean several tables.
    """
    spelled = _Spelled(schema)
    for pattern in (*selection.tables, *selection.where):
        if not spelled.known(pattern):
            raise unknown(pattern, [str(table.key) for table in schema])
    return replace(
        selection,
        tables=tuple(map(spelled.of, selection.tables)),
        exclude=tuple(map(spelled.of, selection.exclude)),
        where={spelled.of(name): sql for name, sql in selection.where.items()},
    )


def vain(selection: Selection, *schemas: Schema) -> tuple[str, ...]:
    """Return a note on each name that is excluded and that no table of the schemas has."""
    spelled = [_Spelled(schema) for schema in schemas]
    names = [str(table.key) for schema in schemas for table in schema]
    return tuple(
        f"no table matches --exclude {shown(pattern)}" + (f"; {near}" if (near := _near(pattern, names)) else "")
        for pattern in selection.exclude
        if not any(one.known(pattern) for one in spelled)
    )


def nothing_chosen(name: str, schema: Schema) -> SelectionError:
    """Return the error for a run that would move or compare nothing of `name`."""
    what = f"none of the {len(schema)} tables of {name} is left"
    if not len(schema):
        what = f"{name} has no table that is asked for"
    return SelectionError(f"{what}; check what was named, or give --allow-empty if nothing is meant")


class _Spelled:
    """How a schema spells the names of its tables: exactly so, as a glob says, else as the only one alike."""

    def __init__(self, schema: Schema) -> None:
        self._keys = [table.key for table in schema]
        self._names = Names(name for key in self._keys for name in (str(key), key.name))

    def known(self, pattern: str) -> bool:
        return any(_matches(key, pattern) for key in self._keys) or pattern in self._names

    def of(self, pattern: str) -> str:
        if any(_matches(key, pattern) for key in self._keys):
            return pattern
        return self._names.find(pattern, "table") or pattern


def chosen(key: TableKey, selection: Selection) -> bool:
    """Tell whether a table is chosen by a settled selection."""
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
    if near := _near(name, there):
        return near
    more = ", …" if len(there) > NAMES_SHOWN else ""
    return f"there are: {', '.join(map(shown, there[:NAMES_SHOWN]))}{more}" if there else "there are none"


def _near(name: str, names: Iterable[str]) -> str:
    """Return the names close to `name`, '' where there are none."""
    alike = {str(folded): some for folded, some in Names(names).groups().items()}
    near = [one for found in get_close_matches(str(fold(name)), alike, NAMES_SHOWN, 0.6) for one in alike[found]]
    return "close ones: " + ", ".join(map(shown, near[:NAMES_SHOWN])) if near else ""
