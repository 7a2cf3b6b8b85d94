"""PostgreSQL's tables in neutral words, from pg_catalog: information_schema hides what one may not read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    Numbering,
    Schema,
    TableKey,
    UniqueKey,
)
from ...model.types import Kind, Type
from ..reflection import Draft, decimal, left_out, now_default, value_default
from . import sequences

# No statement here holds a percent sign: drivers take it for a parameter.

_RELATIONS = """
SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text,
       pg_catalog.obj_description(c.oid, 'pg_class'),
       EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
               WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                 AND d.deptype = 'e'),
       n.nspname = pg_catalog.current_schema()
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'm', 'v') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND pg_catalog.left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
"""

_COLUMNS = """
SELECT a.attrelid, a.attname::text, a.atttypid, pg_catalog.format_type(a.atttypid, a.atttypmod),
       a.attnotnull, a.attidentity::text, a.attgenerated::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid),
       pg_catalog.col_description(a.attrelid, a.attnum), k.name, k.sorts
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_type y ON y.oid = a.atttypid AND y.typcollation <> a.attcollation
LEFT JOIN ({collations}) k ON k.oid = a.attcollation AND y.oid IS NOT NULL
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

_COLLATIONS = """
SELECT c.oid, CASE WHEN n.nspname = 'pg_catalog' THEN '' ELSE pg_catalog.quote_ident(n.nspname) || '.' END
         || pg_catalog.quote_ident(c.collname) AS name, c.collisdeterministic AS sorts
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
WHERE c.collencoding IN (-1, (SELECT encoding FROM pg_catalog.pg_database WHERE datname = current_database()))
  AND pg_catalog.strpos(c.collname, pg_catalog.chr(37)) = 0
"""
"""Names as they stand in SQL; none with a percent sign."""

_DOMAINS = """
SELECT oid, typbasetype, pg_catalog.format_type(typbasetype, typtypmod), typnotnull, typdefault
FROM pg_catalog.pg_type WHERE typtype = 'd'
"""

_ENUMS = "SELECT enumtypid, enumlabel::text FROM pg_catalog.pg_enum ORDER BY enumtypid, enumsortorder"

_CONSTRAINTS = """
SELECT k.conrelid, k.contype::text, k.conname::text,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, position)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum
             ORDER BY position),
       k.confrelid,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, position)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum
             ORDER BY position),
       k.confdeltype::text, k.confupdtype::text, k.condeferrable, k.condeferred,
       pg_catalog.pg_get_expr(k.conbin, k.conrelid)
FROM pg_catalog.pg_constraint k
WHERE k.conrelid <> 0 AND k.conparentid = 0 AND k.contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY k.conrelid, k.conname
"""

_INDEXES = """
SELECT i.indrelid, c.relname::text, i.indisunique,
       ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, position)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
             WHERE position <= i.indnkeyatts ORDER BY position),
       i.indexprs IS NULL AND i.indpred IS NULL AND m.amname = 'btree'
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE NOT i.indisprimary AND i.indisvalid
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k
                  WHERE k.conindid = i.indexrelid AND k.contype IN ('u', 'x'))
"""

_ROWLESS = {"f": "a foreign table", "m": "a materialized view", "v": "a view"}


def describe(connection: sa.Connection) -> Schema:
    """Return all tables: partitioned ones as their root, without their leaves; none of extensions."""

    def rows(statement: str) -> Sequence[Sequence[Any]]:
        return connection.exec_driver_sql(statement).all()

    drafts: dict[int, Draft] = {}
    skipped: dict[str, list[str]] = {"f": [], "m": [], "e": []}
    rowless: dict[TableKey, str] = {}
    for oid, schema, name, kind, comment, extension, default in rows(_RELATIONS):
        key = TableKey(None if default else schema, name)
        if kind in _ROWLESS:
            rowless[key] = _ROWLESS[kind]
        if kind == "v":
            continue
        if extension or kind in skipped:
            skipped["e" if extension else kind].append(f"{schema}.{name}")
        else:
            drafts[oid] = Draft(key, comment=comment)
    types = _Types({row[0]: _Domain(*row[1:]) for row in rows(_DOMAINS)}, _labels(rows(_ENUMS)))
    numbered = sequences.numberings(connection)
    users = Counter(name for (oid, _), (name, _) in numbered.items() if oid in drafts)
    for oid, *rest in rows(_COLUMNS.format(collations=_COLLATIONS)):
        if oid in drafts:
            sequence, numbering = numbered.get((oid, rest[0]), ("", None))
            drafts[oid].columns.append(_column(rest, types, numbering))
            if users[sequence] > 1:
                drafts[oid].notes.append(_shared(rest[0], sequence))
    for oid, *rest in rows(_CONSTRAINTS):
        if oid in drafts:
            _add_constraint(drafts[oid], rest, drafts)
    for oid, name, unique, columns, plain in rows(_INDEXES):
        if oid in drafts:
            _add_index(drafts[oid], Index(name, tuple(columns), unique), plain)
    notes = [
        *left_out("foreign tables", skipped["f"]),
        *left_out("materialized views", skipped["m"]),
        *left_out("tables of extensions", skipped["e"]),
    ]
    return Schema(tuple(draft.table() for draft in drafts.values()), tuple(notes), rowless)


