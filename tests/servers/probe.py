"""Ask a server who it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from .errors import Unreachable


@contextmanager
def connection(url: str | URL) -> Iterator[Connection]:
    """A connection of its own, each statement committed, closed for good at the end."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as opened:
        yield opened


def ask(url: str | URL, sql: str) -> str:
    """The one value that `sql` selects, as text. Raises SQLAlchemyError."""
    with connection(url) as opened:
        return str(opened.execute(text(sql)).scalar_one())


def engine_of(version: str) -> str:
    """The engine that answers `SELECT version()` with this text."""
    if version.startswith("PostgreSQL"):
        return "postgresql"
    return "mariadb" if "MariaDB" in version else "mysql"


def check(engine: str, url: str) -> str:
    """The version of the server at `url`; raises Unreachable when it does not answer or is another engine."""
    try:
        shown = make_url(url).render_as_string()
    except SQLAlchemyError as error:
        raise Unreachable(f"{engine}: not the form of a URL") from error
    try:
        version = ask(url, "SELECT version()")
    except SQLAlchemyError as error:
        raise Unreachable(f"{engine} at {shown} does not answer: {error}") from error
    if engine_of(version) != engine:
        raise Unreachable(f"{engine} at {shown} is {engine_of(version)}: {version}")
    return version
