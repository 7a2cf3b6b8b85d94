"""Comparing a project's tables with others, whose content types, permissions and sites have other ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from dbdump_core.model.abc import Block, Comparison, Emit, Path, ReadTask, Rewrite, Snapshot, Source
from dbdump_core.model.names import Names, pair
from dbdump_core.model.schema import Column, Schema, Table, TableKey
from dbdump_core.plan.load_map import LoadMap, TableMap
from dbdump_core.rows.lines import split_rows
from dbdump_core.rows.rewriting import Cell, LineRewrite

from .identity_rows import Matched, Replaced


class View:
    """A source with some of its tables; `maps` (by the keys of the source) say how their rows are read."""

    def __init__(
        self, source: Source, schema: Schema, *, maps: LoadMap | None = None, first: Sequence[TableKey] = ()
    ) -> None:
        self._source = source
        self._schema = schema
        self._maps = maps or {}
        self.name = source.name
        self.engine = source.engine
        self.typed = source.typed
        # What reads the ids of rows knows values by their type's spelling.
        self.marks = source.marks and not self._maps
        self.level = source.level
        self.defaults = source.defaults
        self.order = source.order
        if self.order is None and first:  # what other tables refer to is read before them
            self.order = (*first, *(table.key for table in schema if table.key not in first))

    def schema(self) -> Schema:
        """Return the tables of this view."""
        return self._schema

    def snapshot(self, tables: Sequence[Table]) -> AbstractContextManager[Snapshot]:
        """Hold one point in time over the tables."""
        return self._source.snapshot(tables)

    def try_condition(self, table: Table, condition: str) -> None:
        """Raise SelectionError for a condition that the source cannot work out."""
        self._source.try_condition(table, condition)

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Hand a table's rows to `emit`, with the ids that they have at the other side."""
        map_ = self._maps.get(task.table.key)
        if map_ is None:
            self._source.read(task, emit)
            return
        rewrite = _rewrite(task, map_)
        self._source.read(task, lambda block: emit(rewrite.block(block)))
        rest = rewrite.rest()
        if rest is not None:
            emit(rest)

    def path(self, task: ReadTask) -> Path:
        """Tell how a table was read."""
        return self._source.path(task)

    def estimate(self, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        """Return about how many rows the tables hold."""
        return self._source.estimate(tables)

    def finish(self) -> None:
        """Check what only the end can tell."""
        self._source.finish()

    def cancel(self) -> None:
        """Stop a read under way."""
        self._source.cancel()

    def close(self) -> None:
        """Do nothing: the source is closed by whoever opened it."""


def by_source(load_map: LoadMap, taken: Schema) -> LoadMap:
    """Return a load map by the keys of the source's tables, which may differ in case."""
    pairs = pair(taken.by_key, load_map)
    return {ours: load_map[theirs] for ours, theirs in pairs.there.items()}


def among(schema: Schema, keys: Iterable[TableKey]) -> Schema:
    """Return the tables of `schema` with one of the keys."""
    there = keys_in(schema, keys)
    return replace(schema, tables=tuple(table for table in schema if table.key in there))


def keys_in(schema: Schema, keys: Iterable[TableKey]) -> frozenset[TableKey]:
    """Return how `schema` spells those of the keys that it has."""
    return frozenset(pair(schema.by_key, keys).there)


def without_lookups(
    comparison: Comparison, lookups: Collection[TableKey], rows: Iterable[Matched | Replaced]
) -> tuple[Comparison, list[str]]:
    """Return a comparison without the tables that are no difference, and a note on each of them.

    Those are of `lookups`, by the keys of the source, and hold every row of the source by its natural key: a
    load adds what is missing there and leaves the rest, which may be more, as it is.
    """
    lacking = Names(one.key.table for one in rows if isinstance(one, Matched) and one.added)
    told = {
        table.key
        for table in comparison.tables
        if not table.equal and table.key in lookups and str(table.key) not in lacking
    }
    kept = tuple(table for table in comparison.tables if table.key not in told)
    notes = [f"{key}: has all rows of the source, and others of its own" for key in sorted(told, key=str)]
    return replace(comparison, tables=kept), notes


class Translated:
    """All rows of a table whose rows are matched, each with the id that its like has at the other side.

    A row that has no like gets the id that a load would give it, and so differs from all that are there.
    """

    def __init__(self, matched: Matched, columns: Sequence[Column]) -> None:
        self._matched = matched
        self._id = [column.name for column in columns].index(matched.key.id)
        self._waiting: list[list[bytes]] = []

    def block(self, block: Block) -> Block:
        """Return the rows whose id is known by now."""
        self._matched.block(block)
        return self._translated(list(split_rows(block)))

    def rest(self) -> Block | None:
        """Return the others."""
        self._matched.rest()
        waiting, self._waiting = self._waiting, []
        return self._translated(waiting)

    def _translated(self, rows: list[list[bytes]]) -> Block:
        lines = []
        for cells in rows:
            try:
                cells[self._id] = self._matched.row(cells[self._id])
            except ValueError:
                self._waiting.append(cells)
                continue
            lines.append(b"\t".join(cells))
        return Block(b"\n".join([*lines, b""]), len(lines))


def _rewrite(task: ReadTask, map_: TableMap) -> Rewrite:
    names = [column.name for column in task.columns]
    cells = [
        Cell(column, make=map_.converts[column.name](names)) if column.name in map_.converts else Cell(column, at=at)
        for at, column in enumerate(task.columns)
    ]
    rows = map_.rows(task.columns) if map_.rows else None
    return LineRewrite(task, cells, Translated(rows, task.columns) if isinstance(rows, Matched) else rows)
