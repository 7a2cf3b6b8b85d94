"""What a format promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..schema import Column


class Format(Protocol):
    """The spelling of rows in a data file.

    A file is a header line and then one line a row, each ended by LF and free of other raw LF and
    CR, so that a file can be cut and counted without being understood. Where the format cannot
    say something that a canonical line can, `encode` raises ValueRefusedError.
    """

    name: str

    def header(self, columns: Sequence[str]) -> bytes:
        """Return the first line of a file with these columns, its LF included."""
        ...

    def columns(self, header: bytes) -> tuple[str, ...]:
        """Return the column names of a header line, the reverse of `header`; raises ValueError."""
        ...

    def encode(self, lines: bytes, columns: Sequence[Column]) -> bytes:
        """Return whole canonical lines in this format, line by line."""
        ...

    def decode(self, lines: bytes, columns: Sequence[Column]) -> bytes:
        """Return whole lines of this format as canonical lines, line by line."""
        ...
