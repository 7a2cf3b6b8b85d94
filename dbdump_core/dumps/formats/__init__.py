"""How the rows of a data file are spelled: one file a format, behind one manifest."""

from __future__ import annotations

from ...errors import UsageError, shown
from .base import Format, FormatName
from .py import PY
from .tsv import TSV

__all__ = ["FORMATS", "Format", "FormatName", "format_named"]

FORMATS: dict[str, Format] = {format_.name: format_ for format_ in (TSV, PY)}
"""Formats by name, which is also the ending of their files."""


def format_named(name: str) -> Format:
    """Return the format called `name`; raises UsageError naming the ones there are."""
    if name not in FORMATS:
        raise UsageError(f"unknown format {shown(name)}; use {' or '.join(FORMATS)}")
    return FORMATS[name]
