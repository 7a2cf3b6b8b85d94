"""SQLite's tables in neutral words, from pragmas and, where these are silent, from the CREATE TABLE text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ...errors import shown
from ...model.schema import (
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
from ...model.types import BIGINT, BYTES, FLOAT, TEXT, Kind, Type
from ..reflection import ACTIONS, Draft, decimal, grouped, left_out, now_default, value_default
from .affinity import affinity
from .spelling import usual_affinity
from .statements import Statement, folded, read_statement

# Each pragma is asked for `main`: a temporary table of the same name would answer in its place. Only of tables with
# pages of their own: a virtual one whose module is not here can be asked nothing.

_TABLES = """
SELECT m.name, l.type, m.sql FROM main.sqlite_master m JOIN pragma_table_list l ON l.name = m.name
WHERE m.type = 'table' AND l.schema = 'main'
"""

_TABLES_BEFORE_3_37 = """
SELECT m.name, CASE
         WHEN upper(m.sql) GLOB 'CREATE VIRTUAL TABLE*' THEN 'virtual'
         WHEN EXISTS (SELECT 1 FROM main.sqlite_master v
                      WHERE upper(v.sql) GLOB 'CREATE VIRTUAL TABLE*'
                        AND m.name IN (v.name || '_data', v.name || '_idx', v.name || '_content',
                                       v.name || '_docsize', v.name || '_config', v.name || '_segments',
                                       v.name || '_segdir', v.name || '_stat', v.name || '_node',
                                       v.name || '_rowid', v.name || '_parent')) THEN 'shadow'
         ELSE 'table' END, m.sql
FROM main.sqlite_master m WHERE m.type = 'table'
"""

_VIEWS = "SELECT name FROM main.sqlite_master WHERE type = 'view'"

_COLUMNS = """
SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
FROM main.sqlite_master m JOIN pragma_table_xinfo(m.name, 'main') x
WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.name, x.cid
"""

_INDEXES = """
SELECT m.name, i.name, i."unique", i.origin, i.partial, x.name, x.coll
FROM main.sqlite_master m JOIN pragma_index_list(m.name, 'main') i
JOIN pragma_index_xinfo(i.name, 'main') x ON x.key
WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.name, i.name, x.seqno
"""

_FOREIGN_KEYS = """
SELECT m.name, f.id, f."table", f."from", f."to", f.on_delete, f.on_update
FROM main.sqlite_master m JOIN pragma_foreign_key_list(m.name, 'main') f
WHERE m.type = 'table' AND m.rootpage > 0 ORDER BY m.name, f.id DESC, f.seq
"""

VIRTUAL = "a virtual table"
"""What holds no rows of its own but an index or somebody else's data."""


def describe(connection: sa.Connection) -> Schema:
    """Return the tables of the main database, hidden generated columns included.

    Reads the values of columns whose declared type says nothing, once each, to tell what they hold.
    """

    def rows(statement: str) -> Sequence[Sequence[Any]]:
        return connection.exec_driver_sql(statement).all()

    version = tuple(map(int, str(rows("SELECT sqlite_version()")[0][0]).split(".")))
    drafts: dict[str, Draft] = {}
    statements: dict[str, Statement] = {}
    rowless = {TableKey(None, name): "a view" for (name,) in rows(_VIEWS)}
    for name, sort, sql in rows(_TABLES if version >= (3, 37) else _TABLES_BEFORE_3_37):
        if sort == "virtual":
            rowless[TableKey(None, name)] = VIRTUAL
        elif sort == "table" and not folded(name).startswith("sqlite_"):
            drafts[name] = Draft(TableKey(None, name))
            statements[name] = read_statement(sql)
    columns, indexes, keys = (grouped(rows(sql), 1) for sql in (_COLUMNS, _INDEXES, _FOREIGN_KEYS))
    for name, draft in drafts.items():
        listed = indexes.get((name,), [])
        # A primary key that has an index of its own is not the rowid: nothing numbers its rows.
        rowid = not any(row[3] == "pk" for row in listed)
        _add_columns(draft, columns.get((name,), []), statements[name], rowid=rowid)
        _settle_untyped(connection, draft, columns.get((name,), []))
        _add_affinities(draft, columns.get((name,), []))
        _add_indexes(draft, listed, statements[name])
        draft.checks.extend(statements[name].checks)
    _add_numbering([draft for name, draft in drafts.items() if statements[name].autoincrement], rows)
    parents = {folded(name): draft for name, draft in drafts.items()}
    for name, draft in drafts.items():
        _add_foreign_keys(draft, keys.get((name,), []), statements[name], parents)
    virtual = [key.name for key, what in rowless.items() if what == VIRTUAL]
    return Schema(
        tuple(draft.table() for draft in drafts.values()), tuple(left_out("virtual tables", virtual)), rowless
    )


