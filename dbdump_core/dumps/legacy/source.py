"""A folder of 2007: one file `TABLE.py` a table and no manifest, as a source; its targets stand beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ...errors import DumpError, ValueRefusedError, shown
from ...model.abc import BLOCK_BYTES, Block, Emit, ReadTask
from ...model.names import Names
from ...model.results import Detail
from ...model.schema import Column, Default, DefaultKind, Schema, Table, TableKey
from ...model.types import TEXT, stored
from ...rows.checking import Checker, passed
from ..formats.literals import Broken
from ..formats.py import Read, canonical, read_record, reader
from ..parts import LINE_LIMIT
from ..reader import ArchiveSource
from ..storage import open_regular, quoted, reading
from .head import Head, read_head
from .targets import LegacyTarget, PrintTarget
from .values import default_for, value_reader

__all__ = ["LegacySource", "LegacyTarget", "PrintTarget"]

_NO_DATA = {"__init__.py"}
"""Files that make a folder a package; a table of that name is written under another one."""
_FOOTER = re.compile(rb"[ \t]*\][ \t]*(?:#.*)?\r?\n?")
_NOTHING = re.compile(rb"[ \t]*(?:#.*)?\r?\n?")


@dataclass(frozen=True, slots=True)
class _File:
    """A data file and what its head said."""

    path: Path
    label: str
    head: Head


class LegacySource(ArchiveSource):
    """A folder of 2007. What its files are taken for is told by `tables`, as they know no types.

    `missing`: the tables that have no file. `defaults`: what the files fill absent columns with.
    `zone`: the time zone that timestamps of old files are local to, where a column keeps moments;
    None takes them for what the column holds. `partial`: files of other tables are nothing to speak of.
    Nothing in the folder is imported or run.
    Raises DumpError for a file that is none of these, with file, line and character.
    """

    typed = False
    marks = False

    def __init__(
        self, path: Path, tables: Schema, *, engine: str, zone: str | None = None, partial: bool = False
    ) -> None:
        super().__init__(str(path), allow_edited=True)
        self.folder = path
        self.engine = engine
        self._zone = zone
        self._note_other: type[str] = Detail if partial else str
        self._files: dict[TableKey, _File] = {}
        self._tables: dict[TableKey, Table] = {}
        self._find(tables)
        with reading(path):
            self._note_mode(path)
        found = [table for table in tables if table.key in self._files]
        self._tables = {table.key: _described(table, self._files[table.key].head) for table in found}
        self.missing = tuple(table.key for table in tables if table.key not in self._files)
        self.defaults = {key: self._absent(tables.by_key[key], file) for key, file in self._files.items()}

    def schema(self) -> Schema:
        """Return the tables that have a file, with the columns of its fields."""
        return Schema(tuple(self._tables.values()), tuple(self.notes))

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Hand the records of one file to `emit`; raises ValueRefusedError with file, line and character."""
        self._refuse_where(task)
        file = self._files.get(task.table.key)
        if file is None:
            raise DumpError(f"{shown(self.name, 500)} has no table {shown(task.table.key)}")
        with _opened(file.path) as opened:
            if read_head(opened, file.label) != file.head:
                raise DumpError(f"{file.label} changed while it was read; load it again")
            records = _Records(file, task, self._readers(file, task))
            for block in records.blocks(opened):
                self._check_cancelled()
                emit(block)

    def _readers(self, file: _File, task: ReadTask) -> list[Read]:
        """Return what reads each field; those that the task does not want may hold anything."""
        wanted = {column.name for column in task.columns}
        known = self._tables[task.table.key].by_name
        old = file.head.coding is not None
        return [
            value_reader(known[name].type, old=old, zone=self._zone) if name in wanted else reader(None)
            for name in file.head.fields
        ]

    def _find(self, tables: Schema) -> None:
        keys = {str(table.key): table.key for table in tables}
        known = Names(keys)
        if not self.folder.is_dir():
            raise DumpError(f"{quoted(self.folder)} is not a folder; give the one that the data files are in")
        with reading(self.folder):
            names = sorted(entry.name for entry in os.scandir(self.folder) if entry.name.endswith(".py"))
        for name in names:
            if name in _NO_DATA:
                continue
            file = self._open(self.folder / name)
            found = known.find(file.head.table, f"{file.label}: table")
            key = None if found is None else keys[found]
            if key is None:
                note = f"{file.label}: table {shown(file.head.table)} is not asked for; not loaded"
                self.notes.append(self._note_other(note))
            elif key in self._files:
                raise DumpError(
                    f"{self._files[key].label} and {file.label} both hold table {shown(key)}; remove one of them"
                )
            else:
                self._files[key] = file

    def _open(self, path: Path) -> _File:
        label = quoted(path)[1:-1]
        with _opened(path) as opened:
            return _File(path, label, read_head(opened, label))

    def _absent(self, table: Table, file: _File) -> Mapping[str, Default]:
        """Return the defaults of columns that the records do not hold, as their columns have them."""
        there = Names(file.head.fields)
        for name in file.head.defaults:
            if name in there:
                self.notes.append(f"{file.label}: field {shown(name)} is in the records; its default is not needed")
        names = Names(table.by_name)
        found = {name: names.find(name, f"{file.label}: field") for name in file.head.defaults if name not in there}
        columns = {name: None if one is None else table.by_name[one] for name, one in found.items()}
        return {
            name: self._default(file, name, file.head.defaults[name], column) for name, column in columns.items()
        }

    def _default(self, file: _File, name: str, default: Default, column: Column | None) -> Default:
        if column is None:
            return default
        try:
            return default_for(default, column.type, old=file.head.coding is not None, zone=self._zone)
        except ValueError as error:
            raise DumpError(f"{file.label}: default of field {shown(name)}: expected {error}; correct it") from None


