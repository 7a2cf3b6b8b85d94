"""One data file on its way in: cut into blocks, counted and hashed as it passes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from xxhash import xxh3_128

from ..errors import DumpError, UsageError, ValueRefusedError, shown
from ..model.abc import BLOCK_BYTES, Block, ReadTask
from ..rows.checking import Checker, passed
from ..rows.lines import holds_marks, project, split_rows
from ..rows.plain_values import unmarked
from .formats import Format
from .manifest import FileEntry

LINE_LIMIT = 2 * 1024**3
"""The longest line taken, in bytes: twice what PostgreSQL and MySQL can hold in a cell, for hex."""
EDITED_LINE_BYTES = 32 * 1024 * 1024
"""What a line of an edited file may have more than the whole file had: a compressed one could hold gigabytes."""
_HEADER_LIMIT = 4 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
ALLOW_EDITED = "if it was edited on purpose, load it with --allow-edited"


class Part:
    """Reads one data file once: `header`, then `blocks`; then `entry` is what was seen.

    `chunks`: the content, decompressed. `limit`: the bytes after which it is certainly not the file
    of the manifest; `longest`: the bytes of a line that is certainly none of it. `first_line`: where the
    first row stands, known once the header was read. Raises DumpError naming `file`, and the line where
    there is one. `proves`: there is going to be an `entry`; without it there is only the `mark`, at a
    tenth of the price.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        *,
        file: str,
        format: Format,
        limit: int | None = None,
        longest: int | None = None,
        proves: bool = True,
    ) -> None:
        self.file = file
        self.rows = 0
        self.first_line = 2
        self._format = format
        self._bytes = 0
        self._unended = False
        self._hash = hashlib.sha256() if proves else None
        self._mark = xxh3_128()
        self._limit = limit
        self._longest = min(LINE_LIMIT, longest or LINE_LIMIT)
        self._chunks = self._counted(chunks)
        self._rest = b""

    def entry(self, path: str, table: int) -> FileEntry:
        """Return what was read, as the manifest would tell it."""
        if self._hash is None:
            raise UsageError(f"{self.file} was read without its proof; this is a fault of the program")
        return FileEntry(path=path, table=table, rows=self.rows, bytes=self._bytes, sha256=self._hash.hexdigest())

    @property
    def mark(self) -> bytes:
        """Another value when other bytes were read, unless somebody meant them to have the same one."""
        return self._mark.digest()

    def header(self) -> bytes:
        """Read and return the header."""
        data = b""
        while not (end := self._format.header_size(data)):
            chunk = next(self._chunks, b"")
            # One compressed chunk may hold far more than a header.
            if not chunk or len(data) > _HEADER_LIMIT:
                self._check_first_line(data)
                raise DumpError(f"{self.file}:1: there is no header line of column names; put it back")
            data += chunk
        self._check_first_line(data)
        self._rest = data[end:]
        self.first_line = 1 + data.count(b"\n", 0, end)
        return data[:end]

    def blocks(self) -> Iterator[Block]:
        """Yield the lines between header and footer as blocks of whole lines."""
        footer = self._format.footer
        pending, size = [self._rest], len(self._rest)
        for chunk in self._chunks:
            pending.append(chunk)
            size += len(chunk)
            if size >= BLOCK_BYTES and b"\n" in chunk:
                data = b"".join(pending)
                cut = data.rfind(b"\n", 0, len(data) - len(footer)) + 1
                pending, size = [data[cut:]], len(data) - cut
                whole = [data[:cut]] if cut else []
                del data
                if whole:  # a line may be long: nothing here holds it while it is worked on
                    yield self._block(whole.pop())
            elif size > self._longest + BLOCK_BYTES:
                line = self.first_line + self.rows + sum(chunk.count(b"\n") for chunk in pending)
                raise DumpError(f"{self.file}:{line}: a line of more than {self._longest} bytes; shorten it")
        data = b"".join(pending)
        pending.clear()
        data = self._without_footer(data)
        cut = data.rfind(b"\n") + 1
        self._unended = cut < len(data)
        whole = [data[:cut]] if cut else []
        del data
        if whole:
            yield self._block(whole.pop())

    def _without_footer(self, data: bytes) -> bytes:
        footer = self._format.footer
        if not footer:
            return data
        if data != footer and not data.endswith(b"\n" + footer):
            if b"\r" in data:
                self._block(data)
            raise DumpError(
                f"{self.file} is cut: it does not end with the line {shown(footer[:-1])}; put it back if the rest"
                " is whole"
            )
        return data[: -len(footer)]

    def _check_first_line(self, data: bytes) -> None:
        if data.startswith(_BOM):
            raise DumpError(f"{self.file}:1: a byte order mark; save the file as UTF-8 without BOM")
        if data.partition(b"\n")[0].endswith(b"\r"):
            raise self._carriage_return(1, crlf=True)

    def check_ended(self) -> None:
        """Refuse a last line without an end: nobody can tell whether it is whole."""
        if self._unended:
            raise DumpError(
                f"{self.file}: the last line has no line end; put a line feed (LF) after it if it is whole"
            )

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._bytes += len(chunk)
            if self._limit is not None and self._bytes > self._limit:
                raise DumpError(
                    f"{self.file} is longer than the {self._limit} bytes of the manifest; {ALLOW_EDITED}"
                )
            self._mark.update(chunk)
            if self._hash is not None:
                self._hash.update(chunk)
            if chunk:
                yield chunk

    def _block(self, data: bytes) -> Block:
        # A canonical line never holds a raw CR, and engines strip it or keep it without a word.
        if b"\r" in data:
            at = data.index(b"\r")
            line = self.first_line + self.rows + data.count(b"\n", 0, at)
            raise self._carriage_return(line, crlf=data[at + 1 : at + 2] == b"\n")
        rows = data.count(b"\n")
        self.rows += rows
        return Block(data, rows)

    def _carriage_return(self, line: int, *, crlf: bool) -> DumpError:
        if crlf:
            return DumpError(f"{self.file}:{line}: CRLF line ends; save the file with LF line ends")
        return DumpError(rf"{self.file}:{line}: a raw carriage return; write it as \r")


