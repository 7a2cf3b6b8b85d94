"""Where a dump lies: a folder or a tar file, both as named members of bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from ..errors import DumpError, shown
from . import tar
from .manifest import DATA_FOLDER, MANIFEST_NAME, SCHEMA_NAME, SMALL_FILE_LIMIT
from .storage import open_regular, quoted, reading, reason

_CHUNK = 1024 * 1024


class Input(Protocol):
    """A dump that can be read anywhere, again and again.

    `members`: name -> bytes as stored. Names are not trusted: nothing but listed names is opened.
    """

    path: Path

    @property
    def members(self) -> Mapping[str, int]: ...

    def label(self, member: str) -> str:
        """Return a member's name for a message."""
        ...

    def chunks(self, member: str) -> Iterator[bytes]:
        """Yield a member's bytes; raises DumpError where it cannot be read or is cut."""
        ...


class FolderInput:
    """A dump in a folder. Other files beside `data` are left alone, inside it they are members."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members: dict[str, int] = {}
        with reading(path):
            self._list("", {SCHEMA_NAME, MANIFEST_NAME})
            data = path / DATA_FOLDER
            if data.is_symlink() or not data.is_dir():
                raise no_dump(path, self.members)
            self._list(DATA_FOLDER + "/", None)

    def label(self, member: str) -> str:
        return quoted(self.path / member)[1:-1]

    def chunks(self, member: str) -> Iterator[bytes]:
        with open_regular(self.path / member) as file, reading(self.path / member):
            while chunk := file.read(_CHUNK):
                yield chunk

    def _list(self, prefix: str, wanted: set[str] | None) -> None:
        for entry in sorted(os.scandir(self.path / prefix), key=lambda entry: entry.name):
            if wanted is None or entry.name in wanted:
                self.members[prefix + entry.name] = entry.stat(follow_symlinks=False).st_size


class TarInput:
    """A dump in one tar file; members are found by their headers and read where they stand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members: dict[str, int] = {}
        self._offsets: dict[str, int] = {}
        with open_regular(path) as file, reading(path):
            size = os.fstat(file.fileno()).st_size
            reader = tar.Reader(file, quoted(path))
            while member := reader.next():
                self._add(member, file.tell())
                end = file.tell() + member.size + tar.padding(member.size)
                if end > size:
                    raise DumpError(f"{quoted(path)} is cut: it ends in the middle; copy the dump anew")
                file.seek(end)

    def label(self, member: str) -> str:
        return f"{quoted(self.path)[1:-1]}/{shown(member, 300)[1:-1]}"

    def chunks(self, member: str) -> Iterator[bytes]:
        left = self.members[member]
        with open_regular(self.path) as file, reading(self.path):
            file.seek(self._offsets[member])
            while left:
                chunk = file.read(min(left, _CHUNK))
                if not chunk:
                    raise DumpError(f"{self.label(member)} is cut: the archive changed while it was read")
                left -= len(chunk)
                yield chunk

    def _add(self, member: tar.Member, offset: int) -> None:
        if member.name in self.members:
            raise DumpError(f"{quoted(self.path)}: member {shown(member.name)} is there twice; pack it anew")
        if member.name not in (SCHEMA_NAME, MANIFEST_NAME) and not member.name.startswith(DATA_FOLDER + "/"):
            raise unknown_member(quoted(self.path), member.name)
        self.members[member.name] = member.size
        self._offsets[member.name] = offset


def open_input(path: Path) -> Input:
    """Open a dump on disk; raises DumpError for what cannot be one."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise DumpError(f"cannot open the dump {quoted(path)}: {why}; give a folder, a .tar or -") from error
    if stat.S_ISDIR(mode):
        return FolderInput(path)
    if stat.S_ISREG(mode):
        return TarInput(path)
    raise DumpError(f"{quoted(path)} is neither a folder nor a file; to read a stream give - and redirect it")


def read_small(source: Input, member: str) -> bytes:
    """Return a whole member that is small by its nature; raises DumpError when it is not."""
    if source.members[member] > SMALL_FILE_LIMIT:
        raise DumpError(f"{source.label(member)} has more than {SMALL_FILE_LIMIT} bytes; no dump needs that")
    return b"".join(source.chunks(member))[: SMALL_FILE_LIMIT + 1]


def no_dump(path: Path, members: Mapping[str, int]) -> DumpError:
    """Return the error for a folder or archive that lacks what every dump has."""
    data = any(name.startswith(DATA_FOLDER + "/") for name in members)
    if SCHEMA_NAME in members or MANIFEST_NAME in members or data:
        missing = MANIFEST_NAME if MANIFEST_NAME not in members else SCHEMA_NAME
        missing = missing if missing not in members else DATA_FOLDER
        return DumpError(f"{quoted(path)} is an unfinished or cut dump: it has no {missing}; take it again")
    if path.is_dir() and any(path.glob("*.py")):
        return DumpError(
            f"{quoted(path)} is not a dump: it has no {MANIFEST_NAME}; if its .py files are tables dumped as in 2007,"
            " load them in their Django project with python -m dbdump_django -d FOLDER load"
        )
    return DumpError(
        f"{quoted(path)} is not a dump: it has no {MANIFEST_NAME}; give a folder or .tar that dbdump made"
    )


def unknown_member(label: str, name: str) -> DumpError:
    """Return the error for a member that no dump has."""
    return DumpError(
        f"{label}: {shown(name)} is not a part of a dump;"
        f" pack with tar -C FOLDER -cf FILE.tar {SCHEMA_NAME} {DATA_FOLDER} {MANIFEST_NAME}"
    )
