"""Rows that two databases number differently: how ids of the source become ids of the target.

Content types, permissions and sites are written by `migrate` in every database, each time with other
ids. What such a row *is* its natural key tells (app label and model, say), so the rows of both sides
are brought together by that. Nothing here knows Django: rows are cells of canonical lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dbdump_core.errors import MismatchError, ValueRefusedError, shown
from dbdump_core.model.abc import Block, Make, Maker
from dbdump_core.model.names import Names
from dbdump_core.model.schema import Column
from dbdump_core.rows.lines import NULL, split_rows

Natural = tuple[bytes, ...]
"""The cells that say which row this is."""
Row = Mapping[str, bytes]
"""A row of the target: column name -> cell."""
Learn = Callable[[bytes, Natural], None]
"""Told of each row of the source: its id there and its natural key."""

HIGHEST = 2**31 - 1
"""The highest number that a column of ids is sure to hold."""


@dataclass(frozen=True, slots=True)
class Key:
    """How the rows of a table are known: the column of their id, and those of their natural key."""

    table: str
    id: str
    natural: tuple[str, ...]

    def of(self, row: Row) -> Natural:
        """Return the natural key of a row."""
        return tuple(row[name] for name in self.natural)


def number(cell: bytes) -> int | None:
    """Return the integer that a cell spells, None for any other cell."""
    return int(cell) if cell.removeprefix(b"-").isdigit() else None


class _Fields:
    """Where the fields of a key are in the lines of a table."""

    def __init__(self, key: Key, columns: Sequence[Column]) -> None:
        self._key = key
        names = [column.name for column in columns]
        self.names = names
        self.id = position(names, key.id)
        self._natural = [position(names, name) for name in key.natural]

    def natural(self, cells: Sequence[bytes]) -> Natural:
        return tuple(cells[at] for at in self._natural)

    def number(self, cells: Sequence[bytes]) -> int:
        """Return a row's id. Raises ValueRefusedError where it is not a number."""
        found = number(cells[self.id])
        if found is None:
            raise ValueRefusedError(
                f"table {self._key.table}, column {self._key.id}: {shown(cells[self.id])} is not an integer;"
                " give the row the number that other rows refer to"
            )
        return found


class Matched:
    """A table whose rows at the target stay: rows of the source that it has are left out, others are added.

    A row that is added keeps its id where no row of the target has it, else it gets one past the highest of both
    sides; so loading the same rows again adds nothing. It is the Rewrite of its table, and while the rows
    pass it learns what every id of the source is at the target. Serves one transfer.
    """

    def __init__(self, key: Key, there: Iterable[Row], learn: Learn | None = None) -> None:
        self.key = key
        self._learn = learn
        self._there = {key.of(row): int(row[key.id]) for row in there}
        self._taken = set(self._there.values())
        self._highest = max(self._taken, default=0)
        self._ids = {NULL: NULL}
        self._waiting: list[list[bytes]] = []
        self._matched = self._added = self._renumbered = 0

    @property
    def added(self) -> int:
        """Return how many of the rows that have passed the target lacks."""
        return self._added

    # --- the rows of the table itself -------------------------------------------------------------

    def begin(self, columns: Sequence[Column]) -> Matched:
        """Get ready for lines of these columns."""
        self._fields = _Fields(self.key, columns)
        return self

    def block(self, block: Block) -> Block:
        """Return the rows that the target lacks and that keep their id."""
        return _joined([cells for cells in split_rows(block) if self._keeps_id(cells)])

    def _keeps_id(self, cells: list[bytes]) -> bool:
        own, natural = self._fields.number(cells), self._fields.natural(cells)
        self._highest = max(self._highest, own)
        if self._learn is not None:
            self._learn(cells[self._fields.id], natural)
        if self._known(cells[self._fields.id], natural):
            return False
        if own in self._taken:
            self._waiting.append(cells)
            return False
        self._add(cells[self._fields.id], natural, own)
        return True

    def _known(self, cell: bytes, natural: Natural) -> bool:
        there = self._there.get(natural)
        if there is None:
            return False
        self._ids[cell] = b"%d" % there
        self._matched += 1
        return True

    def _add(self, cell: bytes, natural: Natural, own: int) -> None:
        self._there[natural] = own
        self._taken.add(own)
        self._ids[cell] = b"%d" % own
        self._added += 1

    def rest(self) -> Block | None:
        """Return the rows whose id belongs to another row of the target, with new ids."""
        lines = []
        for cells in self._waiting:
            old, natural = cells[self._fields.id], self._fields.natural(cells)
            if self._known(old, natural):
                continue
            self._highest += 1
            self._renumbered += 1
            self._add(old, natural, self._highest)
            cells[self._fields.id] = self._ids[old]
            lines.append(cells)
        self._waiting = []
        return _joined(lines) if lines else None

    # --- references to them -----------------------------------------------------------------------

    def row(self, cell: bytes) -> bytes:
        """Return the target's id for one of the source. Raises ValueError where the source has no such row."""
        found = self._ids.get(cell)
        if found is None:
            raise ValueError(f"the id of a row of {self.key.table}")
        return found

    def row_or_none(self, cell: bytes, highest: int = HIGHEST) -> bytes:
        """Return the target's id where no constraint keeps the source's: the row may have been deleted.

        A number that no row of the source has must not come to mean a row of the target: if one has
        it, the reference is counted down from `highest` instead, the same way each time.
        """
        own = number(cell)
        if own is None:
            return cell
        found = self._ids.get(b"%d" % own)
        if found is not None:
            return found
        if own not in self._taken:
            return cell
        if highest - own in self._taken:
            raise ValueError(f"the id of a row of {self.key.table}, or a number that no row there has")
        return b"%d" % (highest - own)

    def outcome(self) -> str:
        """Return what became of the rows, for the report."""
        more = f" ({self._renumbered} with a new id)" if self._renumbered else ""
        return f"{self.key.table}: rows that are there already: {self._matched}, added: {self._added}{more}"


