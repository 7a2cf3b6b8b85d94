"""What runs that died left unfinished beside a goal, under the name `GOAL.partial-PID`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path


def left_beside(goal: Path) -> Iterator[Path]:
    """Yield what stands beside `goal` under such a name, of a process that is here no more, and is no link.

    A run on another machine has a process id of its own: whether it is at work is for the caller to find
    out. Raises OSError where the folder cannot be read.
    """
    name = re.compile(re.escape(goal.name) + r"\.partial-([0-9]{1,10})(?:-[0-9]{1,4})?")
    for path in list(goal.parent.iterdir()):
        found = name.fullmatch(path.name)
        if found and not path.is_symlink() and not _lives(int(found.group(1))):
            yield path


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