class _Records:
    """The records of a file on their way in."""

    def __init__(self, file: _File, task: ReadTask, readers: Sequence[Read]) -> None:
        self._file = file
        self._task = task
        self._readers = readers
        fields = list(file.head.fields)
        missing = [column.name for column in task.columns if column.name not in fields]
        if missing:
            raise DumpError(
                f"{file.label}: table {shown(task.table.key)} has no field {', '.join(map(shown, missing))};"
                f" its fields are {', '.join(map(shown, fields)) or 'none'}"
            )
        self._positions = [fields.index(column.name) for column in task.columns]
        types = {column.name: stored(column.type) for column in task.columns}
        own = {name: type_ for name, type_ in types.items() if task.checks.get(name) != type_}
        self._checkers = [Checker(replace(task, checks=own)), Checker(task)]
        self._rows: list[list[str]] = []
        self._lines: list[int] = []

    def blocks(self, opened: BinaryIO) -> Iterator[Block]:
        """Yield the records from where the file stands as blocks of canonical lines."""
        size = 0
        for number, line in self._records(opened):
            error = self._read(number, line)
            if error is not None:
                # What is wrong with the records before it is told before it.
                if self._rows:
                    yield self._block()
                self._refuse(error)
            size += len(line)
            if size >= BLOCK_BYTES:
                yield self._block()
                size = 0
        if self._rows:
            yield self._block()

    def _records(self, opened: BinaryIO) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that should be records, with their numbers; look that the list is ended."""
        ended = self._file.head.empty
        number = self._file.head.lines
        while line := opened.readline(LINE_LIMIT + 1):
            number += 1
            if len(line) > LINE_LIMIT:
                raise DumpError(f"{self._file.label}:{number}: a line of more than {LINE_LIMIT} bytes; shorten it")
            if _NOTHING.fullmatch(line):
                continue
            if ended:
                raise DumpError(f"{self._file.label}:{number}: something follows the end of the records; remove it")
            ended = _FOOTER.fullmatch(line) is not None
            if not ended:
                yield number, line
        if not ended:
            raise DumpError(
                f"{self._file.label} is cut: no line ']' ends its records; put it back if the rest is whole"
            )

    def _read(self, number: int, line: bytes) -> ValueRefusedError | None:
        """Take a record; return the error for a line that is none."""
        head = self._file.head
        try:
            text = line.decode(head.encoding).rstrip("\n")
            cells = read_record(text, self._readers, head.coding)
        except UnicodeDecodeError as error:
            character = len(line[: error.start].decode(head.encoding)) + 1
            return self._error(f"{number}:{character}", f"valid {head.encoding}")
        except Broken as error:
            return self._error(f"{number}:{error.at + 1}", str(error))
        self._rows.append([cells[at] for at in self._positions])
        self._lines.append(number)
        return None

    def _error(self, where: str, expected: str) -> ValueRefusedError:
        return ValueRefusedError(f"{self._file.label}:{where}: table {self._task.table.key}: expected {expected}")

    def _refuse(self, error: ValueRefusedError) -> None:
        if self._task.on_error is None:
            raise error
        self._task.on_error(error)

    def _block(self) -> Block:
        lines, block = self._lines, Block(canonical(self._rows), len(self._rows))
        self._rows, self._lines = [], []
        return passed(block, self._checkers, lambda row: f"{self._file.label}:{lines[row]}", self._task.on_error)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading line by line. Raises DumpError for links, FIFOs and devices."""
    with open_regular(path, buffering=BLOCK_BYTES) as file, reading(path):
        yield file


def _described(table: Table, head: Head) -> Table:
    """Return the table with the columns that a file has.

    One that the table lacks is what the column is that refers to it, whose old name it is; others are text.
    """
    field = f"table {shown(table.key)}: field"
    own = Names(table.by_name)
    known = dict(table.by_name)
    for name, default in head.defaults.items():
        old = str(default.value)
        if default.kind is DefaultKind.REFERENCE and old not in own and (new := own.find(name, field)) is not None:
            known[old] = Column(new, known[new].type)
    described = Names(known)
    found = {name: described.find(name, field) for name in head.fields}
    columns = tuple(
        Column(name, TEXT) if one is None else replace(known[one], name=name) for name, one in found.items()
    )
    names = {column.name for column in columns}
    return replace(
        table,
        columns=columns,
        primary_key=table.primary_key if names.issuperset(table.primary_key) else (),
        unique=tuple(key for key in table.unique if names.issuperset(key.columns)),
        foreign_keys=tuple(key for key in table.foreign_keys if names.issuperset(key.columns)),
        indexes=tuple(index for index in table.indexes if names.issuperset(index.columns)),
    )
