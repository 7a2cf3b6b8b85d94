"""Unfinished dumps of runs that died: found beside the new one, and removed where nobody can be writing them."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from pathlib import Path

from ..model.leftovers import left_beside
from .manifest import DATA_FOLDER, MANIFEST_NAME, SCHEMA_NAME, table_number

if sys.platform != "win32":  # there the process id has to do
    import fcntl

_HEADS = (b"", SCHEMA_NAME.encode() + b"\0", b"# dbdump ")
"""What an unfinished file may begin with: nothing yet, a tar's first member, the mark of format py."""


def remove_leftovers(path: Path) -> None:
    """Remove `NAME.partial-PID` of dead runs beside `path`. What is not certainly one stays, and is no error."""
    with contextlib.suppress(OSError):
        for left in left_beside(path):
            with contextlib.suppress(OSError):
                if _is_free(left) and _is_unfinished(left):
                    shutil.rmtree(left) if left.is_dir() else left.unlink()


def hold(descriptor: int) -> None:
    """Tell other runs, other machines' too where the file system can, that this file or folder is at work."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_free(path: Path) -> bool:
    """Tell whether nobody holds it; a run on another machine has a process id of its own."""
    if sys.platform == "win32":
        return True
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_unfinished(path: Path) -> bool:
    """Tell whether it holds what a run leaves, and nothing else."""
    mode = path.stat(follow_symlinks=False).st_mode
    if stat.S_ISREG(mode):
        with path.open("rb") as file:
            head = file.read(len(SCHEMA_NAME) + 1)
        return any(head.startswith(start) if start else not head for start in _HEADS)
    names = {entry.name for entry in os.scandir(path)} if stat.S_ISDIR(mode) else {""}
    data = path / DATA_FOLDER
    inside = [f"{DATA_FOLDER}/{entry.name}" for entry in os.scandir(data)] if DATA_FOLDER in names else []
    return names <= {SCHEMA_NAME, MANIFEST_NAME, DATA_FOLDER} and all(table_number(name) is not None for name in inside)
