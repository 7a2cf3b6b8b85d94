"""MySQL's and MariaDB's tables in neutral words, from information_schema of the connected database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from ...errors import shown
from ...model.schema import (
    Check,
    Column,
    Default,
    DefaultKind,
    ForeignKey,
    Identity,
    Index,
    Native,
    Schema,
    TableKey,
    UniqueKey,
)
from ...model.sql_text import tokens
from ...model.types import Kind, Type
from ..reflection import Draft, grouped, left_out, now_default, value_default
from . import collations, numbering

# No statement here holds a percent sign: drivers take it for a parameter.

_TABLES = """
SELECT table_name, table_type, table_comment FROM information_schema.tables WHERE table_schema = DATABASE()
"""

_COLUMNS = """
SELECT table_name, column_name, column_type, is_nullable, column_default, extra, generation_expression,
       column_comment, collation_name
FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position
"""

_INDEXES = """
SELECT table_name, index_name, non_unique, index_type, column_name, sub_part
FROM information_schema.statistics WHERE table_schema = DATABASE()
ORDER BY table_name, index_name, seq_in_index
"""

_FOREIGN_KEYS = """
SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_name, k.referenced_column_name,
       CASE WHEN k.referenced_table_schema = k.table_schema THEN NULL ELSE k.referenced_table_schema END,
       r.delete_rule, r.update_rule
FROM information_schema.key_column_usage k
JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema
  AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
WHERE k.table_schema = DATABASE() AND k.constraint_schema = DATABASE() AND k.referenced_table_name IS NOT NULL
ORDER BY k.table_name, k.constraint_name, k.ordinal_position
"""

_CHECKS = """
SELECT t.table_name, c.constraint_name, c.check_clause
FROM information_schema.check_constraints c
JOIN information_schema.table_constraints t ON t.constraint_schema = c.constraint_schema
  AND t.constraint_name = c.constraint_name AND t.constraint_type = 'CHECK'
WHERE c.constraint_schema = DATABASE()
"""

_MARIADB_CHECKS = """
SELECT table_name, constraint_name, check_clause
FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()
"""


def describe(connection: sa.Connection) -> Schema:
    """Return the tables of the connected database, invisible columns included.

    Reads the rows of tables with `tinyint(1)` columns once: these are BOOLEAN where they hold nothing
    but 0, 1 and NULL. System-versioned tables are described as they are now, without their history.
    """
    mariadb = bool(getattr(connection.dialect, "is_mariadb", False))

    def rows(statement: str) -> Sequence[Sequence[Any]]:
        return connection.exec_driver_sql(statement).all()

    drafts: dict[str, Draft] = {}
    sequences, views = [], []
    for name, sort, comment in rows(_TABLES):
        if sort == "SEQUENCE":
            sequences.append(name)
        elif sort == "VIEW":
            views.append(name)
        elif sort in ("BASE TABLE", "SYSTEM VERSIONED"):
            drafts[name] = Draft(TableKey(None, name), comment=comment or None)
            if sort == "SYSTEM VERSIONED":
                drafts[name].notes.append("system-versioned: the history of its rows is left out")
    columns, checks = grouped(rows(_COLUMNS), 1), grouped(rows(_MARIADB_CHECKS if mariadb else _CHECKS), 1)
    for name, draft in drafts.items():
        clauses = checks.get((name,), [])
        _add_columns(draft, columns.get((name,), []), clauses, mariadb=mariadb)
        _settle_booleans(connection, draft)
        numbering.settle(connection, draft)
    _add_indexes(drafts, rows(_INDEXES))
    _add_foreign_keys(drafts, rows(_FOREIGN_KEYS))
    rowless = {TableKey(None, name): "a view" for name in views}
    return Schema(
        tuple(draft.table() for draft in drafts.values()), tuple(left_out("sequences", sequences)), rowless
    )


# --- keys ---------------------------------------------------------------------------------------


def _add_indexes(drafts: Mapping[str, Draft], rows: Sequence[Sequence[Any]]) -> None:
    for (table, name), parts in grouped(rows, 2).items():
        if table not in drafts:
            continue
        draft, columns = drafts[table], tuple(part[4] for part in parts)
        _, _, not_unique, sort, *_ = parts[0]
        if sort not in ("BTREE", "HASH") or any(part[4] is None or part[5] is not None for part in parts):
            draft.notes.append(f"{shown(name)} is not a plain index on columns; it is not described")
        elif name == "PRIMARY":
            draft.primary_key.extend(columns)
        elif int(not_unique):
            draft.indexes.append(Index(name, columns))
        else:
            draft.unique.append(UniqueKey(name, columns))


# RESTRICT is NO ACTION by another name here; MariaDB prints it for keys that say neither.
_ACTIONS = {"CASCADE": "cascade", "SET NULL": "set null", "SET DEFAULT": "set default"}


def _add_foreign_keys(drafts: Mapping[str, Draft], rows: Sequence[Sequence[Any]]) -> None:
    for (table, name), parts in grouped(rows, 2).items():
        if table in drafts:
            _, _, _, parent, _, schema, on_delete, on_update = parts[0]
            drafts[table].foreign_keys.append(
                ForeignKey(
                    name=name,
                    columns=tuple(part[2] for part in parts),
                    table=TableKey(schema, parent),
                    referred=tuple(part[4] for part in parts),
                    on_delete=_ACTIONS.get(on_delete),
                    on_update=_ACTIONS.get(on_update),
                )
            )


# --- columns ------------------------------------------------------------------------------------


def _add_columns(
    draft: Draft, rows: Sequence[Sequence[Any]], checks: Sequence[Sequence[Any]], *, mariadb: bool
) -> None:
    """Add columns and checks; MariaDB's JSON is a longtext whose check says so, no check of its own."""
    texts = {text for _, _, text in checks}
    for row in rows:
        column = _column(row, mariadb=mariadb)
        if any("?" in member for member in column.type.values):
            # The server's metadata is utf8mb3: it prints a question mark for what lies beyond.
            draft.notes.append(
                f"column {shown(column.name)}: members that the server does not print; read as text"
            )
            column = replace(column, type=Type(Kind.TEXT))
        if column.type == Type(Kind.TEXT) and _json_check(column.name) in texts:
            texts.discard(_json_check(column.name))
            column = replace(column, type=Type(Kind.JSON), native=Native())
        draft.columns.append(column)
    kept = [(name, text) for _, name, text in checks if text in texts]
    draft.checks.extend(Check(name, text if mariadb else _unescaped(text)) for name, text in kept)


