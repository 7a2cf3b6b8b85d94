"""A dump as a target: rows in, data files out, the manifest last."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import RefusedError, UnsafeError, UsageError, ValueRefusedError, VerificationError, shown
from ..model import interruption
from ..model.abc import Block, Emit, Path, Plan, ReadTask, Snapshot, Source, TablePlan, TableResult, WriteTask
from ..model.schema import Column, Schema, Table, TableKey
from ..model.types import Type
from ..rows.lines import count_marks
from . import manifest as m
from .compression import SUFFIXES, Compression, compressor
from .formats import Format
from .outputs import Output, open_output, place_of, refuse_terminal
from .reader import StoredSource

SCHEMA_LIMIT = 16 * 1024 * 1024
"""The most bytes of a schema.yaml, spelled in ASCII as the manifest repeats it."""


class _OpenPart:
    """The data file that is being written."""

    def __init__(self, output: Output, *, path: str, table: int, compression: Compression | None) -> None:
        self.path = path
        self.table = table
        self.rows = 0
        self.bytes = 0
        self.marked = 0
        self._output = output
        self._hash = hashlib.sha256()
        self._compressor = compressor(compression)
        output.open(path)

    def append(self, data: bytes, rows: int, *, marks: bool = False) -> None:
        """Write lines; `marks`: cells of theirs may be marked."""
        self.rows += rows
        self.marked += count_marks(data) if marks else 0
        self.bytes += len(data)
        self._hash.update(data)
        self._store(self._compressor.compress(data))

    def close(self) -> m.FileEntry:
        self._store(self._compressor.flush())
        self._output.close()
        return m.FileEntry(
            path=self.path,
            table=self.table,
            rows=self.rows,
            bytes=self.bytes,
            sha256=self._hash.hexdigest(),
            marked=self.marked,
        )

    def _store(self, data: bytes) -> None:
        if data:
            self._output.write(data)


class ArchiveWriter:
    """Writes the tables of a plan, one after the other in the plan's order.

    A table of many bytes becomes several files, cut where the limit falls in its lines, not where
    blocks happen to end: the same rows give the same files.
    """

    def __init__(self, target: ArchiveTarget, output: Output, plan: Plan) -> None:
        self._target = target
        self._output = output
        self._plan = plan
        self._part_bytes = (target.part_bytes or output.part_bytes) - len(target.format.footer)
        self._index = {table.target.key: at for at, table in enumerate(plan.tables)}
        self._format = target.format
        self._table = -1
        self._part: _OpenPart | None = None
        self._parts = 0
        self._files: list[m.FileEntry] = []
        self.committed = False
        self._schema_text = self._schema()
        self._store(m.SCHEMA_NAME, self._schema_text.encode())

    def write(self, task: WriteTask, block: Block) -> None:
        """Append the block's lines. Raises VerificationError where it is not whole lines."""
        if block.data.count(b"\n") != block.rows or (block.data and not block.data.endswith(b"\n")):
            raise VerificationError(
                f"table {shown(task.table.key)}: a block said to hold {block.rows} rows"
                f" has {block.data.count(bytes([10]))} lines; this is a fault of the program"
            )
        part = self._reach(self._index[task.table.key])
        data, rows, marks = self._encode(task, block.data), block.rows, bool(task.marks)
        while data and part.bytes + len(data) > self._part_bytes:
            head, data = _cut(data, self._part_bytes - part.bytes, at_least_one=not part.rows)
            count = head.count(b"\n")
            part.append(head, count, marks=marks)
            rows -= count
            if not data:
                return
            self._close()
            part = self._part = self._begin(self._table)
        part.append(data, rows, marks=marks)

    def take(self, plan: TablePlan) -> int | None:
        """Take nothing by another way than `write`."""
        return None

    def read_taken(self, task: ReadTask, emit: Emit) -> None:
        """Hand on nothing: nothing was taken."""

    def finish(self) -> None:
        """End the last table; those that got no rows have a file with a header all the same."""
        last = len(self._plan.tables) - 1
        if self._table < last:
            self._reach(last)
        self._close()

    def read(self, task: ReadTask, emit: Emit) -> None:
        """Refuse: a dump is read back once it is whole."""
        raise UsageError("a dump cannot be read back while it is written; verify it afterwards")

    def path(self, task: WriteTask) -> Path:
        """Tell that the lines went in as they are."""
        return Path.NATIVE

    def commit(self, results: Sequence[TableResult], snapshot: Snapshot) -> None:
        """Write the manifest and give the dump its name."""
        self.finish()
        manifest = m.Manifest(
            engine=self._target.engine,
            snapshot=snapshot.value,
            data_format=self._format.name,
            compression=self._target.compression,
            schema_sha256=m.sha256(self._schema_text.encode()),
            schema=m.pieces(self._schema_text),
            tables=self._entries({result.key: result for result in results}),
            files=self._files,
            extra=dict(self._target.extra),
        )
        self._store(m.MANIFEST_NAME, m.dump_manifest(manifest))
        with interruption.held():
            self._output.commit()
            self.committed = True

    def _schema(self) -> str:
        from ..model import schema_yaml

        first = f"# dbdump {m.VERSION} {self._format.name} from {self._target.engine}\n"
        schema = Schema(tuple(table.target for table in self._plan.tables))
        text = f"{first}{schema_yaml.dumps(schema)}{m.SCHEMA_END}\n"
        if len(text.encode("ascii", "backslashreplace")) > SCHEMA_LIMIT:
            raise RefusedError(
                f"the schema of {len(schema)} tables is larger than {SCHEMA_LIMIT} bytes, and could not be read back;"
                " dump fewer tables at once"
            )
        return text

    def _encode(self, task: WriteTask, lines: bytes) -> bytes:
        try:
            return self._format.encode(lines, task.columns)
        except ValueError as error:
            name = self._format.name
            raise ValueRefusedError(f"table {shown(task.table.key)}: {error}; format {name} cannot say it") from None

    def _store(self, member: str, data: bytes) -> None:
        self._output.open(member)
        self._output.write(data)
        self._output.close()

    def _reach(self, table: int) -> _OpenPart:
        """Go on to a table; those passed over get their file without rows."""
        while self._table < table:
            self._close()
            self._table += 1
            self._parts = 0
            self._part = self._begin(self._table)
        if self._table > table or self._part is None:
            raise UsageError(
                f"table {shown(self._plan.tables[table].target.key)} was written to after its end;"
                " a dump takes the tables of its plan in their order"
            )
        return self._part

    def _begin(self, table: int) -> _OpenPart:
        planned, compression = self._plan.tables[table], self._target.compression
        ending = self._format.name + SUFFIXES[compression]
        path = m.data_name(table, self._parts, planned.target.key, ending)
        part = _OpenPart(self._output, path=path, table=table, compression=compression)
        self._parts += 1
        columns = [column.name for column in planned.write.columns]
        part.append(self._format.header(str(planned.target.key), columns), 0)
        return part

    def _close(self) -> None:
        part, self._part = self._part, None
        if part is not None:
            part.append(self._format.footer, 0)
            self._files.append(part.close())

    def _entries(self, results: Mapping[TableKey, TableResult]) -> list[m.TableEntry]:
        rows = [0] * len(self._plan.tables)
        for file in self._files:
            rows[file.table] += file.rows
        entries = []
        for planned, count in zip(self._plan.tables, rows, strict=True):
            key = planned.target.key
            result = results.get(key) or results.get(planned.source.key)
            if result is not None and result.rows != count:
                raise VerificationError(
                    f"table {shown(key)}: {result.rows} rows were read, {count} written; take the dump again"
                )
            columns = [column.name for column in planned.write.columns]
            entry = {"schema": key.schema, "name": key.name, "columns": columns, "rows": count}
            entries.append(m.TableEntry.model_validate(entry))
        return entries


