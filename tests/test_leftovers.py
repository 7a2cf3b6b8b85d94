"""What runs that fail say and leave behind: journals, words that are true, advice, passwords that were asked for."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.cli import main
from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseSource
from dbdump_core.dumps.outputs import FolderOutput
from dbdump_core.errors import ConnectionLostError, DatabaseError, PasswordMissingError, ProtocolError
from dbdump_core.operations import copy, describe, dump
from tests.promises import MYSQLS, execute, query
from tests.proxies import proxy
from tests.servers import SERVER_ENGINES
from tests.servers.probe import connection
from tests.test_cli_runs import PROGRAM, Terminal
from tests.test_faults import kill_sessions

Make = Callable[[str], str]
CREATE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(200))"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
posix = pytest.mark.skipif(os.name == "nt", reason="limits of processes are POSIX")


@posix
@pytest.mark.parametrize("there", [False, True], ids=["new", "old"])
def test_a_full_disk_leaves_no_journal(there: bool, tmp_path: Path) -> None:
    import resource

    source, target = f"sqlite:///{tmp_path / 's.db'}", tmp_path / "x.db"
    execute(source, CREATE, f"INSERT INTO t {NUMBERS} SELECT i, hex(randomblob(30)) FROM n")
    if there:
        execute(f"sqlite:///{target}", CREATE, "INSERT INTO t VALUES (7, 'seven')")
    limit = 1_500_000
    done = subprocess.run(
        [*PROGRAM, "copy", source, str(target), "--create", "--yes"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "disk" in done.stderr) == (3, True), done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == (["s.db", "x.db"] if there else ["s.db"])
    if there:
        assert query(f"sqlite:///{target}", "SELECT * FROM t") == [(7, "seven")]


def test_a_reader_that_holds_a_target_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbdump_core.databases.sqlite.backend.BUSY_SECONDS", 0.1)
    source, target = (f"sqlite:///{tmp_path / name}" for name in ("s.db", "t.db"))
    for url in (source, target):
        execute(url, CREATE, "INSERT INTO t VALUES (1, 'one')")
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchone()
        with pytest.raises(DatabaseError, match="another program reads or writes it"):
            copy(source, target, replace=True)
    assert copy(source, target, replace=True).verified


@posix
def test_a_signal_once_a_dump_has_its_name_lets_the_run_end_as_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(f"sqlite:///{tmp_path / 's.db'}", CREATE, "INSERT INTO t VALUES (1, 'one')")
    named = FolderOutput.commit

    def commit(self: FolderOutput) -> None:
        named(self)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(FolderOutput, "commit", commit)
    assert main(["dump", str(tmp_path / "s.db"), "-o", str(tmp_path / "dump")]) == 0


@pytest.mark.parametrize("server", SERVER_ENGINES)
def test_a_dump_that_fails_has_rolled_nothing_back(make_database: Make, server: str, tmp_path: Path) -> None:
    url = make_database(server)
    execute(url, CREATE, f"INSERT INTO t VALUES {', '.join(f'({number}, NULL)' for number in range(3000))}")
    with proxy(url) as between:
        dump(between.url, tmp_path / "first")
        size = between.sent
    with proxy(url) as between:
        between.cut_at = size - 100
        with pytest.raises(ConnectionLostError) as caught:
            dump(between.url, tmp_path / "second")
    assert "rolled back" not in str(caught.value)
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize("writing", [False, True])
def test_a_connection_is_closed_without_a_sound(
    database_url: str, writing: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever has become of it: SQLAlchemy would log the traceback of a reset that fails."""
    execute(database_url, CREATE)
    backend = backend_for(sa.make_url(database_url))
    opened = backend.connect(writing=writing)
    backend.run(opened, "SELECT count(*) FROM t").all()
    if database_url.startswith("sqlite"):
        backend.raw(opened).close()
    else:
        kill_sessions(database_url)
    with caplog.at_level(logging.INFO):
        backend.close(opened)
        backend.close(opened)
    assert not caplog.records


