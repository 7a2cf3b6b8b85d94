"""The one data path: dump, load and copy are all this transfer from a source to a target."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from .abc import (
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
    Source,
    TablePlan,
    TableResult,
    Target,
    Writer,
)
from .errors import UnsafeError, VerificationError
from .fingerprint import Canonical, Hasher, canonical
from .matching import Wishes, described, make_plan
from .schema import Schema, TableKey
from .selection import Selection, select

QUEUED_BLOCKS = 4
"""Blocks between reader and writer: enough to bridge their unevenness, few enough for the memory ceiling."""

Confirm = Callable[[Plan, Sequence[TableKey]], bool]
"""Shown the plan and which of its tables hold rows, it says whether to empty them."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to transfer. `replace`: empty tables that hold rows without asking; `confirm`: asks otherwise.

    `schema`: what to take the source's tables for, instead of what it says of itself.
    """

    create: bool = False
    append: bool = False
    replace: bool = False
    confirm: Confirm | None = None
    verify: bool = True
    ordered: bool = False
    selection: Selection = field(default_factory=Selection)
    schema: Schema | None = None
    progress: Progress | None = None


def transfer(source: Source, target: Target, options: Options) -> Report:
    """Move the selected tables and return the report; the target changes wholly or not at all.

    Raises RefusedError (nothing was changed) or another DbdumpError (all was rolled back).
    """
    started = time.monotonic()
    tell = options.progress or _silent
    tell(Event(Phase.DESCRIBE))
    target.refuse_same(source)
    tables = select(described(source, options.schema), options.selection)
    wishes = Wishes(create=options.create, append=options.append, ordered=options.ordered)
    plan = make_plan(source, tables, target, selection=options.selection, wishes=wishes)
    _confirm_emptying(plan, target, options)
    run = _Run(source, plan, options, target)
    with source.snapshot(tables) as snapshot:
        adopted = target.adopt(source)
        tell(Event(Phase.EMPTY, total=len(plan.tables)))
        with target.writing(plan) as writer:
            results = run.move(writer, adopted)
            source.finish()
            level = source.level or snapshot
            tell(Event(Phase.FINISH, total=len(plan.tables)))
            writer.finish()
            if run.verifies:
                run.verify(writer, results)
            tell(Event(Phase.COMMIT))
            writer.commit(results, level)
    notes = (*source.schema().notes, *plan.notes)
    return Report(
        source.name, target.name, level, tuple(results), time.monotonic() - started, run.verifies, notes
    )


def _silent(event: Event) -> None:
    """Tell nobody."""


def _confirm_emptying(plan: Plan, target: Target, options: Options) -> None:
    if plan.append or options.replace:
        return
    occupied = target.occupied([table.target for table in plan.tables if not table.creates])
    if not occupied:
        return
    if options.confirm is None:
        raise UnsafeError(
            f"{target.name}: {len(occupied)} tables hold rows, the first is {occupied[0]}; give -y to empty and load"
            " them, or --append to keep their rows"
        )
    if not options.confirm(plan, occupied):
        raise UnsafeError("not confirmed; nothing was changed")


def forms(plan: TablePlan) -> list[Canonical | None]:
    """Return what brings each field of a table to one spelling on both sides."""
    pairs = zip(plan.read.columns, plan.write.columns, strict=True)
    return [canonical(left.type, right.type) for left, right in pairs]


class _Run:
    """One transfer under way."""

    def __init__(self, source: Source, plan: Plan, options: Options, target: Target) -> None:
        self.source = source
        self.plan = plan
        self.verifies = options.verify and target.rereads
        # A dump keeps the fingerprints, so that it can be compared later without reading the source.
        self.hashes = self.verifies or target.creates
        self.tell = options.progress or _silent
        self.before: dict[TableKey, Fingerprint] = {}

    def move(self, writer: Writer, adopted: bool) -> list[TableResult]:
        """Move all rows; return the results in the order of the plan."""
        if self.plan.append and self.verifies:
            self.before = {plan.target.key: self._reread(writer, plan) for plan in self.plan.tables}
        done: dict[TableKey, TableResult] = {}
        if adopted:
            done = {
                plan.target.key: result for plan in self.plan.tables if (result := self._take(writer, plan))
            }
        rest = [plan for plan in self.plan.tables if plan.target.key not in done]
        for result in self._stream(writer, rest):
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

    def _stream(self, writer: Writer, plans: Sequence[TablePlan]) -> Iterator[TableResult]:
        if not plans:
            return
        totals = self.source.estimate([plan.source for plan in plans])
        with _Reader(self.source, plans, hashes=self.hashes).running() as reader:
            for plan in plans:
                yield self._stream_table(writer, plan, reader, totals.get(plan.source.key))

    def _stream_table(
        self, writer: Writer, plan: TablePlan, reader: _Reader, total: int | None
    ) -> TableResult:
        started = time.monotonic()
        rows = size = 0
        key = plan.target.key
        self.tell(Event(Phase.DATA, key, total=total))
        while isinstance(item := reader.take(), Block):
            writer.write(plan.write, item)
            rows += item.rows
            size += len(item.data)
            self.tell(Event(Phase.DATA, key, rows=rows, bytes=size, total=total))
        self.tell(Event(Phase.DATA, key, rows=rows, bytes=size, total=rows, done=True))
        paths = {self.source.path(plan.read), writer.path(plan.write)}
        path = Path.PORTABLE if Path.PORTABLE in paths else Path.NATIVE
        seconds, fingerprint = time.monotonic() - started, item if self.hashes else None
        return TableResult(plan.target.key, rows, size, seconds, path, fingerprint, plan.notes)

    def verify(self, writer: Writer, results: Sequence[TableResult]) -> None:
        """Read everything back and compare. Raises VerificationError."""
        self.tell(Event(Phase.VERIFY, total=len(results)))
        for plan, result in zip(self.plan.tables, results, strict=True):
            there = self._reread(writer, plan)
            expected = self.before.get(plan.target.key, Fingerprint()) + (result.fingerprint or Fingerprint())
            if there != expected:
                what = f"{there.rows} rows" if there.rows != expected.rows else "other values"
                raise VerificationError(
                    f"table {plan.target.key}: {expected.rows} rows were written and {what} read back;"
                    " everything was rolled back; please report it with the column types"
                )
            self.tell(Event(Phase.VERIFY, plan.target.key, rows=there.rows, total=there.rows, done=True))

    def _reread(self, writer: Writer, plan: TablePlan) -> Fingerprint:
        hasher = Hasher(forms(plan))
        writer.read(ReadTask(plan.target, plan.write.columns), hasher.add)
        return hasher.fingerprint


class _StoppedError(Exception):
    """The writer has given up, so reading may end too."""


class _Reader:
    """Reads table after table in a thread of its own, a few blocks ahead of the writer."""

    def __init__(self, source: Source, plans: Sequence[TablePlan], *, hashes: bool) -> None:
        self._source = source
        self._plans = plans
        self._hashes = hashes
        self._queue: queue.Queue[Block | Fingerprint | BaseException] = queue.Queue(QUEUED_BLOCKS)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read_all, name="dbdump-reader", daemon=True)

    @contextmanager
    def running(self) -> Iterator[_Reader]:
        """Read while inside; on the way out the thread has ended, whatever happened."""
        self._thread.start()
        try:
            yield self
        except BaseException:
            self._stopped.set()
            self._source.cancel()
            raise
        finally:
            self._thread.join()

    def take(self) -> Block | Fingerprint:
        """Return the next block of the table, its fingerprint after the last. Raises what the reader raised."""
        item = self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def _read_all(self) -> None:
        try:
            for plan in self._plans:
                hasher = Hasher(forms(plan))
                self._source.read(plan.read, self._emit(hasher))
                self._put(hasher.fingerprint)
        except _StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that takes
            self._put_last(error)

    def _emit(self, hasher: Hasher) -> Emit:
        def emit(block: Block) -> None:
            if self._hashes:
                hasher.add(block)
            self._put(block)

        return emit

    def _put(self, item: Block | Fingerprint | BaseException) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return
            except queue.Full:
                continue
        raise _StoppedError

    def _put_last(self, error: BaseException) -> None:
        try:
            self._put(error)
        except _StoppedError:
            return
