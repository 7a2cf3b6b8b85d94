"""What a neutral table becomes on an engine: types, names, keys and defaults, decided before any DDL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import sqlalchemy as sa

from ..errors import MismatchError, shown
from ..model.schema import Column, Default, DefaultKind, ForeignKey, Identity, Numbering, Schema, Table, TableKey
from ..model.types import Fit, Kind, Type, fit, stored
from .expressions import portable_expression
from .key_names import Names
from .native import collation_notes, settled_native
from .reflection import now_default, tidy, value_default


class Spelling(ABC):
    """How one engine says what the neutral schema means. The flags say what it can do."""

    engine: ClassVar[str]
    """For people."""
    family: ClassVar[frozenset[str]]
    """Engines whose expressions mean the same as here."""
    max_columns: ClassVar[int]
    schemas: ClassVar[bool] = False
    empty_tables: ClassVar[bool] = False
    """A table may have no columns."""
    inline_foreign_keys: ClassVar[bool] = False
    """Foreign keys can only be made along with their table."""
    deferrable: ClassVar[bool] = True
    identity_clause: ClassVar[bool] = False
    """Says GENERATED … AS IDENTITY; otherwise the type says who numbers the rows."""
    exact_decimals: ClassVar[bool] = True
    now_is_utc: ClassVar[bool] = False
    """The present moment is always that of UTC."""
    updates_now: ClassVar[bool] = False
    """Has ON UPDATE CURRENT_TIMESTAMP."""
    comment_length: ClassVar[int] = 0
    unique_is_key: ClassVar[bool] = False
    """A unique index and a unique constraint are the same thing."""
    indexes_foreign_keys: ClassVar[bool] = False
    """Makes an index for a foreign key that has none."""
    shared_index_names: ClassVar[bool] = False
    """Index names are unique in a schema, not only in a table."""
    shared_key_names: ClassVar[bool] = False
    """The same for foreign keys."""
    named_keys: ClassVar[bool] = True
    """Gives a name to a unique or foreign key that has none."""
    repeats_columns: ClassVar[bool] = True
    """A foreign key may name one of its table's columns twice."""
    actions: ClassVar[frozenset[str]] = frozenset({"cascade", "set null", "set default", "restrict"})

    def __init__(self, collations: Collection[str] = ()) -> None:
        self._collations = frozenset(collations)
        """Collations that the server has, by its own names."""

    def collation(self, name: str) -> str | None:
        """Return the collation of this server that is like `name`, one of an engine of the family."""
        return name if name in self._collations else None

    def collate(self, column: Column) -> str:
        """Return what comes after a settled column's type to give it its collation."""
        return f" COLLATE {column.native.collation}" if column.native.collation else ""

    @abstractmethod
    def name_problem(self, name: str) -> str | None:
        """Return why the engine cannot have `name`, or None."""

    def folded_table(self, name: str) -> str:
        """Return what names of tables have in common that the engine takes for one."""
        return name

    def folded_column(self, name: str) -> str:
        """The same for names of columns."""
        return name

    def column_problem(self, name: str) -> str | None:
        """Return why a column cannot have `name`, or None."""
        return self.name_problem(name)

    def creation_problem(self, error: sa.exc.DBAPIError) -> str | None:
        """Return what the engine says against a table or key as such; None for an error that is not about these."""
        return None

    def flavoured(self, type_: Type) -> Type:
        """Return what a flavour of a type is kept as here."""
        return stored(type_)

    @abstractmethod
    def settle_types(self, table: Table, *, own: bool) -> Table:
        """Return `table`, of an engine of the family if `own`, with the types that its columns will have.

        Raises MismatchError.
        """

    @abstractmethod
    def spell(self, column: Column, literal: Callable[[str], str]) -> str:
        """Return the type of a settled column in the engine's words; `literal` quotes a text."""

    @abstractmethod
    def identity(self, column: Column, table: Table) -> Identity | None:
        """Return how the engine numbers the rows by this column, None if it cannot."""

    @abstractmethod
    def default(self, default: Default, type_: Type, *, utc: bool = False) -> str | sa.ColumnElement[Any] | None:
        """Return the DEFAULT of a column: a text to be quoted or SQL of our own; None if it has none.

        `utc`: the present moment is that of UTC (`Native.utc_default`).
        """

    def numbering(self, numbering: Numbering | None, type_: Type) -> Numbering | None:
        """Return how a column that numbers rows goes on here, None where the highest key decides.

        Most engines count up by ones from a first key on.
        """
        known = numbering or Numbering()
        return Numbering(next=max(known.next or 1, 1) if known.step > 0 else 1)

    def keyed_in_type(self, table: Table) -> bool:
        """Tell whether the words of a column's type make it the primary key."""
        return False

    def numbering_options(self, table: Table) -> dict[str, Any]:
        """Return the table options, without the dialect's name, that set the next key of a settled table."""
        return {}

    def table_options(self, connection: sa.Connection) -> dict[str, Any]:
        """Return what SQLAlchemy's Table takes beside columns."""
        return {}


