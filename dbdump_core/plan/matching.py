"""Matching: which target table and column each of the source fills, and what must be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import MismatchError, ValueRefusedError, shown
from ..model.abc import Limit, Plan, ReadTask, Rewrite, Source, TablePlan, Target, WriteTask
from ..model.names import Pairs, fold
from ..model.names import pair as pair_names
from ..model.order import parents_first, unordered_keys
from ..model.results import Loss
from ..model.schema import Column, Numbering, Schema, Table, TableKey
from ..model.selection import Selection, close
from ..model.types import UUID, UUID_HEX, Fit, Kind, Type, fit, stored
from ..rows.column_checks import ColumnCheck, column_check, limited
from ..rows.rewriting import Cell, LineRewrite
from .columns import Field, Rules, pair, read_columns, stored_column, stored_table, stores_alike
from .load_map import LoadMap, TableMap

LOSSES_NAMED = 5
"""Foreign keys named in an error at most."""


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
    """What the user asked of a plan, as `transfer.Options` tells it.

    `create`: make missing tables; `strict`: refuse to leave out a foreign key of theirs; `append`: keep the
    target's rows; `recompute`: take what the target computes, whatever the source says of such a column;
    `on_error`: takes errors of rows that are then left out.
    """

    create: bool = False
    strict: bool = False
    append: bool = False
    ordered: bool = False
    load_map: LoadMap = field(default_factory=dict)
    lenient: bool = False
    first: tuple[TableKey, ...] = ()
    recompute: bool = False
    on_error: Callable[[ValueRefusedError], None] | None = None


def make_plan(source: Source, tables: Sequence[Table], target: Target, *, selection: Selection, wishes: Wishes) -> Plan:
    """Return what a transfer of these tables will do; nothing has been written yet.

    Raises MismatchError for a table or column that the target lacks, a column of the target that
    nothing fills, and types that cannot meet.
    """
    # All names of the source: a table that is not chosen may still be the one whose name the target has.
    pairs = pair_names([*source.schema().by_key, *(table.key for table in tables)], target.schema().by_key)
    found = {table.key: _find_table(table, target, pairs, wishes) for table in tables}
    missing = [table for table in tables if found[table.key] is None]
    made = dict(zip((table.key for table in missing), target.planned(missing, source.engine), strict=True))
    if wishes.strict:
        _refuse_losses(made.values())
    planner = _Planner(source, target, selection, wishes)
    plans = [
        planner.plan(table, found[table.key] or made[table.key], creates=table.key in made)
        for table in tables
    ]
    ordered = _ordered(source, plans, wishes.first)
    deferred = unordered_keys([plan.target for plan in ordered])
    return Plan(tables=tuple(ordered), deferred=tuple(deferred), append=wishes.append)


def _refuse_losses(tables: Iterable[Table]) -> None:
    """Raise MismatchError where a foreign key of tables that are to be made was left out."""
    lost = [note for table in tables for note in table.notes if isinstance(note, Loss)]
    if lost:
        more = f"; and {len(lost) - LOSSES_NAMED} more" if len(lost) > LOSSES_NAMED else ""
        advice = "take what they refer to as well, or leave out --strict"
        raise MismatchError(f"{'; '.join(lost[:LOSSES_NAMED])}{more}; {advice}")


def _ordered(source: Source, plans: Sequence[TablePlan], first: Sequence[TableKey]) -> list[TablePlan]:
    if source.order is not None:
        position = {key: at for at, key in enumerate(source.order)}
        return sorted(plans, key=lambda plan: position[plan.source.key])
    by_key = {plan.target.key: plan for plan in plans}
    targets = {plan.source.key: plan.target.key for plan in plans}
    leading = [targets[key] for key in first if key in targets]
    return [by_key[table.key] for table in parents_first([plan.target for plan in plans], leading)]


def _find_table(table: Table, target: Target, pairs: Pairs[TableKey], wishes: Wishes) -> Table | None:
    """Return the target's table of that name, None where it is to be created."""
    there = target.schema().by_key
    key = pairs.find(table.key, "table")
    if key is not None:
        return there[key]
    if target.creates or wishes.create:
        return None
    raise MismatchError(
        f"{target.name} has no table {shown(table.key)}; create it first or give --create"
        f" ({close(str(table.key), map(str, there))})"
    )


