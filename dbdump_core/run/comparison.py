"""Comparing two sources: counts and fingerprints of every table that both have."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from ..model.abc import Comparison, Event, Phase, Progress, ReadTask, Source, TableComparison
from ..model.names import doubt
from ..model.names import pair as pair_names
from ..model.schema import Column, Schema, Table, TableKey
from ..model.selection import Selection, chosen, nothing_chosen, select, settled, vain
from ..model.types import Kind, Type, stored
from ..plan.columns import stored_column, stored_table, stores_alike
from ..plan.matching import described
from ..rows.conversions import Convert, conversion
from ..rows.fingerprint import Canonical, Hasher, canonical

TELL_SECONDS = 0.2
"""How often it is told how far a table is, so that a person sees it move."""

Forms = list[Canonical | None]
"""What brings each field of one side to the spelling that both are compared in."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """One table on both sides, with the columns that both have."""

    left: Table
    right: Table
    columns: tuple[tuple[Column, Column], ...]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Met:
    """The tables of both sides, those of one side alone, and a note on each name that is unclear."""

    pairs: Sequence[_Pair]
    only_left: tuple[TableKey, ...]
    only_right: tuple[TableKey, ...]
    notes: tuple[str, ...]


def compare(
    left: Source,
    right: Source,
    *,
    selection: Selection,
    schema: Schema | None = None,
    progress: Progress | None = None,
    allow_empty: bool = False,
) -> Comparison:
    """Return what is equal and what differs; each side is read in one snapshot, both at a time.

    Raises SelectionError where there is nothing to compare, unless `allow_empty`.
    """
    started = time.monotonic()
    tell = progress or (lambda event: None)
    tell(Event(Phase.DESCRIBE))
    given = described(left, schema)
    selection = settled(given, selection)
    met = _meet(left, right, select(given, selection))
    only_right = tuple(key for key in met.only_right if chosen(key, selection))
    if not (met.pairs or met.only_left or only_right or allow_empty):
        raise nothing_chosen(left.name, given)
    for pair in met.pairs:
        if (condition := selection.condition(pair.left.key)) is not None:
            left.try_condition(pair.left, condition)
            right.try_condition(pair.right, condition)
    tables = _compare_pairs((left, right), _ordered(left, right, met.pairs), selection, tell)
    notes = (*left.schema().notes, *right.schema().notes, *vain(selection, given, right.schema()), *met.notes)
    return Comparison(
        left.name,
        right.name,
        tuple(tables),
        only_left=met.only_left,
        only_right=only_right,
        notes=tuple(dict.fromkeys(notes)),
        seconds=time.monotonic() - started,
    )


def _meet(left: Source, right: Source, taken: Sequence[Table]) -> _Met:
    """Return how the tables that are taken of the left side, and all of the right one, find each other."""
    there = right.schema().by_key
    # All names of the left: a table that is not taken may still be the one whose name the right has.
    names = pair_names([*left.schema().by_key, *(table.key for table in taken)], there)
    known = set(names.there.values())
    return _Met(
        [_pair(left, right, (one, there[names.there[one.key]])) for one in taken if one.key in names.there],
        tuple(table.key for table in taken if table.key not in names.there),
        tuple(key for key in there if key not in known),
        tuple(f"{doubt('table', *some)}; not compared" for some in names.unclear),
    )


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
    here, there = _columns(left, ours), _columns(right, theirs)
    names = pair_names(here, there)
    columns = tuple((column, there[names.there[name]]) for name, column in here.items() if name in names.there)
    only = [f"column {name} is only in {left.name}" for name in here if name not in names.there]
    only += [f"column {name} is only in {right.name}" for name in there if name not in names.there.values()]
    return _Pair(ours, theirs, columns, (*only, *(doubt("column", *some) for some in names.unclear)))


def _columns(side: Source, table: Table) -> dict[str, Column]:
    """Return the columns that the rows have, by name."""
    absent = side.defaults.get(table.key, {})
    return {column.name: column for column in table.columns if column.name not in absent}


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
            totals = left.estimate([pair.left for pair in pairs])
            for pair in pairs:
                where = selection.condition(pair.left.key)
                tasks = _tasks(sides, pair, where)
                hashers = [Hasher(forms) for forms in _forms(pair)]
                futures = [
                    pool.submit(side.read, task, hasher.add)
                    for side, task, hasher in zip(sides, tasks, hashers, strict=True)
                ]
                total = None if where else totals.get(pair.left.key)
                for rows in _progress(futures, hashers):
                    tell(Event(Phase.VERIFY, pair.left.key, rows=rows, total=total))
                prints = [hasher.fingerprint for hasher in hashers]
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


def _tasks(sides: tuple[Source, Source], pair: _Pair, where: str | None) -> tuple[ReadTask, ReadTask]:
    left, right = sides
    # Of one engine, columns that store alike are compared as they are, whatever their values' class and spelling.
    alike = left.engine == right.engine and left.marks and right.marks
    marked = [both for both in pair.columns if alike and stores_alike(*both)]
    ours, theirs = zip(*pair.columns, strict=True) if pair.columns else ((), ())
    return (
        _task(pair.left, ours, where, frozenset(column.name for column, _ in marked)),
        _task(pair.right, theirs, where, frozenset(column.name for _, column in marked)),
    )


def _task(table: Table, columns: Sequence[Column], where: str | None, marks: frozenset[str]) -> ReadTask:
    return ReadTask(stored_table(table), tuple(map(stored_column, columns)), where=where, marks=marks)


def _forms(pair: _Pair) -> tuple[Forms, Forms]:
    """Return the forms of both sides; of two flavours of a type, one is converted into the other."""
    sides: tuple[Forms, Forms] = ([], [])
    for left, right in pair.columns:
        converts = _converts(left.type, right.type)
        same = None if any(converts) else canonical(stored(left.type), stored(right.type))
        for forms, convert in zip(sides, converts, strict=True):
            forms.append(_converted(convert) if convert else same)
    return sides


def _converts(left: Type, right: Type) -> tuple[Convert | None, Convert | None]:
    """Return what turns the cells of one side, or of neither, into those of the other."""
    if _has_many_spellings(left):
        return conversion(left, right), None
    back = conversion(right, left)
    return (None, back) if back else (conversion(left, right), None)


def _has_many_spellings(type_: Type) -> bool:
    """Tell whether a type must be the one converted: 24:00:00 is a day, clocks show an hour twice."""
    if type_.kind is Kind.INTERVAL:
        return type_.name is None
    return type_.kind is Kind.TIMESTAMP and not type_.zoned


def _converted(convert: Convert) -> Canonical:
    def form(cells: list[bytes]) -> list[bytes]:
        return [_attempted(convert, cell) for cell in cells]

    return form


def _attempted(convert: Convert, cell: bytes) -> bytes:
    """Return the converted cell; one that cannot be converted is equal to none on the other side."""
    try:
        return convert(cell)
    except ValueError:
        return cell


def _progress(futures: Sequence[Future[None]], hashers: Sequence[Hasher]) -> Iterator[int]:
    """Yield, now and then until both sides are read, the rows that both have; raise what one of them failed with."""
    waiting = set(futures)
    while waiting:
        ended, waiting = wait(waiting, TELL_SECONDS, FIRST_COMPLETED)
        for future in ended:
            future.result()
        yield min(hasher.fingerprint.rows for hasher in hashers)


def _notes(pair: _Pair) -> tuple[str, ...]:
    return tuple(
        f"column {pair.left.key}.{left.name}: {left.type} compared with {right.type}"
        for left, right in pair.columns
        if left.type.kind is not right.type.kind or left.type.zoned != right.type.zoned
        or any(_converts(left.type, right.type))
    )
