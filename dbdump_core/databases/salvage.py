"""Salvage: going on after a refused row, so that one run finds all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import ValueRefusedError
from ..model.abc import Block


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

