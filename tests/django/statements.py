"""How many statements this process sends to databases, past every driver that the program uses."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.extensions
import pymysql.connections
import sqlalchemy as sa
from pytest import MonkeyPatch

Note = Callable[[object], None]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements sent while inside, one entry each; a bulk load or an `executemany` is one."""
    sent: list[str] = []

    def note(statement: object) -> None:
        sent.append(str(statement))

    with MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", _sqlite(sqlite3.connect, note))
        patch.setattr(pymysql.connections.Connection, "_execute_command", _mysql(note))
        give_cursor = _postgresql(note)
        sa.event.listen(sa.Engine, "do_connect", give_cursor)
        try:
            yield sent
        finally:
            sa.event.remove(sa.Engine, "do_connect", give_cursor)


def _sqlite(connect: Callable[..., sqlite3.Connection], note: Note) -> Callable[..., sqlite3.Connection]:
    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
            note(sql)
            return super().execute(sql, *rest)

        def executemany(self, sql: str, *rest: Any) -> sqlite3.Cursor:
            note(sql)
            return super().executemany(sql, *rest)

    class Connection(sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            return self.cursor().execute(*arguments)

        def executemany(self, *arguments: Any) -> sqlite3.Cursor:
            return self.cursor().executemany(*arguments)

    return lambda *arguments, **options: connect(*arguments, **{**options, "factory": Connection})


def _mysql(note: Note) -> Callable[..., Any]:
    original = pymysql.connections.Connection._execute_command

    def execute(self: Any, command: int, sql: object) -> Any:
        note(sql)
        return original(self, command, sql)

    return execute


def _postgresql(note: Note) -> Callable[..., None]:
    class Cursor(psycopg2.extensions.cursor):
        def execute(self, query: Any, variables: Any = None) -> None:
            note(query)
            super().execute(query, variables)

        def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
            note(sql)
            super().copy_expert(sql, file, size)

    def give_cursor(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> None:
        if dialect.driver == "psycopg2":
            options["cursor_factory"] = Cursor

    return give_cursor
