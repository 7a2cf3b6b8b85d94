"""Names of keys and indexes on an engine: kept where they can be, else cut and made unique."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..model.schema import ForeignKey, Index, Table, TableKey, UniqueKey

if TYPE_CHECKING:
    from .spelling import Spelling


class Names:
    """Names that are free and short enough; those of the schema where they can be kept."""

    def __init__(self, spelling: Spelling, taken: Collection[str]) -> None:
        self._spelling = spelling
        self._shared = {name.lower() for name in taken}
        self._taken: dict[tuple[str, object], set[str]] = defaultdict(set)

    def take(self, table: Table) -> None:
        """Keep the table's own name away from indexes, which are relations too."""
        self._taken["index", table.schema].add(table.name.lower())

    def settled(self, table: Table) -> Table:
        spelling = self._spelling
        unique = list(table.unique)
        indexes = list(table.indexes)
        if spelling.unique_is_key:
            unique += [UniqueKey(index.name, index.columns) for index in indexes if index.unique]
            indexes = [index for index in indexes if not index.unique]
        keys = [self._foreign_key(table, key) for key in table.foreign_keys]
        if spelling.indexes_foreign_keys:
            indexes += _missing_indexes(table, unique, indexes, keys)
        return replace(
            table,
            unique=tuple(self._unique(table, key) for key in unique),
            indexes=tuple(self._index(table, index) for index in indexes),
            foreign_keys=tuple(keys),
        )

    def _unique(self, table: Table, key: UniqueKey) -> UniqueKey:
        if not self._spelling.named_keys:
            return key
        return replace(key, name=self._free(table, "index", key.name or _made_up(table, key.columns, "key")))

    def _index(self, table: Table, index: Index) -> Index:
        return replace(index, name=self._free(table, "index", index.name))

    def _foreign_key(self, table: Table, key: ForeignKey) -> ForeignKey:
        if not self._spelling.named_keys:
            return key
        return replace(key, name=self._free(table, "key", key.name or _made_up(table, key.columns, "fkey")))

    def _free(self, table: Table, sort: str, name: str) -> str:
        spelling = self._spelling
        shared = spelling.shared_index_names if sort == "index" else spelling.shared_key_names
        scope: object = table.schema if shared else table.key
        taken = self._taken[sort, scope]
        used = taken | self._shared if shared else taken
        wanted = name
        if spelling.name_problem(name) or name.lower() in used:
            wanted = _hashed(name, table.key)
        while wanted.lower() in used:
            wanted = _hashed(wanted, table.key)
        taken.add(wanted.lower())
        return wanted


def _made_up(table: Table, columns: Sequence[str], suffix: str) -> str:
    return "_".join((table.name, *columns, suffix))


def _hashed(name: str, key: TableKey) -> str:
    """Return a name like `name` that any engine can have: its plain characters, cut, and a hash."""
    digest = hashlib.sha256(f"{key.schema}\0{key.name}\0{name}".encode("utf-8", "surrogatepass")).hexdigest()
    plain = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return f"{plain[:50]}_{digest[:10]}"


def _missing_indexes(
    table: Table, unique: Sequence[UniqueKey], indexes: Sequence[Index], keys: Sequence[ForeignKey]
) -> list[Index]:
    """Return an index for each foreign key whose columns do not lead a key or index."""
    leading = [table.primary_key, *(key.columns for key in unique), *(index.columns for index in indexes)]
    made: list[Index] = []
    for key in keys:
        if not any(columns[: len(key.columns)] == key.columns for columns in leading):
            made.append(Index(key.name or _made_up(table, key.columns, "idx"), key.columns))
            leading.append(key.columns)
    return made