def refused(table: Table, column: Column, problem: str) -> MismatchError:
    """Return the error for a column that the engine cannot hold."""
    return MismatchError(f"table {shown(table.key)}, column {shown(column.name)}: {column.type} {problem}")


def as_created(
    tables: Sequence[Table],
    spelling: Spelling,
    *,
    source: str | None = None,
    taken: Collection[str] = (),
    there: Collection[TableKey] = (),
) -> tuple[Table, ...]:
    """Return `tables` as they will read back once they have been created, in the same order.

    What changes is in `Table.notes`. `source`: the engine that expressions come from; `taken`: names
    of tables and indexes that are there already; `there`: the tables among them. Raises MismatchError for
    what the engine cannot hold exactly: types without a like, names it cannot have or takes for one name,
    too many columns.
    """
    names = Names(spelling, taken)
    _check_apart([*there, *(table.key for table in tables)], spelling)
    settled = [_settled(table, spelling, source) for table in tables]
    for table in settled:
        names.take(table)
    return tuple(tidy(names.settled(table)) for table in settled)


def names_in(schema: Schema) -> set[str]:
    """Return the names that tables, keys and indexes of a database have taken, for `as_created`."""
    names = {table.name for table in schema}
    for table in schema:
        names.update(key.name for key in table.unique if key.name is not None)
        names.update(key.name for key in table.foreign_keys if key.name is not None)
        names.update(index.name for index in table.indexes)
    return names


def _check_apart(keys: Iterable[TableKey], spelling: Spelling) -> None:
    """Refuse tables whose names the engine takes for one."""
    known: dict[TableKey, TableKey] = {}
    for key in keys:
        other = known.setdefault(TableKey(key.schema, spelling.folded_table(key.name)), key)
        if other != key:
            raise MismatchError(
                f"tables {shown(other)} and {shown(key)}: {spelling.engine} takes these names for one; rename one of"
                " them, or leave it out"
            )


# --- one table ----------------------------------------------------------------------------------


def _settled(table: Table, spelling: Spelling, source: str | None) -> Table:
    _check_names(table, spelling)
    plain = table.with_columns(tuple(replace(c, type=spelling.flavoured(c.type)) for c in table.columns))
    own = source in spelling.family
    typed = spelling.settle_types(plain, own=own)
    notes = list(table.notes)
    for old, new in zip(plain.columns, typed.columns, strict=True):
        if _worth_saying(old.type, new.type):
            notes.append(f"column {shown(old.name)}: {old.type} becomes {new.type}")
    columns = tuple(
        replace(made, native=settled_native(old, made, spelling, own=own, notes=notes))
        for old in plain.columns
        for made in [_settled_column(typed.by_name[old.name], typed, spelling, source=source, notes=notes)]
    )
    notes += collation_notes(table, columns)
    if table.checks:
        notes.append(f"{len(table.checks)} check constraints are not created")
    return replace(
        typed,
        columns=columns,
        foreign_keys=tuple(_settled_foreign_key(table, key, spelling, notes=notes) for key in table.foreign_keys),
        checks=(),
        comment=_settled_comment(table.comment, spelling),
        notes=tuple(notes),
    )


def _worth_saying(old: Type, new: Type) -> bool:
    """Tell whether a change of type is more than room to spare."""
    return old.kind is not new.kind or old.zoned != new.zoned or fit(old, new) is not Fit.ALWAYS


def _check_names(table: Table, spelling: Spelling) -> None:
    what = f"table {shown(table.key)}"
    if table.schema is not None and not spelling.schemas:
        raise MismatchError(f"{what}: {spelling.engine} has no schemas; rename the table to one without")
    for name in (table.name, *(() if table.schema is None else (table.schema,))):
        if problem := spelling.name_problem(name):
            raise MismatchError(f"{what}: {spelling.engine} {problem}; rename the table")
    for column in table.columns:
        if problem := spelling.column_problem(column.name):
            raise MismatchError(
                f"{what}, column {shown(column.name)}: {spelling.engine} {problem}; rename it"
            )
    _check_columns_apart(table, spelling)
    if not table.columns and not spelling.empty_tables:
        raise MismatchError(f"{what} has no columns, which {spelling.engine} does not allow; leave it out")
    if len(table.columns) > spelling.max_columns:
        problem = f"{len(table.columns)} columns, {spelling.engine} takes {spelling.max_columns}"
        raise MismatchError(f"{what} has {problem}; split it")


def _check_columns_apart(table: Table, spelling: Spelling) -> None:
    """Refuse columns whose names the engine takes for one."""
    known: dict[str, str] = {}
    for column in table.columns:
        other = known.setdefault(spelling.folded_column(column.name), column.name)
        if other != column.name:
            raise MismatchError(
                f"table {shown(table.key)}, columns {shown(other)} and {shown(column.name)}: {spelling.engine} takes"
                " these names for one; rename one of them, or leave it out in a schema file"
            )


