"""Empty databases, made for one test and dropped after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import OperationalError

from .errors import Unreachable
from .probe import connection

CREATE = {
    "postgresql": "CREATE DATABASE {name}",
    "mariadb": "CREATE DATABASE {name} CHARACTER SET utf8mb4",
    "mysql": "CREATE DATABASE {name} CHARACTER SET utf8mb4",
}


@contextmanager
def fresh_database(engine: str, server: str) -> Iterator[str]:
    """The URL of a new empty database on the server at the URL `server`; it is dropped at the end.

    Connections that a test left open do not hinder the drop. Raises Unreachable when the server is gone.
    """
    name = f"dbdump_{uuid4().hex[:16]}"
    try:
        with connection(server) as opened:
            opened.execute(text(CREATE[engine].format(name=name)))
    except OperationalError as error:
        raise Unreachable(f"{engine} does not make a database: {error}") from error
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with connection(server) as opened:
            _drop(opened, engine, name)


def fresh_file(folder: Path) -> str:
    """The URL of an SQLite file in `folder` that does not exist yet."""
    return f"sqlite:///{folder / f'dbdump_{uuid4().hex[:16]}.sqlite3'}"


def _drop(opened: Connection, engine: str, name: str) -> None:
    if engine == "postgresql":
        opened.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        return
    # DROP DATABASE would wait for ever for the locks of a transaction that a test did not end.
    # MySQL's information_schema.processlist fails while anybody's statement has a character of four bytes.
    for session, _, _, database, *_ in opened.execute(text("SHOW PROCESSLIST")).all():
        if database == name:
            _kill(opened, int(session))
    opened.execute(text(f"DROP DATABASE IF EXISTS {name}"))


def _kill(opened: Connection, session: int) -> None:
    try:
        opened.execute(text(f"KILL {session}"))
    except OperationalError as error:
        if "Unknown thread id" not in str(error):
            raise
