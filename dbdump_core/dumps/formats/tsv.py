"""Tab separated values: the canonical line as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...model.schema import Column
from ...rows import lines
from .base import FormatName, Refuse

_CELL = re.compile(rb"(?:[^\\\t\n\r]|\\[\\tnr])*+")


class _TSV:
    name: FormatName = "tsv"
    footer = b""
    marks = True

    def header(self, table: str, columns: Sequence[str]) -> bytes:
        return b"\t".join([lines.escape(name.encode()) for name in columns]) + b"\n"

    def header_size(self, data: bytes) -> int:
        return data.find(b"\n") + 1

    def columns(self, header: bytes) -> tuple[str, ...]:
        cells = header.removesuffix(b"\n").split(b"\t")
        if not all(map(_CELL.fullmatch, cells)):
            raise ValueError("a header of escaped column names")
        return tuple(lines.unescape(cell).decode() for cell in cells if cells != [b""])

    def encode(self, lines: bytes, columns: Sequence[Column]) -> bytes:
        return lines

    def decode(self, lines: bytes, columns: Sequence[Column | None], refuse: Refuse) -> bytes:
        return lines


TSV = _TSV()
