"""The most memory that a process has held, for tests of memory in a process of their own."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def peak() -> int:
    """Return the present process's peak in KiB.

    Not `ru_maxrss` where there is something better: a child's begins at what its parent held when it forked,
    so that it tells too much of a small child, and nothing of what that child takes up to there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most