class _Planner:
    """Plans the tables of one transfer."""

    def __init__(self, source: Source, target: Target, selection: Selection, wishes: Wishes) -> None:
        self._source = source
        self._target = target
        self._selection = selection
        self._wishes = wishes

    def plan(self, table: Table, there: Table, *, creates: bool) -> TablePlan:
        known = self._wishes.load_map.get(there.key, TableMap())
        rules = Rules(
            generated=self._target.creates,
            lenient=self._wishes.lenient,
            defaults=self._source.defaults.get(table.key, {}),
            map=known,
            creates=creates,
            recompute=self._wishes.recompute,
            computes_alike=lambda *pair: self._target.computes_alike(table, pair, self._source.engine),
        )
        fields, notes = pair(table, there, rules)
        notes += [note for one in fields if (note := _conversion(table, one, made=creates))]
        if there.key != table.key and fold(there.key) == fold(table.key):
            notes.append(f"table {table.key} fills {there.key}: the names differ in case")
        marked = self._marked(fields, known)
        read = ReadTask(
            table=stored_table(table),
            columns=read_columns(table, fields, rules),
            checks=self._checks(table.key, fields),
            required=frozenset(one.read.name for one in fields if one.read is not None and self._must_fill(one, there)),
            limits=self._limits(fields),
            where=self._selection.condition(table.key),
            ordered=self._wishes.ordered,
            on_error=self._wishes.on_error,
            marks=frozenset(one.name for one, _ in marked),
        )
        columns = tuple(stored_column(one.target) for one in fields)
        return TablePlan(
            source=table,
            target=there,
            read=read,
            write=WriteTask(
                stored_table(there),
                columns,
                tuple(one.spelled for one in fields),
                marks=frozenset(one.name for _, one in marked),
            ),
            creates=creates,
            notes=(*(there.notes if creates else ()), *notes),
            rewrite=self._rewrite(read, fields, known, there),
            keeps=known.keeps,
            numbering={} if known.keeps else _numbering(fields),
        )

    def _marked(self, fields: Sequence[Field], known: TableMap) -> list[tuple[Column, Column]]:
        """Return the columns, read and written, whose values go as they are stored, off their type or not."""
        alike = self._source.marks and self._target.marks and self._source.engine == self._target.engine
        # What makes cells or rows of others knows values by their type's spelling.
        if not alike or known.rows is not None or any(one.maker for one in fields):
            return []
        taken = [(one.read, one.target) for one in fields if one.read is not None and not one.rewritten]
        return [(read, filled) for read, filled in taken if stores_alike(read, filled)]

    def _checks(self, key: TableKey, fields: Sequence[Field]) -> Mapping[str, Type]:
        """Return what each value must be able to become that is read and written as it is."""
        checks: dict[str, Type] = {}
        for one in fields:
            if one.read is not None and not one.rewritten and self._must_check(one.read, one.target, key):
                checks.setdefault(one.read.name, stored(one.target.type))
        return checks

    def _must_fill(self, one: Field, there: Table) -> bool:
        """Tell whether a column may not be NULL that is read and written as it is, and might be."""
        if one.read is None or one.rewritten or (self._source.typed and not one.read.nullable):
            return False
        return self._is_required(one.target, there)

    def _is_required(self, column: Column, there: Table) -> bool:
        """Tell whether the target refuses NULL, or makes something else of it: a number, the present moment."""
        if self._target.creates:
            return False
        # Where types are not kept to, a primary key may hold NULL unless it numbers the rows (facts.md K1).
        loose = not self._target.typed and column.name in there.primary_key
        return column.identity is not None or not (column.nullable or loose)

    def _limits(self, fields: Sequence[Field]) -> Mapping[str, Limit]:
        """Return what else looks at values that are read and written as they are, where they come from elsewhere."""
        limits: dict[str, Limit] = {}
        for one in fields:
            if one.read is not None and not one.rewritten:
                limit = self._limit(one)
                if limit is not None:
                    limits.setdefault(one.read.name, limit)
        return limits

    def _limit(self, one: Field) -> Limit | None:
        """Return what else looks at values of a column; None where the source's own has the same limit and keeps to it.
        """
        read, right = one.read, stored(one.target.type)
        same = read is not None and stored(read.type) == right and self._source.engine == self._target.engine
        return None if same and self._source.typed else self._target.limit(right)

    def _must_check(self, read: Column, filled: Column, key: TableKey) -> bool:
        """Tell whether each value must be looked at; refuse types that never meet."""
        left, right = stored(read.type), stored(filled.type)
        meets = Fit.NEVER if _no_uuid(read.type, filled.type) else fit(left, right)
        if meets is Fit.NEVER:
            raise MismatchError(
                f"column {key}.{read.name} is {read.type} at the source and {filled.type} at the target, which share no"
                " spelling; change one of them, or what describes the source"
            )
        if not self._target.typed:
            lax = left.kind is right.kind and right.kind is not Kind.DECIMAL
            return meets is Fit.CHECK and not lax
        return meets is Fit.CHECK or not self._source.typed

    def _rewrite(
        self, read: ReadTask, fields: Sequence[Field], known: TableMap, there: Table
    ) -> Rewrite | None:
        """Return what makes the written lines, None where those that are read are written."""
        written = [one.target.name for one in fields if one.read is not None and not one.rewritten]
        alone = [column.name for column in read.columns] == [one.read.name for one in fields if one.read]
        if known.rows is None and alone and len(written) == len(fields):
            return None
        names = [column.name for column in read.columns]
        cells = []
        for one in fields:
            cells.append(
                Cell(
                    column=one.target,
                    at=None if one.read is None else names.index(one.read.name),
                    make=one.maker(names) if one.maker else None,
                    convert=one.convert,
                    check=self._check(one, read),
                    required=one.rewritten and self._is_required(one.target, there),
                )
            )
        rows = known.rows([stored_column(one.target) for one in fields]) if known.rows else None
        return LineRewrite(read, cells, rows)

    def _check(self, one: Field, read: ReadTask) -> ColumnCheck | None:
        """Return what looks at a column that is to be written, None where it fits for certain."""
        right = stored(one.target.type)
        if one.read is not None and not one.rewritten:
            checked = read.checks.get(one.read.name) == right
            looked_at = checked or not self._must_check(one.read, one.target, read.table.key)
            return None if looked_at else column_check(right, stored(one.read.type))
        limit = self._target.limit(right)
        if one.edited:
            return limited(column_check(right), limit)
        fits = one.read is not None and fit(one.read.type, one.target.type) is Fit.ALWAYS
        return limited(column_check(right), limit) if self._target.typed and not fits else None


