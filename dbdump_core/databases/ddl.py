"""Tables made from the neutral schema, through SQLAlchemy's DDL constructs.

Nothing of a schema file reaches an engine as SQL: names are quoted by SQLAlchemy, types come from
each engine's `Spelling`, defaults are literals, expressions are taken apart and built anew, and
whatever cannot be treated so is left out with a note (facts.md H5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import schema as sa_schema

from ..errors import MismatchError, shown
from ..model.schema import Column, ForeignKey, Identity, Numbering, Table, TableKey
from .expressions import portable_expression
from .spelling import Spelling


def create_tables(
    connection: sa.Connection,
    spelling: Spelling,
    tables: Sequence[Table],
    *,
    made: Callable[[Table], None] | None = None,
) -> None:
    """Create `tables`, which are as `as_created` gave them, with primary and unique keys.

    Missing schemas are created. Foreign keys come along only where an engine cannot add them later
    (`spelling.inline_foreign_keys`). `made` is told of each table once it is there. Runs in the
    caller's transaction; raises MismatchError for a table that the engine cannot have, else SQLAlchemy's errors.
    """
    options = spelling.table_options(connection)
    known = {table.key: table for table in tables}
    _create_schemas(connection, tables)
    for table in tables:
        numbered = {f"{connection.dialect.name}_{k}": v for k, v in spelling.numbering_options(table).items()}
        built = _built(connection, spelling, table, {**options, **numbered})
        inline = spelling.inline_foreign_keys
        keys = [_constraint(built, key, known) for key in table.foreign_keys] if inline else []
        with _named(table, spelling):
            connection.execute(sa_schema.CreateTable(built, include_foreign_key_constraints=keys))
        if made:
            made(table)
        _add_comments(connection, built)


def create_indexes(connection: sa.Connection, spelling: Spelling, tables: Sequence[Table]) -> None:
    """Create the indexes of `tables`, which are there already."""
    for table in tables:
        built = _built(connection, spelling, table, {})
        for index in table.indexes:
            columns = [built.c[name] for name in index.columns]
            made = sa.Index(sa.quoted_name(index.name, True), *columns, unique=index.unique)
            with _named(table, spelling):
                connection.execute(sa_schema.CreateIndex(made))


def create_foreign_keys(connection: sa.Connection, spelling: Spelling, tables: Sequence[Table]) -> None:
    """Add the foreign keys of `tables`, once all they refer to is there; nothing where they are inline."""
    if spelling.inline_foreign_keys:
        return
    known = {table.key: table for table in tables}
    for table in tables:
        built = _built(connection, spelling, table, {})
        for key in table.foreign_keys:
            with _named(table, spelling):
                connection.execute(sa_schema.AddConstraint(_constraint(built, key, known)))


@contextmanager
def _named(table: Table, spelling: Spelling) -> Iterator[None]:
    """Raise MismatchError, naming the table, where the engine says that such a table cannot be."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        problem = spelling.creation_problem(error)
        if problem is None:
            raise
        raise MismatchError(
            f"table {shown(table.key)} of {len(table.columns)} columns cannot be made so: {problem}; change it in a"
            " schema file, or leave it out"
        ) from error


# --- SQLAlchemy's own tables ----------------------------------------------------------------------


class _Spelled(sa.types.UserDefinedType[Any]):
    """A type by the words of its engine."""

    cache_ok = True

    def __init__(self, words: str) -> None:
        self.words = words

    def get_col_spec(self, **_: Any) -> str:
        return self.words


def _quoted(name: str) -> sa.quoted_name:
    return sa.quoted_name(name, True)


def _optional(name: str | None) -> sa.quoted_name | None:
    return None if name is None else _quoted(name)


