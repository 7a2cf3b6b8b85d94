"""Salvage: going on after a refused row, so that one run finds all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from .abc import Block
from .errors import ERRORS_SHOWN, DatabaseError, DbdumpError, ManyErrorsError, ValueRefusedError

MOST_ERRORS = 10_000
"""Refused rows after which a run ends: something else than single rows is wrong then."""


def salvaged(block: Block, attempt: Callable[[Block], ValueRefusedError | None]) -> Iterator[ValueRefusedError]:
    """Yield the error of each row of the block that is refused; the other rows are stored.

    `attempt` stores all rows of a block or none, and returns the error of one that is refused. For k
    refused rows of n it is called about k log n times.
    """
    error = attempt(block)
    if error is None:
        return
    if block.rows == 1:
        yield error
        return
    lines = block.data.split(b"\n")
    lines.pop()
    pending = _halves(0, len(lines))
    while pending:
        start, end = pending.pop()
        error = attempt(Block(b"\n".join([*lines[start:end], b""]), end - start))
        if error is not None and end - start == 1:
            yield error
        elif error is not None:
            pending += _halves(start, end)


def _halves(start: int, end: int) -> list[tuple[int, int]]:
    """Return both halves, the first one last, to be popped first: of two rows with one key the second is refused."""
    middle = (start + end) // 2
    return [(middle, end), (start, middle)]


class Refusals:
    """The refused rows of a run that goes on; written to by all of its threads."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[DbdumpError] = []
        self._lock = Lock()

    def add(self, error: DbdumpError) -> None:
        """Keep an error. Raises ManyErrorsError when there are too many to go on."""
        with self._lock:
            self.count += 1
            if len(self._first) < ERRORS_SHOWN:
                self._first.append(error)
        if self.count >= MOST_ERRORS:
            raise self._all()

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Raise on the way out what was found: a sole error itself, several as a ManyErrorsError.

        What ended the run itself (a server that is gone, a full disk) comes before the rows.
        """
        try:
            yield
        except ValueRefusedError as error:
            if not self.count:
                raise
            self.add(error)
            raise self._all() from error
        except DatabaseError as error:
            if not self.count:
                raise
            self.count += 1
            self._first.insert(0, error)
            raise self._all() from error
        if self.count:
            raise self._first[0] if self.count == 1 else self._all()

    def _all(self) -> ManyErrorsError:
        return ManyErrorsError.of([str(error) for error in self._first], self.count)
