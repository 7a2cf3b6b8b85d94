"""The portable path: SQLAlchemy Core both ways, values encoded and decoded in Python.

Slower than any native path and right on every engine; it decides where the others are in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ..abc import BLOCK_BYTES, Block, Emit, ReadTask, WriteTask
from ..checking import made
from ..errors import ValueRefusedError, shown
from ..lines import encode, row_name, shown_cell, split_rows, text_of
from ..types import Kind, Type

if TYPE_CHECKING:
    from .base import Backend

FIRST_ROWS = 16
"""Rows of the first fetch: their size decides how many are fetched next."""
VALUES_SHOWN = 3
"""Values shown of one refused row at most."""
MOST_ROWS = 16_384
"""Rows of one fetch at most."""


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
            statement = statement.where(sa.text(f"({text})".replace(":", r"\:")))
    if task.ordered:
        statement = statement.order_by(*[table.c[name] for name in task.table.primary_key])
    return statement


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
    cells = [b"\\N" if one is None else str(one).encode("utf-8", "backslashreplace") for one in row]
    type_ = task.table.by_name[column].type
    expected = "valid Unicode" if isinstance(error, UnicodeError) else str(error)
    return ValueRefusedError(
        f"table {task.table.key}, column {column} ({type_}), row {row_name(task.table, task.columns, cells)}:"
        f" {shown(value)} is not {expected}; correct the value, or give the column another type in a schema file"
    )


# --- writing ----------------------------------------------------------------------------------


_REFUSALS = (sa.exc.DBAPIError, ValueError, OverflowError)
"""What a value is refused with: drivers turn some away themselves, a NUL or a number too large."""


def write(backend: Backend, connection: sa.Connection, task: WriteTask, block: Block) -> None:
    """Insert the block's rows; where one is refused, find it and name it."""
    statement = backend.portable_insert(connection, task)
    rows = decoded_rows(backend, task, block)
    savepoint = connection.begin_nested()
    try:
        connection.execute(statement, rows)
    except _REFUSALS as error:
        # A broken connection, or a transaction that is undone, has no savepoint to go back to.
        if backend.blames_row(error):
            savepoint.rollback()
            _name_refused_row(backend, connection, partial(refused_row, task, block), zip(repeat(statement), rows))
        raise
    savepoint.commit()


def decoded_rows(backend: Backend, task: WriteTask, block: Block) -> list[dict[str, object]]:
    """Return the rows as bind parameters c0, c1 … with the values that the driver takes."""
    crossing = [
        _crossing(type_, column.type) for type_, column in zip(task.source_types, task.columns, strict=True)
    ]
    rows = []
    for number, cells in enumerate(split_rows(block)):
        row: dict[str, object] = {}
        for at, (cell, type_, column) in enumerate(zip(cells, crossing, task.columns, strict=True)):
            text = text_of(cell)
            try:
                row[f"c{at}"] = None if text is None else backend.portable_value(column, type_, text)
            except ValueError as error:
                raise refused_row(task, block, number, f"column {column.name}: {shown(text)}: {error}") from None
        rows.append(row)
    return rows


def _crossing(source: Type, target: Type) -> Type:
    """Return the type to decode a text as: what the target's driver should be handed."""
    if source.kind is Kind.TEXT or {source.kind, target.kind} == {Kind.BOOLEAN, Kind.INTEGER}:
        return target
    return target if target.kind is Kind.TEXT else source


def _name_refused_row(
    backend: Backend,
    connection: sa.Connection,
    refused: Callable[[int, str], ValueRefusedError],
    statements: Iterable[tuple[sa.Insert, dict[str, object]]],
) -> None:
    """Insert one row after the other until one is refused; raise what `refused` says of its number and the reason."""
    from .base import reason

    for number, (statement, row) in enumerate(statements):
        savepoint = connection.begin_nested()
        try:
            connection.execute(statement, row)
        except _REFUSALS as error:
            if not backend.blames_row(error):
                raise
            savepoint.rollback()
            raise refused(number, reason(error)) from error
        savepoint.commit()


def refused_row(task: WriteTask, block: Block, number: int, why: str) -> ValueRefusedError:
    """Return the error for row `number` (from 0) of the block; it shows the values of columns that `why` names."""
    cells = split_rows(block)[number]
    named = [at for at, column in enumerate(task.columns) if _is_word(column.name, why)][:VALUES_SHOWN]
    values = ", ".join(f"{task.columns[at].name} = {shown_cell(cells[at])}" for at in named)
    return ValueRefusedError(
        f"table {task.table.key}, row {row_name(task.table, task.columns, cells)}: the target refuses it: {why}"
        f"{f' ({values})' if values else ''}; everything was rolled back"
    )


def _is_word(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None
