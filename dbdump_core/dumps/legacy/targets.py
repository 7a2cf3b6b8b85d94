"""Where a dump of 2007 goes: a folder of `TABLE.py` files, a console, or nowhere but before the eyes."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from ...errors import RefusedError, UnsafeError, UsageError, ValueRefusedError, shown
from ...model.abc import Block, Emit, Plan, ReadTask, Snapshot, Source, TablePlan, TableResult, WriteTask
from ...model.abc import Path as Way
from ...model.names import fold
from ...model.schema import Column, Schema, Table, TableKey
from ...model.types import TIMESTAMPTZ, Kind, Type
from ...rows.conversions import Convert, conversion
from ...rows.lines import row_name, split_rows
from ..formats.py import FOOTER, PY, writer
from ..leftovers import remove_leftovers
from ..storage import close_synced, create_file, create_folder, partial_names, quoted, storing, sync_folder

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SAFE = re.compile(r"[A-Za-z0-9_.-]")
# Names that Windows keeps for devices whatever follows the point, and the one that makes a package.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?|__init__", re.IGNORECASE)
_LONGEST_NAME = 200
"""Bytes of a file name; file systems take 255, and a partial name is longer."""


class _Sink(ABC):
    """Text in one row; whatever is not committed leaves nothing behind."""

    @abstractmethod
    def begin(self, key: TableKey) -> None:
        """Go on to the file of a table."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Add to the file."""

    def commit(self) -> None:  # noqa: B027 - a stream has nothing to keep back
        """Make it last."""

    def discard(self) -> None:  # noqa: B027 - as above
        """Remove what was written."""


class _StreamSink(_Sink):
    """A text stream; what its encoding lacks is written as escapes, which mean the same in literals."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, key: TableKey) -> None:
        """Let one table follow the other."""

    def write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        with storing("the console"):
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def commit(self) -> None:
        with storing("the console"):
            self._stream.flush()


class _FolderSink(_Sink):
    """Files under other names until the commit, which gives them theirs, in the place of older ones."""

    def __init__(self, path: Path, keys: Sequence[TableKey]) -> None:
        self._path = path
        self._names = file_names(keys)
        self._written: list[tuple[Path, Path]] = []
        self._file: BinaryIO | None = None
        self._size = 0
        for name in self._names.values():
            _refuse_other(path / name)
        with storing(path):
            self._made = not path.is_dir()
            if self._made:
                create_folder(path)

    def begin(self, key: TableKey) -> None:
        self._end()
        path = self._path / self._names[key]
        remove_leftovers(path)
        with storing(path):
            for partial in partial_names(path):
                with contextlib.suppress(FileExistsError):
                    self._file = create_file(partial)
                    self._written.append((partial, path))
                    return

    def write(self, text: str) -> None:
        if self._file is not None:
            data = text.encode()
            self._size += len(data)
            with storing(self._path):
                self._file.write(data)

    def commit(self) -> None:
        self._end()
        with storing(self._path):
            while self._written:
                partial, path = self._written[0]
                partial.replace(path)
                self._written.pop(0)
            self._made = False
            sync_folder(self._path)

    def discard(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        # The error that led here is the one to tell; what cannot be removed is named unfinished.
        for partial, _ in self._written:
            with contextlib.suppress(OSError):
                partial.unlink()
        if self._made:
            with contextlib.suppress(OSError):
                self._path.rmdir()

    def _end(self) -> None:
        file, self._file = self._file, None
        size, self._size = self._size, 0
        if file is not None:
            with storing(self._path):
                close_synced(file, size)


def file_names(keys: Sequence[TableKey]) -> dict[TableKey, str]:
    """Return a file name for each table, none equal to another on a disk that does not tell cases apart.

    Characters that are not safe everywhere become `%` and two hex digits for each byte of UTF-8.
    """
    names: dict[TableKey, str] = {}
    taken: set[Hashable] = set()
    for key in keys:
        stem, number = _safe(str(key)), 1
        name = f"{stem}.py"
        while fold(name) in taken:
            number += 1
            name = f"{stem}~{number}.py"
        taken.add(fold(name))
        names[key] = name
    return names


def _safe(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name) and not _RESERVED.fullmatch(name):
        return name[:_LONGEST_NAME]
    if not name:
        return "%"
    first = "" if _PLAIN_NAME.match(name) and not _RESERVED.fullmatch(name) else _percent(name[:1])
    return (first + "".join(c if _SAFE.match(c) else _percent(c) for c in name[bool(first) :]))[:_LONGEST_NAME]


def _percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def _refuse_other(path: Path) -> None:
    """Raise RefusedError where what would be replaced is no regular file."""
    with storing(path), contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise RefusedError(f"{quoted(path)} is there and no regular file; remove it or choose another folder")


class _Writer:
    """What all that only take text have in common: nothing can be read back from them."""

    def take(self, plan: TablePlan) -> int | None:
        """Take nothing by another way than `write`."""
        return None

    def read_taken(self, task: ReadTask, emit: Emit) -> None:
        """Hand on nothing: nothing was taken."""

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Refuse: what was written is text."""
        raise UsageError("what is written as text cannot be read back while it is written")

    def path(self, task: WriteTask) -> Way:
        """Tell that each row went through Python."""
        return Way.PORTABLE