# --- keys ---------------------------------------------------------------------------------------


def _add_indexes(draft: Draft, rows: Sequence[Sequence[Any]], statement: Statement) -> None:
    for (_, name), parts in grouped(rows, 2).items():
        _, _, unique, origin, partial, *_ = parts[0]
        columns = tuple(part[5] for part in parts)
        if unique and origin != "pk" and _compares_finer(draft, name, parts):
            continue  # by the columns' own collation it would refuse rows that are there
        if origin == "u":
            named = statement.unique.get(tuple(map(folded, columns)))
            draft.unique.append(UniqueKey(named, columns))
        elif origin == "c" and not partial and None not in columns:
            draft.indexes.append(Index(name, columns, bool(unique)))
        elif origin == "c":
            draft.notes.append(f"{shown(name)} is not a plain index on columns; it is not described")


def _compares_finer(draft: Draft, name: str, parts: Sequence[Sequence[Any]]) -> bool:
    """Tell whether a unique index takes texts for two that its columns take for one; note what compares otherwise."""
    own = {column.name: column.native.collation or "BINARY" for column in draft.columns}
    other = {part[6].upper() for part in parts if part[5] is not None and part[6].upper() != own[part[5]]}
    if not other:
        return False
    finer = "BINARY" in other
    what = "is not described" if finer else "takes more texts for two elsewhere"
    listed = " and ".join(map(shown, sorted(other)))
    draft.notes.append(f"{shown(name)} compares by {listed}, as its columns do not; it {what}")
    return finer


def _add_foreign_keys(
    draft: Draft, rows: Sequence[Sequence[Any]], statement: Statement, parents: Mapping[str, Draft]
) -> None:
    """Add the keys, by the parents' own spelling: SQLite matches names without case; `parents` has them folded."""
    keys = list(grouped(rows, 3).items())
    said = statement.foreign_keys if len(statement.foreign_keys) == len(keys) else [(None, None)] * len(keys)
    for ((_, _, table), parts), (name, deferrable) in zip(keys, said, strict=True):
        parent = parents.get(folded(table))
        referred = [part[4] for part in parts]
        if parent is not None:
            implied = None in referred
            referred = parent.primary_key if implied else [_own_spelling(parent, name) for name in referred]
        if parent is None or len(referred) != len(parts):
            draft.notes.append(
                f"a foreign key refers to {shown(table)}, without a key to refer to; it is not described"
            )
            continue
        draft.foreign_keys.append(
            ForeignKey(
                name=name,
                columns=tuple(_own_spelling(draft, part[3]) for part in parts),
                table=parent.key,
                referred=tuple(referred),
                on_delete=ACTIONS.get(parts[0][5]),
                on_update=ACTIONS.get(parts[0][6]),
                deferrable=deferrable,
            )
        )


def _own_spelling(draft: Draft, name: str) -> str:
    return next((column.name for column in draft.columns if folded(column.name) == folded(name)), name)


# --- columns ------------------------------------------------------------------------------------