class Replaced:
    """A table that is replaced together with all that refers to it: the source's rows keep their ids.

    `extra`: given the natural keys of the source's rows, the rows of the target that are added again
    after them. They keep their id only past the highest of the source: a lower one may still be named
    by a reference to a row that the source has deleted. `ids`: filled with what their ids became.
    """

    def __init__(self, key: Key, extra: Callable[[set[Natural]], Sequence[Row]], learn: Learn | None = None) -> None:
        self.key = key
        self._extra = extra
        self._learn = learn
        self._seen: set[Natural] = set()
        self._highest = 0
        self.ids: dict[bytes, bytes] = {}

    def begin(self, columns: Sequence[Column]) -> Replaced:
        """Get ready for lines of these columns."""
        self._fields = _Fields(self.key, columns)
        return self

    def block(self, block: Block) -> Block:
        """Return the block as it is."""
        for cells in split_rows(block):
            natural = self._fields.natural(cells)
            self._seen.add(natural)
            self._highest = max(self._highest, self._fields.number(cells))
            if self._learn is not None:
                self._learn(cells[self._fields.id], natural)
        return block

    def rest(self) -> Block | None:
        """Return the rows that only the target has."""
        extra = self._extra(self._seen)
        lowest_free = max([self._highest, *(int(row[self.key.id]) for row in extra)]) + 1
        for row in extra:
            own = int(row[self.key.id])
            if own <= self._highest:
                own, lowest_free = lowest_free, lowest_free + 1
            self.ids[row[self.key.id]] = b"%d" % own
        lines = [self._line(row) for row in extra]
        return _joined(lines) if lines else None

    def _line(self, row: Row) -> list[bytes]:
        cells = [row[name] for name in self._fields.names]
        cells[self._fields.id] = self.ids[row[self.key.id]]
        return cells

    def outcome(self) -> str:
        """Return what became of the rows, for the report."""
        kept = f", with those that only the target has: {len(self.ids)}" if self.ids else ""
        return f"{self.key.table}: replaced by the source's rows: {len(self._seen)}{kept}"


class LeftOut:
    """A table of which nothing is loaded, because its rows cannot be told apart."""

    def block(self, block: Block) -> Block:
        """Return no rows."""
        return Block(b"", 0)

    def rest(self) -> Block | None:
        """Return no rows."""
        return None


class Kinds:
    """What the content types of the source stand for: the tables whose ids a generic reference may hold."""

    def __init__(self) -> None:
        self._by_natural: dict[Natural, Matched] = {}
        self._by_id: dict[bytes, Matched] = {}

    def add(self, natural: Natural, rows: Matched) -> None:
        """Say that ids of rows of this content type are those of a matched table."""
        self._by_natural[natural] = rows

    def learn(self, cell: bytes, natural: Natural) -> None:
        """Take note of a content type."""
        found = self._by_natural.get(natural)
        if found is not None:
            self._by_id[cell] = found

    def of(self, cell: bytes) -> Matched | None:
        """Return the table that a content type's rows are matched in, None for any other."""
        return self._by_id.get(cell)


# --- makers of the columns that refer -------------------------------------------------------------


def position(names: Sequence[str], column: str) -> int:
    """Return where a column is among those read: by its name, else by that in another case."""
    found = Names(names).find(column, "column")
    if found is None:
        raise MismatchError(
            f"the source has no column {shown(column)}, which tells what its rows refer to; leave the table out"
        )
    return names.index(found)


def reference(column: str, rows: Matched) -> Maker:
    """Return the maker of a foreign key to a matched table."""

    def maker(names: Sequence[str]) -> Make:
        at = position(names, column)
        return lambda cells: rows.row(cells[at])

    return maker


def loose_reference(column: str, rows: Matched, highest: int) -> Maker:
    """Return the maker of a foreign key that no constraint keeps; `highest`: the highest number it holds."""

    def maker(names: Sequence[str]) -> Make:
        at = position(names, column)
        return lambda cells: rows.row_or_none(cells[at], highest)

    return maker


@dataclass(frozen=True, slots=True)
class GenericColumn:
    """A column with ids of rows of any table: `kind` names the column that says which.

    `highest`: the highest number it holds.
    """

    name: str
    kind: str
    highest: int = HIGHEST


def generic_reference(column: GenericColumn, kinds: Kinds) -> Maker:
    """Return the maker of a generic reference's id."""

    def maker(names: Sequence[str]) -> Make:
        at, kind_at = position(names, column.name), position(names, column.kind)

        def make(cells: Sequence[bytes]) -> bytes:
            cell = cells[at]
            rows = kinds.of(cells[kind_at])
            if rows is not None and number(cell) is not None:
                return rows.row_or_none(cell, column.highest)
            return cell

        return make

    return maker


def _joined(rows: Sequence[Sequence[bytes]]) -> Block:
    return Block(b"\n".join([*(b"\t".join(cells) for cells in rows), b""]), len(rows))
