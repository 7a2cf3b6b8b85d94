"""The order of tables: parents of foreign keys before their children, cycles as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .schema import ForeignKey, Table, TableKey


def parents_first(tables: Sequence[Table], first: Sequence[TableKey] = ()) -> list[Table]:
    """Return the tables so that each stands after those it refers to; in a cycle, by name.

    `first`: tables that stand before all others, as far as the rest allows, in this order.
    """
    rank = {key: at for at, key in enumerate(first)}

    def order(key: TableKey) -> tuple[int, str, str]:
        return rank.get(key, len(rank)), *_key_name(key)

    by_key = {table.key: table for table in sorted(tables, key=lambda table: order(table.key))}
    parents = {key: _parents(table, by_key) for key, table in by_key.items()}
    return [by_key[key] for cycle in _Cycles(parents).found() for key in sorted(cycle, key=order)]


def unordered_keys(tables: Sequence[Table]) -> list[tuple[TableKey, ForeignKey]]:
    """Return the foreign keys that this order of tables cannot satisfy row by row.

    They refer to their own table, or to one that does not stand before it.
    """
    position = {table.key: at for at, table in enumerate(tables)}
    return [
        (table.key, foreign_key)
        for table in tables
        for foreign_key in table.foreign_keys
        if position.get(foreign_key.table, -1) >= position[table.key]
    ]


def _key_name(key: TableKey) -> tuple[str, str]:
    return key.schema or "", key.name


def _parents(table: Table, known: Mapping[TableKey, Table]) -> list[TableKey]:
    found = {foreign_key.table for foreign_key in table.foreign_keys}
    return sorted((key for key in found if key in known and key != table.key), key=_key_name)


class _Cycles:
    """The strongly connected components of a graph: cycles, and tables in none as cycles of one.

    Tarjan's algorithm with a stack of its own: a chain of tables may be longer than Python's is deep.
    """

    def __init__(self, parents: Mapping[TableKey, Sequence[TableKey]]) -> None:
        self._parents = parents
        self._number: dict[TableKey, int] = {}
        self._lowest: dict[TableKey, int] = {}
        # Visited keys whose component is not known yet, in the order of their visit.
        self._pending: dict[TableKey, None] = {}
        self._components: list[list[TableKey]] = []

    def found(self) -> list[list[TableKey]]:
        """Return the components, those referred to before those that refer to them."""
        for root in self._parents:
            if root not in self._number:
                self._visit(root)
        return self._components

    def _visit(self, root: TableKey) -> None:
        self._enter(root)
        path = [(root, iter(self._parents[root]))]
        while path:
            key, parents = path[-1]
            unseen = next((parent for parent in parents if not self._seen(key, parent)), None)
            if unseen is not None:
                self._enter(unseen)
                path.append((unseen, iter(self._parents[unseen])))
                continue
            path.pop()
            if path:
                self._lower(path[-1][0], self._lowest[key])
            if self._lowest[key] == self._number[key]:
                self._components.append(self._close(key))

    def _enter(self, key: TableKey) -> None:
        self._number[key] = self._lowest[key] = len(self._number)
        self._pending[key] = None

    def _seen(self, key: TableKey, parent: TableKey) -> bool:
        """Tell whether `parent` was visited; if it waits still, `key` reaches back to it."""
        if parent in self._pending:
            self._lower(key, self._number[parent])
        return parent in self._number

    def _lower(self, key: TableKey, number: int) -> None:
        self._lowest[key] = min(self._lowest[key], number)

    def _close(self, key: TableKey) -> list[TableKey]:
        """Take from the pending ones the component whose first visited key is `key`."""
        component = []
        while key in self._pending:
            component.append(self._pending.popitem()[0])
        return component
