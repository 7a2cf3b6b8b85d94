"""Checking rows as they pass: what the target's columns cannot hold is refused, naming the row.

A block is split once and looked at column by column; only where something is wrong with it are its
rows gone through one by one, to name what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from .abc import Block, ReadTask
from .column_checks import ColumnCheck, column_check
from .errors import ValueRefusedError, shown
from .lexers import Lexer, lexer
from .lines import NULL, row_name, shown_cell, split_rows, unescape
from .schema import Column

Row = TypeVar("Row")

_GOOD_CELL = re.compile(rb"\\N|(?:[^\\\t\n\r]|\\[\\tnr])*+")


class Checker:
    """Looks at each row as it passes and refuses what the target's columns cannot hold.

    `checks` of the task: column name -> the type that its values must be able to become. `strict`:
    also the form of each line, for lines that a person may have edited.
    """

    def __init__(self, task: ReadTask, *, strict: bool = False) -> None:
        self.task = task
        self.strict = strict
        self.lexers: list[tuple[int, Column, Lexer]] = [
            (at, column, lexer(task.checks[column.name], column.type))
            for at, column in enumerate(task.columns)
            if column.name in task.checks
        ]
        self._columns: list[tuple[int, ColumnCheck]] = [
            (at, column_check(task.checks[column.name], column.type)) for at, column, _ in self.lexers
        ]

    def check(self, block: Block, place: Callable[[int], str] | None = None) -> None:
        """Raise ValueRefusedError for the first bad row; `place` tells where row N of the block stands."""
        if not (self.lexers or self.strict) or self._is_good(block):
            return
        for number, cells in enumerate(split_rows(block)):
            where = f"{place(number)}: " if place else ""
            if self.strict:
                self._check_form(cells, where)
            self._check_values(cells, where)

    def _is_good(self, block: Block) -> bool:
        """Tell whether the whole block passes; False where a row has to be looked for."""
        width = len(self.task.columns)
        fields = block.data.replace(b"\n", b"\t").split(b"\t")
        fields.pop()
        if not width or len(fields) != block.rows * width:
            return False
        if self.strict and not _is_well_formed(block, fields, width):
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
        for cell, column in zip(cells, columns, strict=True):
            if not _GOOD_CELL.fullmatch(cell):
                raise ValueRefusedError(
                    f"{where}table {table.key}, column {column.name}: {shown(cell)} has an escape other than"
                    r" \\ \t \n \r \N; write a backslash as \\"
                )

    def _check_values(self, cells: Sequence[bytes], where: str) -> None:
        for at, column, check in self.lexers:
            cell = cells[at]
            if cell == NULL:
                continue
            try:
                check(unescape(cell).decode("utf-8"))
            except ValueError as error:
                row = row_name(self.task.table, self.task.columns, cells)
                expected = "valid UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
                raise ValueRefusedError(
                    f"{where}table {self.task.table.key}, column {column.name}, row {row}:"
                    f" {shown_cell(cell)} is not {expected}; change the value or the column's type"
                ) from None


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
