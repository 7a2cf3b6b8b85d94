"""What a failed proof is about: the first row that is not as it was written, found in memory that does not grow.

Rows are sorted into buckets by their key. The first pass adds up each bucket on both sides, the second
one looks at the rows of a bucket that differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from xxhash import xxh3_64_intdigest, xxh3_128_intdigest

from ..model.abc import Block, Emit, TablePlan
from ..model.schema import Table
from ..rows.lines import row_name, shown_cell, split_rows
from .pipeline import forms

BUCKETS = 16_384
"""Buckets of rows: of ten million rows a bucket has some hundred."""

Read = Callable[[Emit], None]
"""Hands all rows to `emit`, as blocks in the order of the written columns."""

Cells = Sequence[bytes]


def explain(plan: TablePlan, written: Read, there: Read, *, kept: bool) -> str | None:
    """Return what differs between the rows that were to be written and those that are there, None for nothing.

    `kept`: rows of others are there as well, which are no difference.
    """
    rows = _Rows(plan)
    left, right = rows.sums(written), rows.sums(there)
    differing = [at for at in range(BUCKETS) if left[at] != right[at]]
    for bucket in differing[: BUCKETS if kept else 1]:
        found = _explained(rows, rows.of(bucket, written), rows.of(bucket, there), kept=kept)
        if found is not None:
            return found
    return None


_Row = tuple[bytes, Cells]
"""The canonical line of a row and its cells."""
_Found = dict[bytes, list[_Row]]
"""Rows by their key."""


class _Rows:
    """The rows of one table: their keys, and the one spelling of their values."""

    def __init__(self, plan: TablePlan) -> None:
        self.plan = plan
        self.names = [column.name for column in plan.write.columns]
        self._forms = forms(plan)
        self._key = [self.names.index(name) for name in _key(plan.write.table, self.names)]

    def sums(self, read: Read) -> list[int]:
        """Return the sum of the hashes of each bucket's rows."""
        sums = [0] * BUCKETS

        def add(block: Block) -> None:
            for key, line, _ in self._each(block):
                sums[xxh3_64_intdigest(key) % BUCKETS] += xxh3_128_intdigest(line)

        read(add)
        return sums

    def of(self, bucket: int, read: Read) -> _Found:
        """Return the rows of one bucket."""
        found: _Found = {}

        def add(block: Block) -> None:
            for key, line, cells in self._each(block):
                if xxh3_64_intdigest(key) % BUCKETS == bucket:
                    found.setdefault(key, []).append((line, cells))

        read(add)
        return found

    def _each(self, block: Block) -> Iterator[tuple[bytes, bytes, Cells]]:
        rows = split_rows(block)
        for cells, spelled in zip(rows, self.spelled(rows), strict=True):
            line = b"\t".join(spelled)
            yield b"\t".join([spelled[at] for at in self._key]), line, cells

    def spelled(self, rows: Sequence[Cells]) -> Sequence[Cells]:
        """Return rows of cells in the spelling that both sides are compared in."""
        columns = [[row[at] for row in rows] for at in range(len(self.names))]
        same = [form(column) if form else column for form, column in zip(self._forms, columns, strict=True)]
        return list(zip(*same, strict=True)) if same else [()] * len(rows)

    def name(self, cells: Cells) -> str:
        return row_name(self.plan.write.table, self.plan.write.columns, cells)


def _key(table: Table, names: Sequence[str]) -> Sequence[str]:
    """Return the columns by which rows of both sides are taken for the same one."""
    keys = (table.primary_key, *(key.columns for key in table.unique))
    return next((key for key in keys if key and set(key) <= set(names)), names[:1])


def _explained(rows: _Rows, written: _Found, there: _Found, *, kept: bool) -> str | None:
    for key, ours in written.items():
        theirs = there.get(key, [])
        lost, added = _without(ours, theirs), _without(theirs, ours)
        if lost or (added and not kept):
            return _changed(rows, lost, added)
    for key, theirs in there.items():
        if key not in written and not kept:
            return _changed(rows, [], [cells for _, cells in theirs])
    return None


def _without(rows: Sequence[_Row], others: Sequence[_Row]) -> list[Cells]:
    """Return the cells of those of `rows` that are not among `others`, each of which counts once."""
    left = Counter(line for line, _ in others)
    kept = []
    for line, cells in rows:
        left[line] -= 1
        if left[line] < 0:
            kept.append(cells)
    return kept


def _changed(rows: _Rows, lost: Sequence[Cells], added: Sequence[Cells]) -> str:
    """Return what became of the rows of one key."""
    if not lost:
        return f"row {rows.name(added[0])} is there more often than it was written"
    row = rows.name(lost[0])
    if not added:
        return f"row {row} was written and is not there"
    left, right = rows.spelled([lost[0], added[0]])
    at = next(at for at in range(len(left)) if left[at] != right[at])
    source, target = rows.plan.write.source_types[at], rows.plan.write.columns[at].type
    types = str(source) if source == target else f"{source} into {target}"
    values = f"{shown_cell(lost[0][at])} was written and {shown_cell(added[0][at])} is there"
    return f"column {rows.names[at]} ({types}), row {row}: {values}"
