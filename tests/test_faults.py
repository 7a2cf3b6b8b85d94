"""Connections that break, programs that are killed, servers that lie: an error, no hang, nothing half done."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseSource, DatabaseTarget
from dbdump_core.errors import ConnectError, ConnectionLostError, DbdumpError
from dbdump_core.model.abc import Emit, ReadTask
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import parse_type
from dbdump_core.operations import copy
from dbdump_core.run.transfer import Options, transfer
from tests.memory import MemorySource
from tests.promises import execute, load_memory, query, refused, state
from tests.servers import ENGINES, SERVER_ENGINES

Make = Callable[[str], str]
CREATE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(200))"
TABLE = Table(
    "t",
    (Column("id", parse_type("integer"), nullable=False), Column("name", parse_type("varchar(200)"))),
    primary_key=("id",),
)
posix = pytest.mark.skipif(os.name == "nt", reason="signals between processes are POSIX")


def kill_sessions(url: str) -> None:
    """End every other session of the database, as an administrator would."""
    name = sa.make_url(url).database
    if url.startswith("postgresql"):
        query(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND pid <> pg_backend_pid()",
        )
        return
    listed = "SHOW PROCESSLIST"
    for number, _, _, database, _, _, _, statement, *_ in query(url, listed):
        if database == name and statement != listed:
            execute(url, f"KILL {number}")


class Breaking(MemorySource):
    """Hands out blocks until `breaks`, and then calls it."""

    breaks: Callable[[], None]

    def read(self, task: ReadTask, emit: Emit) -> None:
        seen = 0

        def counted(block: object) -> None:
            nonlocal seen
            seen += 1
            if seen == 20:
                self.breaks()
            emit(block)  # type: ignore[arg-type]

        super().read(task, counted)


def breaking(breaks: Callable[[], None]) -> Breaking:
    source = Breaking({TABLE: [(str(number), "x" * 100) for number in range(1, 101)]})
    source.breaks = breaks
    return source


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_source_that_fails_in_the_middle(make_database: Make, engine: str, native: bool) -> None:
    def fail() -> None:
        raise OSError("the source broke")

    target = make_database(engine)
    execute(target, CREATE, "INSERT INTO t VALUES (700, 'seven')")
    before = state(target)
    for options in ({"replace": True}, {"append": True}, {"replace": True, "verify": False}):
        with pytest.raises(OSError, match="the source broke"):
            load_memory(breaking(fail), target, native=native, **options)
        assert state(target) == before


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_session_that_ends_while_writing(make_database: Make, engine: str, native: bool) -> None:
    target = make_database(engine)
    execute(target, CREATE, "INSERT INTO t VALUES (700, 'seven')")
    with refused(target, ConnectionLostError, "rolled back"):
        load_memory(breaking(lambda: kill_sessions(target)), target, native=native, replace=True)
    assert load_memory(breaking(lambda: None), target, native=native, replace=True).verified


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_session_that_ends_during_an_insert(make_database: Make, engine: str) -> None:
    target = make_database(engine)
    execute(target, CREATE)
    with closing(DatabaseTarget(backend_for(sa.make_url(target), native=False))) as right:

        @sa.event.listens_for(right.connection, "before_cursor_execute")
        def kill(*statement: object) -> None:
            if str(statement[2]).startswith("INSERT"):
                kill_sessions(target)

        with refused(target, ConnectionLostError, "rolled back"):
            transfer(breaking(lambda: None), right, Options(replace=True))


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_session_that_ends_while_reading(
    make_database: Make, engine: str, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = make_database(engine), make_database("sqlite")
    execute(source, CREATE, "CREATE TABLE u (id INTEGER PRIMARY KEY, name VARCHAR(200))")
    execute(target, CREATE, "CREATE TABLE u (id INTEGER PRIMARY KEY, name VARCHAR(200))")
    execute(target, "INSERT INTO t VALUES (7, '7')")
    rows = ", ".join(f"({number}, '{'x' * 190}')" for number in range(20_000))
    execute(source, f"INSERT INTO t VALUES {rows}", "INSERT INTO u SELECT * FROM t")
    with (
        closing(DatabaseSource(backend_for(sa.make_url(source), native=native))) as left,
        closing(DatabaseTarget(backend_for(sa.make_url(target)))) as right,
    ):
        plain = left.read

        def read(task: ReadTask, emit: Emit) -> None:
            if task.table.name == "u":
                kill_sessions(source)
            plain(task, emit)

        monkeypatch.setattr(left, "read", read)
        with refused(target, ConnectionLostError):
            transfer(left, right, Options(replace=True))


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_session_that_ends_in_the_middle_of_a_table(make_database: Make, engine: str, native: bool) -> None:
    source = make_database(engine)
    execute(source, CREATE.replace("VARCHAR(200)", "TEXT"))
    rows = ", ".join(f"({number}, '{'x' * 1900}')" for number in range(1000))
    execute(source, f"INSERT INTO t VALUES {rows}")
    for step in (1000, 2000, 4000, 8000):
        execute(source, f"INSERT INTO t SELECT id + {step}, name FROM t")
    with closing(DatabaseSource(backend_for(sa.make_url(source), native=native))) as left:
        (table,) = left.schema()
        killed = False

        def emit(block: object) -> None:
            nonlocal killed
            if not killed:
                kill_sessions(source)
            killed = True

        with pytest.raises(ConnectionLostError), left.snapshot([table]):
            left.read(ReadTask(table, table.columns), emit)
        assert killed


@posix
@pytest.mark.parametrize("engine", ENGINES)
def test_a_load_that_is_killed(make_database: Make, engine: str, tmp_path: Path) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
    execute(source, CREATE, f"INSERT INTO t {numbers} SELECT i, hex(randomblob(90)) FROM n")
    execute(target, CREATE, "INSERT INTO t VALUES (700, 'seven')")
    before = state(target)
    command = [sys.executable, "-m", "dbdump_core.cli", "copy", source, target, "--yes"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any(line.startswith("transferring rows") for line in process.stderr)
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    assert state(target) == before
    deadline = time.monotonic() + 30
    while True:  # the server needs a moment to see that the program is gone
        try:
            report = copy(source, target, replace=True)
            break
        except DbdumpError as error:
            assert "another run" in str(error), error
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert report.verified
    assert query(target, "SELECT count(*) FROM t") == [(30_000,)]


# A server that asks for files


def packet(number: int, body: bytes) -> bytes:
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def received(connection: socket.socket) -> bytes:
    """One packet's body, empty when the client has gone."""
    head = b""
    while len(head) < 4:
        if not (part := connection.recv(4 - len(head))):
            return b""
        head += part
    length = int.from_bytes(head[:3], "little")
    body = b""
    while len(body) < length and (part := connection.recv(length - len(body))):
        body += part
    return body