def _json_check(name: str) -> str:
    return "json_valid(`" + name.replace("`", "``") + "`)"


def _column(row: Sequence[Any], *, mariadb: bool) -> Column:
    _, name, spelling, nullable, default, extra, expression, comment, collation = row
    type_ = neutral_type(spelling)
    computed = "VIRTUAL GENERATED" in extra or "STORED GENERATED" in extra
    expressed = mariadb or "DEFAULT_GENERATED" in extra
    if default is not None and expressed and not mariadb:
        # MySQL prints other letters of an expression twice encoded: such a text is not what it means.
        default = _unescaped(default) if default.isascii() else "(?)"
    return Column(
        name=name,
        type=type_,
        nullable=nullable == "YES",
        default=None if computed or default is None else parse_default(default, type_, expressed=expressed),
        identity=Identity.AUTO if "auto_increment" in extra else None,
        generated=(_said_as_mysql(expression) if mariadb else _unescaped(expression)) if computed else None,
        comment=comment or None,
        native=Native(
            collation=collations.told(collation, type_),
            on_update_now="on update" in extra.lower(),
            utc_default=not type_.zoned and bool(default) and default.lower().startswith("utc_timestamp"),
        ),
    )


_MYSQL_WORDS = {"UCASE": "upper", "LCASE": "lower", "OCTET_LENGTH": "length"}
"""Functions that MariaDB prints by names which MySQL takes and never prints."""


def _said_as_mysql(expression: str) -> str:
    """Return what MariaDB prints in the words of MySQL, which MariaDB takes as well."""
    for word, after in reversed(list(pairwise(tokens(expression)))):
        if word.keyword in _MYSQL_WORDS and after.keyword == "(":
            expression = expression[: word.start] + _MYSQL_WORDS[word.keyword] + expression[word.end :]
    return expression


_SPELLING = re.compile(r"([a-z0-9]+)(?:\((.*)\))?((?: [a-z]+)*)(?: /\*.*\*/)?", re.DOTALL)
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_SIZED = {
    "char": Type(Kind.TEXT, fixed=True), "varchar": Type(Kind.TEXT), "binary": Type(Kind.BYTES, fixed=True),
    "varbinary": Type(Kind.BYTES), "bit": Type(Kind.BIT, fixed=True),
}  # fmt: skip
_TIMES = {
    "time": Type(Kind.TIME), "datetime": Type(Kind.TIMESTAMP), "timestamp": Type(Kind.TIMESTAMP, zoned=True),
}  # fmt: skip
_PLAIN = {
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), Type(Kind.TEXT)),
    **dict.fromkeys(("tinyblob", "blob", "mediumblob", "longblob"), Type(Kind.BYTES)),
    "float": Type(Kind.FLOAT, bits=32), "double": Type(Kind.FLOAT, bits=64), "date": Type(Kind.DATE),
    "year": Type(Kind.YEAR), "json": Type(Kind.JSON), "uuid": Type(Kind.UUID),
}  # fmt: skip


