"""Is a dump whole? Told without a target."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from ..model.abc import Block, ReadTask
from ..model.results import CheckedDump, Snapshot
from ..model.schema import Table
from ..model.types import stored
from . import open_source
from .reader import ArchiveSource


def checked(path: str, *, allow_edited: bool) -> CheckedDump:
    """Prove the dump at `path` as a load would, and return what it holds. Raises DbdumpError."""
    with closing(open_source(path, allow_edited=allow_edited)) as source:
        tables = source.schema().tables
        if not source.typed:
            for table in tables:
                source.read(_task(source, table), _pass_over)
        source.finish()
        rows = source.rows()
        return CheckedDump(
            dump=source.name,
            version=source.version,
            engine=source.engine,
            format=source.data_format,
            compression=source.compression,
            snapshot=source.level or Snapshot.NONE,
            tables=tuple((table.key, rows[table.key]) for table in tables),
            edited=source.edited,
            notes=source.schema().notes,
        )


def _task(source: ArchiveSource, table: Table) -> ReadTask:
    filled = source.defaults.get(table.key, {})
    columns = (column for column in table.columns if column.name not in filled)
    read = tuple(replace(column, type=stored(column.type)) for column in columns)
    return ReadTask(table, read, marks=frozenset(column.name for column in read if source.marks))


def _pass_over(block: Block) -> None:
    """Want nothing of it: its values were looked at as it came."""