class LegacyWriter(_Writer):
    """Writes the tables of a plan, one after the other in the plan's order."""

    def __init__(self, sink: _Sink, plan: Plan) -> None:
        self._sink = sink
        self._plan = plan
        self._index = {table.target.key: at for at, table in enumerate(plan.tables)}
        self._table = -1
        self._instants: dict[int, Convert] = {}
        self._columns: tuple[Column, ...] = ()
        self.committed = False

    def write(self, task: WriteTask, block: Block) -> None:
        """Append the block's records. Raises ValueRefusedError for what the format cannot say."""
        self._reach(self._index[task.table.key])
        data = self._with_instants(task, block) if self._instants else block.data
        try:
            self._sink.write(PY.encode(data, self._columns).decode())
        except ValueError as error:
            raise ValueRefusedError(f"table {shown(task.table.key)}: {error}; format py cannot say it") from None

    def finish(self) -> None:
        """End the last table; those that got no rows have a file without records."""
        self._reach(len(self._plan.tables) - 1)

    def commit(self, results: Sequence[TableResult], snapshot: Snapshot) -> None:
        """Give the files their names."""
        self.finish()
        self._end()
        self._sink.commit()
        self.committed = True

    def _reach(self, table: int) -> None:
        while self._table < table:
            self._end()
            self._table += 1
            self._begin(self._plan.tables[self._table])
        if self._table > table:
            raise UsageError(
                f"table {shown(self._plan.tables[table].target.key)} was written to after its end;"
                " a dump takes the tables of its plan in their order"
            )

    def _begin(self, planned: TablePlan) -> None:
        known, self._instants, columns = planned.target.by_name, {}, []
        for at, column in enumerate(planned.write.columns):
            told = known.get(column.name, column).type
            local = told.kind is Kind.TIMESTAMP and told.name is not None
            convert = conversion(told, TIMESTAMPTZ) if local else None
            if convert is not None:
                self._instants[at] = convert
            columns.append(Column(column.name, TIMESTAMPTZ) if convert is not None else column)
        self._columns = tuple(columns)
        self._sink.begin(planned.target.key)
        self._sink.write(PY.header(str(planned.target.key), [column.name for column in columns]).decode())

    def _with_instants(self, task: WriteTask, block: Block) -> bytes:
        """Return lines whose local times have become moments, as a file knows no zone of a column."""
        lines = []
        for cells in split_rows(block):
            for at, convert in self._instants.items():
                try:
                    cells[at] = convert(cells[at])
                except ValueError as error:
                    row = row_name(task.table, task.columns, cells)
                    raise ValueRefusedError(
                        f"table {task.table.key}, column {task.columns[at].name}, row {row}: {shown(cells[at])}"
                        f" is not {error}; correct it"
                    ) from None
            lines.append(b"\t".join(cells))
        return b"\n".join([*lines, b""])

    def _end(self) -> None:
        if self._table >= 0:
            self._sink.write(FOOTER)


