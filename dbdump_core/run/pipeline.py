"""The pipeline: threads that read and make lines a few blocks ahead of whoever writes them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from ..model.abc import Block, Fingerprint, Source, TablePlan
from ..rows.fingerprint import Canonical, Hasher, canonical

QUEUED_BLOCKS = 2
"""Blocks between two stages: enough to bridge their unevenness, few enough for the memory ceiling."""
WAKE_SECONDS = 0.1
"""How long a stage that waits may go without noticing that the run has ended."""


def forms(plan: TablePlan) -> list[Canonical | None]:
    """Return what brings each written field of a table to one spelling on both sides."""
    pairs = zip(plan.write.source_types, plan.write.columns, strict=True)
    return [canonical(spelled, column.type) for spelled, column in pairs]


class _StoppedError(Exception):
    """The writer has given up, so reading may end too."""


_Item = Block | Fingerprint | BaseException
"""What a queue holds: the blocks of a table, a fingerprint where it ends, or what went wrong."""


class Reader:
    """Reads table after table in one thread; in a second one rows are rewritten, made into lines and hashed.

    Three stages (read, make lines, write) keep two processors busy while the engines work too: with
    two, a server would have to wait while its client makes the next lines.
    """

    def __init__(self, source: Source, plans: Sequence[TablePlan], *, hashes: bool) -> None:
        self._source = source
        self._plans = plans
        self._hashes = hashes
        self._read: queue.Queue[_Item] = queue.Queue(QUEUED_BLOCKS)
        self._ready: queue.Queue[_Item] = queue.Queue(QUEUED_BLOCKS)
        self._stopped = threading.Event()
        stages = (("reader", self._read_all, self._read), ("lines", self._make_all, self._ready))
        self._threads = [
            threading.Thread(target=self._guarded, args=stage, name=f"dbdump-{name}", daemon=True)
            for name, *stage in stages
        ]
        self.fingerprint: Fingerprint | None = None
        """Of the table whose blocks were taken last; None where nothing is hashed."""

    @contextmanager
    def running(self) -> Iterator[Reader]:
        """Read while inside; on the way out the threads have ended, whatever happened."""
        for thread in self._threads:
            thread.start()
        try:
            yield self
        except BaseException:
            self._stopped.set()
            self._source.cancel()
            raise
        finally:
            for thread in self._threads:
                thread.join()

    def blocks(self, plan: TablePlan) -> Iterator[Block]:
        """Yield the blocks of the next table, which is `plan`'s. Raises what the threads raised."""
        while isinstance(item := self._ready.get(), Block):
            yield item
        if isinstance(item, BaseException):
            raise item
        self.fingerprint = item if self._hashes else None

    def _guarded(self, work: Callable[[], None], queued: queue.Queue[_Item]) -> None:
        """Run a stage; what it raises goes on to the next one, and so to the thread that takes."""
        try:
            work()
        except _StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that takes
            with suppress(_StoppedError):
                self._put(queued, error)

    def _read_all(self) -> None:
        for plan in self._plans:
            self._source.read(plan.read, partial(self._put, self._read))
            self._put(self._read, Fingerprint())

    def _make_all(self) -> None:
        for plan in self._plans:
            hasher = Hasher(forms(plan))
            for block in self._rewritten(plan):
                if self._hashes:
                    hasher.add(block)
                self._put(self._ready, block.made())
            self._put(self._ready, hasher.fingerprint)

    def _rewritten(self, plan: TablePlan) -> Iterator[Block]:
        """Yield a table's blocks as they will be written. Raises what the reading thread raised."""
        rewrite = plan.rewrite
        while isinstance(item := self._get(), Block):
            block = rewrite.block(item) if rewrite else item
            if block.rows:
                yield block
        if isinstance(item, BaseException):
            raise item
        rest = rewrite.rest() if rewrite else None
        if rest is not None and rest.rows:
            yield rest

    def _get(self) -> _Item:
        while not self._stopped.is_set():
            try:
                return self._read.get(timeout=WAKE_SECONDS)
            except queue.Empty:
                continue
        raise _StoppedError

    def _put(self, queued: queue.Queue[_Item], item: _Item) -> None:
        while not self._stopped.is_set():
            try:
                queued.put(item, timeout=WAKE_SECONDS)
                return
            except queue.Full:
                continue
        raise _StoppedError