def _literal(connection: sa.Connection) -> Callable[[str], str]:
    """Return a function that writes a text as a literal, percent signs doubled for drivers that halve."""
    dialect = connection.dialect
    return lambda text: str(sa.literal(text).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _built(
    connection: sa.Connection, spelling: Spelling, table: Table, options: Mapping[str, Any]
) -> sa.Table:
    literal = _literal(connection)
    names = [column.name for column in table.columns]
    columns = [_column(column, spelling, names, literal) for column in table.columns]
    # A metadata of its own: its keys join schema and name with a point, which names may hold.
    built = sa.Table(
        _quoted(table.name),
        sa.MetaData(),
        *columns,
        schema=_optional(table.schema),
        comment=table.comment,
        **options,
    )
    if table.primary_key and not spelling.keyed_in_type(table):
        built.append_constraint(sa.PrimaryKeyConstraint(*(built.c[name] for name in table.primary_key)))
    for key in table.unique:
        parts = [built.c[name] for name in key.columns]
        built.append_constraint(sa.UniqueConstraint(*parts, name=_optional(key.name)))
    return built


def _column(
    column: Column, spelling: Spelling, names: Sequence[str], literal: Callable[[str], str]
) -> sa.Column[Any]:
    parts: list[Any] = []
    if column.generated is not None:
        # as_created has dropped what is not portable to this engine.
        expression = portable_expression(column.generated, names, same_engine=True)
        parts.append(sa.Computed(expression, persisted=True))  # type: ignore[arg-type]
    if column.identity is not None and spelling.identity_clause:
        parts.append(_identity(column.identity, column.native.numbering or Numbering()))
    return sa.Column(
        _quoted(column.name),
        _Spelled(spelling.spell(column, literal) + spelling.collate(column)),
        *parts,
        nullable=column.nullable,
        autoincrement="auto" if column.identity is not None and spelling.identity_clause else False,
        server_default=_default(column, spelling),
        comment=column.comment,
    )


def _default(column: Column, spelling: Spelling) -> Any:
    if column.default is None:
        return None
    return spelling.default(column.default, column.type, utc=column.native.utc_default)


def _identity(identity: Identity, numbering: Numbering) -> sa.Identity:
    return sa.Identity(
        always=identity is Identity.ALWAYS,
        start=numbering.start,
        increment=numbering.step,
        minvalue=numbering.lowest,
        maxvalue=numbering.highest,
        cycle=numbering.cycle or None,
    )


def _constraint(built: sa.Table, key: ForeignKey, known: Mapping[TableKey, Table]) -> sa.ForeignKeyConstraint:
    parent = built if key.table == TableKey(built.schema, built.name) else _parent(key)
    return sa.ForeignKeyConstraint(
        [built.c[name] for name in key.columns],
        [parent.c[name] for name in key.referred],
        name=_optional(key.name),
        ondelete=key.on_delete.upper() if key.on_delete else None,
        onupdate=key.on_update.upper() if key.on_update else None,
        deferrable=True if key.deferrable else None,
        initially=key.deferrable.upper() if key.deferrable else None,
        table=built,
    )


def _parent(key: ForeignKey) -> sa.Table:
    """Return as much of the table that a key refers to as SQLAlchemy needs to name it."""
    columns: list[sa.Column[Any]] = [sa.Column(_quoted(name), sa.types.NullType()) for name in key.referred]
    return sa.Table(_quoted(key.table.name), sa.MetaData(), *columns, schema=_optional(key.table.schema))


def _create_schemas(connection: sa.Connection, tables: Sequence[Table]) -> None:
    for name in dict.fromkeys(table.schema for table in tables if table.schema is not None):
        # Asked for first: IF NOT EXISTS needs the right to create even where there is nothing to do.
        if not sa.inspect(connection).has_schema(name):
            connection.execute(sa_schema.CreateSchema(_quoted(name)))


def _add_comments(connection: sa.Connection, built: sa.Table) -> None:
    dialect = connection.dialect
    if not dialect.supports_comments or dialect.inline_comments:
        return
    if built.comment:
        connection.execute(sa_schema.SetTableComment(built))
    for column in built.columns:
        if column.comment:
            connection.execute(sa_schema.SetColumnComment(column))
