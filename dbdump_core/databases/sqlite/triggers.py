"""SQLite's triggers: which a load would fire, and which of these only keep a search index."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from ...model.sql_text import Token, tokens
from .statements import folded

_TRIGGERS = "SELECT name, tbl_name, sql FROM main.sqlite_master WHERE type = 'trigger' ORDER BY 1"
_VIRTUAL = "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND rootpage = 0"
_INDEXING = {"FTS3", "FTS4", "FTS5", "RTREE", "RTREE_I32", "GEOPOLY"}
"""Modules of virtual tables that hold an index of the rows of other tables."""


def firing(connection: sa.Connection, tables: Collection[str], events: Collection[str]) -> list[str]:
    """Return the triggers of `tables` for any of `events` (INSERT, DELETE), as `table.trigger`.

    Not those that only keep an index: their work is wanted for the rows of a load too.
    """
    names = set(map(folded, tables))
    indexes = {folded(name) for name, sql in _rows(connection, _VIRTUAL) if _module(sql) in _INDEXING}
    return [
        f"{table}.{name}"
        for name, table, sql in _rows(connection, _TRIGGERS)
        if folded(table) in names
        and (event := event_of(sql)) in events
        and not (_only_feeds(sql, indexes) and _works(connection, table, event))
    ]


def event_of(sql: str) -> str:
    """Return the event of a trigger from its text: the first such word after its name."""
    words = list(tokens(sql))
    named = next(at for at, word in enumerate(words) if word.keyword == "TRIGGER") + 1
    if words[named].keyword == "IF":
        named += 3
    named += 2 if words[named + 1].text == "." else 0
    events = (word.keyword for word in words[named + 1 :] if word.keyword in ("INSERT", "DELETE", "UPDATE"))
    return next(events, "INSERT")


def _rows(connection: sa.Connection, sql: str) -> Sequence[Any]:
    return connection.exec_driver_sql(sql).all()


def _module(sql: str) -> str:
    """Return the module of a virtual table in capitals; SQLite keeps its text as CREATE VIRTUAL TABLE name USING …."""
    words = list(tokens(sql))
    return words[5].name.upper() if len(words) > 5 and words[4].keyword == "USING" else ""


def _only_feeds(sql: str, indexes: Collection[str]) -> bool:
    """Tell whether each statement of a trigger writes to one of `indexes`; what is not understood does not."""
    words = list(tokens(sql))
    begins = [at for at, word in enumerate(words) if word.keyword == "BEGIN" and words[at - 1].text != "."]
    if not begins or any(word.keyword == "RAISE" for word in words):
        return False
    body = list(_statements(words[begins[-1] + 1 : -1]))
    return bool(body) and all(folded(_written(statement) or "") in indexes for statement in body)


def _statements(words: Sequence[Token]) -> Iterator[list[Token]]:
    statement: list[Token] = []
    for word in words:
        if word.keyword == ";":
            yield statement
            statement = []
        else:
            statement.append(word)
    if statement:
        yield statement


def _written(statement: Sequence[Token]) -> str | None:
    """Return the table that a statement inserts into, deletes from or updates; None for any other statement."""
    words = [word.keyword for word in statement]
    at = 3 if words[1:2] == ["OR"] else 1
    if words[:1] in (["INSERT"], ["REPLACE"]) and words[at : at + 1] == ["INTO"]:
        at += 1
    elif words[:2] == ["DELETE", "FROM"]:
        at = 2
    elif words[:1] != ["UPDATE"]:
        return None
    return statement[at].name if at < len(statement) else None


def _works(connection: sa.Connection, table: str, event: str) -> bool:
    """Tell whether SQLite can run the triggers of a table: their modules and functions may be missing here."""
    quoted = '"' + table.replace('"', '""') + '"'
    statement = f"INSERT INTO main.{quoted} DEFAULT VALUES" if event == "INSERT" else f"DELETE FROM main.{quoted}"
    with suppress(sa.exc.DBAPIError):
        connection.exec_driver_sql(f"EXPLAIN {statement}").all()
        return True
    return False
