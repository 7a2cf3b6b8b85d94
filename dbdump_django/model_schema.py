"""Models laid over the tables that are there: the catalog says what exists, the models what it means."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from dbdump_core.model.abc import Maker
from dbdump_core.model.names import Names
from dbdump_core.model.schema import Column, Default, DefaultKind, Schema, Table, TableKey
from dbdump_core.model.types import Kind
from dbdump_core.rows.lines import text_of

from .db_url import asking, connection_of
from .field_types import column_type
from .field_values import cell_of, filler
from .selection import Model, name_of


def overlay(reflected: Schema, models: Sequence[Model], alias: str) -> Schema:
    """Return the reflected schema with the tables of `models` refined.

    Types say what the fields mean, the flags of auto_now and auto_now_add are set, and a field's
    default stands where the column has none of its own. Nothing else changes: keys are what the
    database enforces, other tables are as they were. A field whose column is missing is a note.
    """
    connection = connection_of(alias)
    by_key = model_keys(models, alias)
    tables = [
        _refined(table, by_key[table.key], connection) if table.key in by_key else table for table in reflected
    ]
    return replace(reflected, tables=tuple(tables))


def model_keys(models: Sequence[Model], alias: str) -> dict[TableKey, Model]:
    """Return the models by their tables, named as the catalog of `alias` has them.

    Of two models with one table (an unmanaged twin) the first managed one counts. A table that is not
    there goes by the name that its model gives it.
    """
    names = {model: model._meta.db_table for model in models}
    keys = _table_keys(list(names.values()), alias)
    found: dict[TableKey, Model] = {}
    for model, name in names.items():
        twin = found.get(keys[name])
        if twin is None or (model._meta.managed and not twin._meta.managed):
            found[keys[name]] = model
    return found


def missing_tables(
    reflected: Schema, models: Sequence[Model], alias: str
) -> tuple[tuple[Model, ...], dict[Model, str]]:
    """Return the models whose table `migrate` is to make first, and why others have no table with rows of its own."""
    lost = {key: model for key, model in model_keys(models, alias).items() if key not in reflected.by_key}
    reasons = {
        model: f"is on {what}, which has no rows of its own"
        for key, model in lost.items()
        if (what := reflected.rowless.get(key))
    }
    managed = tuple(model for model in lost.values() if model._meta.managed and model not in reasons)
    unmanaged = {model: "is unmanaged and its table is not there" for model in lost.values() if model not in managed}
    return managed, unmanaged | reasons


def fills(models: Sequence[Model], alias: str, schema: Schema) -> dict[TableKey, dict[str, Maker]]:
    """Return what makes the cells of columns that the rows lack, as the fields would, for each row anew.

    `schema`: what `overlay` returned for `alias`. A column is absent where the database fills it
    (a key that it numbers, `db_default`, a generated one) and where nothing can (no default, not null).
    The Makers raise MismatchError naming the field for a default that cannot be told as a cell.
    """
    connection = connection_of(alias)
    found: dict[TableKey, dict[str, Maker]] = {}
    for key, model in model_keys(models, alias).items():
        if key not in schema.by_key:
            continue
        paired = fields_by_column(model, schema.by_key[key])
        made = {name: filler(field, schema.by_key[key].by_name[name], connection) for name, field in paired.items()}
        found[key] = {name: maker for name, maker in made.items() if maker is not None}
    return found


def fields_by_column(model: Model, table: Table) -> dict[str, Any]:
    """Return the fields of a model's own table by the names of its columns, as the catalog spells them."""
    columns = Names(table.by_name)
    found: dict[str, Any] = {}
    for field in model._meta.local_concrete_fields:
        name = field.column if field.column in table.by_name else (_parts(field.column) or (field.column,))[-1]
        there = columns.find(name, f"table {table.key}: column")
        if there is not None:
            found.setdefault(there, field)
    return found


# --- tables -------------------------------------------------------------------------------------


def _refined(table: Table, model: Model, connection: Any) -> Table:
    fields = fields_by_column(model, table)
    columns = [
        _refined_column(column, fields[column.name], connection) if column.name in fields else column
        for column in table.columns
    ]
    there = set(fields.values())
    lost = [
        f"no column for the field {name_of(model)}.{field.name}; apply the migrations"
        for field in model._meta.local_concrete_fields
        if field not in there and field.db_type(connection) is not None
    ]
    return replace(table, columns=tuple(columns), notes=(*table.notes, *lost))


def _refined_column(column: Column, field: Any, connection: Any) -> Column:
    refined = replace(
        column,
        type=column_type(field, column.type, connection),
        auto_now=bool(getattr(field, "auto_now", False)),
        auto_now_add=bool(getattr(field, "auto_now_add", False)),
    )
    if column.default is not None or column.generated is not None or column.identity is not None:
        return refined
    return replace(refined, default=_default(field, refined, connection))


