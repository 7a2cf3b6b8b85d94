"""Compression of data files: one frame a file, the same bytes for the same data, bounded when undone."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

from ..errors import DumpError, UsageError, shown

Compression = Literal["zstd", "gzip"]

SUFFIXES: dict[Compression | None, str] = {None: "", "zstd": ".zst", "gzip": ".gz"}
"""What a compression adds to a file's name."""

# Measured on lines of an order table: level 1 of zstd takes 270 MB/s and half the time of 3 for about
# the same size; gzip's default of 6 takes 2.5 times as long as 3.
_ZSTD_LEVEL = 1
_GZIP_LEVEL = 3
_GZIP_WINDOW = 31
"""zlib's word for: a gzip header and trailer around a 32 KiB window."""
_ZSTD_WINDOW = 128 * 1024 * 1024
"""The largest window a frame may ask for, in bytes; it is what the zstd program itself accepts."""
_ZSTD_STEP = 1024
"""Bytes given to zstd at once: it has no limit on its output, and 4 bytes can ask for 128 KiB of it."""
_GZIP_STEP = 1024 * 1024
"""The most bytes that gzip gives at once."""


class Compressor(Protocol):
    """Bytes in, fewer bytes out, now or later."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def compression_named(name: str | None) -> Compression | None:
    """Return `name` where there is such a compression; raises UsageError naming the ones there are."""
    if name not in SUFFIXES:
        raise UsageError(f"unknown compression {shown(name)}; use zstd or gzip")
    return name


def compressor(compression: Compression | None) -> Compressor:
    """Return what writes one file; what it writes depends on the data alone: no time, name or thread."""
    if compression is None:
        return _Plain()
    if compression == "gzip":
        return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    import zstandard

    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()


def decompress(chunks: Iterable[bytes], compression: Compression | None, *, file: str) -> Iterator[bytes]:
    """Yield the data that `chunks` hold, piece by piece, never much of it at once.

    Raises DumpError naming `file` for a frame that is cut, damaged or followed by something else.
    """
    if compression is None:
        return iter(chunks)
    return _unzstd(chunks, file) if compression == "zstd" else _gunzip(chunks, file)


def compression_of(name: str) -> Compression | None:
    """Return the compression that a file's name tells."""
    return next((word for word, suffix in SUFFIXES.items() if suffix and name.endswith(suffix)), None)


def _unzstd(chunks: Iterable[bytes], file: str) -> Iterator[bytes]:
    import zstandard

    frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    for chunk in chunks:
        for at in range(0, len(chunk), _ZSTD_STEP):
            if frame.eof:
                raise _trailing(file)
            try:
                data = frame.decompress(chunk[at : at + _ZSTD_STEP])
            except zstandard.ZstdError as error:
                raise _damaged(file, "zstd", error) from error
            if data:
                yield data
    _check_end(file, frame.eof, frame.unused_data)


def _gunzip(chunks: Iterable[bytes], file: str) -> Iterator[bytes]:
    frame = zlib.decompressobj(_GZIP_WINDOW)
    for chunk in chunks:
        if frame.eof:
            raise _trailing(file)
        yield from _gunzip_chunk(frame, chunk, file)
    _check_end(file, frame.eof, frame.unused_data)


def _gunzip_chunk(frame: zlib._Decompress, chunk: bytes, file: str) -> Iterator[bytes]:
    data = b""
    while not frame.eof and (chunk or len(data) == _GZIP_STEP):
        try:
            data = frame.decompress(chunk, _GZIP_STEP)
        except zlib.error as error:
            raise _damaged(file, "gzip", error) from error
        chunk = frame.unconsumed_tail
        if data:
            yield data


def _check_end(file: str, ended: bool, rest: bytes) -> None:
    """Refuse a frame that did not end, or not with the file: libraries take a cut one as a normal end."""
    if not ended:
        raise DumpError(f"{file} is cut: its compressed data has no end; take the dump again or copy it anew")
    if rest:
        raise _trailing(file)


def _trailing(file: str) -> DumpError:
    return DumpError(f"{file} goes on after the end of its compressed data; compress it anew as one piece")


def _damaged(file: str, compression: str, error: Exception) -> DumpError:
    return DumpError(f"{file} cannot be decompressed as {compression} ({error}); copy the dump anew")
