"""Checking rows as they pass: what the target's columns cannot hold is refused, naming the row.

A block is split once and looked at column by column; only where something is wrong with it are its
rows gone through one by one, to name what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from ..errors import Refusal, ValueRefusedError, row_text, shown
from ..model.abc import Block, ReadTask
from ..model.schema import Column
from .column_checks import ColumnCheck, column_check, each_cell
from .lexers import Lexer, Unfit, lexer
from .lines import NULL, cut_text, is_marked, read_mark, row_key, shown_cell, split_rows, unescape

Row = TypeVar("Row")

_GOOD_CELL = re.compile(rb"\\N|(?:[^\\\t\n\r]|\\[\\tnr])*+")


NOT_NULL = "allowed in a column that is NOT NULL"
"""What a NULL is not."""


class Checker:
    """Looks at each row as it passes and refuses what the target's columns cannot hold.

    What the task asks for: `checks`, `limits` and `required`. `strict`: also the form of each line, for
    lines that a person may have edited.
    """

    def __init__(self, task: ReadTask, *, strict: bool = False) -> None:
        self.task = task
        self.strict = strict
        self.lexers: list[tuple[int, Column, Lexer]] = [
            (at, column, look) for at, column in enumerate(task.columns) for look in _lexers(task, column)
        ]
        self._columns: list[tuple[int, ColumnCheck]] = [
            (at, look) for at, column in enumerate(task.columns) for look in _column_checks(task, column)
        ]
        self._required = [at for at, column in enumerate(task.columns) if column.name in task.required]

    def check(self, block: Block, place: Callable[[int], str] | None = None) -> None:
        """Raise ValueRefusedError for the first bad row; `place` tells where row N of the block stands."""
        # One look through the bytes is cheap, and most blocks that might hold a NULL hold none.
        required = self._required if self._required and NULL in block.data else []
        if not (self.lexers or self.strict or required) or self._is_good(block, required):
            return
        for number, cells in enumerate(split_rows(block)):
            where = place(number) if place else ""
            if self.strict:
                self._check_form(cells, f"{where}: " if where else "")
            for at in required:
                if cells[at] == NULL:
                    raise self._unfit(at, cells, where, ValueError(NOT_NULL))
            self._check_values(cells, where)

    def _is_good(self, block: Block, required: Sequence[int]) -> bool:
        """Tell whether the whole block passes; False where a row has to be looked for."""
        width = len(self.task.columns)
        fields = block.data.replace(b"\n", b"\t").split(b"\t")
        fields.pop()
        if not width or len(fields) != block.rows * width:
            return False
        if self.strict and not _is_well_formed(block, fields, width):
            return False
        if any(NULL in fields[at::width] for at in required):
            return False
        try:
            for at, check in self._columns:
                check(fields[at::width])
        except ValueError:
            return False
        return True

    def _check_form(self, cells: Sequence[bytes], where: str) -> None:
        table, columns = self.task.table, self.task.columns
        if len(cells) != len(columns):
            raise ValueRefusedError(
                f"{where}table {table.key}: a line of {len(cells)} fields where {len(columns)} belong;"
                " fields are separated by one tab"
            )
        for at, (cell, column) in enumerate(zip(cells, columns, strict=True)):
            if is_marked(cell) and column.name in self.task.marks:
                self._check_mark(at, cells, where.removesuffix(": "))
            elif not _GOOD_CELL.fullmatch(cell):
                raise ValueRefusedError(
                    f"{where}table {table.key}, column {column.name}: {shown(cell)} has an escape other than"
                    r" \\ \t \n \r \N; write a backslash as \\"
                )

    def _check_mark(self, at: int, cells: Sequence[bytes], where: str) -> None:
        try:
            read_mark(cells[at])
        except ValueError as error:
            raise self._unfit(at, cells, where, error) from None

    def _check_values(self, cells: Sequence[bytes], where: str) -> None:
        for at, column, look in self.lexers:
            cell = cells[at]
            if cell == NULL or (is_marked(cell) and column.name in self.task.marks):
                continue
            try:
                look(unescape(cell).decode("utf-8"))
            except ValueError as error:
                raise self._unfit(at, cells, where, error) from None

    def _unfit(self, at: int, cells: Sequence[bytes], where: str, error: ValueError) -> ValueRefusedError:
        return unfit_value(self.task, self.task.columns[at], cells, cell=cells[at], error=error, place=where)


def _lexers(task: ReadTask, column: Column) -> Iterator[Lexer]:
    """Yield what looks at each value of a column."""
    if column.name in task.checks:
        yield lexer(task.checks[column.name], column.type)
    if column.name in task.limits:
        yield task.limits[column.name]


def _column_checks(task: ReadTask, column: Column) -> Iterator[ColumnCheck]:
    """Yield the same for all values of a block at once."""
    if column.name in task.checks:
        yield column_check(task.checks[column.name], column.type)
    if column.name in task.limits:
        yield each_cell(task.limits[column.name])


def unfit_value(
    task: ReadTask, column: Column, row: Sequence[bytes], *, cell: bytes, error: ValueError, place: str = ""
) -> ValueRefusedError:
    """Return the error for the `cell` of a column that cannot take it; `row`: the cells as they were read."""
    said = "valid UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    unfit = error if isinstance(error, Unfit) else Unfit(said)
    advice = "change the value or the column's type"
    if said == NOT_NULL:
        advice = "give the row a value, or let the column take NULL"
    refusal = Refusal(
        table=str(task.table.key),
        columns=(column.name,),
        row=row_key(task.table, task.columns, row),
        values=((column.name, cut_text(cell)),),
        problem=f"values are not {unfit.expected}",
        advice=advice,
        length=unfit.length,
        number=unfit.number,
        place=place,
    )
    named = f"table {task.table.key}, column {column.name}, row {row_text(refusal.row)}"
    text = f"{named}: {shown_cell(cell)} is not {said}"
    return ValueRefusedError(f"{f'{place}: ' if place else ''}{text}; {advice}", refusal)


def _is_well_formed(block: Block, fields: Sequence[bytes], width: int) -> bool:
    r"""Tell whether each line has `width` fields and no escapes but `\\\\`, `\\t`, `\\n`, `\\r` and a lone `\\N`."""
    lines = block.data.split(b"\n")
    lines.pop()
    if {line.count(b"\t") for line in lines} - {width - 1} or b"\r" in block.data:
        return False
    # In a run of backslashes pairs begin on the left, as they do for who reads them.
    rest = block.data.replace(b"\\\\", b"")
    nulls = rest.count(b"\\N")
    escapes = sum(rest.count(escape) for escape in (b"\\t", b"\\n", b"\\r"))
    return rest.count(b"\\") == escapes + nulls and nulls == fields.count(NULL)


OnError = Callable[[ValueRefusedError], None]
"""Takes the error of a row that is then left out."""


def passed(
    block: Block, checkers: Sequence[Checker], place: Callable[[int], str] | None, on_error: OnError | None
) -> Block:
    """Return the block's rows that the checkers let pass; `on_error` is told of the others, or they are raised."""
    try:
        for checker in checkers:
            checker.check(block, place)
    except ValueRefusedError:
        if on_error is None:
            raise
    else:
        return block

    def checked(numbered: tuple[int, bytes]) -> bytes:
        row, line = numbered
        for checker in checkers:
            checker.check(Block(line, 1), None if place is None else lambda _: place(row))
        return line

    kept = made(enumerate(block.data.splitlines(keepends=True)), checked, on_error)
    return Block(b"".join(kept), len(kept))


def made(rows: Iterable[Row], make: Callable[[Row], bytes], on_error: OnError | None) -> list[bytes]:
    """Return what `make` makes of each row; `on_error` is told of rows that it refuses, or they are raised."""
    lines = []
    for row in rows:
        try:
            lines.append(make(row))
        except ValueRefusedError as error:
            if on_error is None:
                raise
            on_error(error)
    return lines