def _add_columns(draft: Draft, rows: Sequence[Sequence[Any]], statement: Statement, *, rowid: bool) -> None:
    keys = sorted((row[5], row[1]) for row in rows if row[5])
    draft.primary_key.extend(name for _, name in keys)
    for _, name, declared, not_null, default, _, hidden in rows:
        type_ = neutral_type(declared)
        numbered = rowid and draft.primary_key == [name] and declared.upper() == "INTEGER"
        expression = statement.generated.get(folded(name), "(an expression that could not be read)")
        draft.columns.append(
            Column(
                name=name,
                type=type_ or TEXT,
                nullable=not (not_null or numbered),
                default=None if default is None else parse_default(default, type_ or TEXT),
                identity=Identity.AUTO if numbered else None,
                generated=expression if hidden in (2, 3) else None,
                native=Native(
                    collation=statement.collations.get(folded(name)),
                    utc_default=_is_utc(default, type_ or TEXT),
                ),
            )
        )


def _add_numbering(drafts: Sequence[Draft], rows: Callable[[str], Sequence[Sequence[Any]]]) -> None:
    """Tell of AUTOINCREMENT columns how far they have come; of others the highest key does."""
    found = rows("SELECT name, seq FROM main.sqlite_sequence") if drafts else []
    last = {row[0]: row[1] for row in found}
    for draft in drafts:
        numbering = Numbering(next=int(last.get(draft.key.name) or 0) + 1)
        draft.columns = [
            replace(column, native=replace(column.native, numbering=numbering)) if column.identity else column
            for column in draft.columns
        ]


def _add_affinities(draft: Draft, rows: Sequence[Sequence[Any]]) -> None:
    """Tell of columns that say no type, and of those that store values otherwise than is usual for theirs."""
    for at, (_, _, declared, *_) in enumerate(rows):
        column, own = draft.columns[at], affinity(declared)
        told = None if own == usual_affinity(column) else own
        native = replace(column.native, affinity=told, untyped=neutral_type(declared) is None)
        draft.columns[at] = replace(column, native=native)


def _settle_untyped(connection: sa.Connection, draft: Draft, rows: Sequence[Sequence[Any]]) -> None:
    """Give columns whose declared type says nothing the type of the values they hold.

    So too generated ones of whole numbers, whose expression may give others, which SQLite keeps.
    """
    for at, (_, name, declared, _, default, *_) in enumerate(rows):
        computed = draft.columns[at].generated is not None and draft.columns[at].type.kind is Kind.INTEGER
        if neutral_type(declared) is not None and not computed:
            continue
        type_, odd = _type_of_values(connection, draft.key.name, name)
        parsed = None if default is None else parse_default(default, type_)
        if computed and type_ is not FLOAT:
            continue  # whole, or nothing that another type would mend
        draft.columns[at] = replace(draft.columns[at], type=type_, default=parsed)
        if odd:
            what = f"is declared as {shown(declared)} and holds {odd}"
            draft.notes.append(f"column {shown(name)} {what}; it is described as text")


def _type_of_values(connection: sa.Connection, table: str, name: str) -> tuple[Type, str]:
    """Return the type that holds all values of a column, and the storage classes where there is none."""
    column: sa.ColumnClause[Any] = sa.column(sa.quoted_name(name, True))
    # Qualified: SQLite takes a bare quoted name that it does not know for a string.
    source = sa.table(sa.quoted_name(table, True), column, schema="main")
    query = sa.select(sa.func.typeof(source.c[name])).distinct()
    classes = {row[0] for row in connection.execute(query)} - {"null"}
    for type_, allowed in _CLASSES:
        if classes <= allowed:
            return type_, ""
    return TEXT, " and ".join(sorted(classes))


_CLASSES: list[tuple[Type, set[str]]] = [
    (TEXT, {"text"}),
    (BIGINT, {"integer"}),
    (FLOAT, {"integer", "real"}),
    (BYTES, {"blob"}),
]


