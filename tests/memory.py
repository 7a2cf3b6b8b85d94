"""A source that holds its rows: real enough to fill any database, simple enough to be believed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from dbdump_core.model.abc import Block, Emit, Path, ReadTask, Snapshot
from dbdump_core.model.schema import Default, Schema, Table, TableKey
from dbdump_core.rows.checking import Checker, passed
from dbdump_core.rows.lines import NULL, escape

Row = tuple[str | None, ...]


def line(row: Row) -> bytes:
    """The canonical line of texts."""
    return b"\t".join([NULL if text is None else escape(text.encode()) for text in row]) + b"\n"


@dataclass
class MemorySource:
    """Tables and their rows as canonical texts. `block_rows`: rows in each block."""

    tables: Mapping[Table, Sequence[Row]]
    engine: str = "memory"
    typed: bool = True
    marks: bool = False
    block_rows: int = 2
    name: str = "memory"
    order: Sequence[TableKey] | None = None
    level: Snapshot | None = None
    defaults: Mapping[TableKey, Mapping[str, Default]] = field(default_factory=dict)
    finished: bool = field(default=False, init=False)

    def schema(self) -> Schema:
        return Schema(tuple(self.tables))

    @contextmanager
    def snapshot(self, tables: Sequence[Table]) -> Iterator[Snapshot]:
        yield Snapshot.CONSISTENT

    def try_condition(self, table: Table, condition: str) -> None:
        raise NotImplementedError

    def read(self, task: ReadTask, emit: Emit) -> None:
        checker = Checker(task)
        at = [task.table.columns.index(column) for column in task.columns]
        rows = next(rows for table, rows in self.tables.items() if table.key == task.table.key)
        for start in range(0, len(rows), self.block_rows):
            part = rows[start : start + self.block_rows]
            data = b"".join(line(tuple(row[position] for position in at)) for row in part)
            block = Block(data, len(part))
            emit(passed(block, [checker], None, task.on_error))

    def path(self, task: ReadTask) -> Path:
        return Path.NATIVE

    def estimate(self, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        return {table.key: len(rows) for table, rows in self.tables.items()}

    def finish(self) -> None:
        self.finished = True

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        pass
