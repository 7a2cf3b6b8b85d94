"""Columns: where the cells of each column of a target table come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import eq

from ..errors import MismatchError, shown
from ..model.abc import Maker
from ..model.names import Names, Pairs
from ..model.names import pair as pair_names
from ..model.results import Loss
from ..model.schema import Column, Default, DefaultKind, Table, TableKey
from ..model.selection import close
from ..model.sql_text import same_expression
from ..model.types import TEXT, Kind, Type, stored
from ..rows.conversions import Convert, conversion
from ..rows.fills import maker
from .load_map import TableMap


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the target: the cells of `read`, perhaps through `convert`, or what `maker` makes.

    `edited`: a person wrote where it comes from, so each cell is looked at.
    """

    target: Column
    read: Column | None = None
    convert: Convert | None = None
    maker: Maker | None = None
    edited: bool = False

    @property
    def rewritten(self) -> bool:
        return self.read is None or self.convert is not None or self.edited

    @property
    def spelled(self) -> Type:
        """The type that the cells to write are spelled as."""
        if self.read is not None and not self.rewritten:
            return stored(self.read.type)
        written = stored(self.target.type)
        # The digits after the point are as many as whoever made the cell has given it.
        return Type(Kind.DECIMAL) if written.kind is Kind.DECIMAL else written


@dataclass(frozen=True, slots=True)
class Rules:
    """How columns find each other.

    `generated`: those too that a database computes: a dump holds the values of generated columns, who
    loads it may not be able to compute them. `lenient`: leave out what the target lacks. `defaults`:
    columns that the rows do not have, and what fills them. `creates`: the target's table is to be made, and
    its notes say what becomes of the columns. `recompute`: where the target computes a
    column by what is not the source's expression, its values are taken. `computes_alike`: tells whether
    a column of the source and one of the target get the same values of the same expression.
    """

    generated: bool
    lenient: bool
    defaults: Mapping[str, Default]
    map: TableMap
    creates: bool = False
    recompute: bool = False
    computes_alike: Callable[[Column, Column], bool] = lambda *_: True


def stored_column(column: Column) -> Column:
    """Return the column with the type that engines have."""
    type_ = stored(column.type)
    return column if type_ is column.type else replace(column, type=type_)


def stored_table(table: Table) -> Table:
    """Return the table with the types that engines have."""
    columns = tuple(map(stored_column, table.columns))
    same = all(left is right for left, right in zip(columns, table.columns, strict=True))
    return table if same else table.with_columns(columns)


def stores_alike(left: Column, right: Column) -> bool:
    """Tell whether two columns of one engine store every value alike, those that are off their types too."""
    one, other = stored(left.type), stored(right.type)
    sized = one.kind is other.kind and one.kind in (Kind.TEXT, Kind.BYTES)
    return (one == other or sized) and left.native.affinity == right.native.affinity


def readable(table: Table, rules: Rules) -> tuple[Column, ...]:
    """Return the columns of a source table that its rows have."""
    return tuple(column for column in table.columns if column.name not in rules.defaults)


def pair(table: Table, there: Table, rules: Rules) -> tuple[list[Field], list[str]]:
    """Return where each column to be written comes from, and notes on what is worth saying.

    Raises MismatchError for a column that the target lacks, and for one that nothing fills.
    """
    fields: list[Field] = []
    notes: list[str] = []
    given = readable(table, rules)
    # A default fills the column of its name, which is then no other column's.
    pairs = pair_names([*(column.name for column in given), *rules.defaults], there.by_name)
    for column in given:
        found = _find(table, column, there, pairs)
        if found is None:
            if not rules.lenient:
                raise _no_column(there, column.name)
            notes.append(Loss(f"column {table.key}.{column.name} is not in the target; left out"))
            continue
        if found.generated is not None and not rules.generated:
            notes += _computed(table, there, (column, found), rules)
            continue
        if found.name != column.name:
            notes.append(f"column {table.key}.{column.name} fills {found.name}: the names differ in case")
        if column.generated is not None and not (rules.generated or rules.creates):
            notes.append(f"column {table.key}.{column.name} is generated at the source; its values are copied")
        fields.append(_taken(column, found, rules))
    filled = {field.target.name for field in fields}
    defaults = {pairs.there[name]: default for name, default in rules.defaults.items() if name in pairs.there}
    filling = replace(rules, defaults=defaults)
    for column in there.columns:
        if column.name not in filled and (column.generated is None or rules.generated):
            field, note = _absent(table, there.key, column, filling)
            fields += [field] if field else []
            notes += [note] if note else []
    _check_defaults(table, there, pairs, rules=rules, notes=notes)
    return fields, notes


