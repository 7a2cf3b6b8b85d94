"""A second session on the tables of a load: it holds what it did until the load is seen to wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa

from tests.promises import engine, query

Result = TypeVar("Result")

POLL_SECONDS = 0.15
"""Between two looks at who waits: what InnoDB tells of transactions is renewed only after 0.1 s without a look."""

_WAITING = {
    "postgresql": "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mysql": (
        "SELECT 1 FROM information_schema.processlist p LEFT JOIN information_schema.innodb_trx t"
        " ON t.trx_mysql_thread_id = p.id WHERE p.db = DATABASE()"
        " AND (t.trx_state = 'LOCK WAIT' OR p.state LIKE 'Waiting for %lock')"
    ),
}


def waits(url: str) -> bool:
    """Tell whether a session of the database waits for another one's lock."""
    return bool(query(url, _WAITING[sa.make_url(url).get_backend_name().replace("mariadb", "mysql")]))


def run(connection: sa.Connection, *statements: str) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


@contextmanager
def rival(url: str, *statements: str) -> Iterator[sa.Connection]:
    """A session that has run these and not committed."""
    with engine(url).connect() as connection:
        run(connection, *statements)
        yield connection


def against(url: str, held: sa.Connection, load: Callable[[], Result]) -> Result:
    """Run `load`, commit what the rival holds once somebody waits for it, and return what came of the load."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(load)
        # A load that never waits ends; one that waits too long gives up by itself.
        while not (running.done() or waits(url)):
            time.sleep(POLL_SECONDS)
        held.commit()
        return running.result()


def before(monkeypatch: Any, owner: type, name: str, act: Callable[[], None]) -> None:
    """Have `act` done once, before the method `name` of `owner` is called for the first time."""
    plain = getattr(owner, name)
    todo = [act]

    def patched(*args: Any, **options: Any) -> Any:
        while todo:
            todo.pop()()
        return plain(*args, **options)

    monkeypatch.setattr(owner, name, patched)
