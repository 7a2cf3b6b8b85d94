"""A dialect that nothing is known of: read and written through SQLAlchemy alone, into tables that are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from dbdump_core import Snapshot, UsageError, operations
from tests.promises import execute, query, state

Make = Callable[[str], str]
ROWS = [
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(20))",
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent (id),"
    " price NUMERIC(10,2), at TIMESTAMP, data BYTEA, yes BOOLEAN, score FLOAT8)",
    "INSERT INTO parent VALUES (1, 'tab\there'), (2, NULL)",
    "INSERT INTO child VALUES (1, 2, 1.50, '2024-02-29 12:34:56.5', '\\x00ff', true, 0.1)",
]


class StrangeDialect(PGDialect_psycopg2):
    """PostgreSQL's, by a name that has no folder among the backends."""

    name = "strange"
    supports_statement_cache = True


registry.register("strange.psycopg2", __name__, "StrangeDialect")


def strange(make: Make, *statements: str) -> str:
    url = make("postgresql")
    execute(url, *statements)
    return url.replace("postgresql", "strange", 1)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mariadb", "mysql"])
def test_rows_come_out_of_it_and_go_back_into_tables_that_are_there(make_database: Make, engine: str) -> None:
    source, between = strange(make_database, *ROWS), make_database(engine)
    report = operations.copy(source, between, create=True)
    assert report.verified and report.snapshot is Snapshot.NONE
    target = strange(make_database, *ROWS[:2])
    assert operations.copy(between, target).verified
    assert operations.verify(source, target).equal
    plain = target.replace("strange", "postgresql", 1)
    assert query(plain, "SELECT name FROM parent ORDER BY id") == [("tab\there",), (None,)]


def test_it_is_dumped_and_no_tables_are_made_in_it(make_database: Make, tmp_path: Path) -> None:
    source, folder = strange(make_database, *ROWS), str(tmp_path / "out")
    operations.dump(source, folder)
    empty = strange(make_database, "CREATE TABLE other (id INTEGER)")
    with pytest.raises(UsageError, match="cannot create tables in strange; create them first"):
        operations.load(folder, empty, create=True)
    assert list(state(empty.replace("strange", "postgresql", 1))) == ["other"]