@contextmanager
def rogue(path: str, answers: list[bytes]) -> Iterator[int]:
    """A MySQL server that answers every statement by asking for a file; what it gets goes to `answers`."""
    greeting = (
        b"\x0a8.0.30\0" + struct.pack("<I", 1) + b"abcdefgh\0" + struct.pack("<H", 0xF7FF) + b"\x2d\x02\x00"
        + struct.pack("<H", 0x81BF) + b"\x15" + b"\0" * 10 + b"abcdefghijkl\0" + b"mysql_native_password\0"
    )  # fmt: skip
    ok = b"\0\0\0\x02\0\0\0"
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                answer(listener.accept()[0])
            except ConnectionError:
                continue
            except OSError:
                return

    def answer(accepted: socket.socket) -> None:
        with accepted as connection:
            connection.settimeout(5)
            connection.sendall(packet(0, greeting))
            received(connection)
            connection.sendall(packet(2, ok))
            while (command := received(connection)) and command[0] == 3:
                if command.startswith(b"\x03SET NAMES"):  # its answer is not looked at
                    connection.sendall(packet(1, ok))
                    continue
                connection.sendall(packet(1, b"\xfb" + path.encode()))
                number = 3
                while data := received(connection):
                    answers.append(data)
                    number += 1
                connection.sendall(packet(number, ok))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(20)


@pytest.mark.parametrize("words", ["", "?local_infile=1", "?client_flag=128&local_infile=true", "?LOCAL_INFILE=1"])
@pytest.mark.parametrize("writing", [False, True], ids=["source", "target"])
def test_a_server_that_asks_for_a_file_gets_nothing(writing: bool, words: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret of this machine\n")
    answers: list[bytes] = []
    with rogue(str(secret), answers) as port:
        backend = backend_for(sa.make_url(f"mysql://me@127.0.0.1:{port}/x{words}"))
        with pytest.raises(DbdumpError) as caught:
            backend.connect(writing=writing)
    assert answers == []
    assert isinstance(caught.value, ConnectError), repr(caught.value)


@pytest.fixture(params=[False, True], ids=["alone", "as-MySQLdb"])
def imported_twice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyMySQL's errors are there a second time, as in a Django project that installs it as MySQLdb."""
    import pymysql

    if request.param:
        spec = importlib.util.spec_from_file_location("pymysql.err_again", pymysql.err.__file__)
        assert spec is not None and spec.loader is not None
        again = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(again)
        monkeypatch.setattr(pymysql, "err", again)


@pytest.mark.parametrize("loads", [False, True])
@pytest.mark.parametrize("buffered", [False, True])
@pytest.mark.usefixtures("imported_twice")
def test_no_statement_gives_a_file_away(loads: bool, buffered: bool, tmp_path: Path) -> None:
    from pymysql import OperationalError
    from pymysql.cursors import Cursor, SSCursor

    from dbdump_core.databases.mysql import loading

    secret = tmp_path / "secret.txt"
    secret.write_text("the secret of this machine\n")
    answers: list[bytes] = []
    with rogue(str(secret), answers) as port:
        options = {"host": "127.0.0.1", "port": port, "user": "me", "autocommit": None, "local_infile": True}
        with closing(loading.connect((), options, loads=loads)) as connection:
            cursor = connection.cursor(Cursor if buffered else SSCursor)
            with pytest.raises(OperationalError, match="a file that nobody offered"):
                cursor.execute("SELECT 1")
    assert answers == []


def test_the_rogue_server_is_dangerous(tmp_path: Path) -> None:
    """A plain connection that allows files hands them over: the test above proves something."""
    import pymysql

    secret = tmp_path / "secret.txt"
    secret.write_text("the secret of this machine\n")
    answers: list[bytes] = []
    with rogue(str(secret), answers) as port:
        pymysql.connect(host="127.0.0.1", port=port, user="me", local_infile=True, autocommit=None).query("SELECT 1")
    assert answers == [b"the secret of this machine\n"]
