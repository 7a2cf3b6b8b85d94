"""A dump arriving on standard input: read once, in its order, and proved by the manifest at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

from ..errors import DumpError, UsageError, shown
from ..model.abc import Block, Emit, ReadTask, Snapshot
from ..model.schema import Schema, TableKey
from . import manifest as m
from . import tar
from .compression import compression_of, decompress
from .formats import FORMATS, Format
from .inputs import unknown_member
from .parts import ALLOW_EDITED, Part, View, difference
from .reader import ArchiveSource, edited, listed
from .schema_file import SchemaFile, first_line
from .storage import raw_stream, reading, wait_for

_NAME = "standard input"
_PACK = "take the dump again, or unpack it and load the folder"
_WAKE_SECONDS = 0.2
"""How often a read that waits for the sender looks whether it was cancelled."""


class _Steps:
    """A stream read in steps that a cancel can come between."""

    def __init__(self, stream: BinaryIO, check: Callable[[], None]) -> None:
        self._stream = raw_stream(stream)
        self._check = check

    def read(self, size: int, /) -> bytes:
        with reading(_NAME):
            while True:
                self._check()
                if wait_for(self._stream, seconds=_WAKE_SECONDS):
                    data: bytes | None = self._stream.read(size)
                    if data is not None:
                        return data


@dataclass(slots=True)
class _Arrival:
    """A data file that is passing: `blocks` is what is left of it."""

    path: str
    part: Part
    blocks: Iterator[Block]


class StreamSource(ArchiveSource):
    """A tar stream. Nothing of it may last before `finish` has found data and manifest in agreement.

    Tables that nobody reads are still hashed. With `allow_edited` the values are looked at one by
    one, because only the end would tell whether that was needed.
    """

    def __init__(self, stream: BinaryIO, *, allow_edited: bool) -> None:
        super().__init__(_NAME, allow_edited=allow_edited)
        self.typed = not allow_edited
        self._reader = tar.Reader(_Steps(stream, self._check_cancelled), _NAME)
        self._next: tar.Member | None = None
        self._table = -1
        self._arrival: _Arrival | None = None
        self._columns: list[list[str]] = []
        self._seen: list[m.FileEntry] = []
        data = self._small(m.SCHEMA_NAME)
        self.version, self.engine, self._format = _first_line(data)
        self.data_format = self._format.name
        self.marks = self._format.marks
        self._file = SchemaFile(data, file=f"{_NAME}: {m.SCHEMA_NAME}", version=self.version)
        self._keys = [table.key for table in self._file.described]
        self._new_keys = list(map(self._file.new_key, self._keys))
        self.order = [key for key in self._new_keys if key is not None]
        self.notes += self._file.marks()

    def schema(self) -> Schema:
        """Return the schema, which came first; its notes grow as the end tells more."""
        return replace(self._file.schema, notes=(*self._file.schema.notes, *self.notes))

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Hand the rows of one table to `emit`, passing over the tables before it."""
        self._refuse_where(task)
        if task.table.key not in self._new_keys:
            raise DumpError(f"{_NAME} has no table {shown(task.table.key)}")
        index = self._new_keys.index(task.table.key)
        self._settle()
        if index <= self._table:
            raise UsageError(f"{_NAME}: table {shown(task.table.key)} has passed; read a stream in its order")
        while (arrival := self._arrive(index)) is not None:
            if self._table == index:
                names = self._file.new_names(self._keys[index], self._columns[index])
                view = View(task, names, strict=not self.typed, format=self._format)
                for block in view.blocks(arrival.part, arrival.blocks):
                    emit(block)
            self._settle()

    def finish(self) -> None:
        """Read to the end and compare all that came with the manifest; raises DumpError."""
        if self.level is not None:
            return
        self._settle()
        while self._arrive(len(self._keys)) is not None:
            self._settle()
        data = self._small(m.MANIFEST_NAME)
        manifest = m.load_manifest(data, file=f"{_NAME}: {m.MANIFEST_NAME}")
        if (member := self._reader.next()) is not None:
            raise DumpError(f"{_NAME}: {shown(member.name)} comes after the manifest; {_PACK}")
        self._compare(manifest)
        self.extra, self.compression = manifest.extra, manifest.compression
        self.level = Snapshot(manifest.snapshot)

    def rows(self) -> Mapping[TableKey, int]:
        """Return how many rows each table had that has passed."""
        counts = [sum(file.rows for file in self._seen if file.table == at) for at in range(len(self._keys))]
        return {key: rows for key, rows in zip(self._new_keys, counts, strict=True) if key is not None}

    def _small(self, name: str) -> bytes:
        member = self._next or self._reader.next()
        self._next = None
        if member is None:
            raise DumpError(f"{_NAME} is an unfinished or cut dump: it has no {name}; take the dump again")
        if member.name != name:
            raise _out_of_order(member.name, name)
        if member.size > m.SMALL_FILE_LIMIT:
            raise DumpError(f"{_NAME}: {name} has more than {m.SMALL_FILE_LIMIT} bytes; no dump needs that")
        return b"".join(self._reader.chunks(member))

    def _arrive(self, last: int) -> _Arrival | None:
        """Open the next data file if its table is not beyond `last`."""
        member = self._next = self._next or self._reader.next()
        if member is None or member.name == m.MANIFEST_NAME:
            return None
        table = m.table_number(member.name)
        if table not in (self._table, self._table + 1) or not 0 <= table < len(self._keys):
            raise _out_of_order(member.name, "the next data file or the manifest")
        if table > last:
            return None
        self._next = None
        label = f"{_NAME}: {member.name}"
        chunks = decompress(self._reader.chunks(member), compression_of(member.name), file=label)
        part = Part(chunks, file=label, format=self._format)
        self._check_columns(table, part)
        self._table = table
        self._arrival = _Arrival(member.name, part, part.blocks())
        return self._arrival

    def _check_columns(self, table: int, part: Part) -> None:
        header, known = part.header(), self._file.described.tables[table].by_name
        try:
            # An empty line is the header of no column, and of one whose name is empty.
            found = list(self._format.columns(header)) or [""] * ("" in known)
            ours = self._format.header(str(self._keys[table]), found) == header
            columns = found if ours else None
        except ValueError:
            columns = None
        if table == self._table and columns == self._columns[table]:
            return
        if (
            columns is None
            or table == self._table
            or not (self._allow_edited or known.keys() >= set(columns))
        ):
            raise DumpError(
                f"{part.file}:1: the header is {shown(header[:-1])}, which is not of table"
                f" {shown(self._keys[table])}; was it swapped with another file?"
            )
        self._columns.append(columns)

    def _settle(self) -> None:
        """Read what is left of the data file that is passing, and keep what it was."""
        arrival, self._arrival = self._arrival, None
        if arrival is None:
            return
        for _ in arrival.blocks:
            pass
        arrival.part.check_ended()
        self._seen.append(arrival.part.entry(arrival.path, self._table))

    def _compare(self, manifest: m.Manifest) -> None:
        first = self.version, self.engine, self._format.name
        if [table.key for table in manifest.tables] != self._keys or first != (
            manifest.version,
            manifest.engine,
            manifest.data_format,
        ):
            raise DumpError(f"{_NAME}: manifest and schema.yaml are not of one dump; {_PACK}")
        if edits := self._file.edits(manifest):
            if not self._allow_edited:
                raise DumpError(edited(edits))
            self.notes += edits
            self.edited = True
        for table, columns in zip(manifest.tables, self._columns, strict=False):
            if table.columns != columns:
                raise DumpError(
                    f"{_NAME}: the files of table {shown(table.key)} name {listed(columns)}"
                    f" where the manifest says {listed(table.columns)}; was one swapped with another?"
                )
        seen, named = [file.path for file in self._seen], [file.path for file in manifest.files]
        if seen != named:
            twice = {path for path in seen if seen.count(path) > 1}
            odd = sorted(set(seen) ^ set(named) or twice) or seen
            raise DumpError(f"{_NAME}: data and manifest differ in {listed(odd)}; {_PACK}")
        for now, then in zip(self._seen, manifest.files, strict=True):
            problem = difference(now, then)
            if problem:
                self._report(f"{_NAME}: {now.path} {problem}")

    def _report(self, problem: str) -> None:
        if not self._allow_edited:
            raise DumpError(f"{problem}; {ALLOW_EDITED}")
        self.notes.append(problem)
        self.edited = True


def _out_of_order(name: str, expected: str) -> DumpError:
    if m.table_number(name) is None and name not in (m.SCHEMA_NAME, m.MANIFEST_NAME):
        return unknown_member(_NAME, name)
    return DumpError(f"{_NAME}: {shown(name)} comes where {expected} belongs; {_PACK}")


def _first_line(data: bytes) -> tuple[int, str, Format]:
    found = first_line(data)
    if found is None:
        raise DumpError(f"{_NAME}: {m.SCHEMA_NAME} does not begin with the line that names its dump; {_PACK}")
    version, data_format, engine = found
    m.check_version(version, file=f"{_NAME}: {m.SCHEMA_NAME}")
    if data_format not in FORMATS:
        raise DumpError(f"{_NAME} is in a format unknown here, {shown(data_format)}; update dbdump")
    return version, engine, FORMATS[data_format]