def difference(seen: FileEntry, expected: FileEntry) -> str | None:
    """Tell in what a file is not the one of the manifest, None where it is."""
    if seen.bytes < expected.bytes:
        return f"is cut: it has {seen.bytes} bytes where the manifest says {expected.bytes}"
    if seen.bytes > expected.bytes:
        return f"is longer: it has {seen.bytes} bytes where the manifest says {expected.bytes}"
    if seen.sha256 != expected.sha256:
        return "was altered: its length is right, its content is not (sha256)"
    if seen.rows != expected.rows:
        return f"has {seen.rows} rows where the manifest says {expected.rows}"
    return None


class View:
    """What a task sees of a data file: its columns, in its order, each value looked at where asked.

    `columns`: those of the file, None for one that has no name any more. `strict`: a person may have
    edited the file, so the form of each line and each value are looked at. Raises ValueRefusedError
    with file and line.
    """

    def __init__(self, task: ReadTask, columns: Sequence[str | None], *, strict: bool, format: Format) -> None:
        names = [column.name for column in task.columns]
        missing = [name for name in names if name not in columns]
        if missing:
            raise DumpError(
                f"table {shown(task.table.key)}: the dump has no column {', '.join(map(shown, missing))};"
                f" its columns are {', '.join(map(shown, columns)) or 'none'}"
            )
        self._task = task
        wanted = {column.name: column for column in task.columns}
        self._columns = [None if name is None else wanted.get(name) for name in columns]
        self._width = len(columns)
        self._positions = None if names == list(columns) else [columns.index(name) for name in names]
        self._format = format
        self._unmarks = any(name not in task.marks for name in names)
        self._checkers = [Checker(task)] if names else []
        if strict and names:
            own_types = {column.name: column.type for column in task.columns}
            self._checkers.insert(0, Checker(replace(task, checks=own_types), strict=True))

    def blocks(self, part: Part, blocks: Iterator[Block], *, marks: bool = True) -> Iterator[Block]:
        """Yield the `blocks` of `part` as the task wants them; `marks`: cells of theirs may be marked."""
        line = part.first_line
        for raw in blocks:
            rows = raw.rows
            block, place, refused = self._decode(raw, part.file, line)
            del raw
            if self._positions is not None:
                block = self._project(block, self._positions, place)
            if refused:
                self._refuse(block, place, refused)
            line += rows
            if marks and self._unmarks and holds_marks(block.data):
                block, place = self._unmarked(block, place)
            yield passed(block, self._checkers, place, self._task.on_error)

    def _decode(
        self, raw: Block, file: str, line: int
    ) -> tuple[Block, Callable[[int], str], dict[int, ValueRefusedError]]:
        """Return the canonical lines of a block, what tells where each row stands, and the lines that are none."""
        refused: dict[int, ValueRefusedError] = {}

        def refuse(row: int, character: int, problem: str) -> None:
            where = f"{file}:{line + row}:{character}"
            refused[row] = ValueRefusedError(f"{where}: table {self._task.table.key}: {problem}")

        data = self._format.decode(raw.data, self._columns, refuse)
        rows = [row for row in range(raw.rows) if row not in refused] if refused else range(raw.rows)
        return Block(data, len(rows)), lambda row: f"{file}:{line + rows[row]}", refused

    def _refuse(
        self, block: Block, place: Callable[[int], str], refused: Mapping[int, ValueRefusedError]
    ) -> None:
        """Tell of the lines that are no rows, or raise the first error of the block, whichever kind it is of."""
        if self._task.on_error is not None:
            for error in refused.values():
                self._task.on_error(error)
            return
        first = min(refused)
        before = b"".join(block.data.splitlines(keepends=True)[:first])
        passed(Block(before, first), self._checkers, place, None)
        raise refused[first]

    def _unmarked(self, block: Block, place: Callable[[int], str]) -> tuple[Block, Callable[[int], str]]:
        """Return the block without the marks that the task takes none of, and what tells where each row stands."""
        lines, rows = [], []
        for row, cells in enumerate(split_rows(block)):
            try:
                lines.append(b"\t".join(unmarked(self._task, cells, place(row))))
                rows.append(row)
            except ValueRefusedError as error:
                if self._task.on_error is None:
                    raise
                self._task.on_error(error)
        return Block(b"\n".join([*lines, b""]), len(rows)), lambda row: place(rows[row])

    def _project(self, block: Block, positions: Sequence[int], place: Callable[[int], str]) -> Block:
        for row, cells in enumerate(split_rows(block)):
            if len(cells) != max(self._width, 1):
                raise DumpError(
                    f"{place(row)}: table {shown(self._task.table.key)}: a line of {len(cells)} fields"
                    f" where the header names {self._width}"
                )
        return project(block, positions)