def _computed(table: Table, there: Table, pair: tuple[Column, Column], rules: Rules) -> list[str]:
    """Return what to say of a column that the target computes. Raises MismatchError where its values may differ."""
    column, found = pair
    # Where two names differ in case alone, an expression says which it means by its case.
    same = same_expression if _told_apart(table) and _told_apart(there) else eq
    words, theirs = column.generated, found.generated or ""
    if words is None:
        why = f"the target computes it as {shown(theirs)}, and the source holds values of its own"
    elif not same(words, theirs):
        why = f"the source computes it as {shown(words)}, the target as {shown(theirs)}"
    elif not rules.computes_alike(column, found):
        why = f"the source computes it as {shown(words)}, which may give other values in the target"
    else:
        return []
    named = f"column {there.key}.{found.name}"
    if not rules.recompute:
        raise MismatchError(
            f"{named}: {why}; give --recompute to take what the target computes, or make it a plain column there"
        )
    if words is None:
        return [Loss(f"{named}: {why}; these are left out")]
    return [f"{named}: {why}; what the target computes is taken"]


def _told_apart(table: Table) -> bool:
    return all(len(alike) == 1 for alike in Names(table.by_name).groups().values())


def _find(table: Table, column: Column, there: Table, pairs: Pairs[str]) -> Column | None:
    name = pairs.find(column.name, f"table {table.key}: column")
    return None if name is None else there.by_name[name]


def _no_column(there: Table, name: str) -> MismatchError:
    return MismatchError(
        f"table {there.key} of the target has no column {shown(name)}; add it, or leave the column out"
        f" in a schema file ({close(name, there.by_name)})"
    )


def _taken(column: Column, found: Column, rules: Rules) -> Field:
    if found.native.untyped:  # it takes anything, whatever it happens to hold now
        found = replace(found, type=column.type)
    if (made := rules.map.converts.get(found.name)) is not None:
        return Field(found, maker=made)
    return Field(found, read=column, convert=conversion(column.type, found.type))


def _absent(table: Table, key: TableKey, column: Column, rules: Rules) -> tuple[Field | None, str | None]:
    """Return what fills a column that the source lacks, or a note that it keeps its default."""
    named = f"column {key}.{column.name}"
    default = rules.defaults.get(column.name)
    if default is not None:
        return _filled(table, column, default, named), f"{named} is not in the rows; filled by its default"
    if (made := rules.map.fills.get(column.name)) is not None:
        return Field(column, maker=made), f"{named} is not in the source; filled for each row"
    if column.generated is not None:
        return None, None
    if not (column.nullable or column.default or column.identity):
        raise MismatchError(
            f"{named} of the target is NOT NULL without a default and the source has no such column;"
            " give it a default first"
        )
    return None, f"{named} is not in the source; new rows get its default"


def _filled(table: Table, column: Column, default: Default, where: str) -> Field:
    told = _told(table, column)
    if default.kind is not DefaultKind.REFERENCE:
        type_ = _meant(told, column.type)
        made = maker(default, type_, where=where)
        return Field(column, maker=made, convert=conversion(type_, column.type), edited=True)
    name = str(default.value)
    known = table.by_name.get(name)
    if known is None and told is not None:
        known = Column(name, told.type)  # its old name: the rows hold what the column is
    if known is not None:
        return Field(column, read=known, convert=conversion(known.type, column.type))
    # A field of the rows that nobody describes: taken for text, and looked at.
    return Field(column, read=Column(name, TEXT), convert=conversion(TEXT, column.type), edited=True)


def _told(table: Table, column: Column) -> Column | None:
    """Return the column as the schema of the rows describes it."""
    name = Names(table.by_name).find(column.name, f"table {table.key}: column")
    return None if name is None else table.by_name[name]


def _meant(told: Column | None, target: Type) -> Type:
    """Return the type that a default is spelled in: that of the target, or the flavour of it that is told."""
    if told is None or stored(told.type) is told.type:
        return target
    if target.kind not in (told.type.kind, stored(told.type).kind):
        return target
    return replace(told.type, precision=target.precision) if target.kind is Kind.TIMESTAMP else told.type


def _check_defaults(table: Table, there: Table, pairs: Pairs[str], *, rules: Rules, notes: list[str]) -> None:
    """Refuse defaults of columns that the target lacks, or note that they are left out."""
    for name in rules.defaults:
        if pairs.find(name, f"table {table.key}: column") is not None:
            continue
        if not rules.lenient:
            raise _no_column(there, name)
        notes.append(Loss(f"column {table.key}.{name} is not in the target; left out"))


def read_columns(table: Table, fields: Sequence[Field], rules: Rules) -> tuple[Column, ...]:
    """Return the columns to read: those that are written, or all where something is made of a line."""
    used = [field.read for field in fields if field.read is not None]
    wanted = used
    if any(field.maker is not None and not _is_default(field) for field in fields):
        wanted = [*readable(table, rules), *used]
    return tuple({column.name: stored_column(column) for column in wanted}.values())


def _is_default(field: Field) -> bool:
    """Tell whether the maker is that of a default, which looks at no cell."""
    return field.maker is not None and field.edited
