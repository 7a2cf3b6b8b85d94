"""Networks that fail: answers that never come, servers that go away or fall silent, signals meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.errors import ConnectError, ConnectionLostError, DbdumpError, UnknownOutcomeError
from dbdump_core.model.abc import Event, Phase
from dbdump_core.operations import copy, dump, verify
from tests.promises import execute, state
from tests.proxies import Proxy, commits, proxy
from tests.servers import SERVER_ENGINES

Make = Callable[[str], str]
CREATE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(200))"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)"
PROGRAM = [sys.executable, "-m", "dbdump_core.cli"]
ENDS = 60
"""Seconds after which a run hangs."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals between processes are POSIX")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An SQLite database of some megabytes."""
    url = f"sqlite:///{tmp_path_factory.mktemp('shop') / 'shop.db'}"
    execute(url, CREATE, f"INSERT INTO t {NUMBERS} SELECT i, hex(randomblob(90)) FROM n")
    return url


@pytest.fixture(params=SERVER_ENGINES)
def server(request: pytest.FixtureRequest, make_database: Make) -> str:
    """A database on each server, with a table that holds a row."""
    url = make_database(request.param)
    execute(url, CREATE, "INSERT INTO t VALUES (700, 'seven')")
    return url


@pytest.fixture
def between(server: str) -> Iterator[Proxy]:
    with proxy(server) as made:
        yield made


def lose_answer(between: Proxy) -> Callable[[Event], None]:
    """Progress that lets the answer to the last COMMIT get lost."""

    def before(data: bytes) -> None:
        if commits(data):
            between.cut_at = 0  # what the server says next never comes

    def progress(event: Event) -> None:
        if event.phase is Phase.COMMIT:
            between.before = before

    return progress


# The commit


def test_a_lost_answer_to_the_commit_is_told_as_such(server: str, between: Proxy, shop: str) -> None:
    with pytest.raises(UnknownOutcomeError, match="may have been committed; run dbdump verify"):
        copy(shop, between.url, replace=True, progress=lose_answer(between))
    assert verify(shop, server).equal


def test_new_tables_stay_where_the_answer_to_the_commit_is_lost(server: str, between: Proxy, shop: str) -> None:
    execute(server, "DROP TABLE t")
    with pytest.raises(UnknownOutcomeError):
        copy(shop, between.url, create=True, progress=lose_answer(between))
    assert verify(shop, server).equal


def test_a_commit_that_is_refused_is_no_doubt(make_database: Make, shop: str) -> None:
    target = make_database("postgresql")
    execute(target, CREATE, "CREATE TABLE u (id INTEGER PRIMARY KEY)")
    execute(
        target,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$",
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    with pytest.raises(DbdumpError) as caught:
        copy(shop, target, replace=True)
    assert not isinstance(caught.value, UnknownOutcomeError)
    assert state(target) == {"t": [], "u": []}


class Run:
    """The command line as a process, told of by the lines on its standard error."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen([*PROGRAM, *arguments], stderr=subprocess.PIPE, encoding="utf-8")

    def at(self, moment: str) -> None:
        """Wait until the program says that it is at `moment`."""
        assert self.process.stderr is not None
        assert any(line.startswith(moment) for line in self.process.stderr), f"never came to {moment}"

    def end(self, *signals: int) -> tuple[int, str]:
        """Send signals, and return the exit code and what else was said."""
        assert self.process.stderr is not None
        for number in signals:
            self.process.send_signal(number)
        try:
            said = self.process.stderr.read() if self.process.wait(ENDS) is not None else ""
        finally:
            self.process.kill()
            self.process.stderr.close()
        return self.process.returncode, said


def stall_at(between: Proxy, run: Run, moment: Callable[[bytes], bool]) -> None:
    """Stall the network when the program says something that is `moment`; return when it waits."""

    def before(data: bytes) -> None:
        if moment(data):
            between.stall()

    between.before = before
    assert between.stalled.wait(ENDS)
    between.before = lambda data: None


def last_commit() -> Callable[[bytes], bool]:
    """What tells the COMMIT of a load from those before its first row."""
    loads = []

    def is_last(data: bytes) -> bool:
        loads.extend([data] if b"DELETE FROM" in data or b"COPY " in data else [])
        return bool(loads) and commits(data)

    return is_last


