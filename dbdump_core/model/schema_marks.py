"""Marks: what a person wrote into the schema of a dump that is to be done to it, `drop` and `rename`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from ..errors import shown
from .schema import Column, Default, DefaultKind, ForeignKey, Schema, Table, TableKey
from .schema_yaml import MARKS, look_at, schema_of
from .yaml_nodes import Node, parse_yaml

_KEYS = ("primary_key", "unique", "foreign_keys", "indexes")


class ColumnKey(NamedTuple):
    """A column of a table, by the names in the dump."""

    table: TableKey
    name: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What becomes of tables and columns: their new name, None where they are dropped. Keys: names in the dump."""

    tables: Mapping[TableKey, TableKey | None] = field(default_factory=dict)
    columns: Mapping[ColumnKey, str | None] = field(default_factory=dict)

    def table(self, key: TableKey) -> TableKey | None:
        """Return the table's new key, None where it is dropped."""
        return self.tables.get(key, key)

    def column(self, table: TableKey, name: str) -> str | None:
        """Return the column's new name, None where it is dropped."""
        return self.columns.get(ColumnKey(table, name), name)

    def default(self, table: TableKey, default: Default) -> Default:
        """Return a default whose reference names the column as it is called now."""
        if default.kind is not DefaultKind.REFERENCE:
            return default
        name = str(default.value)
        return replace(default, value=self.column(table, name) or name)

    def told(self) -> list[str]:
        """Return a line for each mark."""
        tables = [f"table {shown(key)} {_told(new)}" for key, new in self.tables.items()]
        columns = [f"table {shown(at.table)}: column {shown(at.name)} {_told(new)}" for at, new in self.columns.items()]
        return tables + columns


def _told(new: object) -> str:
    return "is left out (drop: true)" if new is None else f"is renamed to {shown(new)}"


def loads_marked(text: str, *, file: str) -> tuple[Schema, Marks]:
    """Return the schema that `text` describes, by the names in the dump, and its marks. Raises SchemaError."""
    root = parse_yaml(text, file, look_at)
    tables: dict[TableKey, TableKey | None] = {}
    columns: dict[ColumnKey, str | None] = {}
    if isinstance(root.value, dict) and "tables" in root.value:
        nodes = [_taken_table(node, tables, columns) for node in root.value["tables"].items()]
        root = _with(root, tables=_with_value(root.value["tables"], nodes))
    schema = schema_of(root)
    marks = Marks(tables, columns)
    _check_names(root, schema, marks)
    return schema, marks


def _taken_table(
    node: Node, tables: dict[TableKey, TableKey | None], columns: dict[ColumnKey, str | None]
) -> Node:
    """Return the table's node without marks; put those into `tables` and `columns`."""
    keys = node.value
    if not isinstance(keys, dict) or "name" not in keys:
        return node
    key = TableKey(keys["schema"].string() if "schema" in keys else None, keys["name"].string())
    if mark := _mark(node):
        tables[key] = None if mark == "drop" else _new_key(keys["rename"])
    if "columns" in keys:
        parts = keys["columns"].items()
        for part in parts:
            if mark := _mark(part):
                at = ColumnKey(key, part.value["name"].string() if "name" in part.value else "")
                columns[at] = None if mark == "drop" else part.value["rename"].string()
        node = _with(node, columns=_with_value(keys["columns"], [_without(part) for part in parts]))
    return _without(node)


def _mark(node: Node) -> str | None:
    """Return which mark a table or column has. Raises SchemaError for both, and for `drop: false`."""
    if not isinstance(node.value, dict):
        return None
    found = [name for name in MARKS if name in node.value]
    if len(found) > 1:
        raise node.error("drop and rename together; keep one")
    if found == ["drop"] and not node.value["drop"].flag():
        return None
    return found[0] if found else None


def _new_key(node: Node) -> TableKey:
    """Read a new name: alone it is one of the default schema."""
    if not isinstance(node.value, dict):
        return TableKey(None, node.string())
    keys = node.keys(("schema", "name"), ("name",))
    return TableKey(keys["schema"].string() if "schema" in keys else None, keys["name"].string())


def _without(node: Node) -> Node:
    if not isinstance(node.value, dict):
        return node
    return _with_value(node, {name: part for name, part in node.value.items() if name not in MARKS})


def _with(node: Node, **parts: Node) -> Node:
    return _with_value(node, {**node.value, **parts})


def _with_value(node: Node, value: Any) -> Node:
    return replace(node, value=value)


def _check_names(root: Node, schema: Schema, marks: Marks) -> None:
    """Refuse two tables, or two columns of one, that would have the same name."""
    keys: set[TableKey] = set()
    for node, table in zip(root.value["tables"].items(), schema.tables, strict=True):
        new = marks.table(table.key)
        if new in keys:
            raise node.error(f"two tables would be called {shown(new)}; give another name")
        if new is not None:
            keys.add(new)
        names: set[str] = set()
        for part, column in zip(node.value["columns"].items(), table.columns, strict=True):
            name = marks.column(table.key, column.name)
            if name in names:
                raise part.error(f"two columns would be called {shown(name)}; give another name")
            if name is not None:
                names.add(name)


# --- what becomes of the schema ---------------------------------------------------------------


def applied(schema: Schema, marks: Marks) -> Schema:
    """Return the schema as it is once the marks are done; keys on dropped columns go with them, with a note."""
    if not marks.tables and not marks.columns:
        return schema
    kept = [(table, new) for table in schema if (new := marks.table(table.key)) is not None]
    tables = tuple(_applied(table, new, marks) for table, new in kept)
    notes = [note for (old, _), new in zip(kept, tables, strict=True) for note in _lost(old, new)]
    return replace(schema, tables=tables, notes=(*schema.notes, *notes))


def _lost(old: Table, new: Table) -> list[str]:
    names = [name for name in _KEYS if len(getattr(new, name)) < len(getattr(old, name))]
    return [f"table {shown(old.key)}: {', '.join(names)} of columns that are dropped are left out"] if names else []


def _applied(table: Table, new: TableKey, marks: Marks) -> Table:
    key = table.key
    gone = {column.name for column in table.columns if marks.column(key, column.name) is None}

    def named(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(marks.column(key, name) or name for name in names)

    kept = [one for one in table.foreign_keys if not gone & {*one.columns} and _refers(one, marks)]
    return replace(
        table,
        name=new.name,
        schema=new.schema,
        columns=tuple(one for column in table.columns if (one := _column(column, key, marks)) is not None),
        primary_key=() if gone & {*table.primary_key} else named(table.primary_key),
        unique=tuple(replace(u, columns=named(u.columns)) for u in table.unique if not gone & {*u.columns}),
        foreign_keys=tuple(_foreign_key(one, named(one.columns), marks) for one in kept),
        indexes=tuple(replace(i, columns=named(i.columns)) for i in table.indexes if not gone & {*i.columns}),
    )


def _column(column: Column, table: TableKey, marks: Marks) -> Column | None:
    name = marks.column(table, column.name)
    default = column.default and marks.default(table, column.default)
    return None if name is None else replace(column, name=name, default=default)


def _refers(key: ForeignKey, marks: Marks) -> bool:
    """Tell whether a foreign key's referred columns stay."""
    return all(marks.column(key.table, name) is not None for name in key.referred)


def _foreign_key(key: ForeignKey, columns: tuple[str, ...], marks: Marks) -> ForeignKey:
    referred = tuple(marks.column(key.table, name) or name for name in key.referred)
    return replace(key, columns=columns, table=marks.table(key.table) or key.table, referred=referred)
