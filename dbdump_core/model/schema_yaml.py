"""The neutral schema as YAML that people edit: stable to write, strict to read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

from ..errors import SchemaError, shown
from .native_yaml import native, native_items
from .schema import (
    Check,
    Column,
    Default,
    DefaultKind,
    ForeignKey,
    Identity,
    Index,
    Native,
    Schema,
    Table,
    TableKey,
    UniqueKey,
)
from .types import Type, parse_type
from .yaml_nodes import Node, parse_yaml

ACTIONS = ("cascade", "restrict", "set null", "set default", "no action")
"""What `on_delete` and `on_update` may say; left out means no action."""
DEFERRABLE = ("immediate", "deferred")
MARKS = ("drop", "rename")
"""What a table or column of a dump may say too (`schema_marks`)."""
_PART_KEYS = {"name", "columns", "expression", "table"}
"""Each column, key, index and check has one of these."""

_Part = TypeVar("_Part")
_Value = str | int | float | bool | None


# --- writing ----------------------------------------------------------------------------------


def dumps(schema: Schema) -> str:
    """Return `schema` as YAML: one line a column or key, what is default left out, order kept.

    `loads` of the text gives an equal Schema. Notes of tables become comments.
    """
    lines = ["# The tables of a database in neutral types; docs/schema.md tells what may stand here."]
    lines.append("tables:" if schema.tables else "tables: []")
    for table in schema.tables:
        lines.extend(_table_lines(table))
    return "\n".join(lines) + "\n"


def _table_lines(table: Table) -> Iterator[str]:
    yield f"- name: {_scalar(table.name)}"
    yield from (f"  # {shown(note, 500)[1:-1]}" for note in table.notes)
    if table.schema is not None:
        yield f"  schema: {_scalar(table.schema)}"
    yield from _list_lines("columns", map(_column_line, table.columns), keep_empty=True)
    if table.primary_key:
        yield f"  primary_key: {_flow(table.primary_key)}"
    yield from _list_lines("unique", (_line(name=u.name, columns=u.columns) for u in table.unique))
    yield from _list_lines("foreign_keys", map(_foreign_key_line, table.foreign_keys))
    yield from _list_lines("indexes", map(_index_line, table.indexes))
    yield from _list_lines("checks", (_line(name=c.name, expression=c.expression) for c in table.checks))
    if table.comment is not None:
        yield f"  comment: {_scalar(table.comment)}"


def _list_lines(key: str, lines: Iterable[str], *, keep_empty: bool = False) -> Iterator[str]:
    items = list(lines)
    if items:
        yield f"  {key}:"
        yield from (f"  - {item}" for item in items)
    elif keep_empty:
        yield f"  {key}: []"


def _column_line(column: Column) -> str:
    default = column.default
    return _line(
        name=column.name,
        type=column.type,
        nullable=None if column.nullable else False,
        identity=column.identity,
        default=default and {"kind": default.kind, "value": default.value},
        generated=column.generated,
        auto_now=column.auto_now or None,
        auto_now_add=column.auto_now_add or None,
        comment=column.comment,
        native=native_items(column.native) or None,
    )


def _foreign_key_line(key: ForeignKey) -> str:
    return _line(
        name=key.name,
        columns=key.columns,
        schema=key.table.schema,
        table=key.table.name,
        referred=key.referred,
        on_delete=key.on_delete,
        on_update=key.on_update,
        deferrable=key.deferrable,
    )


def _index_line(index: Index) -> str:
    return _line(name=index.name, columns=index.columns, unique=index.unique or None)


def _line(**items: object) -> str:
    return _flow(items)


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        inside = (f"{key}: {_flow(item)}" for key, item in value.items() if item is not None)
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(str(value) if isinstance(value, Type | StrEnum) else value)


# Plain only where no YAML reader, 1.1 or 1.2, could see anything but a string.
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?: [a-z]+)?(?:\([0-9]+\))?")
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _scalar(value: object) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _RESERVED
        return value if plain else '"' + "".join(map(_escaped, value)) + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return _float(value) if isinstance(value, float) else str(value)


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _float(value: float) -> str:
    text = repr(value)
    if text.lstrip("-") in ("inf", "nan"):
        return text.replace("inf", ".inf").replace("nan", ".nan")
    return text if "." in text else text.replace("e", ".0e")


# --- reading the schema -----------------------------------------------------------------------


def loads(text: str, *, file: str = "<string>") -> Schema:
    """Return the schema that `text` describes, the reverse of `dumps`.

    Raises SchemaError, with file, line, YAML path, the value and what is expected, for anything
    unknown, misspelled, twice there or referring to what is not there. A foreign key may refer to
    a table outside the file.
    """
    return schema_of(parse_yaml(text, file, look_at))


def look_at(node: Node, depth: int) -> None:
    """Raise SchemaError for an item that is neither a table (`depth` 2) nor a part of one (4): see `parse_yaml`."""
    if depth == 2:
        node.keys((*_TABLE_KEYS, *MARKS), ("name", "columns"))
    elif depth == 4 and isinstance(node.value, dict) and not node.value.keys() & _PART_KEYS:
        node.keys(_PART_KEYS, ("name",))


def schema_of(root: Node) -> Schema:
    """Return the schema that the document describes, as `loads` does."""
    keys = root.keys(("tables",), ("tables",))
    nodes = keys["tables"].items()
    tables = [_table(node) for node in nodes]
    by_key: dict[TableKey, Table] = {}
    for node, table in zip(nodes, tables, strict=True):
        if table.key in by_key:
            raise node.error(f"the table {shown(table.key)} is there twice; keep one")
        by_key[table.key] = table
    for node, table in zip(nodes, tables, strict=True):
        _check_foreign_keys(node, table, by_key)
    return Schema(tuple(tables))


def column_place(text: str, key: TableKey, name: str, *, file: str) -> str:
    """Return where the schema in `text` describes a column: file, line and YAML path."""
    for node in parse_yaml(text, file).value["tables"].items():
        if TableKey(_optional(node.value, "schema"), node.value["name"].string()) == key:
            for column in node.value["columns"].items():
                if column.value["name"].string() == name:
                    return f"{file}:{column.line}: {column.path}"
    return file


_TABLE_KEYS = (
    "name", "schema", "columns", "primary_key", "unique", "foreign_keys", "indexes", "checks", "comment",
)  # fmt: skip


def _table(node: Node) -> Table:
    keys = node.keys(_TABLE_KEYS, ("name", "columns"))
    columns = _parts(keys, "columns", _column)
    names: dict[str, None] = {}
    for place, column in zip(keys["columns"].items(), columns, strict=True):
        if column.name in names:
            raise place.error(f"the column {shown(column.name)} is there twice; keep one")
        names[column.name] = None
    return Table(
        name=keys["name"].string(),
        columns=columns,
        schema=_optional(keys, "schema"),
        primary_key=_columns(keys["primary_key"], names) if "primary_key" in keys else (),
        unique=_parts(keys, "unique", lambda part: _unique(part, names)),
        foreign_keys=_parts(keys, "foreign_keys", lambda part: _foreign_key(part, names)),
        indexes=_parts(keys, "indexes", lambda part: _index(part, names)),
        checks=_parts(keys, "checks", _check),
        comment=_optional(keys, "comment"),
    )


def _parts(keys: Mapping[str, Node], key: str, read: Callable[[Node], _Part]) -> tuple[_Part, ...]:
    return tuple(map(read, keys[key].items())) if key in keys else ()


def _optional(keys: Mapping[str, Node], key: str) -> str | None:
    return keys[key].string() if key in keys else None


def _flag(keys: Mapping[str, Node], key: str, default: bool = False) -> bool:
    return keys[key].flag() if key in keys else default


def _columns(node: Node, known: Collection[str], *, once: bool = True) -> tuple[str, ...]:
    """Read a list of column names, each of the table; `once`: and none there twice."""
    names: list[str] = []
    for item in node.items():
        name = item.string()
        if name not in known:
            close = difflib.get_close_matches(name, known, 3)
            hint = f"; close: {', '.join(map(shown, close))}" if close else "; add it or correct the name"
            raise item.error(f"no column {shown(name)} in the table{hint}")
        if once and name in names:
            raise item.error(f"the column {shown(name)} is there twice; keep one")
        names.append(name)
    if not names:
        raise node.error("an empty list of columns; name at least one or leave the key out")
    return tuple(names)


_COLUMN_KEYS = (
    "name", "type", "nullable", "identity", "default", "generated", "auto_now", "auto_now_add", "comment",
    "native",
)  # fmt: skip


def _column(node: Node) -> Column:
    keys = node.keys(_COLUMN_KEYS, ("name", "type"))
    identity = keys["identity"].word(tuple(Identity)) if "identity" in keys else None
    return Column(
        name=keys["name"].string(),
        type=_type(keys["type"]),
        nullable=_flag(keys, "nullable", True),
        default=_default(keys["default"]) if "default" in keys else None,
        auto_now=_flag(keys, "auto_now"),
        auto_now_add=_flag(keys, "auto_now_add"),
        identity=Identity(identity) if identity else None,
        generated=_optional(keys, "generated"),
        comment=_optional(keys, "comment"),
        native=native(keys["native"]) if "native" in keys else Native(),
    )


def _type(node: Node) -> Type:
    text = node.string()
    try:
        return parse_type(text)
    except SchemaError as error:
        raise node.error(str(error)) from None


def _default(node: Node) -> Default:
    keys = node.keys(("kind", "value"), ("kind",))
    # YAML's own null is the word too, as people write it without quotes.
    bare = keys["kind"].value is None
    kind = DefaultKind.NULL if bare else DefaultKind(keys["kind"].word(tuple(DefaultKind)))
    if "value" not in keys:
        if kind in (DefaultKind.NULL, DefaultKind.UUID):
            return Default(kind)
        raise node.error(f"a default of kind {kind} needs a value; add it")
    if kind is DefaultKind.VALUE:
        return Default(kind, _value(keys["value"]))
    return Default(kind, keys["value"].string())


def _value(node: Node) -> _Value:
    value = node.value
    if isinstance(value, str | int | float):
        return value
    raise node.error(f"{node.shown()} where text, a number, true or false is expected; put text in quotes")


def _unique(node: Node, names: Collection[str]) -> UniqueKey:
    keys = node.keys(("name", "columns"), ("columns",))
    return UniqueKey(_optional(keys, "name"), _columns(keys["columns"], names))


def _index(node: Node, names: Collection[str]) -> Index:
    keys = node.keys(("name", "columns", "unique"), ("name", "columns"))
    return Index(keys["name"].string(), _columns(keys["columns"], names), _flag(keys, "unique"))


def _check(node: Node) -> Check:
    keys = node.keys(("name", "expression"), ("expression",))
    return Check(_optional(keys, "name"), keys["expression"].string())


_FOREIGN_KEY_KEYS = (
    "name", "columns", "schema", "table", "referred", "on_delete", "on_update", "deferrable",
)  # fmt: skip


def _foreign_key(node: Node, names: Collection[str]) -> ForeignKey:
    keys = node.keys(_FOREIGN_KEY_KEYS, ("columns", "table", "referred"))
    columns = _columns(keys["columns"], names, once=False)
    referred = tuple(item.string() for item in keys["referred"].items())
    if len(columns) != len(referred):
        raise node.error(f"{len(columns)} columns refer to {len(referred)}; name as many on both sides")
    return ForeignKey(
        name=_optional(keys, "name"),
        columns=columns,
        table=TableKey(_optional(keys, "schema"), keys["table"].string()),
        referred=referred,
        on_delete=keys["on_delete"].word(ACTIONS) if "on_delete" in keys else None,
        on_update=keys["on_update"].word(ACTIONS) if "on_update" in keys else None,
        deferrable=keys["deferrable"].word(DEFERRABLE) if "deferrable" in keys else None,
    )


def _check_foreign_keys(node: Node, table: Table, by_key: Mapping[TableKey, Table]) -> None:
    for at, key in enumerate(table.foreign_keys):
        parent = by_key.get(key.table)
        missing = [name for name in key.referred if name not in parent.by_name] if parent else []
        if missing:
            place = node.value["foreign_keys"].items()[at].value["referred"]
            raise place.error(f"no column {shown(missing[0])} in the table {shown(key.table)}")