def _shared(column: str, sequence: str) -> str:
    taken = f"column {shown(column)} takes its numbers from the sequence {shown(sequence)}, as others do"
    return f"{taken}; a table that is created has numbers of its own"


def collations(connection: sa.Connection) -> set[str]:
    """Return the collations that the database has, as they stand in SQL."""
    return {row[1] for row in connection.exec_driver_sql(_COLLATIONS)}


def _labels(rows: Iterable[Sequence[Any]]) -> dict[int, tuple[str, ...]]:
    labels: dict[int, tuple[str, ...]] = {}
    for oid, label in rows:
        labels[oid] = (*labels.get(oid, ()), label)
    return labels


# --- keys ---------------------------------------------------------------------------------------

_ACTIONS = {"c": "cascade", "n": "set null", "d": "set default", "r": "restrict"}


def _add_constraint(draft: Draft, row: Sequence[Any], drafts: Mapping[int, Draft]) -> None:
    kind, name, columns, parent, referred, on_delete, on_update, deferrable, deferred, expression = row
    if kind == "p":
        draft.primary_key.extend(columns)
    elif kind == "u":
        draft.unique.append(UniqueKey(name, tuple(columns)))
    elif kind == "c":
        draft.checks.append(Check(name, expression))
    elif kind == "f" and parent in drafts:
        draft.foreign_keys.append(
            ForeignKey(
                name=name,
                columns=tuple(columns),
                table=drafts[parent].key,
                referred=tuple(referred),
                on_delete=_ACTIONS.get(on_delete),
                on_update=_ACTIONS.get(on_update),
                deferrable=("deferred" if deferred else "immediate") if deferrable else None,
            )
        )
    else:
        what = "an exclusion constraint" if kind == "x" else "a foreign key to a table that is left out"
        draft.notes.append(f"{shown(name)} is {what}; it is not described")


def _add_index(draft: Draft, index: Index, plain: bool) -> None:
    if plain:
        draft.indexes.append(index)
    else:
        draft.notes.append(f"{shown(index.name)} is not a plain index on columns; it is not described")


# --- columns ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Domain:
    base: int
    spelling: str
    not_null: bool
    default: str | None


@dataclass(frozen=True, slots=True)
class _Types:
    """The types that a database adds: domains, which are seen through, and enums."""

    domains: Mapping[int, _Domain]
    enums: Mapping[int, tuple[str, ...]]

    def chain(self, oid: int) -> list[_Domain]:
        """Return the domains from the outermost to the one on a real type."""
        found: list[_Domain] = []
        while oid in self.domains:
            found.append(self.domains[oid])
            oid = found[-1].base
        return found


def _column(row: Sequence[Any], types: _Types, numbering: Numbering | None) -> Column:
    name, oid, spelling, not_null, identity, generated, expression, comment, collation, sorts = row
    domains = types.chain(oid)
    if domains:
        oid, spelling = domains[-1].base, domains[-1].spelling
    labels = types.enums.get(oid)
    type_ = Type(Kind.ENUM, values=labels) if labels is not None else neutral_type(spelling)
    default = expression or next((domain.default for domain in domains if domain.default), None)
    serial = bool(default and not generated and _NEXTVAL.fullmatch(default))
    kinds = {"a": Identity.ALWAYS, "d": Identity.BY_DEFAULT, "": Identity.AUTO if serial else None}
    return Column(
        name=name,
        type=type_,
        nullable=not (not_null or any(domain.not_null for domain in domains)),
        default=None if generated or serial or not default else parse_default(default, type_),
        identity=kinds[identity],
        generated=expression if generated else None,
        comment=comment,
        native=Native(
            numbering=numbering if kinds[identity] else None,
            collation=collation,
            sorts_only=bool(sorts),
            utc_default=type_.kind is Kind.TIMESTAMP and not type_.zoned and bool(_UTC_NOW.match(default or "")),
        ),
    )


