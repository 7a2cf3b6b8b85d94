"""Where a dump is written: a folder, a tar file or standard output, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from ..errors import StorageError, UsageError
from . import tar
from .leftovers import hold, remove_leftovers
from .manifest import DATA_FOLDER
from .storage import (
    close_synced,
    create_file,
    create_folder,
    move_file,
    partial_names,
    quoted,
    raw_stream,
    refuse_existing,
    storing,
    sync_descriptor,
    sync_folder,
    wait_for,
)

_Made = TypeVar("_Made")


class Output(Protocol):
    """Members written one after the other; nothing of it is a dump before `commit` returned.

    All raise StorageError where the disk or pipe fails. `part_bytes`: the most bytes of lines that
    one data file should hold.
    """

    part_bytes: int

    def open(self, member: str) -> None:
        """Begin a member; the one before is closed."""
        ...

    def write(self, data: bytes) -> None:
        """Add to the member."""
        ...

    def close(self) -> None:
        """End the member; on a disk it lasts from here on, under the unfinished dump's name."""
        ...

    def commit(self) -> None:
        """Give the dump its name; raises RefusedError where something took it meanwhile."""
        ...

    def discard(self) -> None:
        """Remove what was written, even where a commit failed half-way; not after one that returned."""
        ...


class FolderOutput:
    """A folder of files, under another name until the commit."""

    part_bytes = 1024**3

    def __init__(self, path: Path) -> None:
        self._path = path
        self._member = path
        self._file: BinaryIO | None = None
        self._size = 0
        self._held: int | None = None
        with storing(path):
            self._partial, _ = _first_free(path, create_folder)
            try:
                self._held = _hold_folder(self._partial)
                create_folder(self._partial / DATA_FOLDER)
            except OSError:
                self.discard()
                raise

    def open(self, member: str) -> None:
        self._member = self._partial / member
        self._size = 0
        with storing(self._member):
            self._file = create_file(self._member)

    def write(self, data: bytes) -> None:
        if self._file is not None:
            self._size += len(data)
            with storing(self._member):
                self._file.write(data)

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with storing(self._member):
                close_synced(file, self._size)

    def commit(self) -> None:
        with storing(self._path):
            sync_folder(self._partial / DATA_FOLDER)
            sync_folder(self._partial)
            refuse_existing(self._path)
            # What appears from here on is refused by rename, an empty folder apart.
            self._partial.rename(self._path)
            self._partial = self._path
            sync_folder(self._path.parent)
        self._release()

    def discard(self) -> None:
        self._release()
        if self._file is not None:
            _close_quietly(self._file)
        # The error that led here is the one to tell; what cannot be removed is named unfinished.
        shutil.rmtree(self._partial, ignore_errors=True)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            os.close(held)


class Sink(Protocol):
    """Bytes in one row, whole or not at all."""

    def write(self, data: bytes) -> None: ...

    def commit(self) -> None: ...

    def discard(self) -> None: ...


class TarOutput:
    """A tar archive; a member is held in memory until its size is known, which comes first in a tar."""

    part_bytes = 16 * 1024**2

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._member = ""
        self._chunks: list[bytes] = []

    def open(self, member: str) -> None:
        self._member = member
        self._chunks = []

    def write(self, data: bytes) -> None:
        self._chunks.append(data)

    def close(self) -> None:
        size = sum(map(len, self._chunks))
        self._sink.write(tar.header(self._member, size))
        for chunk in self._chunks:
            self._sink.write(chunk)
        self._sink.write(bytes(tar.padding(size)))
        self._chunks = []

    def commit(self) -> None:
        self._sink.write(tar.END)
        self._sink.commit()

    def discard(self) -> None:
        self._chunks = []
        self._sink.discard()


class FileSink:
    """One file, under another name until the commit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0
        with storing(path):
            self._partial, self._file = _first_free(path, create_file)
            hold(self._file.fileno())

    def write(self, data: bytes) -> None:
        self._size += len(data)
        with storing(self._partial):
            self._file.write(data)

    def commit(self) -> None:
        with storing(self._path):
            close_synced(self._file, self._size)
            refuse_existing(self._path)
            try:
                move_file(self._partial, self._path)
            except FileExistsError:
                refuse_existing(self._path)
                raise
            self._partial = self._path
            sync_folder(self._path.parent)

    def discard(self) -> None:
        _close_quietly(self._file)
        with contextlib.suppress(OSError):
            self._partial.unlink()


class StdoutSink:
    """Standard output. What failed is left without its end, so that no load takes it for whole."""

    _NAME = "standard output"

    def __init__(self) -> None:
        refuse_terminal()
        with storing(self._NAME):
            sys.stdout.flush()
        self._stream = raw_stream(sys.stdout.buffer)

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        with storing(self._NAME):
            while rest:
                written = self._stream.write(rest)
                if not written:
                    wait_for(self._stream, write=True)
                rest = rest[written or 0 :]

    def commit(self) -> None:
        with storing(self._NAME):
            sync_descriptor(self._stream.fileno())

    def discard(self) -> None:
        """Leave it as it is: what went out cannot be taken back."""


def refuse_terminal() -> None:
    """Raise UsageError where standard output is a terminal, StorageError where it is closed."""
    if sys.stdout is None:
        raise StorageError("standard output is closed; redirect it to a file or pipe")
    if sys.stdout.isatty():
        raise UsageError("a dump is not written to a terminal; redirect it to a file or pipe, or give a path")


def place_of(path: str) -> Path:
    """Return the absolute path that a new dump is to have; raises RefusedError where it cannot be."""
    if not path or "\0" in path or Path(path).name in ("", ".."):
        raise UsageError(f"{quoted(path)} is not a name for a dump; give a path that is not there yet")
    # Not resolve(), which follows a link that has to be refused.
    place = Path(os.path.abspath(path))  # noqa: PTH100
    refuse_existing(place)
    return place


def open_output(path: str) -> Output:
    """Claim the place that `path` names: `-` is standard output, `NAME.tar` a file, others a folder."""
    if path == "-":
        return TarOutput(StdoutSink())
    place = place_of(path)
    return TarOutput(FileSink(place)) if place.name.endswith(".tar") else FolderOutput(place)


def _first_free(path: Path, create: Callable[[Path], _Made]) -> tuple[Path, _Made]:
    """Create the first of the names for an unfinished dump that is free; what dead runs left goes first."""
    remove_leftovers(path)
    names = partial_names(path)
    while True:
        partial = next(names)
        try:
            return partial, create(partial)
        except FileExistsError:
            continue


def _hold_folder(path: Path) -> int | None:
    """Hold a folder as long as what is returned is open; None where folders cannot be opened."""
    if os.name == "nt":
        return None
    descriptor = os.open(path, os.O_RDONLY)
    hold(descriptor)
    return descriptor


def _close_quietly(file: BinaryIO) -> None:
    """Close a file that will be removed; its buffer may have nowhere to go."""
    with contextlib.suppress(OSError):
        file.close()