def neutral_type(spelling: str) -> Type:
    """Return the type that `column_type` spells so; NATIVE, word for word, where there is no neutral one.

    `tinyint(1)` is BOOLEAN by its name alone here; whether it holds nothing else is for `describe`.
    """
    found = _SPELLING.fullmatch(spelling)
    if found is None:
        return Type(Kind.NATIVE, name=spelling)
    word, inside, suffix = found.groups()
    if spelling == "tinyint(1)":
        return Type(Kind.BOOLEAN)
    if word in _BITS:
        return Type(Kind.INTEGER, bits=_BITS[word], unsigned="unsigned" in suffix)
    if word in ("enum", "set"):
        return Type(Kind(word), values=_members(inside))
    if word == "decimal":
        precision, scale = inside.split(",")
        return Type(Kind.DECIMAL, precision=int(precision), scale=int(scale))
    if word in _SIZED:
        return replace(_SIZED[word], length=int(inside))
    if word in _TIMES:
        return replace(_TIMES[word], precision=int(inside or 0))
    return _PLAIN.get(word, Type(Kind.NATIVE, name=spelling))


_MEMBER = re.compile(r"'((?:[^'\\]|''|\\.)*)'(?:,|$)", re.DOTALL)


def _members(inside: str) -> tuple[str, ...]:
    return tuple(_string(found) for found in _MEMBER.findall(inside))


_ESCAPED = re.compile(r"\\(.)|''", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "b": "\b", "Z": "\x1a"}


def _string(inside: str) -> str:
    """Return what stands between the quotes of a literal."""
    return _ESCAPED.sub(lambda at: _CONTROLS.get(at[1], at[1]) if at[1] else "'", inside)


def _unescaped(text: str) -> str:
    """Return an expression as MySQL means it: information_schema escapes quotes and backslashes once more."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


# --- booleans -------------------------------------------------------------------------------------


def _settle_booleans(connection: sa.Connection, draft: Draft) -> None:
    """Make columns integers that hold more than truth values (facts.md I6)."""
    names = [column.name for column in draft.columns if column.type.kind is Kind.BOOLEAN]
    if not names:
        return
    table = sa.table(sa.quoted_name(draft.key.name, True))
    tests = [sa.func.max(sa.column(sa.quoted_name(name, True)).not_in((0, 1))) for name in names]
    found = connection.execute(sa.select(*tests).select_from(table)).one()
    wider = {name for name, other in zip(names, found, strict=True) if other}
    for at, column in enumerate(draft.columns):
        default = column.default
        if column.name in wider or (column.name in names and default and default.kind is DefaultKind.SQL):
            draft.columns[at] = replace(column, type=_TINYINT, default=_as_number(default))


_TINYINT = Type(Kind.INTEGER, bits=8)


def _as_number(default: Default | None) -> Default | None:
    if default is None or default.value is None:
        return default
    value = default.value
    return value_default(str(int(value) if isinstance(value, bool) else value), _TINYINT) or default


# --- defaults -------------------------------------------------------------------------------------

_LITERAL = re.compile(r"(?:_[a-z0-9]+ ?)?'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_BIT_LITERAL = re.compile(r"b'([01]*)'")
_NUMBER = re.compile(r"-?[0-9.]+(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_NOW = re.compile(r"(?:current_timestamp|now|curdate|curtime|utc_timestamp)(?:\(\d?\))?", re.IGNORECASE)


def parse_default(text: str, type_: Type, *, expressed: bool) -> Default | None:
    """Return what `column_default` says; None for NULL, which every nullable column has anyway.

    `expressed`: the text is an SQL expression; otherwise it is the bare value. What the server does
    not print as it is stays SQL: bytes, and texts with a question mark, which may stand for anything.
    """
    if expressed and text.upper() == "NULL":
        return None
    if "?" in text:
        return Default(DefaultKind.SQL, text)
    return _parsed_default(text, type_, expressed) or Default(DefaultKind.SQL, text)


def _parsed_default(text: str, type_: Type, expressed: bool) -> Default | None:
    if type_.kind is Kind.BYTES:
        return None
    if found := _BIT_LITERAL.fullmatch(text):
        return value_default(found.group(1).zfill(type_.length or 0), type_)
    if _NOW.fullmatch(text) and (expressed or type_.kind is Kind.TIMESTAMP):
        return now_default(type_)
    if not expressed:
        return value_default(text, type_)
    if text.lower() == "uuid()" and type_.kind in (Kind.UUID, Kind.TEXT):
        return Default(DefaultKind.UUID)
    if found := _LITERAL.fullmatch(text):
        return value_default(_string(found.group(1)), type_)
    return value_default(text, type_) if _NUMBER.fullmatch(text) else None
