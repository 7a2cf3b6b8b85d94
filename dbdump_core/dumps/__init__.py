"""A dump on disk, or on its way through a pipe, as source and as target."""

from __future__ import annotations

import pathlib
import sys

from ..errors import UsageError
from .compression import compression_named
from .formats import format_named
from .naming import refuse_name
from .reader import ArchiveSource
from .writer import ArchiveTarget

__all__ = ["ArchiveSource", "ArchiveTarget", "make_target", "open_source"]


def open_source(path: str, *, allow_edited: bool = False) -> ArchiveSource:
    """Return the dump at `path`: a folder, a tar file, or `-` for a tar stream on standard input.

    `allow_edited`: take data files that differ from the manifest; each value is then looked at.
    Raises DumpError for anything that is not a whole dump, UsageError for a terminal.
    """
    if path == "-":
        from .stream import StreamSource

        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("a dump is not read from a terminal; redirect a file or pipe to standard input")
        return StreamSource(sys.stdin.buffer, allow_edited=allow_edited)
    from .inputs import open_input
    from .reader import StoredSource

    return StoredSource(open_input(pathlib.Path(path)), allow_edited=allow_edited)


def make_target(
    path: str,
    *,
    format: str = "tsv",
    compress: str | None = None,
    source_engine: str,
    part_bytes: int | None = None,
) -> ArchiveTarget:
    """Return a dump to be written at `path`: a folder, a file `NAME.tar`, or `-` for standard output.

    `compress`: None, `zstd` or `gzip`. `part_bytes`: the most bytes of lines in one data file; by
    default 1 GiB in a folder and 16 MiB in a tar. Raises RefusedError where `path` is there already
    or its folder is not, UsageError for a terminal, an unknown word, or the name of something else.
    """
    refuse_name(path)
    return ArchiveTarget(
        path,
        format=format_named(format),
        compression=compression_named(compress),
        source_engine=source_engine,
        part_bytes=part_bytes,
    )
