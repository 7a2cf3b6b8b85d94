"""The portable path: SQLAlchemy Core both ways, values encoded and decoded in Python.

Slower than any native path and right on every engine; it decides where the others are in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..errors import ROLLED_BACK, Refusal, ValueRefusedError, row_text, shown
from ..model.abc import BLOCK_BYTES, Block, Emit, ReadTask, WriteTask
from ..model.schema import Table
from ..model.types import Kind, Type
from ..rows.checking import made
from ..rows.lines import NULL, cut_text, encode, row_key, shown_cell, split_rows, text_of

if TYPE_CHECKING:
    from .base import Backend

FIRST_ROWS = 16
"""Rows of the first fetch: their size decides how many are fetched next."""
VALUES_SHOWN = 3
"""Values shown of one refused row at most."""
ADVICE = "correct the rows at the source, or change what the target asks of them"
"""What to do about rows that a target refuses."""
MOST_ROWS = 16_384
"""Rows of one fetch at most."""
_BYTES = re.compile(r"""(?<!["'\w])0x[0-9a-f]{2}(?: 0x[0-9a-f]{2})*(?!\w)""")


def next_rows(rows: int, size: int) -> int:
    """Return how many rows make a block, after `rows` of them made `size` bytes; it grows eightfold at most."""
    return max(1, min(MOST_ROWS, rows * 8, BLOCK_BYTES * rows // max(size, 1)))


def read(
    backend: Backend, connection: sa.Connection, task: ReadTask, emit: Emit, *, condition: str | None = None
) -> None:
    """Hand the rows to `emit`; `condition`: SQL text of our own that narrows the task's rows."""
    # An option of the statement: on the connection it would hold for what comes after as well.
    selected = _select(backend, connection, task, condition).execution_options(stream_results=True)
    result = connection.execute(selected)
    for rows in _fetches(result):
        emit(_block(task, rows))


def _select(
    backend: Backend, connection: sa.Connection, task: ReadTask, condition: str | None
) -> sa.Select[Any]:
    names = [column.name for column in task.table.columns]
    table = backend.clause(connection, task.table, names)
    chosen = [backend.portable_expression(column, table.c[column.name]) for column in task.columns]
    statement = sa.select(*(chosen or [sa.literal(None)])).select_from(table)
    for text in (task.where, condition):
        if text:
            statement = statement.where(sa.text(literally(text)))
    if task.ordered:
        statement = statement.order_by(*[table.c[name] for name in task.table.primary_key])
    return statement


def literally(condition: str) -> str:
    """Return a condition for `sa.text`, which takes a colon for the beginning of a parameter."""
    return f"({condition})".replace(":", r"\:")


def _fetches(result: sa.CursorResult[Any]) -> Iterator[Sequence[Sequence[object]]]:
    size = FIRST_ROWS
    while rows := result.fetchmany(size):
        yield rows
        taken = sum(len(value) for row in rows for value in row if isinstance(value, str | bytes)) + 8 * len(
            rows
        )
        size = next_rows(len(rows), taken)


def _block(task: ReadTask, rows: Sequence[Sequence[object]]) -> Block:
    lines = made(rows, partial(_line, task), task.on_error)
    return Block(b"\n".join([*lines, b""]), len(lines))


def _line(task: ReadTask, row: Sequence[object]) -> bytes:
    cells = []
    for value, column in zip(row, task.columns, strict=False):
        try:
            cells.append(encode(value, column.type))
        except (ValueError, UnicodeError) as error:
            raise refused_value(task, row, column.name, value=value, error=error) from None
    return b"\t".join(cells)


def refused_value(
    task: ReadTask, row: Sequence[object], column: str, *, value: object, error: Exception
) -> ValueRefusedError:
    """Return the error for a value that is not what its column's type says."""
    at = task.table.by_name[column]
    cells = [_as_cell(one) for one in row]
    said = "valid Unicode" if isinstance(error, UnicodeError) else str(error)
    advice = "correct the value, or the type of its column"
    refusal = Refusal(
        table=str(task.table.key),
        columns=(column,),
        row=row_key(task.table, task.columns, cells),
        values=((column, cut_text(_as_cell(value))),),
        problem=f"values are not {said}",
        advice=advice,
    )
    return ValueRefusedError(
        f"table {task.table.key}, column {column} ({at.type}), row {row_text(refusal.row)}:"
        f" {shown(value)} is not {said}; {advice}",
        refusal,
    )


def _as_cell(value: object) -> bytes:
    """Return a driver's value as the bytes of a text for people; SQLite's texts come as bytes."""
    if value is None:
        return NULL
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "backslashreplace")


# --- writing ----------------------------------------------------------------------------------


_REFUSALS = (sa.exc.DBAPIError, ValueError, OverflowError)
"""What a value is refused with: drivers turn some away themselves, a NUL or a number too large."""


def write(backend: Backend, connection: sa.Connection, task: WriteTask, block: Block) -> None:
    """Insert the block's rows. Raises ValueRefusedError, which names the row where the block has only one."""
    statement = backend.portable_insert(connection, task)
    rows = decoded_rows(backend, task, block)
    try:
        connection.execute(statement, rows)
    except _REFUSALS as error:
        if not backend.blames_row(error):
            raise
        from .base import reason

        raise refused_block(task, block, reason(error), code=backend.refusal_code(error)) from error


def decoded_rows(backend: Backend, task: WriteTask, block: Block) -> list[dict[str, object]]:
    """Return the rows as bind parameters c0, c1 … with the values that the driver takes."""
    crossing = [
        _crossing(type_, column.type) for type_, column in zip(task.source_types, task.columns, strict=True)
    ]
    rows = []
    for number, cells in enumerate(split_rows(block)):
        row: dict[str, object] = {}
        for at, (cell, type_, column) in enumerate(zip(cells, crossing, task.columns, strict=True)):
            try:
                text = text_of(cell)
                row[f"c{at}"] = None if text is None else backend.portable_value(column, type_, text)
            except ValueError as error:
                why = f"column {column.name}: {shown_cell(cell)}: {error}"
                raise refused_row(task, block, number, why, code=str(error)) from None
        rows.append(row)
    return rows


def _crossing(source: Type, target: Type) -> Type:
    """Return the type to decode a text as: what the target's driver should be handed."""
    if source.kind is Kind.TEXT or {source.kind, target.kind} == {Kind.BOOLEAN, Kind.INTEGER}:
        return target
    return target if target.kind is Kind.TEXT else source


def refused_block(task: WriteTask, block: Block, why: str, *, code: object) -> ValueRefusedError:
    """Return the error for a block that is refused as a whole; a sole row is the one at fault."""
    if block.rows == 1:
        return refused_row(task, block, 0, why, code=code)
    return ValueRefusedError(f"table {task.table.key}: the target refuses a row: {why}; {ROLLED_BACK}")


def refused_row(task: WriteTask, block: Block, number: int, why: str, *, code: object = None) -> ValueRefusedError:
    """Return the error for row `number` (from 0) of the block, with the columns that `why` is about.

    `code`: what the engine calls the reason; `why` itself where that holds no value of the row.
    """
    cells = split_rows(block)[number]
    names = [column.name for column in task.columns]
    why = why.removesuffix(".")
    named = _columns_holding(why, names, cells) or columns_named(task.table, why)
    at_fault = tuple(name for name in named if name in names)
    refusal = Refusal(
        table=str(task.table.key),
        columns=at_fault,
        row=row_key(task.table, task.columns, cells),
        values=tuple((name, cut_text(cells[names.index(name)])) for name in at_fault[:VALUES_SHOWN]),
        problem=f"rows are refused by the target: {why}",
        advice=f"{ADVICE}; {ROLLED_BACK}",
        alike=why if code is None else str(code),
    )
    columns = f", column {', '.join(at_fault)}" if at_fault else ""
    values = ", ".join(f"{name} = {shown_cell(cells[names.index(name)])}" for name in at_fault[:VALUES_SHOWN])
    text = f"table {task.table.key}{columns}, row {row_text(refusal.row)}: the target refuses it: {why}"
    return ValueRefusedError(f"{text}{f' ({values})' if values else ''}; {refusal.advice}", refusal)


def _columns_holding(why: str, names: Sequence[str], cells: Sequence[bytes]) -> Sequence[str]:
    """Return the columns with the bytes that a message names in place of a column: what its encoding has not."""
    said = _BYTES.search(why)
    lacking = bytes.fromhex(said[0].replace("0x", "")) if said else b""
    return [name for name, cell in zip(names, cells, strict=True) if lacking and lacking in cell]


def columns_named(table: Table, why: str) -> Sequence[str]:
    """Return the columns that a message of a database is about: those of a key or check, or by their own names."""
    keys: list[tuple[str | None, tuple[str, ...]]] = [("PRIMARY", table.primary_key)]
    keys += [(key.name, key.columns) for key in table.unique]
    keys += [(index.name, index.columns) for index in table.indexes]
    keys += [(key.name, key.columns) for key in table.foreign_keys]
    for check in table.checks:
        keys.append((check.name, tuple(name for name in table.by_name if _is_word(name, check.expression))))
    for name, columns in keys:
        if name and columns and _is_quoted(name, why):
            return columns
    names = list(table.by_name)
    quoted = [name for name in names if _is_quoted(name, why)]
    return quoted or [name for name in names if _is_word(name, why)]


def _is_quoted(name: str, text: str) -> bool:
    """Tell whether a message names something as databases do: in quotes, after the name of its table or a colon."""
    return re.search(rf"""["'`(]{re.escape(name)}["'`)]|(?:\.|: ){re.escape(name)}(?!\w)""", text) is not None


def _is_word(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None
