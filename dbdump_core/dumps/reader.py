"""A dump on disk as a source: proved whole before anything is written anywhere."""

from __future__ import annotations

import itertools
import pathlib
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from ..errors import DumpError, InterruptedRunError, UsageError, shown
from ..model.abc import Emit, Path, ReadTask, Snapshot
from ..model.schema import Default, Schema, Table, TableKey
from . import manifest as m
from .compression import compression_of, decompress
from .formats import format_named
from .inputs import Input, no_dump, read_small
from .parts import ALLOW_EDITED, EDITED_LINE_BYTES, Part, View, difference
from .schema_file import SchemaFile

_Result = TypeVar("_Result")


class ArchiveSource(ABC):
    """What dumps of all kinds have in common.

    `notes`: what a person should know of this dump, one line each, also found in the schema's notes;
    with `typed`, known once `schema` has returned (for a stream, once `finish` has). `level`: the
    snapshot that the dump was made of, None as long as it is not known. `version`: of its format;
    `edited`: some of it is not as it was dumped. `extra`: facts that its maker added to the manifest, of
    any JSON values: check them before use. What a stream tells at its end is known then.
    """

    name: str
    engine: str
    version: int
    data_format: str
    compression: str | None = None
    edited: bool = False
    typed: bool = True
    marks: bool = False
    order: Sequence[TableKey] | None = None
    level: Snapshot | None = None
    defaults: Mapping[TableKey, Mapping[str, Default]] = MappingProxyType({})
    extra: Mapping[str, Any] = MappingProxyType({})
    _cancelled: bool = False

    def __init__(self, name: str, *, allow_edited: bool) -> None:
        self.name = name
        self.notes: list[str] = []
        self._allow_edited = allow_edited

    @abstractmethod
    def schema(self) -> Schema:
        """Return the dump's own schema. Raises DumpError, or SchemaError for an edited schema.yaml."""

    def try_condition(self, table: Table, condition: str) -> None:
        """Raise UsageError: nothing here works out SQL."""
        raise no_condition(table)

    @abstractmethod
    def read(self, task: ReadTask, emit: Emit) -> None:
        """Hand the rows of one table to `emit`; raises DumpError, ValueRefusedError with file and line."""

    def snapshot(self, tables: Sequence[Table]) -> AbstractContextManager[Snapshot]:
        """Hold nothing: a dump does not change. What is not known yet counts as NONE."""
        return nullcontext(self.level or Snapshot.NONE)

    def path(self, task: ReadTask) -> Path:
        """Tell that the lines came as they are."""
        return Path.NATIVE

    def estimate(self, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        """Return the rows of tables, as far as they are known."""
        return {}

    def rows(self) -> Mapping[TableKey, int]:
        """Return how many rows each table has, once all was read, as far as that is known."""
        return {}

    def finish(self) -> None:  # noqa: B027 - most dumps have nothing left to say
        """Do nothing: a dump on disk was proved beforehand."""

    def cancel(self) -> None:
        """Make what reads in other threads raise InterruptedRunError."""
        self._cancelled = True

    def close(self) -> None:  # noqa: B027 - as above
        """Do nothing: no file stays open between reads."""

    def _check_cancelled(self) -> None:
        if self._cancelled:
            raise InterruptedRunError(f"reading {shown(self.name, 500)} was stopped")

    def _note_mode(self, path: pathlib.Path) -> None:
        mode = path.stat().st_mode
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            self.notes.append(f"{shown(self.name, 500)} can be written by others than its owner")

    def _refuse_where(self, task: ReadTask) -> None:
        if task.where is not None:
            raise no_condition(task.table)


def no_condition(table: Table) -> UsageError:
    """Return the error for a condition on rows of a dump."""
    return UsageError(
        f"table {shown(table.key)}: a dump cannot be filtered by an SQL condition;"
        " load it and filter there, or filter when dumping"
    )


class _Seen(NamedTuple):
    """A file as the manifest has it, as it is, and the mark of its content."""

    expected: m.FileEntry
    seen: m.FileEntry
    mark: bytes


class StoredSource(ArchiveSource):
    """A dump in a folder or tar file. Opening it reads the manifest; once `schema` returns, the rest is proved.

    The proof begins at once in a thread of its own: a target is opened meanwhile.
    """

    def __init__(self, source: Input, *, allow_edited: bool) -> None:
        super().__init__(str(source.path), allow_edited=allow_edited)
        self._schema: Schema | None = None
        self.input = source
        if m.MANIFEST_NAME not in source.members or m.SCHEMA_NAME not in source.members:
            raise no_dump(source.path, source.members)
        self.manifest = m.load_manifest(
            read_small(source, m.MANIFEST_NAME), file=source.label(m.MANIFEST_NAME)
        )
        self.engine = self.manifest.engine
        self.version = self.manifest.version
        self.level = Snapshot(self.manifest.snapshot)
        self.extra = self.manifest.extra
        self.compression = self.manifest.compression
        self.data_format = self.manifest.data_format
        self._format = format_named(self.data_format)
        self.marks = self._format.marks
        self._index: dict[TableKey, int] = {}
        self._names: list[list[str | None]] = []
        self._seen: dict[int, list[_Seen]] = {}
        self._proof = in_background(self._prove, name="dbdump-proof")

    def schema(self) -> Schema:
        """Check all files against the manifest, once, and return the schema."""
        if self._schema is None:
            self._check_names()
            schema = self._read_schema()
            self._seen = self._proof.result()
            self._note_edits()
            self._note_mode(self.input.path)
            self._schema = replace(schema, notes=(*schema.notes, *self.notes))
        return self._schema

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Hand the rows of one table to `emit`; each file must be what it was when it was proved."""
        self._refuse_where(task)
        self.schema()
        index = self._index.get(task.table.key)
        if index is None:
            raise DumpError(f"{shown(self.name, 500)} has no table {shown(task.table.key)}")
        view = View(task, self._names[index], strict=not self.typed, format=self._format)
        for expected, file, mark in self._seen[index]:
            part = self._part(file, limit=file.bytes, proves=False)
            for block in view.blocks(part, part.blocks(), marks=expected.marked > 0 or not self.typed):
                emit(block)
            if part.mark != mark:
                raise DumpError(f"{part.file}: it changed while it was read, load it again")

    def estimate(self, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        """Return the rows of tables, exactly."""
        self.schema()
        wanted = {table.key for table in tables}
        return {key: self.manifest.tables[at].rows for key, at in self._index.items() if key in wanted}

    def rows(self) -> Mapping[TableKey, int]:
        """Return how many rows each table has now, edits included."""
        self.schema()
        return {key: sum(one.seen.rows for one in self._seen[at]) for key, at in self._index.items()}

    def _check_names(self) -> None:
        there = {name for name in self.input.members if name not in (m.MANIFEST_NAME, m.SCHEMA_NAME)}
        named = {file.path for file in self.manifest.files}
        if missing := sorted(named - there):
            raise DumpError(f"{shown(self.name, 500)} lacks {listed(missing)}; copy the whole dump anew")
        if extra := sorted(there - named):
            raise DumpError(f"{shown(self.name, 500)} holds {listed(extra)}, not in its manifest; remove it")

    def _read_schema(self) -> Schema:
        data, label = read_small(self.input, m.SCHEMA_NAME), self.input.label(m.SCHEMA_NAME)
        file = SchemaFile(data, file=label, version=self.version)
        tables = self.manifest.tables
        columns = {table.key: table.columns for table in tables}
        if unknown := [table.key for table in file.described if table.key not in columns]:
            raise DumpError(f"{label} describes {listed(unknown)}, of which there is no data; take it out")
        edits = file.edits(self.manifest)
        if edits and not self._allow_edited:
            raise DumpError(edited(edits))
        self.notes += [*file.marks(), *edits]
        self._index = {new: at for at, table in enumerate(tables) if (new := file.new_key(table.key)) is not None}
        self._names = [file.new_names(table.key, table.columns) for table in tables]
        self.defaults = file.defaults(columns)
        # Types may have changed, or stand for others' values, so nothing is known of the values any more.
        self.typed = not edits and not self.defaults
        self.edited = bool(edits)
        return file.schema

    def _part(self, file: m.FileEntry, *, limit: int | None, proves: bool) -> Part:
        label = self.input.label(file.path)
        # Whoever edits a file by hand adds no more than this to one line.
        longest = file.bytes + EDITED_LINE_BYTES
        chunks = decompress(self._stored(file.path), compression_of(file.path), file=label)
        part = Part(chunks, file=label, format=self._format, limit=limit, longest=longest, proves=proves)
        table = self.manifest.tables[file.table]
        header, expected = part.header(), self._format.header(str(table.key), table.columns)
        if header != expected:
            line, (there, wanted) = other_line(header, expected)
            raise DumpError(
                f"{label}:{line}: the header is {shown(there)} where the manifest says"
                f" {shown(wanted)}; was it swapped with another file?"
            )
        return part

    def _stored(self, member: str) -> Iterator[bytes]:
        for chunk in self.input.chunks(member):
            self._check_cancelled()
            yield chunk

    def close(self) -> None:
        """End a proof that nobody waits for any more."""
        self.cancel()
        futures.wait([self._proof])

    def _prove(self) -> dict[int, list[_Seen]]:
        return {at: list(map(self._proved, self.manifest.files_of(at))) for at in range(len(self.manifest.tables))}

    def _proved(self, file: m.FileEntry) -> _Seen:
        """Read a file through; return what it holds now. Raises DumpError where that may not differ."""
        part = self._part(file, limit=None if self._allow_edited else file.bytes, proves=True)
        for _ in part.blocks():
            pass
        seen = part.entry(file.path, file.table)
        problem = difference(seen, file)
        if problem and not self._allow_edited:
            raise DumpError(f"{part.file} {problem}; {ALLOW_EDITED}")
        part.check_ended()
        return _Seen(file, seen, part.mark)

    def _note_edits(self) -> None:
        for file, seen, _ in itertools.chain.from_iterable(self._seen.values()):
            if difference(seen, file):
                self.typed, self.edited = False, True
                label = self.input.label(file.path)
                self.notes.append(f"{label} was edited: {file.rows} rows when dumped, {seen.rows} now")


def in_background(work: Callable[[], _Result], *, name: str) -> futures.Future[_Result]:
    """Do the work in a thread that no program waits for when it ends."""
    future: futures.Future[_Result] = futures.Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def edited(edits: Sequence[str]) -> str:
    """Return the refusal of a schema.yaml that is not the one that was dumped."""
    more = f" (and {len(edits) - 1} more)" if len(edits) > 1 else ""
    return f"{edits[0]}{more}; {ALLOW_EDITED}, or mark what is not wanted with drop: true"


def other_line(header: bytes, expected: bytes) -> tuple[int, tuple[bytes, bytes]]:
    """Return the number of the first line in which two headers differ, and that line of both."""
    pairs = itertools.zip_longest(header[:-1].split(b"\n"), expected[:-1].split(b"\n"), fillvalue=b"")
    return next((number, pair) for number, pair in enumerate(pairs, 1) if pair[0] != pair[1])


def listed(names: Sequence[object]) -> str:
    """Return the first few names for a message."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (", ".join(shown(name) for name in names[:5]) or "nothing") + more