_SPELLING = re.compile(r"([a-z ]+?)(?:\((-?\d+)(?:,(-?\d+))?\))?( with(?:out)? time zone)?")
_INTEGERS = {"smallint": 16, "integer": 32, "bigint": 64}
_SIZED = {
    "character varying": Type(Kind.TEXT), "character": Type(Kind.TEXT, fixed=True),
    "bit": Type(Kind.BIT, fixed=True), "bit varying": Type(Kind.BIT),
}  # fmt: skip
_PLAIN = {
    "boolean": Type(Kind.BOOLEAN), "text": Type(Kind.TEXT), "bpchar": Type(Kind.TEXT),
    "bytea": Type(Kind.BYTES), "date": Type(Kind.DATE), "uuid": Type(Kind.UUID),
    "numeric": Type(Kind.DECIMAL), "json": Type(Kind.JSON),
    "real": Type(Kind.FLOAT, bits=32), "double precision": Type(Kind.FLOAT, bits=64),
    "jsonb": Type(Kind.JSON, name="jsonb"),
}  # fmt: skip


def neutral_type(spelling: str) -> Type:
    """Return the type that `format_type` spells so; NATIVE, word for word, where there is no neutral one.

    The text cannot be mistaken: a user's own type of a built-in name comes with its schema or in quotes.
    """
    found = _SPELLING.fullmatch(spelling)
    if found is None:
        return Type(Kind.NATIVE, name=spelling)
    word, first, second, zone = found.groups()
    size = int(first) if first else None
    if word in _INTEGERS:
        return Type(Kind.INTEGER, bits=_INTEGERS[word])
    if word == "numeric" and size is not None:
        return decimal(size, int(second or 0))
    if word in _SIZED:
        return Type(_SIZED[word].kind, length=size, fixed=_SIZED[word].fixed)
    if word == "timestamp" or (word == "time" and zone == " without time zone"):
        precision = 6 if size is None else size
        return Type(Kind(word), precision=precision, zoned=zone == " with time zone")
    if word == "interval" or word.startswith("interval "):
        return Type(Kind.INTERVAL)
    return _PLAIN.get(spelling, Type(Kind.NATIVE, name=spelling))


# --- defaults -------------------------------------------------------------------------------------

_NEXTVAL = re.compile(r"nextval\('.*'::regclass\)", re.DOTALL)
_NAME = r'(?:[a-z_][a-z0-9_ ]*|"(?:[^"]|"")*")'
_CAST = rf"::{_NAME}(?:\.{_NAME})?(?:\([0-9, -]+\))?[a-z ]*(?:\[\])*"
_STRING = re.compile(rf"(E)?'((?:[^'\\]|''|\\.)*)'(?:{_CAST})?", re.DOTALL)
_NUMBER = re.compile(rf"\(?(-?[0-9.]+(?:e[-+]?[0-9]+)?)\)?(?:{_CAST})?")
_BITS = re.compile(rf"B'([01]*)'(?:{_CAST})?")
_NOW = re.compile(
    r"(?:now|transaction_timestamp|statement_timestamp|clock_timestamp)\(\)"
    r"|(?:CURRENT_TIMESTAMP|LOCALTIMESTAMP|CURRENT_TIME|LOCALTIME)(?:\(\d\))?|CURRENT_DATE"
    r"|timezone\('(?i:utc)'::text, (?:now\(\)|CURRENT_TIMESTAMP)\)"
    r"|\((?:now\(\)|CURRENT_TIMESTAMP) AT TIME ZONE '(?i:utc)'::text\)"
    r"|\('now'::text\)::[a-z ]+(?:\(\d\))?[a-z ]*"
)
_UTC_NOW = re.compile(r"timezone\('utc'|\((?:now\(\)|CURRENT_TIMESTAMP) AT TIME ZONE 'utc'", re.IGNORECASE)
_UUID = re.compile(r"(?:\w+\.)?(?:gen_random_uuid|uuid_generate_v4)\(\)")
_NULL = re.compile(rf"NULL(?:{_CAST})?")
_UTC = re.compile(r"(.*)\+00")


def parse_default(text: str, type_: Type) -> Default:
    """Return what `pg_get_expr` spells so as a default; SQL text where it is more than a literal."""
    return _parsed_default(text, type_) or Default(DefaultKind.SQL, text)


def _parsed_default(text: str, type_: Type) -> Default | None:
    if _NULL.fullmatch(text):
        return Default(DefaultKind.NULL)
    if _NOW.fullmatch(text):
        return now_default(type_)
    if type_.kind is Kind.UUID and _UUID.fullmatch(text):
        return Default(DefaultKind.UUID)
    if found := _STRING.fullmatch(text):
        literal = found.group(2).replace("''", "'")
        return _literal(literal.replace("\\\\", "\\") if found.group(1) else literal, type_)
    if found := _BITS.fullmatch(text):
        return value_default(found.group(1), type_)
    if text in ("true", "false"):
        return value_default(text, type_)
    found = _NUMBER.fullmatch(text)
    return value_default(found.group(1), type_) if found else None


def _literal(text: str, type_: Type) -> Default | None:
    if type_.zoned:
        # The literal is printed in the session's time zone; only UTC is the canonical one.
        found = _UTC.fullmatch(text)
        return value_default(found.group(1), type_) if found else None
    return value_default(text, type_)
