"""Matching: which target table and column each of the source fills, and what must be looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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


def make_plan(source: Source, tables: Sequence[Table], target: Target, *, selection: Selection, wishes: Wishes) -> Plan:
    """Return what a transfer of these tables will do; nothing has been written yet.

    Raises MismatchError for a table or column that the target lacks, a column of the target that
    nothing fills, and types that cannot meet.
    """
    found = {table.key: _find_table(table, target, wishes) for table in tables}
    missing = [table for table in tables if found[table.key] is None]
    made = dict(zip((table.key for table in missing), target.planned(missing, source.engine), strict=True))
    plans = [
        _plan_table(source, target, table, found[table.key] or made[table.key], creates=table.key in made)
        for table in tables
    ]
    plans = [
        replace(plan, read=replace(plan.read, where=selection.condition(plan.source.key), ordered=wishes.ordered))
        for plan in plans
    ]
    ordered = _ordered(source, plans)
    deferred = unordered_keys([plan.target for plan in ordered])
    return Plan(tables=tuple(ordered), deferred=tuple(deferred), append=wishes.append)


def _ordered(source: Source, plans: Sequence[TablePlan]) -> list[TablePlan]:
    if source.order is not None:
        position = {key: at for at, key in enumerate(source.order)}
        return sorted(plans, key=lambda plan: position[plan.source.key])
    by_key = {plan.target.key: plan for plan in plans}
    return [by_key[table.key] for table in parents_first([plan.target for plan in plans])]


def _plan_table(source: Source, target: Target, table: Table, there: Table, *, creates: bool) -> TablePlan:
    pairs, notes = _pair_columns(table, there, generated=target.creates)
    notes += [note for left, right in pairs if (note := _conversion(table, left, right))]
    if there.key != table.key and _folded(there.key) == _folded(table.key):
        notes.append(f"table {table.key} fills {there.key}: the names differ in case")
    read = ReadTask(
        table=table,
        columns=tuple(left for left, _ in pairs),
        checks={left.name: right.type for left, right in pairs if _must_check(source, target, left, right)},
    )
    columns = tuple(right for _, right in pairs)
    write = WriteTask(there, columns, tuple(left.type for left, _ in pairs))
    return TablePlan(table, there, read, write, creates, (*(there.notes if creates else ()), *notes))


def _find_table(table: Table, target: Target, wishes: Wishes) -> Table | None:
    """Return the target's table of that name: exactly, else the only one that differs in case."""
    there = target.schema().by_key
    if table.key in there:
        return there[table.key]
    alike = [key for key in there if _folded(key) == _folded(table.key)]
    if len(alike) == 1:
        return there[alike[0]]
    if target.creates or wishes.create:
        return None
    raise MismatchError(
        f"{target.name} has no table {shown(table.key)}; create it first or give --create"
        f" ({close(str(table.key), map(str, there))})"
    )


def _folded(key: TableKey) -> tuple[str, str]:
    return (key.schema or "").casefold(), key.name.casefold()


def _pair_columns(table: Table, there: Table, *, generated: bool) -> tuple[list[tuple[Column, Column]], list[str]]:
    """Return the columns that fill each other; `generated`: those too that a database computes.

    A dump holds the values of generated columns: who loads it may not be able to compute them.
    """
    pairs: list[tuple[Column, Column]] = []
    notes: list[str] = []
    for column in table.columns:
        found = _find_column(table, column, there)
        if found.generated is not None and not generated:
            continue
        if found.name != column.name:
            notes.append(f"column {table.key}.{column.name} fills {found.name}: the names differ in case")
        if column.generated is not None and not generated:
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
    if left.type.kind is not right.type.kind and {left.type.kind, right.type.kind} != {Kind.BOOLEAN, Kind.INTEGER}:
        return f"column {table.key}.{left.name}: {left.type} becomes {right.type}"
    return None
