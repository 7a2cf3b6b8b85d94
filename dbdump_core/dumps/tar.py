"""Tar, as much of it as a dump needs: regular files of known size, one after the other.

Python's tarfile takes a damaged header after the first as the end of the archive and a pax header
of any size into memory; a dump needs to tell a cut or altered archive from a whole one.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..errors import DumpError, shown

BLOCK = 512
END = bytes(2 * BLOCK)
"""Two zero blocks end an archive. No padding follows, so that a cut is seen wherever it is."""
_CHUNK = 1024 * 1024
_PAX_LIMIT = 64 * 1024
_PADDING_LIMIT = 16 * 1024 * 1024
"""Zeros that may follow the end: programs fill up a record, 10 KiB mostly."""
_NAMES_IN_PAX = (b" path=", b" linkpath=", b" size=", b" GNU.sparse")
_KINDS = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a FIFO",
}  # fmt: skip
_FOREIGN = {
    b"SQLite format 3\0": "an SQLite database, which needs no load: give it as a source as it is",
    b"\x1f\x8b": "compressed with gzip as a whole: decompress it first",
    b"\x28\xb5\x2f\xfd": "compressed with zstd as a whole: decompress it first",
    b"PK\x03\x04": "a zip archive: unpack it and give the folder",
}


class Readable(Protocol):
    """Gives `size` bytes, fewer only at the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str
    size: int


def header(name: str, size: int) -> bytes:
    """Return the header of a member that only its owner may read; nothing of this machine is in it."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def padding(size: int) -> int:
    """Return how many zeros follow `size` bytes of a member."""
    return -size % BLOCK


class Reader:
    """Walks through an archive; raises DumpError naming `label` wherever it is not as it should be.

    After `next` the caller reads the member by `chunks`, or skips its bytes and padding itself.
    """

    def __init__(self, source: Readable, label: str) -> None:
        self._source = source
        self._label = label
        self._first = True
        self._ended = False

    def next(self) -> Member | None:
        """Return the next regular file, or None at a proper end with nothing behind it."""
        while not self._ended:
            block = self._exactly(BLOCK)
            if not any(block) and not self._first:
                self._check_end()
                self._ended = True
                return None
            member, kind = self._parse(block)
            self._first = False
            if kind in (b"0", b"\0"):
                return member
            self._pass_over(member, kind)
        return None

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Yield the bytes of the member that `next` has just returned."""
        left = member.size
        while left:
            chunk = self._source.read(min(left, _CHUNK))
            if not chunk:
                raise self._cut()
            left -= len(chunk)
            yield chunk
        if any(self._exactly(padding(member.size))):
            raise DumpError(f"{self._label} is damaged after {shown(member.name)}; copy the dump anew")

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._source.read(size - len(data))
            if not more:
                raise self._foreign(data) if self._first else self._cut()
            data += more
        return data

    def _cut(self) -> DumpError:
        return DumpError(f"{self._label} is cut: it ends in the middle; take the dump again or copy it anew")

    def _foreign(self, block: bytes) -> DumpError:
        known = next((what for magic, what in _FOREIGN.items() if block.startswith(magic)), None)
        if known is None and not block:
            known = "empty: what should have written it failed"
        what = known or "not a tar archive: give a folder or .tar that dbdump made"
        return DumpError(f"{self._label} is {what}")

    def _parse(self, block: bytes) -> tuple[Member, bytes]:
        total = sum(block[:148]) + 8 * 32 + sum(block[156:])
        stored = _number(block[148:156])
        if block[257:262] != b"ustar" or total != stored:
            if self._first:
                raise self._foreign(block)
            raise DumpError(f"{self._label} is damaged: it has an unreadable header; copy it anew")
        size = _number(block[124:136])
        raw_name, prefix = _string(block[:100]), _string(block[345:500])
        # GNU tar keeps times where ustar keeps the first part of a long name, and says so by a space.
        raw_name = prefix + b"/" + raw_name if prefix and block[262:263] == b"\0" else raw_name
        name = raw_name.decode("utf-8", "backslashreplace").removeprefix("./")
        if size is None:
            raise DumpError(f"{self._label}: member {shown(name)} has no usable size; pack the dump anew")
        return Member(name, size), block[156:157]

    def _pass_over(self, member: Member, kind: bytes) -> None:
        if kind == b"5" and not member.size:
            return
        if kind in (b"x", b"g") and member.size <= _PAX_LIMIT:
            body = b"".join(self.chunks(member))
            if not any(word in body for word in _NAMES_IN_PAX):
                return
        what = _KINDS.get(kind, "of a kind that no dump has")
        raise DumpError(f"{self._label}: member {shown(member.name)} is {what}; pack it anew without it")

    def _check_end(self) -> None:
        if any(self._exactly(BLOCK)):
            raise self._garbage()
        seen = 0
        while chunk := self._source.read(_CHUNK):
            seen += len(chunk)
            if any(chunk) or seen > _PADDING_LIMIT:
                raise self._garbage()

    def _garbage(self) -> DumpError:
        return DumpError(f"{self._label} goes on after its end; it was damaged or something was added to it")


def _string(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _number(field: bytes) -> int | None:
    digits = field.strip(b" \0")
    if not digits or not digits.isdigit() or digits.translate(None, b"01234567"):
        return None
    return int(digits, 8)
