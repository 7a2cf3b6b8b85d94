"""Rewriting: the lines to be written, made from the lines that were read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import ValueRefusedError
from ..model.abc import Block, Make, ReadTask, Rewrite
from ..model.schema import Column
from .checking import NOT_NULL, unfit_value
from .column_checks import ColumnCheck
from .conversions import Convert, convert_column
from .lines import NULL, row_name, split_rows

Row = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Cell:
    """How a written cell comes about: field `at` of the line as it was read, or what `make` returns for it.

    `convert` and `check` look at the result of that; NULL is not checked, and refused where it is `required`
    that there is a value.
    """

    column: Column
    at: int | None = None
    make: Make | None = None
    convert: Convert | None = None
    check: ColumnCheck | None = None
    required: bool = False


class LineRewrite:
    """Makes each written line by its cells; `rows` then works on those lines.

    Whole blocks are split once and worked on column by column; only where something is refused are
    they gone through row by row. Raises ValueRefusedError naming table, column, row and value, or
    hands it to the task's `on_error` and leaves the row out.
    """

    def __init__(self, task: ReadTask, cells: Sequence[Cell], rows: Rewrite | None = None) -> None:
        self._task = task
        self._cells = cells
        self._rows = rows
        self._width = len(task.columns)
        self._makes = any(cell.make is not None for cell in cells)
        self._as_read = len(cells) == self._width and all(
            (cell.at, cell.make, cell.convert, cell.check, cell.required) == (at, None, None, None, False)
            for at, cell in enumerate(cells)
        )

    @property
    def repeatable(self) -> bool:
        """Tell whether the same rows become the same lines each time: nothing is made anew or remembered."""
        return self._rows is None and not self._makes

    def block(self, block: Block) -> Block:
        """Return the block's rows as they are to be written."""
        written = block if self._as_read or not block.rows else self._written(block)
        return self._rows.block(written) if self._rows else written

    def rest(self) -> Block | None:
        """Return the rows that come after the last block."""
        return self._rows.rest() if self._rows else None

    def _written(self, block: Block) -> Block:
        try:
            lines = self._by_columns(block)
        except ValueError:
            lines = list(self._by_rows(block))
        return Block(b"\n".join([*lines, b""]), len(lines))

    def _by_columns(self, block: Block) -> list[bytes]:
        fields = block.data.replace(b"\n", b"\t").split(b"\t")
        fields.pop()
        if len(fields) != block.rows * max(self._width, 1):
            raise ValueError("lines of other fields than were asked for")
        rows: list[Row] = []
        if self._makes:
            rows = list(zip(*[iter(fields)] * self._width, strict=True)) if self._width else [()] * block.rows
        columns = [self._column(cell, fields, rows) for cell in self._cells]
        return list(map(b"\t".join, zip(*columns, strict=True))) if columns else [b""] * block.rows

    def _column(self, cell: Cell, fields: list[bytes], rows: Sequence[Row]) -> list[bytes]:
        column = fields[cell.at :: self._width] if cell.make is None else list(map(cell.make, rows))
        if cell.convert is not None:
            column = convert_column(cell.convert, column)
        if cell.required and NULL in column:
            raise ValueError(NOT_NULL)
        if cell.check is not None:
            cell.check(column)
        return column

    def _by_rows(self, block: Block) -> Iterator[bytes]:
        """Yield the written lines; rows that are refused are told of, or raised."""
        for row in split_rows(block):
            fields = row if self._width else []
            try:
                if len(fields) != self._width:
                    raise self._misshapen(fields)
                yield b"\t".join([self._cell(cell, fields) for cell in self._cells])
            except ValueRefusedError as error:
                if self._task.on_error is None:
                    raise
                self._task.on_error(error)

    def _cell(self, cell: Cell, row: Row) -> bytes:
        taken = None if cell.at is None else row[cell.at]
        made = taken
        try:
            if made is None:
                made = cell.make(row) if cell.make else NULL
            if cell.convert is not None:
                made = cell.convert(made)
            if cell.required and made == NULL:
                raise ValueError(NOT_NULL)
            if cell.check is not None:
                cell.check([made])
        except ValueError as error:
            raise self._refused(cell, row, made, error) from None
        return made

    def _misshapen(self, row: Row) -> ValueRefusedError:
        table, columns = self._task.table, self._task.columns
        return ValueRefusedError(
            f"table {table.key}, row {row_name(table, columns, row)}: a line of {len(row)} fields where"
            f" {self._width} belong; fields are separated by one tab"
        )

    def _refused(self, cell: Cell, row: Row, made: bytes | None, error: ValueError) -> ValueRefusedError:
        seen = self._seen(cell, row) if made is None else made
        return unfit_value(self._task, cell.column, row, cell=seen, error=error)

    def _seen(self, cell: Cell, row: Row) -> bytes:
        """Return what was read under the name of a column that could not be made."""
        names = [column.name for column in self._task.columns]
        return row[names.index(cell.column.name)] if cell.column.name in names else _UNSEEN


_UNSEEN = b"what it is made of"
