"""What MySQL and MariaDB refuse: the row that is at fault, and errors that are no row's fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ...errors import ValueRefusedError
from ...model.abc import Block, WriteTask
from ..base import ROLLED_BACK
from ..portable import refused_row

ENDS_RUN: frozenset[object] = frozenset(
    {
        1205, 1206, 1213,  # lock wait timeout, lock table full, deadlock: the last undoes the whole transaction
        1021, 1030, 1034, 1041, 1114,  # no space, storage engine, broken table, no memory, table full
        1044, 1045, 1142, 1143, 1227, 1290, 1836,  # no right, read-only
        1053, 1153, 1317, 1969, 2006, 2013, 2055, 3024,  # shut down, interrupted, out of time, connection gone
    }
)  # fmt: skip
"""Numbers of errors after which single rows need not be tried."""
LOCK_ERRORS: frozenset[object] = frozenset({1205, 1213})
NO_RIGHT = frozenset({1044, 1045, 1142, 1143, 1227})
NO_TABLE = 1146
WARNINGS_SHOWN = 3
MOST_WARNINGS = 65_535
"""Warnings that a server lists at most."""
_TRUNCATED = 1265

_PLACE = re.compile(r"(?: at)? (?:row|line) (\d+)$")


_ROUNDED = re.compile(r"Data truncated for column '(.*)' at row \d+", re.DOTALL)


def parts(task: WriteTask, block: Block) -> Iterator[Block]:
    """Yield the block in pieces so small that the server can list what it rounded in each of their rows."""
    computed = sum(column.generated is not None for column in task.table.columns)
    most = MOST_WARNINGS // computed if computed else block.rows
    if block.rows <= most:
        yield block
        return
    lines = block.data.split(b"\n")
    for start in range(0, block.rows, most):
        part = lines[start : min(start + most, block.rows)]
        yield Block(b"\n".join([*part, b""]), len(part))


def are_rounded(task: WriteTask, loaded: Any, warnings: Sequence[Sequence[object]]) -> bool:
    """Tell whether all warnings are of columns that the server computes and then rounds to their own type."""
    computed = {column.name for column in task.table.columns if column.generated is not None}
    found = [_ROUNDED.fullmatch(str(text)) for _, code, text in warnings if code == _TRUNCATED]
    return len(found) == loaded.warnings and all(one is not None and one[1] in computed for one in found)


def warned(task: WriteTask, block: Block, loaded: Any, warnings: Sequence[Sequence[object]]) -> ValueRefusedError:
    """Return the error for a block of which not all was `loaded`; `warnings`: what SHOW WARNINGS tells."""
    texts = [str(text) for _, _, text in warnings]
    for text, (_, code, _) in zip(texts, warnings, strict=True):
        found = _PLACE.search(text)
        number = int(found.group(1)) if found else int(block.rows == 1)
        if 0 < number <= block.rows:
            # The server counts the rows of this statement, which say nothing to people.
            why = _PLACE.sub("", text).removesuffix(".")
            return refused_row(task, block, number - 1, f"{why} (warning {code})", code=code)
    listed = "; ".join(texts[:WARNINGS_SHOWN]) or "it says nothing more"
    return ValueRefusedError(
        f"table {task.table.key}: of {block.rows} rows the target took {loaded.records - loaded.skipped} with"
        f" {loaded.warnings} warnings: {listed}; {ROLLED_BACK}"
    )
