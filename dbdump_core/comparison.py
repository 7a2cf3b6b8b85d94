"""Comparing two sources: counts and fingerprints of every table that both have."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .abc import Comparison, Event, Fingerprint, Phase, Progress, ReadTask, Source, TableComparison
from .fingerprint import Hasher, canonical
from .matching import described
from .schema import Column, Schema, Table, TableKey
from .selection import Selection, select


@dataclass(frozen=True, slots=True)
class _Pair:
    """One table on both sides, with the columns that both have."""

    left: Table
    right: Table
    columns: tuple[tuple[Column, Column], ...]
    differences: tuple[str, ...]


def compare(
    left: Source,
    right: Source,
    *,
    selection: Selection,
    schema: Schema | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Return what is equal and what differs; each side is read in one snapshot, both at a time."""
    started = time.monotonic()
    tell = progress or (lambda event: None)
    tell(Event(Phase.DESCRIBE))
    chosen = select(described(left, schema), selection)
    there = {_folded(table.key): table for table in right.schema()}
    both = [table for table in chosen if _folded(table.key) in there]
    pairs = [_pair(left, right, (table, there[_folded(table.key)])) for table in both]
    known = {_folded(table.key) for table in left.schema()}
    wanted = selection.tables or selection.exclude
    tables = _compare_pairs((left, right), _ordered(left, right, pairs), selection, tell)
    return Comparison(
        left.name,
        right.name,
        tuple(tables),
        only_left=tuple(table.key for table in chosen if _folded(table.key) not in there),
        only_right=() if wanted else tuple(table.key for name, table in there.items() if name not in known),
        notes=(*left.schema().notes, *right.schema().notes),
        seconds=time.monotonic() - started,
    )


def _folded(key: TableKey) -> tuple[str, str]:
    return (key.schema or "").casefold(), key.name.casefold()


def _ordered(left: Source, right: Source, pairs: Sequence[_Pair]) -> list[_Pair]:
    """Return the pairs in the order in which a stream can be read."""
    if left.order is not None:
        order = list(left.order)
        return sorted(pairs, key=lambda pair: order.index(pair.left.key))
    if right.order is not None:
        order = list(right.order)
        return sorted(pairs, key=lambda pair: order.index(pair.right.key))
    return list(pairs)


def _pair(left: Source, right: Source, tables: tuple[Table, Table]) -> _Pair:
    ours, theirs = tables
    here = {column.name.casefold(): column for column in ours.columns}
    there = {column.name.casefold(): column for column in theirs.columns}
    columns = tuple((column, there[name]) for name, column in here.items() if name in there)
    only = [(column, left) for name, column in here.items() if name not in there]
    only += [(column, right) for name, column in there.items() if name not in here]
    return _Pair(ours, theirs, columns, tuple(f"column {column.name} is only in {side.name}" for column, side in only))


def _compare_pairs(
    sides: tuple[Source, Source], pairs: Sequence[_Pair], selection: Selection, tell: Progress
) -> list[TableComparison]:
    left, right = sides
    tell(Event(Phase.VERIFY, total=len(pairs)))
    done = []
    with (
        left.snapshot([pair.left for pair in pairs]),
        right.snapshot([pair.right for pair in pairs]),
        ThreadPoolExecutor(2, thread_name_prefix="dbdump-verify") as pool,
    ):
        try:
            for pair in pairs:
                where = selection.condition(pair.left.key)
                tasks = (
                    ReadTask(pair.left, tuple(column for column, _ in pair.columns), where=where),
                    ReadTask(pair.right, tuple(column for _, column in pair.columns), where=where),
                )
                futures = [
                    pool.submit(_fingerprint, side, task, pair)
                    for side, task in zip(sides, tasks, strict=True)
                ]
                prints = [future.result() for future in futures]
                done.append(
                    TableComparison(pair.left.key, prints[0], prints[1], _notes(pair), pair.differences)
                )
                tell(Event(Phase.VERIFY, pair.left.key, rows=prints[0].rows, total=prints[0].rows, done=True))
        except BaseException:
            left.cancel()
            right.cancel()
            raise
    left.finish()
    right.finish()
    return done


def _fingerprint(source: Source, task: ReadTask, pair: _Pair) -> Fingerprint:
    hasher = Hasher([canonical(left.type, right.type) for left, right in pair.columns])
    source.read(task, hasher.add)
    return hasher.fingerprint


def _notes(pair: _Pair) -> tuple[str, ...]:
    return tuple(
        f"column {pair.left.key}.{left.name}: {left.type} compared with {right.type}"
        for left, right in pair.columns
        if left.type.kind is not right.type.kind or left.type.zoned != right.type.zoned
    )