class _TextTarget:
    """What takes rows as text: it holds none yet and is no database."""

    typed = False
    marks = False
    rereads = False
    engine = "python"
    name: str

    def occupied(self, tables: Sequence[Table]) -> Sequence[TableKey]:
        """Return none of them: files of an earlier dump are replaced, as in 2007."""
        return []

    def limit(self, type_: Type) -> None:
        """Return nothing: text takes every value."""

    def planned(self, tables: Sequence[Table], engine: str) -> Sequence[Table]:
        """Return the tables as they are."""
        return tables

    def computes_alike(self, table: Table, pair: tuple[Column, Column], engine: str) -> bool:
        """Compute nothing: values are kept as they come."""
        return True

    def adopt(self, source: Source) -> bool:
        """Take no part in another engine's work."""
        return False

    def refuse_same(self, source: Source) -> None:
        """Raise UnsafeError for a folder onto itself."""

    def close(self) -> None:
        """Do nothing: no file stays open outside `writing`."""


class LegacyTarget(_TextTarget):
    """A dump of 2007: a folder, made when missing, or a text stream that gets all files one after the other.

    Files of tables that are dumped anew are replaced, all of them at the end; others are left alone.
    """

    creates = True

    def __init__(self, path: Path | TextIO) -> None:
        self._place = path
        if isinstance(path, Path):
            # Made absolute now: a change of the working folder must not move the dump.
            self._place = path.absolute()
        self.name = str(path) if isinstance(path, Path) else "standard output"

    def schema(self) -> Schema:
        """Return no tables: they are made anew."""
        return Schema()

    def refuse_same(self, source: Source) -> None:
        """Raise UnsafeError for a folder onto itself."""
        there = getattr(source, "folder", None)
        if isinstance(self._place, Path) and isinstance(there, Path) and there.resolve() == self._place.resolve():
            raise UnsafeError(f"{shown(self.name, 500)} is what is being read; choose another folder")

    @contextmanager
    def writing(self, plan: Plan) -> Iterator[LegacyWriter]:
        """Write the files; whatever happens before `commit` returned leaves the folder as it was."""
        keys = [table.target.key for table in plan.tables]
        place = self._place
        sink = _FolderSink(place, keys) if isinstance(place, Path) else _StreamSink(place)
        written = LegacyWriter(sink, plan)
        try:
            yield written
        finally:
            if not written.committed:
                sink.discard()


class PrintWriter(_Writer):
    """Prints what would be inserted."""

    def __init__(self, stream: TextIO) -> None:
        self._sink = _StreamSink(stream)

    def write(self, task: WriteTask, block: Block) -> None:
        """Print a line for each row: the table, its fields and their values as literals."""
        writers = [(f"{_shown(column.name)}=", _printing(column)) for column in task.columns]
        table = _shown(str(task.table.key))
        self._sink.write(
            "".join(
                f"{table}: {', '.join(name + show(cell) for (name, show), cell in zip(writers, cells, strict=False))}\n"
                for cells in split_rows(block)
            )
        )

    def finish(self) -> None:
        """Do nothing: there is nothing to end."""

    def commit(self, results: Sequence[TableResult], snapshot: Snapshot) -> None:
        """Let all lines be seen."""
        self._sink.commit()


def _shown(name: str) -> str:
    return shown(name, 500)[1:-1]


def _printing(column: Column) -> Callable[[bytes], str]:
    write = writer(column.type)
    return lambda cell: write(cell.decode("utf-8", "surrogateescape"))


class PrintTarget(_TextTarget):
    """Where rows go that are only to be looked at: the tables of `schema` stay as they are."""

    creates = False
    typed = True

    def __init__(self, stream: TextIO, schema: Schema) -> None:
        self.name = "what would be inserted"
        self._stream = stream
        self._schema = schema

    def schema(self) -> Schema:
        """Return the tables that the rows would go to."""
        return self._schema

    @contextmanager
    def writing(self, plan: Plan) -> Iterator[PrintWriter]:
        """Print; nothing has to be undone."""
        yield PrintWriter(self._stream)