_SPELLING = re.compile(r"([^()]*)(?:\(([^()]*)\))?([^()]*)")
_WORDS: dict[str, Type] = {
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "INT8", "BIG INT", "UNSIGNED BIG INT", "INT4"), BIGINT),
    **dict.fromkeys(("INT UNSIGNED", "INTEGER UNSIGNED", "BIGINT UNSIGNED"), BIGINT),
    **dict.fromkeys(("MEDIUMINT", "MEDIUMINT UNSIGNED", "SMALLINT UNSIGNED"), Type(Kind.INTEGER, bits=32)),
    **dict.fromkeys(("SMALLINT", "INT2", "TINYINT", "TINYINT UNSIGNED"), Type(Kind.INTEGER, bits=16)),
    **dict.fromkeys(("BOOL", "BOOLEAN"), Type(Kind.BOOLEAN)),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "DEC", "DECIMAL_TEXT"), Type(Kind.DECIMAL)),
    **dict.fromkeys(("REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT"), FLOAT),
    **dict.fromkeys(("CHAR", "NCHAR", "CHARACTER", "VARCHAR", "NVARCHAR", "NATIVE CHARACTER"), TEXT),
    **dict.fromkeys(("CHARACTER VARYING", "VARYING CHARACTER", "TEXT", "CLOB"), TEXT),
    **dict.fromkeys(("BLOB", "BINARY", "VARBINARY", "BYTEA"), BYTES),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), Type(Kind.TIMESTAMP)),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), Type(Kind.TIMESTAMP, zoned=True)),
    **dict.fromkeys(("UUID", "UUID_TEXT"), Type(Kind.UUID)),
    **dict.fromkeys(("JSON", "JSONB", "JSON_TEXT"), Type(Kind.JSON)),
    "DATE": Type(Kind.DATE), "TIME": Type(Kind.TIME), "DURATION_TEXT": Type(Kind.INTERVAL),
    "UNSIGNED_TEXT": Type(Kind.INTEGER, bits=64, unsigned=True),
    "BIT_TEXT": Type(Kind.BIT, fixed=True), "VARBIT_TEXT": Type(Kind.BIT),
}  # fmt: skip


def neutral_type(declared: str) -> Type | None:
    """Return the type that a column is declared with; None for one that says nothing.

    SQLite keeps to none of them. Names that end in `_TEXT` are this package's own: the affinity of
    the usual names would eat digits (facts.md S15).
    """
    found = _SPELLING.fullmatch(declared)
    if found is None:
        return None
    before, inside, after = found.groups()
    type_ = _WORDS.get(" ".join(f"{before} {after}".upper().split()))
    if type_ is None:
        return None
    sizes = [int(size) for size in (inside or "").split(",") if size.strip().isdecimal()]
    return _sized(type_, sizes)


def _sized(type_: Type, sizes: Sequence[int]) -> Type:
    if type_.kind in (Kind.TIME, Kind.TIMESTAMP):
        return replace(type_, precision=min(sizes[0], 6) if sizes else 6)
    if not sizes or not sizes[0]:
        return type_
    if type_.kind is Kind.DECIMAL:
        return decimal(sizes[0], sizes[1] if len(sizes) > 1 else 0)
    if type_.kind in (Kind.TEXT, Kind.BYTES, Kind.BIT):
        return replace(type_, length=sizes[0])
    return type_


# --- defaults -------------------------------------------------------------------------------------

_STRING = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"", re.DOTALL)
_BLOB = re.compile(r"[xX]'([0-9a-fA-F]*)'")
_NUMBER = re.compile(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?")
_NOW = ("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME")


def parse_default(text: str, type_: Type) -> Default:
    """Return what `dflt_value` says; SQL text where it is more than a literal."""
    return _parsed_default(text.strip(), type_) or Default(DefaultKind.SQL, text)


def _is_utc(default: str | None, type_: Type) -> bool:
    """Tell whether the default is the present moment of a timestamp without a zone: it is that of UTC."""
    moment = default is not None and default.strip().upper() in _NOW
    return moment and type_.kind is Kind.TIMESTAMP and not type_.zoned


def _parsed_default(text: str, type_: Type) -> Default | None:
    if text.upper() == "NULL":
        return Default(DefaultKind.NULL)
    if text.upper() in _NOW:
        return now_default(type_)
    if found := _STRING.fullmatch(text):
        single, double = found.groups()
        inside = double.replace('""', '"') if single is None else single.replace("''", "'")
        return value_default(inside, type_)
    if found := _BLOB.fullmatch(text):
        return value_default("\\x" + found.group(1).lower(), type_) if type_.kind is Kind.BYTES else None
    if _NUMBER.fullmatch(text) or text.upper() in ("TRUE", "FALSE"):
        return value_default(text.removeprefix("+"), type_)
    return None