def test_a_signal_once_the_commit_is_sent_lets_the_run_end_as_done(server: str, between: Proxy, shop: str) -> None:
    run = Run("copy", shop, between.url, "--yes")
    is_last = last_commit()

    def before(data: bytes) -> None:
        if is_last(data):
            run.process.send_signal(signal.SIGINT)

    between.before = before
    code, said = run.end()
    assert (code, "Traceback" in said) == (0, False), said
    assert verify(shop, server).equal


# Silence


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_whose_target_is_silent(server: str, between: Proxy, shop: str, number: int) -> None:
    before = state(server)
    run = Run("copy", shop, between.url, "--yes")
    stall_at(between, run, lambda data: b"COPY " in data or b"LOAD DATA" in data)
    code, said = run.end(number)
    assert code == 128 + number, said
    assert "does not answer" in said
    assert "rolled back everything" not in said
    assert "Traceback" not in said
    between.close()
    assert state(server) == before


def test_a_signal_ends_a_run_whose_commit_is_not_answered(server: str, between: Proxy, shop: str) -> None:
    run = Run("copy", shop, between.url, "--yes")
    stall_at(between, run, last_commit())
    code, said = run.end(signal.SIGTERM)
    assert (code, "may have been committed" in said) == (4, True), said


def test_a_signal_ends_a_dump_whose_source_is_silent(server: str, between: Proxy, tmp_path: Path) -> None:
    run = Run("dump", between.url, "-o", str(tmp_path / "dump"))
    stall_at(between, run, lambda data: b"COPY (SELECT" in data or b"SELECT CONCAT(" in data)
    code, said = run.end(signal.SIGTERM)
    assert (code, "does not answer; what was begun" in said) == (143, False), said
    assert list(tmp_path.iterdir()) == []


def test_two_interrupts_end_a_run_at_once(server: str, between: Proxy, shop: str) -> None:
    run = Run("copy", shop, between.url, "--yes")
    stall_at(between, run, lambda data: b"COPY " in data or b"LOAD DATA" in data)
    code, _ = run.end(signal.SIGINT, signal.SIGINT)
    assert code in (130, -signal.SIGINT)


def test_a_signal_ends_a_run_that_cannot_even_connect(server: str, between: Proxy, shop: str) -> None:
    between.stall()
    run = Run("copy", shop, between.url, "--yes")
    assert between.stalled.wait(ENDS)
    code, said = run.end(signal.SIGTERM)
    assert (code, "interrupted" in said) == (143, True), said


def test_a_statement_may_be_silent_and_a_dead_peer_is_noticed(server: str) -> None:
    backend = backend_for(sa.make_url(server))
    connection = backend.connect(writing=False)
    with closing(connection):
        descriptor = backend.descriptor(backend.raw(connection))
        assert descriptor is not None
        with socket.socket(fileno=os.dup(descriptor)) as peer:
            assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert 0 < peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 120
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 0
            assert peer.gettimeout() is None


def test_keepalives_of_the_url_are_kept(make_database: Make) -> None:
    url = sa.make_url(make_database("postgresql")).update_query_dict({"keepalives_idle": "77", "tcp_user_timeout": "0"})
    backend = backend_for(url)
    with (
        closing(backend.connect(writing=False)) as connection,
        socket.socket(fileno=os.dup(backend.raw(connection).fileno())) as peer,
    ):
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0


# Servers that go away


def bytes_of_a_run(server: str, run: Callable[[str], object]) -> int:
    """Return how much the server says in a run that goes well."""
    with proxy(server) as made:
        run(made.url)
        return made.sent


@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("end", ["source", "target", "create"])
def test_a_server_that_goes_away_is_told_as_such(
    server: str, end: str, part: float, shop: str, tmp_path: Path
) -> None:
    """At any moment: one line, of a class of its own, and the target as it was."""
    if end == "create":
        execute(server, "DROP TABLE t")
    before = state(server)

    def run(url: str) -> object:
        if end == "source":
            return dump(url, str(tmp_path / f"dump-{len(list(tmp_path.iterdir()))}"))
        return copy(shop, url, replace=True, create=True)

    size = bytes_of_a_run(server, run)
    if end != "source":
        execute(server, "DROP TABLE t", *([CREATE, "INSERT INTO t VALUES (700, 'seven')"] if end == "target" else []))
    with proxy(server) as made:
        made.cut_at = int(size * part)
        with pytest.raises((ConnectError, ConnectionLostError)) as caught:
            run(made.url)
    text = str(caught.value)
    assert "\n" not in text
    assert "sqlalche.me" not in text
    if end == "create" and "are left" in text:
        before = {"t": []}
    assert state(server) == before
