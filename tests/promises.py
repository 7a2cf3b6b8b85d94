"""What the tests of promises share: SQL on any engine, a database's whole content, and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseTarget
from dbdump_core.errors import DbdumpError
from dbdump_core.run.transfer import Options, transfer
from tests.memory import MemorySource

MYSQLS = ("mysql", "mariadb")


def engine(url: str) -> sa.Engine:
    """An engine of SQLAlchemy's own, without the settings that the program pins."""
    parsed = sa.make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg2")
    return sa.create_engine(parsed, poolclass=sa.pool.NullPool)


def with_options(url: str, **options: str) -> str:
    """The URL with these options of the driver, beside those it has."""
    return sa.make_url(url).update_query_dict(options).render_as_string(hide_password=False)


def execute(url: str, *statements: str) -> None:
    with engine(url).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


def query(url: str, sql: str) -> list[tuple[Any, ...]]:
    with engine(url).connect() as connection:
        rows = connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        return [tuple(row) for row in rows]


def state(url: str) -> dict[str, list[str]]:
    """Every table with its rows, in a stable order."""
    reached = engine(url)
    quoted = reached.dialect.identifier_preparer.quote_identifier
    names = sa.inspect(reached).get_table_names()
    return {name: sorted(map(repr, query(url, f"SELECT * FROM {quoted(name)}"))) for name in names}


@contextmanager
def refused(url: str | None, kind: type[DbdumpError], *words: str) -> Iterator[None]:
    """What runs inside is refused with one line that says `words`; the database holds what it held."""
    before = state(url) if url else None
    with pytest.raises(kind) as caught:
        yield
    message = str(caught.value)
    assert type(caught.value) is kind, message
    assert "\n" not in message
    missing = [word for word in words if word not in message]
    assert not missing, message
    assert (state(url) if url else None) == before


def load_memory(source: MemorySource, url: str, *, native: bool = True, **options: object) -> Any:
    with closing(DatabaseTarget(backend_for(sa.make_url(url), native=native))) as target:
        return transfer(source, target, Options(**options))  # type: ignore[arg-type]
