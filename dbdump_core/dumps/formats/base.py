"""What a format promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from ...model.schema import Column

FormatName = Literal["tsv", "py"]
"""The formats there are; a manifest names one of them."""

Refuse = Callable[[int, int, str], None]
"""Told of a line that is no row: its number among the lines given, from 0, the character of it, from 1,
and what is wrong. It raises, or it returns and the line is left out."""


class Format(Protocol):
    """The spelling of rows in a data file.

    A file is a header of one or more lines, then one line a row, then the footer. Each line is ended by
    LF and free of other raw LF and CR, so that a file can be cut and counted without being understood.
    Where the format cannot say something that a canonical line can, `encode` raises ValueError.
    """

    name: FormatName
    footer: bytes
    """What stands after the rows: a line that no row can be, or nothing."""
    marks: bool
    """Cells may be marked."""

    def header(self, table: str, columns: Sequence[str]) -> bytes:
        """Return what a file with these columns begins with, its last LF included."""
        ...

    def header_size(self, data: bytes) -> int:
        """Return how many bytes of `data` are the header, 0 where it is not there as a whole."""
        ...

    def columns(self, header: bytes) -> tuple[str, ...]:
        """Return the column names of a header; raises ValueError for what `header` does not make."""
        ...

    def encode(self, lines: bytes, columns: Sequence[Column]) -> bytes:
        """Return whole canonical lines in this format, line by line."""
        ...

    def decode(self, lines: bytes, columns: Sequence[Column | None], refuse: Refuse) -> bytes:
        """Return whole lines of this format as canonical lines, line by line.

        `columns`: those of the file's fields; the values of None are not wanted, so any will do.
        """
        ...