def _default(field: Any, column: Column, connection: Any) -> Default | None:
    """Return a field's default as data; None where it has none or one that only code can tell."""
    if not field.has_default() or field.default is None:
        return None
    kind = column.type.kind
    if callable(field.default):
        found = next((default for call, default in _CALLS if field.default == call), None)
        return Default(found, None if found is DefaultKind.UUID else "now") if found and kind in _HOLDS[found] else None
    if kind not in _LITERAL_KINDS or (kind is Kind.TIMESTAMP and column.type.name):
        return None
    try:
        text = text_of(cell_of(field, field.get_default(), column.type, connection))
    except ValueError:
        return None
    return None if text is None else _literal(text, kind)


_CALLS = [
    (timezone.now, DefaultKind.DATETIME), (dt.datetime.now, DefaultKind.DATETIME),
    (timezone.localdate, DefaultKind.DATE), (dt.date.today, DefaultKind.DATE), (uuid.uuid4, DefaultKind.UUID),
]  # fmt: skip
"""Callables whose values the neutral schema has words for."""
_HOLDS = {
    DefaultKind.DATETIME: {Kind.TIMESTAMP},
    DefaultKind.DATE: {Kind.DATE, Kind.TIMESTAMP},
    DefaultKind.UUID: {Kind.UUID},
}
_LITERAL_KINDS = {
    Kind.BOOLEAN, Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.TEXT, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.JSON,
}  # fmt: skip


def _literal(text: str, kind: Kind) -> Default:
    """Return a literal default; decimals and times stay text."""
    plain: dict[Kind, Callable[[str], str | int | float | bool]] = {
        Kind.BOOLEAN: lambda text: text == "1",
        Kind.INTEGER: int,
        Kind.FLOAT: float,
    }
    return Default(DefaultKind.VALUE, plain.get(kind, str)(text))


# --- names --------------------------------------------------------------------------------------

_RESOLVED = """
SELECT given.name, n.nspname = current_schema(), n.nspname::text, c.relname::text
FROM unnest(%s::text[]) AS given(name)
JOIN pg_catalog.pg_class c ON c.oid = to_regclass(given.name)
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
"""


def _table_keys(names: Sequence[str], alias: str) -> dict[str, TableKey]:
    """Return the keys of the tables that `db_table` names mean, by these names.

    A name such as `"s"."t"`, which Django takes for quoted already, means a table of another schema.
    """
    with asking(alias) as connection, connection.cursor() as cursor:
        parts = {name: _parts(connection.ops.quote_name(name)) or (name,) for name in names}
        if connection.vendor == "postgresql":
            return _resolved(parts, connection, cursor)
        default = "main" if connection.vendor == "sqlite" else connection.settings_dict["NAME"]
        there = Names(str(name) for name in connection.introspection.table_names(cursor))
        ignores_case = connection.features.ignores_table_name_case
    keys = {name: TableKey(*part) if len(part) == 2 else TableKey(None, part[0]) for name, part in parts.items()}
    return {
        name: key if key.schema not in (None, default) else _spelled(key.name, there, ignores_case=ignores_case)
        for name, key in keys.items()
    }


def _spelled(name: str, there: Names[str], *, ignores_case: bool) -> TableKey:
    """Return the key of a table of the default schema as the catalog spells it."""
    found = there.find(name, "table") if ignores_case else None
    return TableKey(None, name if found is None else found)


def _resolved(parts: Mapping[str, tuple[str, ...]], connection: Any, cursor: Any) -> dict[str, TableKey]:
    """Return keys as the server resolves names: by the search path, cut at 63 bytes."""
    quoted = {".".join(_quoted(part) for part in named): name for name, named in parts.items()}
    cursor.execute(_RESOLVED, [list(quoted)])
    found = {
        quoted[given]: TableKey(None if is_default else schema, name)
        for given, is_default, schema, name in cursor.fetchall()
    }
    unfound = {name: TableKey(*part) if len(part) == 2 else TableKey(None, part[0]) for name, part in parts.items()}
    return unfound | found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _parts(quoted: str) -> tuple[str, ...] | None:
    """Return the one or two names of a quoted one; None where it is not well formed."""
    quote = re.escape(quoted[0])
    name = f"{quote}((?:[^{quote}]|{quote}{quote})+){quote}"
    found = re.fullmatch(rf"(?:{name}\.)?{name}", quoted, re.DOTALL)
    if found is None:
        return None
    return tuple(part.replace(quoted[0] * 2, quoted[0]) for part in found.groups() if part is not None)