def test_words_that_are_no_utf8_are_an_error_of_the_server(make_database: Make) -> None:
    with (
        closing(DatabaseSource(backend_for(sa.make_url(make_database("postgresql"))))) as source,
        pytest.raises(ProtocolError, match="no server should say that"),
        source.backend.speaking(source.connection),
    ):
        b"\xff".decode()


@pytest.mark.parametrize("server", MYSQLS)
def test_what_an_account_cannot_see_is_said(make_database: Make, server: str, tmp_path: Path) -> None:
    url = sa.make_url(make_database(server))
    plain = url.render_as_string(hide_password=False)
    execute(
        plain,
        "CREATE TABLE p (id INT PRIMARY KEY)",
        "CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id))",
        "CREATE TABLE x (id INT PRIMARY KEY)",
    )
    name = f"u{os.urandom(4).hex()}"
    limited = url.set(username=name, password="pw")
    with connection(url) as admin:
        admin.execute(sa.text(f"CREATE USER {name} IDENTIFIED BY 'pw'"))
        try:
            admin.execute(sa.text(f"GRANT SELECT ON {url.database}.c TO {name}"))
            notes = dump(limited, tmp_path / "dump").notes
            assert any("'p' cannot be seen by this account" in note and "'c' refers to it" in note for note in notes)
            assert any("rights on single tables or columns only" in note for note in notes)
            admin.execute(sa.text(f"GRANT SELECT ON {url.database}.* TO {name}"))
            assert not describe(limited).notes
        finally:
            admin.execute(sa.text(f"DROP USER {name}"))


# A password that is missing


@pytest.fixture(params=MYSQLS)
def guarded(request: pytest.FixtureRequest, make_database: Make) -> object:
    """A database whose account has a password, and its URL without it."""
    url = sa.make_url(make_database(request.param))
    execute(url.render_as_string(hide_password=False), CREATE, "INSERT INTO t VALUES (1, 'one')")
    name = f"u{os.urandom(4).hex()}"
    with connection(url) as admin:
        admin.execute(sa.text(f"CREATE USER {name} IDENTIFIED BY 'Secret8Word'"))
        admin.execute(sa.text(f"GRANT ALL ON {url.database}.* TO {name}"))
        yield url.set(username=name, password=None).render_as_string(hide_password=False)
        admin.execute(sa.text(f"DROP USER {name}"))


@posix
def test_a_missing_password_is_asked_for_on_a_terminal(guarded: str, tmp_path: Path) -> None:
    terminal = Terminal(["dump", guarded, "-o", tmp_path / "dump"], columns=200)
    terminal.read_until("password for ")
    terminal.type("Secret8Word\n")
    assert terminal.finish() == 0, terminal.screen
    assert "Secret8Word" not in terminal.screen
    assert (tmp_path / "dump" / "manifest.json").exists()


@posix
def test_a_password_that_was_asked_for_is_not_repeated(guarded: str, tmp_path: Path) -> None:
    terminal = Terminal(["dump", guarded, "-o", tmp_path / "dump"], columns=200)
    terminal.read_until("password for ")
    terminal.type("wrong!Word9\n")
    assert terminal.finish() == 2
    assert "wrong!Word9" not in terminal.screen


def test_a_missing_password_is_an_error_where_nobody_is_there(guarded: str, tmp_path: Path) -> None:
    with pytest.raises(PasswordMissingError):
        dump(guarded, tmp_path / "dump")
    done = subprocess.run(
        [*PROGRAM, "dump", guarded, "-o", str(tmp_path / "dump"), "--json"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.returncode, "PasswordMissingError" in done.stdout) == (2, True)


def test_postgresql_says_that_it_wants_a_password() -> None:
    backend = backend_for(sa.make_url("postgresql://me@db/shop"))
    assert backend.misses_password(Exception("connection failed: fe_sendauth: no password supplied"))
    assert not backend.misses_password(Exception('password authentication failed for user "me"'))