class ArchiveTarget:
    """A dump that is to be: a folder, a tar file or standard output.

    `extra`: facts for the manifest, plain JSON values. `part_bytes`: the most bytes of lines in one
    data file, None for what suits the place.
    """

    creates = True
    rereads = False
    typed = False

    def __init__(
        self,
        path: str,
        *,
        format: Format,
        compression: Compression | None,
        source_engine: str,
        part_bytes: int | None,
    ) -> None:
        self.name = "standard output" if path == "-" else path
        self.engine = source_engine
        self.format = format
        self.marks = format.marks
        self.compression = compression
        self.part_bytes = part_bytes
        self.extra: dict[str, Any] = {}
        # Made absolute now: a change of the working folder must not move the dump.
        self._path = path if path == "-" else str(place_of(path))
        if path == "-":
            refuse_terminal()

    def schema(self) -> Schema:
        """Return no tables: a dump begins empty."""
        return Schema()

    def occupied(self, tables: Sequence[Table]) -> Sequence[TableKey]:
        """Return none of them."""
        return []

    def limit(self, type_: Type) -> None:
        """Return nothing: text takes every value."""

    def planned(self, tables: Sequence[Table], engine: str) -> Sequence[Table]:
        """Return the tables as they are: a dump holds them all."""
        return tables

    def computes_alike(self, table: Table, pair: tuple[Column, Column], engine: str) -> bool:
        """Compute nothing: values are kept as they come."""
        return True

    def adopt(self, source: Source) -> bool:
        """Take no part in another engine's work."""
        return False

    def refuse_same(self, source: Source) -> None:
        """Raise UnsafeError for a dump onto itself."""
        if (
            isinstance(source, StoredSource)
            and pathlib.Path(self._path).resolve() == source.input.path.resolve()
        ):
            raise UnsafeError(f"{shown(self.name, 500)} is what is being read; choose another path")

    @contextmanager
    def writing(self, plan: Plan) -> Iterator[ArchiveWriter]:
        """Write a dump; whatever happens before `commit` returned leaves none behind."""
        output = open_output(self._path)
        writer = None
        try:
            writer = ArchiveWriter(self, output, plan)
            yield writer
        finally:
            if writer is None or not writer.committed:
                output.discard()

    def close(self) -> None:
        """Do nothing: no file stays open outside `writing`."""


def _cut(data: bytes, room: int, *, at_least_one: bool) -> tuple[bytes, bytes]:
    """Cut lines where `room` bytes are full; an empty file takes a line that is longer than that."""
    end = data.rfind(b"\n", 0, max(room, 0)) + 1
    if not end and at_least_one:
        end = data.index(b"\n") + 1
    return data[:end], data[end:]
