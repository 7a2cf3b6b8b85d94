"""What MySQL and MariaDB refuse: the row that is at fault, and errors that are no row's fault."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...abc import Block, WriteTask
from ...errors import ValueRefusedError
from ..base import ROLLED_BACK
from ..portable import refused_row

ENDS_RUN: frozenset[object] = frozenset(
    {
        1205, 1206, 1213,  # lock wait timeout, lock table full, deadlock: the last undoes the whole transaction
        1021, 1030, 1034, 1041, 1114,  # no space, storage engine, broken table, no memory, table full
        1044, 1045, 1142, 1143, 1227, 1290, 1836,  # no right, read-only
        1053, 1317, 1969, 2006, 2013, 2055, 3024,  # shut down, interrupted, out of time, connection gone
    }
)  # fmt: skip
"""Numbers of errors after which single rows need not be tried."""
WARNINGS_SHOWN = 3

_PLACE = re.compile(r"(?: at)? (?:row|line) (\d+)$")


def refused(task: WriteTask, block: Block, why: str) -> ValueRefusedError:
    """Return the error for a block that is refused as a whole; a sole row is the one at fault."""
    if block.rows == 1:
        return refused_row(task, block, 0, why)
    return ValueRefusedError(f"table {task.table.key}: the target refuses a row: {why}; {ROLLED_BACK}")


def warned(task: WriteTask, block: Block, loaded: Any, warnings: Sequence[Sequence[object]]) -> ValueRefusedError:
    """Return the error for a block of which not all was `loaded`; `warnings`: what SHOW WARNINGS tells."""
    texts = [str(text) for _, _, text in warnings]
    for text, (_, code, _) in zip(texts, warnings, strict=True):
        found = _PLACE.search(text)
        number = int(found.group(1)) if found else int(block.rows == 1)
        if 0 < number <= block.rows:
            # The server counts the rows of this statement, which say nothing to people.
            return refused_row(task, block, number - 1, f"{_PLACE.sub('', text)} (warning {code})")
    listed = "; ".join(texts[:WARNINGS_SHOWN]) or "it says nothing more"
    return ValueRefusedError(
        f"table {task.table.key}: of {block.rows} rows the target took {loaded.records - loaded.skipped} with"
        f" {loaded.warnings} warnings: {listed}; {ROLLED_BACK}"
    )