def _settled_column(
    column: Column, table: Table, spelling: Spelling, *, source: str | None, notes: list[str]
) -> Column:
    identity = spelling.identity(column, table) if column.identity else None
    default = _settled_default(column, spelling) if column.default and not identity else None
    generated = column.generated if _portable(column, table, spelling, source) else None
    said = shown(column.name)
    if column.identity and not identity:
        notes.append(f"column {said}: {spelling.engine} cannot number rows by it; it is a plain column")
    if column.default and not identity and not default and column.default.kind is not DefaultKind.NULL:
        notes.append(f"column {said}: its default is not created")
    if column.generated is not None and generated is None:
        notes.append(f"column {said}: created as a plain column, its expression may mean something else here")
    key = column.name in table.primary_key
    return replace(
        column,
        nullable=not (key or identity) and (column.nullable or generated is not None),
        default=default if generated is None else None,
        auto_now=False,
        auto_now_add=False,
        identity=identity,
        generated=generated,
        comment=_settled_comment(column.comment, spelling),
    )


def _settled_comment(comment: str | None, spelling: Spelling) -> str | None:
    return comment if comment and len(comment) <= spelling.comment_length else None


def _settled_default(column: Column, spelling: Spelling) -> Default | None:
    """Return the default as it will read back; None for what is not a literal or the present moment."""
    default = column.default
    if default is None or default.kind in (DefaultKind.NULL, DefaultKind.SQL, DefaultKind.REFERENCE):
        return None
    settled: Default | None = default
    if default.kind is not DefaultKind.UUID:
        now = default.value == "now" and default.kind is not DefaultKind.VALUE
        settled = now_default(column.type) if now else value_default(_text(default.value), column.type)
    if settled is None or spelling.default(settled, column.type) is None:
        return None
    return settled


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def computed_alike(table: Table, pair: tuple[Column, Column], spelling: Spelling, source: str) -> bool:
    """Tell whether a column of `source` and one that is here get the same values of the same expression."""
    theirs, ours = pair
    if spelling.exact_decimals and not _rounded_alike(theirs.type, ours.type):
        return False
    return source in spelling.family or _portable(theirs, table, spelling, source)


_WHOLE = {Kind.BOOLEAN, Kind.INTEGER, Kind.YEAR}


def _rounded_alike(left: Type, right: Type) -> bool:
    """Tell whether two columns keep the same of a computed value: digits matter, room for more does not."""
    if left.kind in _WHOLE and right.kind in _WHOLE:
        return True
    if left.kind is Kind.DECIMAL and right.kind is Kind.DECIMAL:
        return left.scale == right.scale and (left.precision is None) == (right.precision is None)
    one, other = (replace(stored(type_), length=None, fixed=False, values=()) for type_ in (left, right))
    return one == other


def _portable(column: Column, table: Table, spelling: Spelling, source: str | None) -> bool:
    if column.generated is None:
        return False
    same = source in spelling.family
    exact = (
        {Kind.INTEGER, Kind.DECIMAL}
        if spelling.exact_decimals and source not in (None, "sqlite")
        else {Kind.INTEGER}
    )
    names = [c.name for c in table.columns if c.generated is None and (same or c.type.kind in exact)]
    fits = same or column.type.kind in exact
    # Where a fraction is kept in an integer's place, or rounded away, is each engine's own affair.
    fractions = same or Kind.DECIMAL in exact
    return fits and portable_expression(column.generated, names, same_engine=same, fractions=fractions) is not None


def _settled_foreign_key(table: Table, key: ForeignKey, spelling: Spelling, *, notes: list[str]) -> ForeignKey:
    if len(set(key.columns)) < len(key.columns) and not spelling.repeats_columns:
        raise MismatchError(
            f"table {shown(table.key)}: the foreign key ({', '.join(key.columns)}) names a column twice, which"
            f" {spelling.engine} does not allow; leave the key out in a schema file"
        )
    on_delete, on_update = (_action(action, spelling, notes) for action in (key.on_delete, key.on_update))
    deferrable = key.deferrable if spelling.deferrable else None
    if key.deferrable and not deferrable:
        columns = ", ".join(map(shown, key.columns))
        notes.append(
            f"the foreign key of {columns} is checked at once: {spelling.engine} has no deferrable ones"
        )
    return replace(key, on_delete=on_delete, on_update=on_update, deferrable=deferrable)


def _action(action: str | None, spelling: Spelling, notes: list[str]) -> str | None:
    if action in (None, "no action") or action in spelling.actions:
        return action if action != "no action" else None
    if action != "restrict":
        notes.append(f"a foreign key says {action}, which {spelling.engine} does not have; left out")
    return None


def keyed_columns(table: Table) -> set[str]:
    """Return the columns that are part of any key or index."""
    parts = [table.primary_key, *(key.columns for key in table.unique), *(i.columns for i in table.indexes)]
    return {name for part in (*parts, *(key.columns for key in table.foreign_keys)) for name in part}


def numbered_columns(table: Table) -> set[str]:
    """Return the columns that number rows, and those that refer to others, whose type must follow."""
    numbered = {column.name for column in table.columns if column.identity}
    return numbered | {name for key in table.foreign_keys for name in key.columns}
