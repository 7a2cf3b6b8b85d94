"""Files as a dump needs them: private, never followed through links, safe on the disk when done."""

from __future__ import annotations

import errno
import itertools
import os
import select
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import DumpError, RefusedError, StorageError, shown

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
# A FIFO in the place of a file must not hang the open; on regular files the flag does nothing.
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EROFS}
"""What fsync says of pipes, and of folders on file systems that keep them safe by themselves."""


def quoted(path: object) -> str:
    """Return a path for a message."""
    return shown(path, 500)


def reason(error: OSError) -> str:
    """Return what an OSError says, as part of a sentence."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


@contextmanager
def storing(path: object) -> Iterator[None]:
    """Turn an OSError inside into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write {quoted(path)}: {reason(error)}; no dump was made") from error


@contextmanager
def reading(path: object) -> Iterator[None]:
    """Turn an OSError inside into a DumpError that names `path`."""
    try:
        yield
    except OSError as error:
        raise DumpError(f"cannot read {quoted(path)}: {reason(error)}; make it readable") from error


def create_file(path: Path) -> BinaryIO:
    """Create a file that was not there, for its owner alone whatever the umask is."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)
    return open(descriptor, "wb")  # noqa: PTH123 - a descriptor is no path


def create_folder(path: Path) -> None:
    """Create a folder that was not there, for its owner alone whatever the umask is."""
    path.mkdir(mode=0o700)
    path.chmod(0o700)


def close_synced(file: BinaryIO, size: int) -> None:
    """Close a file once its `size` bytes are on the disk; OSError where they are not.

    An fsync that failed is not tried again: the system may have dropped the pages and would say
    yes. The size is asked for because a write can report more than it did (facts.md X25).
    """
    try:
        file.flush()
        os.fsync(file.fileno())
        if os.fstat(file.fileno()).st_size != size:
            raise OSError(errno.EIO, "the file is not as long as what was written")
    finally:
        file.close()


def sync_folder(path: Path) -> None:
    """Make the names in a folder last."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(descriptor: int) -> None:
    """Sync what can be synced."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def refuse_existing(path: Path) -> None:
    """Raise RefusedError where a dump would stand in the place of something."""
    if os.path.lexists(path):
        raise RefusedError(f"{quoted(path)} is there already; choose another name or remove it first")
    if not path.parent.is_dir():
        raise RefusedError(f"there is no folder {quoted(path.parent)} to put the dump in; create it first")


def partial_names(path: Path) -> Iterator[Path]:
    """Yield names for the unfinished dump. A number follows the process id, which can come again."""
    stem = f"{path.name}.partial-{os.getpid()}"
    yield path.with_name(stem)
    yield from (path.with_name(f"{stem}-{attempt}") for attempt in itertools.count(2))


def move_file(partial: Path, path: Path) -> None:
    """Give a finished file its name, never over another one: FileExistsError."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):
        # A file system without hard links: the caller has just looked, and can do no more.
        partial.rename(path)
    else:
        partial.unlink()


def open_regular(path: Path, *, buffering: int = 0) -> BinaryIO:
    """Open a regular file that is no link; raises DumpError for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_FOLLOW | _NO_WAIT)
    except OSError as error:
        why = "is a symbolic link" if error.errno == errno.ELOOP else f"cannot be opened ({reason(error)})"
        raise DumpError(f"{quoted(path)} {why}; a dump is made of regular files only") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise DumpError(f"{quoted(path)} is not a regular file; a dump is made of regular files only")
    return open(descriptor, "rb", buffering=buffering)  # noqa: PTH123 - a descriptor is no path


def raw_stream(stream: BinaryIO) -> BinaryIO:
    """Return the unbuffered stream beneath a standard one.

    What a buffer keeps after a broken pipe would be tried again, and shouted about, at exit.
    """
    return cast(BinaryIO, getattr(stream, "raw", stream))


def wait_for(stream: BinaryIO, *, write: bool = False, seconds: float | None = None) -> bool:
    """Wait until a stream takes or gives bytes; True too where that cannot be known.

    Pipes from ssh may be non-blocking, and a read that waits in the system could not be cancelled.
    """
    try:
        ends: list[BinaryIO] = [stream]
        readable, writable, _ = select.select([] if write else ends, ends if write else [], [], seconds)
    except (OSError, ValueError):
        return True
    return bool(readable or writable)
