"""The one data path: dump, load and copy are all this transfer from a source to a target."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ..errors import DbdumpError, UnsafeError, VerificationError, holds_rows
from ..model import interruption
from ..model.abc import (
    Block,
    Emit,
    Event,
    Fingerprint,
    Path,
    Phase,
    Plan,
    Progress,
    ReadTask,
    Report,
    Salvager,
    Source,
    TablePlan,
    TableResult,
    Target,
    Writer,
    WriteTask,
)
from ..model.schema import Schema, TableKey
from ..model.selection import Selection, nothing_chosen, select, settled, vain
from ..plan.load_map import LoadMap
from ..plan.matching import Wishes, described, make_plan
from ..rows.fingerprint import Hasher
from .pipeline import Reader, forms
from .refusals import Refusals

Confirm = Callable[[Plan, Sequence[TableKey]], bool]
"""Shown the plan and which of its tables hold rows, it says whether to empty them."""

Store = Callable[[WriteTask, Block], None]
"""Stores a block's rows."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to transfer. `replace`: empty tables that hold rows without asking; `confirm`: asks otherwise.

    `strict`: refuse to make a table without one of its foreign keys. `schema`: what to take the source's tables
    for, instead of what it says of itself. `load_map`: how tables of the target are filled. `lenient`: source
    columns that the target lacks are left out, and the report says so, instead of refusing them. `first`:
    tables of the source that come before all others, as far as foreign keys allow. `fail_fast`: stop at the
    first row that is refused; otherwise go on to find all of them, and then roll back. `recompute`: columns
    that the target computes by another expression than the source, or that are plain there, are left to the target.
    `allow_empty`: that no table is chosen is no mistake.
    """

    create: bool = False
    strict: bool = False
    append: bool = False
    replace: bool = False
    confirm: Confirm | None = None
    verify: bool = True
    ordered: bool = False
    selection: Selection = field(default_factory=Selection)
    schema: Schema | None = None
    progress: Progress | None = None
    load_map: LoadMap = field(default_factory=dict)
    lenient: bool = False
    first: tuple[TableKey, ...] = ()
    fail_fast: bool = True
    recompute: bool = False
    allow_empty: bool = False


def transfer(source: Source, target: Target, options: Options) -> Report:
    """Move the selected tables and return the report; the target changes wholly or not at all.

    Raises RefusedError (nothing was changed) or another DbdumpError (all was rolled back).
    """
    started = time.monotonic()
    tell = options.progress or _silent
    interruption.release()
    tell(Event(Phase.DESCRIBE))
    target.refuse_same(source)
    schema = described(source, options.schema)
    selection = settled(schema, options.selection)
    tables = select(schema, selection)
    if not (tables or options.allow_empty):
        raise nothing_chosen(source.name, schema)
    refusals = Refusals()
    wishes = Wishes(
        create=options.create,
        strict=options.strict,
        append=options.append,
        ordered=options.ordered,
        load_map=options.load_map,
        lenient=options.lenient,
        first=options.first,
        recompute=options.recompute,
        on_error=None if options.fail_fast else refusals.add,
    )
    plan = make_plan(source, tables, target, selection=selection, wishes=wishes)
    for table in plan.tables:
        if table.read.where is not None:
            source.try_condition(table.source, table.read.where)
    plan = _agreed(plan, target, options)
    run = _Run(source, plan, options, target)
    with source.snapshot(tables) as snapshot:
        adopted = target.adopt(source)
        tell(Event(Phase.EMPTY, total=len(plan.tables)))
        with target.writing(plan) as writer:
            with refusals.raised():
                results = run.move(writer, adopted, refusals)
                source.finish()
                tell(Event(Phase.FINISH, total=len(plan.tables)))
                writer.finish()
            level = source.level or snapshot
            if run.verifies:
                run.verify(writer, results)
            tell(Event(Phase.COMMIT))
            writer.commit(results, level)
    notes = tuple(dict.fromkeys((*source.schema().notes, *vain(selection, schema), *plan.notes)))
    return Report(source.name, target.name, level, tuple(results), time.monotonic() - started, run.verifies, notes)


def _silent(event: Event) -> None:
    """Tell nobody."""


def _agreed(plan: Plan, target: Target, options: Options) -> Plan:
    """Return the plan that the user agrees to. Raises UnsafeError where rows would go that nobody gave up."""
    if plan.append or options.replace:
        return plan
    there = [table.target for table in plan.tables if not (table.creates or table.keeps)]
    occupied = target.occupied(there)
    if occupied and options.confirm is None:
        raise holds_rows(target.name, occupied)
    if occupied and options.confirm and not options.confirm(plan, occupied):
        raise UnsafeError("not confirmed; nothing was changed")
    # A yes is for the tables that were shown, whatever comes into the others meanwhile.
    return replace(plan, vacant=frozenset(table.key for table in there) - frozenset(occupied))


class _Run:
    """One transfer under way."""

    def __init__(self, source: Source, plan: Plan, options: Options, target: Target) -> None:
        self.source = source
        self.plan = plan
        self.verifies = options.verify and target.rereads
        self.fail_fast = options.fail_fast
        self.tell = options.progress or _silent
        self.before: dict[TableKey, Fingerprint] = {}

    def move(self, writer: Writer, adopted: bool, refusals: Refusals) -> list[TableResult]:
        """Move all rows, but those that join the refusals; return the results in the order of the plan."""
        if self.verifies:
            kept = [plan for plan in self.plan.tables if self.plan.append or plan.keeps]
            self.before = {plan.target.key: self._reread(writer, plan) for plan in kept}
        done: dict[TableKey, TableResult] = {}
        if adopted:
            whole = [plan for plan in self.plan.tables if plan.rewrite is None]
            done = {plan.target.key: result for plan in whole if (result := self._take(writer, plan))}
        rest = [plan for plan in self.plan.tables if plan.target.key not in done]
        store = self._storing(writer, refusals)
        for result in self._stream(writer, rest, store):
            done[result.key] = result
        return [done[plan.target.key] for plan in self.plan.tables]

    def _take(self, writer: Writer, plan: TablePlan) -> TableResult | None:
        started = time.monotonic()
        rows = writer.take(plan)
        if rows is None:
            return None
        fingerprint = None
        if self.verifies:
            hasher = Hasher(forms(plan))
            writer.read_taken(plan.read, hasher.add)
            fingerprint = hasher.fingerprint
        seconds = time.monotonic() - started
        result = TableResult(plan.target.key, rows, 0, seconds, Path.PRIVATE, fingerprint, plan.notes)
        self.tell(Event(Phase.DATA, plan.target.key, rows=rows, total=rows, done=True))
        return result

    def _storing(self, writer: Writer, refusals: Refusals) -> Store:
        if self.fail_fast or not isinstance(writer, Salvager):
            return writer.write

        def store(task: WriteTask, block: Block) -> None:
            for error in writer.salvage(task, block):
                refusals.add(error)

        return store

    def _stream(self, writer: Writer, plans: Sequence[TablePlan], store: Store) -> Iterator[TableResult]:
        if not plans:
            return
        totals = self.source.estimate([plan.source for plan in plans])
        with Reader(self.source, plans, hashes=self.verifies).running() as reader:
            for plan in plans:
                started = time.monotonic()
                rows, size = self._stream_table(plan, reader, store, totals.get(plan.source.key))
                paths = {self.source.path(plan.read), writer.path(plan.write)}
                path = Path.PORTABLE if Path.PORTABLE in paths else Path.NATIVE
                seconds = time.monotonic() - started
                yield TableResult(plan.target.key, rows, size, seconds, path, reader.fingerprint, plan.notes)

    def _stream_table(self, plan: TablePlan, reader: Reader, store: Store, total: int | None) -> tuple[int, int]:
        """Move the blocks of a table; return its rows and bytes."""
        rows = size = 0
        key = plan.target.key
        self.tell(Event(Phase.DATA, key, total=total))
        for block in reader.blocks(plan):
            store(plan.write, block)
            rows += block.rows
            size += len(block.data)
            self.tell(Event(Phase.DATA, key, rows=rows, bytes=size, total=total))
        self.tell(Event(Phase.DATA, key, rows=rows, bytes=size, total=rows, done=True))
        return rows, size

    def verify(self, writer: Writer, results: Sequence[TableResult]) -> None:
        """Read everything back and compare. Raises VerificationError."""
        self.tell(Event(Phase.VERIFY, total=len(results)))
        for plan, result in zip(self.plan.tables, results, strict=True):
            expected = self.before.get(plan.target.key, Fingerprint()) + (result.fingerprint or Fingerprint())
            there = self._reread(writer, plan, total=expected.rows)
            if there != expected:
                what = f"{there.rows} rows" if there.rows != expected.rows else "other values"
                raise VerificationError(
                    f"table {plan.target.key}: {expected.rows} rows were written and {what} read back"
                    f"{self._difference(writer, plan, result.path)}; everything was rolled back; give the column a"
                    " type that keeps its values, or report it with the column types"
                )
            self.tell(Event(Phase.VERIFY, plan.target.key, rows=there.rows, total=there.rows, done=True))

    def _difference(self, writer: Writer, plan: TablePlan, path: Path) -> str:
        """Return what a failed proof is about, where the rows can be read and made once more."""
        from .proof import explain

        rewrite = plan.rewrite
        if self.source.order is not None or not (rewrite is None or getattr(rewrite, "repeatable", False)):
            return ""

        def written(emit: Emit) -> None:
            read = writer.read_taken if path is Path.PRIVATE else self.source.read
            read(plan.read, lambda block: emit(rewrite.block(block) if rewrite else block))

        def there(emit: Emit) -> None:
            writer.read(ReadTask(plan.write.table, plan.write.columns, marks=plan.write.marks), emit)

        with suppress(DbdumpError):
            found = explain(plan, written, there, kept=plan.target.key in self.before)
            return f": {found}" if found else ""
        return ""

    def _reread(self, writer: Writer, plan: TablePlan, *, total: int | None = None) -> Fingerprint:
        """Return what the target holds; `total`: rows to come, where this is the verification."""
        hasher = Hasher(forms(plan))

        def add(block: Block) -> None:
            hasher.add(block)
            if total is not None:
                self.tell(Event(Phase.VERIFY, plan.target.key, rows=hasher.fingerprint.rows, total=total))

        writer.read(ReadTask(plan.write.table, plan.write.columns, marks=plan.write.marks), add)
        return hasher.fingerprint
