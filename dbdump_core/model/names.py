"""Names: the one rule by which the names of one place are found in another.

Exactly that name, else the only one that is alike; where several are, nobody can tell, and it is said.
Names are alike where they differ in case alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import MismatchError, shown
from .schema import TableKey

Name = TypeVar("Name", str, TableKey)
"""A column is named by a text, a table by its key."""


def fold(name: str | TableKey) -> Hashable:
    """Return what names have in common that are alike."""
    if isinstance(name, TableKey):
        return (name.schema or "").casefold(), name.name.casefold()
    return name.casefold()


class Names(Generic[Name]):
    """The names that one place has, to be found by those of another."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._exact: dict[Name, None] = dict.fromkeys(names)
        self._alike: dict[Hashable, list[Name]] = defaultdict(list)
        for name in self._exact:
            self._alike[fold(name)].append(name)

    def __iter__(self) -> Iterator[Name]:
        return iter(self._exact)

    def alike(self, name: Name) -> Sequence[Name]:
        """Return what `name` may mean here: exactly that name alone, else all that are alike."""
        return (name,) if name in self._exact else self._alike.get(fold(name), ())

    def find(self, name: Name, what: str = "name") -> Name | None:
        """Return what `name` means here, None where nothing is alike.

        Raises MismatchError where several are; `what` says what is named.
        """
        found = self.alike(name)
        if len(found) > 1:
            raise unclear(what, [name], found)
        return found[0] if found else None

    def __contains__(self, name: Name) -> bool:
        return bool(self.alike(name))

    def groups(self) -> Mapping[Hashable, Sequence[Name]]:
        """Return all names, those that are alike together."""
        return self._alike


@dataclass(frozen=True, slots=True)
class Pairs(Generic[Name]):
    """Names of two places. `there`: from one of `ours` to one of `theirs`, and no two to the same.

    `unclear`: names of ours, each group with those of theirs that it could mean.
    """

    there: Mapping[Name, Name]
    unclear: Sequence[tuple[Sequence[Name], Sequence[Name]]]

    def find(self, ours: Name, what: str) -> Name | None:
        """Return the name of theirs, None where there is none. Raises MismatchError where it is unclear."""
        for some, others in self.unclear:
            if ours in some:
                raise unclear(what, some, others)
        return self.there.get(ours)


def pair(ours: Iterable[Name], theirs: Iterable[Name]) -> Pairs[Name]:
    """Return which names of two places are the same: those that are equal, else the only two that are alike."""
    left, right = Names(ours), Names(theirs)
    others = right.groups()
    there: dict[Name, Name] = {}
    doubtful: list[tuple[Sequence[Name], Sequence[Name]]] = []
    for folded, some in left.groups().items():
        alike = others.get(folded, ())
        there.update((name, name) for name in some if name in alike)
        rest, free = ([name for name in side if name not in there] for side in (some, alike))
        if len(some) == len(alike) == len(rest) == 1:
            there[rest[0]] = free[0]
        elif rest and free:
            doubtful.append((rest, free))
    return Pairs(there, doubtful)


def unclear(what: str, ours: Sequence[str | TableKey], theirs: Sequence[str | TableKey]) -> MismatchError:
    """Return the error for names of `what` that could mean any of several."""
    return MismatchError(f"{doubt(what, ours, theirs)}; rename one, or leave it out")


def doubt(what: str, ours: Sequence[str | TableKey], theirs: Sequence[str | TableKey]) -> str:
    """Return a line on names of `what` that could mean any of several."""
    named, meant = (" or ".join(map(shown, side)) for side in (ours, theirs))
    return f"{what} {named} could be {meant}: these names differ in case alone"
