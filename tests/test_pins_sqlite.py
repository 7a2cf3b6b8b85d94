"""Each pragma that is set on SQLite's connections. A file cannot set them, so they are asked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.sqlite.backend import SqliteBackend
from tests.promises import execute


@pytest.fixture
def backend(tmp_path: Path) -> SqliteBackend:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    execute(url, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    found = backend_for(sa.make_url(url))
    assert isinstance(found, SqliteBackend)
    return found


def ask(raw: sqlite3.Connection, pragma: str) -> int:
    return int(raw.execute(f"PRAGMA {pragma}").fetchone()[0])


@pytest.mark.parametrize("writing", [False, True])
def test_damaged_cells_are_looked_for_and_the_schema_runs_no_functions(backend: SqliteBackend, writing: bool) -> None:
    with closing(backend.connect(writing=writing)) as connection:
        raw = backend.raw(connection)
        assert ask(raw, "cell_size_check") == 1
        if sqlite3.sqlite_version_info >= (3, 41):  # before, its own JSON functions would be out too
            assert ask(raw, "trusted_schema") == 0


def test_a_source_cannot_be_written_to(backend: SqliteBackend) -> None:
    with closing(backend.connect(writing=False)) as connection:
        schema = backend.reflect(connection)
        backend.hold_snapshot(connection, schema.tables)
        readers = backend._readers(connection)
        for raw in readers:
            assert ask(raw, "query_only") == 1
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                raw.execute("DELETE FROM t")
        assert len(readers) == 2
        backend.release_snapshot(connection)


def test_foreign_keys_do_not_act_while_rows_are_written(
    backend: SqliteBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where SQLite was built so that they act by default, too."""
    plain = SqliteBackend._open

    def opened(self: SqliteBackend, *arguments: object) -> sqlite3.Connection:
        raw: sqlite3.Connection = plain(self, *arguments)  # type: ignore[arg-type]
        raw.execute("PRAGMA foreign_keys = ON")
        return raw

    monkeypatch.setattr(SqliteBackend, "_open", opened)
    with closing(backend.connect(writing=True)) as connection:
        assert ask(backend.raw(connection), "foreign_keys") == 0
