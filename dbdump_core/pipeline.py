"""The pipeline: a thread that reads a few blocks ahead of whoever writes them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .abc import Block, Emit, Fingerprint, ReadTask, Rewrite, Source, TablePlan
from .fingerprint import Canonical, Hasher, canonical

QUEUED_BLOCKS = 4
"""Blocks between reader and writer: enough to bridge their unevenness, few enough for the memory ceiling."""


def forms(plan: TablePlan) -> list[Canonical | None]:
    """Return what brings each written field of a table to one spelling on both sides."""
    pairs = zip(plan.write.source_types, plan.write.columns, strict=True)
    return [canonical(spelled, column.type) for spelled, column in pairs]


class _StoppedError(Exception):
    """The writer has given up, so reading may end too."""


class Reader:
    """Reads table after table in a thread of its own, rewrites them and adds up their fingerprints.

    Blocks are hashed on whichever side would wait otherwise: by the reading thread when the queue is
    full, else by the one that takes. Fingerprints are sums, so it does not matter which hashed what.
    """

    def __init__(self, source: Source, plans: Sequence[TablePlan], *, hashes: bool) -> None:
        self._source = source
        self._plans = plans
        self._hashes = hashes
        self._queue: queue.Queue[tuple[Block, bool] | Fingerprint | BaseException] = queue.Queue(QUEUED_BLOCKS)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read_all, name="dbdump-reader", daemon=True)
        self.fingerprint: Fingerprint | None = None
        """Of the table whose blocks were taken last; None where nothing is hashed."""

    @contextmanager
    def running(self) -> Iterator[Reader]:
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

    def blocks(self, plan: TablePlan) -> Iterator[Block]:
        """Yield the blocks of the next table, which is `plan`'s. Raises what the reading thread raised."""
        own = Hasher(forms(plan))
        while True:
            item = self._queue.get()
            if isinstance(item, BaseException):
                raise item
            if isinstance(item, Fingerprint):
                self.fingerprint = item + own.fingerprint if self._hashes else None
                return
            block, hashed = item
            if self._hashes and not hashed:
                own.add(block)
            yield block

    def _read_all(self) -> None:
        try:
            for plan in self._plans:
                hasher = Hasher(forms(plan))
                emit = self._emit(hasher)
                if plan.rewrite is None:
                    self._source.read(plan.read, emit)
                else:
                    self._read_rewritten(plan.read, plan.rewrite, emit)
                self._put(hasher.fingerprint)
        except _StoppedError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that takes
            self._put_last(error)

    def _read_rewritten(self, task: ReadTask, rewrite: Rewrite, emit: Emit) -> None:
        self._source.read(task, lambda block: emit(rewrite.block(block)))
        rest = rewrite.rest()
        if rest is not None:
            emit(rest)

    def _emit(self, hasher: Hasher) -> Emit:
        def emit(block: Block) -> None:
            if not block.rows:
                return
            ahead = self._hashes and self._queue.full()
            if ahead:
                hasher.add(block)
            self._put((block, ahead))

        return emit

    def _put(self, item: tuple[Block, bool] | Fingerprint | BaseException) -> None:
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
