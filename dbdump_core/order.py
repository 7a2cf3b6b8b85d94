"""The order of tables: parents of foreign keys before their children, cycles as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .schema import ForeignKey, Table, TableKey


def parents_first(tables: Sequence[Table]) -> list[Table]:
    """Return the tables so that each stands after those it refers to; in a cycle, by name.

    Strongly connected components in the order of Tarjan's algorithm, without recursion: a chain
    of a thousand tables is no deeper than a stack allows.
    """
    by_key = {table.key: table for table in sorted(tables, key=_by_name)}
    parents = {key: _parents(table, by_key) for key, table in by_key.items()}
    return [by_key[key] for component in _components(parents) for key in sorted(component, key=_key_name)]


def _by_name(table: Table) -> tuple[str, str]:
    return _key_name(table.key)


def _key_name(key: TableKey) -> tuple[str, str]:
    return key.schema or "", key.name


def _parents(table: Table, known: Mapping[TableKey, Table]) -> list[TableKey]:
    found = {foreign_key.table for foreign_key in table.foreign_keys}
    return sorted((key for key in found if key in known and key != table.key), key=_key_name)


def _components(parents: Mapping[TableKey, Sequence[TableKey]]) -> list[list[TableKey]]:
    """Return the strongly connected components, those referred to first."""
    number: dict[TableKey, int] = {}
    lowest: dict[TableKey, int] = {}
    open_keys: list[TableKey] = []
    waiting: set[TableKey] = set()
    components: list[list[TableKey]] = []
    for root in parents:
        if root in number:
            continue
        work: list[tuple[TableKey, int]] = [(root, 0)]
        while work:
            key, at = work.pop()
            if at == 0:
                number[key] = lowest[key] = len(number)
                open_keys.append(key)
                waiting.add(key)
            else:
                lowest[key] = min(lowest[key], lowest[parents[key][at - 1]])
            at = _next_parent(key, at, parents, number, lowest, waiting)
            if at < len(parents[key]):
                work += [(key, at + 1), (parents[key][at], 0)]
            elif lowest[key] == number[key]:
                cut = open_keys.index(key)
                components.append(open_keys[cut:])
                waiting.difference_update(open_keys[cut:])
                del open_keys[cut:]
    return components


def _next_parent(
    key: TableKey,
    at: int,
    parents: Mapping[TableKey, Sequence[TableKey]],
    number: Mapping[TableKey, int],
    lowest: dict[TableKey, int],
    waiting: set[TableKey],
) -> int:
    """Return where among the parents of `key`, from `at`, the first unvisited one stands."""
    for position in range(at, len(parents[key])):
        parent = parents[key][position]
        if parent not in number:
            return position
        if parent in waiting:
            lowest[key] = min(lowest[key], number[parent])
    return len(parents[key])


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