def _no_uuid(source: Type, target: Type) -> bool:
    """Tell whether no value of `source` is a uuid where `target` keeps nothing else in its text."""
    return target == UUID_HEX and fit(source, UUID) is Fit.NEVER


def _numbering(fields: Sequence[Field]) -> dict[str, Numbering]:
    """Return how far the source has come with the keys of columns that number rows on both sides."""
    pairs = [(one.target, one.read.native.numbering) for one in fields if one.read is not None]
    return {column.name: numbering for column, numbering in pairs if column.identity and numbering}


def _conversion(table: Table, one: Field, *, made: bool) -> str | None:
    """Return a note where values are spelled anew; `made`: the target's table is, and tells of its types itself."""
    if one.read is None:
        return None
    left, right = one.read.type, one.target.type
    named = f"column {table.key}.{one.read.name}"
    if left.kind is Kind.TIMESTAMP is right.kind and one.convert is None and left.zoned != right.zoned:
        how = "taken as UTC" if right.zoned else "stored as UTC without a zone"
        return f"{named}: timestamps are {how}"
    same = left.kind is right.kind or {left.kind, right.kind} == {Kind.BOOLEAN, Kind.INTEGER}
    told = one.convert is not None and left.kind is Kind.TIMESTAMP
    return f"{named}: {left} becomes {right}" if told or not (same or made) else None
