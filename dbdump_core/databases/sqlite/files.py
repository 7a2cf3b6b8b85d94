"""The file of an SQLite database: whether it is one, and how a new one comes to its name."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from ...errors import ConnectError, UnsafeError
from ...model.leftovers import left_beside

_MAGIC = b"SQLite format 3\0"
_ENDINGS = ("", "-journal", "-wal", "-shm")
"""Of the files that SQLite keeps for one database."""


def uri(path: Path, mode: str) -> str:
    """Return a file as an SQLite URI."""
    text = path.absolute().as_posix()
    return f"file:{quote(text if text.startswith('/') else '/' + text)}?mode={mode}"


def refuse_strange(path: Path) -> None:
    """Raise ConnectError for what is there and is no SQLite database."""
    if not path.is_file():
        raise ConnectError(f"{path} is not a file; name an SQLite database")
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise ConnectError(f"cannot read {path}: {error.strerror}; check its permissions") from None
    if start and start != _MAGIC:
        raise ConnectError(f"{path} is not an SQLite database; check the path")


class NewFile:
    """A database under a name of its own beside the one it will have; nothing stands at that until it is whole.

    Two runs that make the same file cannot see, and so not remove, what the other one makes. Where the file
    system knows no hard links, the file is made at its own name, and an empty one is left after a failure.
    """

    def __init__(self, goal: Path) -> None:
        self._goal = Path(os.path.realpath(goal))
        _refuse_journals(self._goal)
        _remove_leftovers(self._goal)
        try:
            self.path = self._made()
        except OSError as error:
            raise ConnectError(f"cannot make {goal}: {error.strerror}; check the permissions of its folder") from None

    def _made(self) -> Path:
        stem = f"{self._goal.name}.partial-{os.getpid()}"
        names = (self._goal.with_name(stem + suffix) for suffix in ("", *(f"-{number}" for number in range(2, 1000))))
        path = next(name for name in names if _is_created(name))
        probe = path.with_name(f"{path.name}-link")
        try:
            os.link(path, probe)
        except (OSError, NotImplementedError):
            path.unlink()
            os.close(os.open(self._goal, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
            return self._goal
        probe.unlink()
        return path

    def publish(self) -> None:
        """Give the file its name, never over another one. Raises UnsafeError where that is taken by now."""
        if self.path == self._goal:
            return
        try:
            os.link(self.path, self._goal)
        except FileExistsError:
            raise UnsafeError(
                f"{self._goal} was made by someone else meanwhile and is as they made it; name another file"
            ) from None
        _sync_folder(self._goal.parent)
        self.discard()

    def discard(self) -> None:
        """Take away the file's own name, with the file where it got no other."""
        if self.path != self._goal:
            with suppress(PermissionError):  # some systems keep the name of a file that is open
                self.path.unlink(missing_ok=True)


def _is_created(path: Path) -> bool:
    """Create an empty file as SQLite would; tell whether it was not there."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        return False
    return True


def _refuse_journals(goal: Path) -> None:
    """Refuse what is left of another database: SQLite would put its pages into a new one of the same name."""
    for ending in _ENDINGS[1:]:
        left = goal.with_name(goal.name + ending)
        if os.path.lexists(left):
            raise ConnectError(f"{left} is left of a database that is no longer there; remove it or name another file")


def _sync_folder(path: Path) -> None:
    if os.name != "nt":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            with suppress(OSError):  # file systems that keep names safe by themselves
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_leftovers(goal: Path) -> None:
    """Remove what runs that died have left of this file; what is not certainly such a file stays."""
    with suppress(OSError):
        for path in left_beside(goal):
            if path.is_file() and _is_free(path):
                for ending in _ENDINGS:
                    path.with_name(path.name + ending).unlink(missing_ok=True)


def _is_free(path: Path) -> bool:
    """Tell whether nobody is at work on a database; a run on another machine has a process id of its own."""
    try:
        with closing(sqlite3.connect(uri(path, "rw"), uri=True, timeout=0, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        return False
    return True
