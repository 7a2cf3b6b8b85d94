"""Matching: which target table and column each of the source fills, and what must be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .abc import Plan, ReadTask, Source, TablePlan, Target, WriteTask
from .errors import MismatchError, shown
from .order import parents_first, unordered_keys
from .schema import Column, Schema, Table, TableKey
from .selection import Selection, close
from .types import Fit, Kind, fit


def described(source: Source, given: Schema | None) -> Schema:
    """Return the source's schema, or the given one. Raises MismatchError where that names what is not there."""
    own = source.schema()
    if given is None:
        return own
    for table in given:
        there = own.by_key.get(table.key)
        if there is None:
            raise MismatchError(
                f"the schema file names a table {shown(table.key)} that {source.name} does not have;"
                f" {close(str(table.key), map(str, own.by_key))}"
            )
        for column in table.columns:
            if column.name not in there.by_name:
                raise MismatchError(
                    f"the schema file names a column {shown(column.name)} that table {table.key} of {source.name}"
                    f" does not have; {close(column.name, there.by_name)}"
                )
    return given


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked of a plan. `create`: make missing tables; `append`: keep the target's rows."""

    create: bool = False
    append: bool = False
    ordered: bool = False


def make_plan(
    source: Source, tables: Sequence[Table], target: Target, *, selection: Selection, wishes: Wishes
) -> Plan:
    """Return what a transfer of these tables will do; nothing has been written yet.

    Raises MismatchError for a table or column that the target lacks, a column of the target that
    nothing fills, and types that cannot meet.
    """
    there = {table.key: table for table in target.schema()}
    plans = [_plan_table(source, table, target, _Request(there, selection, wishes)) for table in tables]
    ordered = _ordered(source, plans)
    deferred = unordered_keys([plan.target for plan in ordered])
    return Plan(tables=tuple(ordered), deferred=tuple(deferred), append=wishes.append)


@dataclass(frozen=True, slots=True)
class _Request:
    there: dict[TableKey, Table]
    selection: Selection
    wishes: Wishes


def _ordered(source: Source, plans: Sequence[TablePlan]) -> list[TablePlan]:
    if source.order is not None:
        position = {key: at for at, key in enumerate(source.order)}
        return sorted(plans, key=lambda plan: position[plan.source.key])
    by_key = {plan.target.key: plan for plan in plans}
    return [by_key[table.key] for table in parents_first([plan.target for plan in plans])]


def _plan_table(source: Source, table: Table, target: Target, request: _Request) -> TablePlan:
    found, notes = _find_table(table, target, request)
    creates = found is None
    there = target.planned(table, source.engine) if found is None else found
    pairs, column_notes = _pair_columns(table, there)
    notes += list(there.notes if creates else ()) + column_notes
    notes += [note for left, right in pairs if (note := _conversion(table, left, right))]
    read = ReadTask(
        table=table,
        columns=tuple(left for left, _ in pairs),
        checks={left.name: right.type for left, right in pairs if _must_check(source, target, left, right)},
        where=request.selection.condition(table.key),
        ordered=request.wishes.ordered,
    )
    columns = tuple(right for _, right in pairs)
    write = WriteTask(there, columns, tuple(left.type for left, _ in pairs))
    return TablePlan(table, there, read, write, creates, tuple(notes))


def _find_table(table: Table, target: Target, request: _Request) -> tuple[Table | None, list[str]]:
    """Return the target's table of that name: exactly, else the only one that differs in case."""
    if table.key in request.there:
        return request.there[table.key], []
    alike = [key for key in request.there if _folded(key) == _folded(table.key)]
    if len(alike) == 1:
        return request.there[alike[0]], [f"table {table.key} fills {alike[0]}: the names differ in case"]
    if target.creates or request.wishes.create:
        return None, []
    raise MismatchError(
        f"{target.name} has no table {shown(table.key)}; create it first or give --create"
        f" ({close(str(table.key), map(str, request.there))})"
    )


def _folded(key: TableKey) -> tuple[str, str]:
    return (key.schema or "").casefold(), key.name.casefold()


def _pair_columns(table: Table, there: Table) -> tuple[list[tuple[Column, Column]], list[str]]:
    pairs: list[tuple[Column, Column]] = []
    notes: list[str] = []
    for column in table.columns:
        found = _find_column(table, column, there)
        if found.generated is not None:
            continue
        if found.name != column.name:
            notes.append(f"column {table.key}.{column.name} fills {found.name}: the names differ in case")
        if column.generated is not None:
            notes.append(f"column {table.key}.{column.name} is generated at the source; its values are copied")
        pairs.append((column, found))
    filled = {right.name for _, right in pairs}
    return pairs, notes + _unfilled(there, filled)


def _find_column(table: Table, column: Column, there: Table) -> Column:
    exact = there.by_name.get(column.name)
    if exact is not None:
        return exact
    alike = [one for one in there.columns if one.name.casefold() == column.name.casefold()]
    if len(alike) == 1:
        return alike[0]
    raise MismatchError(
        f"table {there.key} of the target has no column {shown(column.name)}; add it, or leave the column out"
        f" in a schema file ({close(column.name, there.by_name)})"
    )


def _unfilled(there: Table, filled: Iterable[str]) -> list[str]:
    """Return notes on columns that keep their default. Raises MismatchError where one has none."""
    notes = []
    for column in there.columns:
        if column.name in filled or column.generated is not None:
            continue
        if not (column.nullable or column.default or column.identity):
            raise MismatchError(
                f"column {there.key}.{column.name} of the target is NOT NULL without a default and the source has"
                " no such column; give it a default first"
            )
        notes.append(f"column {there.key}.{column.name} is not in the source; new rows get its default")
    return notes


def _must_check(source: Source, target: Target, left: Column, right: Column) -> bool:
    """Tell whether each value must be looked at; refuse types that never meet."""
    meets = fit(left.type, right.type)
    if meets is Fit.NEVER:
        raise MismatchError(
            f"column {left.name} is {left.type} at the source and {right.type} at the target, which share no"
            " spelling; change one of them, or the source's type in a schema file"
        )
    if not target.typed:
        lax = left.type.kind is right.type.kind and right.type.kind is not Kind.DECIMAL
        return meets is Fit.CHECK and not lax
    return meets is Fit.CHECK or not source.typed


def _conversion(table: Table, left: Column, right: Column) -> str | None:
    if left.type.kind is Kind.TIMESTAMP is right.type.kind and left.type.zoned != right.type.zoned:
        how = "taken as UTC" if right.type.zoned else "stored as UTC without a zone"
        return f"column {table.key}.{left.name}: timestamps are {how}"
    if left.type.kind is not right.type.kind:
        return f"column {table.key}.{left.name}: {left.type} becomes {right.type}"
    return None
