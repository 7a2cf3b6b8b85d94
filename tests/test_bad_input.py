"""Input that cannot be used: one line that says what and what to do, and nothing changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.errors import (
    ConnectError,
    DatabaseError,
    DumpError,
    MismatchError,
    RefusedError,
    UnsafeError,
    UsageError,
    ValueRefusedError,
)
from dbdump_core.operations import copy, dump, load
from tests.promises import MYSQLS, execute, query, refused, state
from tests.servers import ENGINES, SERVER_ENGINES

Make = Callable[[str], str]
TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20))"
ROWS = "INSERT INTO t VALUES (1, 'one'), (2, 'two')"
posix = pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX")
no_root = pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="root may write everywhere")


@pytest.fixture
def source(make_database: Make) -> str:
    url = make_database("sqlite")
    execute(url, TABLE, ROWS)
    return url


# Ends that are not there


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("postgresql://me@127.0.0.1:1/x", ConnectError, ["cannot connect", "127.0.0.1:1/x", "check host"]),
        ("mysql://me@127.0.0.1:1/x", ConnectError, ["cannot connect", "127.0.0.1:1/x", "check host"]),
        ("postgresql://me@no-such-host.invalid/x", ConnectError, ["no-such-host.invalid", "check host"]),
        ("mysql://me@no-such-host.invalid/x", ConnectError, ["no-such-host.invalid", "check host"]),
        ("mysql://me@127.0.0.1:1/x?nosuch=1", ConnectError, ["nosuch"]),
        ("postgresql://me@127.0.0.1:1/x?nosuch=1", ConnectError, ["nosuch"]),
        ("mysql://me@127.0.0.1", UsageError, ["no database named", "slash"]),
        ("postgresql://me@127.0.0.1:1", UsageError, ["no database named", "slash"]),
        ("postgres://me@127.0.0.1:1/", UsageError, ["no database named", "slash"]),
        ("postgrsql://me@host/x", ConnectError, ["postgrsql", "postgresql://"]),
        ("http://host/x", ConnectError, ["http", "postgresql://"]),
        ("postgresql+nosuch://me@host/x", ConnectError, ["postgresql+nosuch"]),
        ("oracle://me@host/x", ConnectError, ["no driver", "pip"]),
        ("postgresql://me@host:port/x", UsageError, ["cannot read the URL", "engine://"]),
        ("env:DBDUMP_NOT_SET", UsageError, ["DBDUMP_NOT_SET", "set it"]),
        ("sqlite://", ConnectError, ["in-memory", "name a file"]),
        ("sqlite://shop.db", ConnectError, ["no server 'shop.db'; write 'sqlite:///shop.db'"]),
        ("sqlite://srv/shop.db", ConnectError, ["no server 'srv'; write 'sqlite:///srv/shop.db'"]),
        ("sqlite:///shop.db?mode=ro", ConnectError, ["no option 'mode'; leave it out"]),
        ("sqlite:/srv/shop.db", UsageError, ["'sqlite:…' is no URL and no file; a URL is sqlite:///shop.db or"]),
    ],
)
def test_an_end_that_cannot_be_reached(source: str, url: str, kind: type[RefusedError], words: list[str]) -> None:
    with refused(source, kind, *words):
        copy(url, source, replace=True)
    with refused(source, kind, *words):
        copy(source, url, create=True)


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_wrong_database_or_password(make_database: Make, source: str, engine: str) -> None:
    url = sa.make_url(make_database(engine))
    with refused(None, ConnectError, "no_such_database"):
        copy(url.set(database="no_such_database").render_as_string(hide_password=False), source)
    if engine in MYSQLS:
        wrong = url.set(username="nobody_here", password=PASSWORD).render_as_string(hide_password=False)
        with refused(None, ConnectError, "Access denied", "***"):
            copy(source, wrong)
        with pytest.raises(ConnectError) as caught:
            copy(source, wrong)
        assert "s3cret" not in str(caught.value)


def test_an_sqlite_file_that_is_none(source: str, tmp_path: Path) -> None:
    text, folder, missing = tmp_path / "text.db", tmp_path / "folder", tmp_path / "missing.db"
    text.write_text("this is no database, but long enough to be taken for one")
    folder.mkdir()
    for path, kind, word in ((text, ConnectError, "not an SQLite"), (folder, DumpError, "not a dump")):
        with refused(source, kind, word, path.name):
            copy(str(path), source, replace=True)
    for place in (str(missing), f"sqlite:///{missing}"):
        with refused(source, ConnectError, "missing.db", "check the path"):
            copy(place, source, replace=True)
        with refused(source, ConnectError, "missing.db", "--create"):
            copy(source, place)
    with refused(source, ConnectError, "parent folder"):
        copy(source, str(tmp_path / "none" / "new.db"), create=True)
    with refused(source, UsageError, "not a database"):
        copy(source, str(folder))
    with refused(source, ConnectError, "not a file"):
        copy(source, f"sqlite:///{folder}")
    assert not missing.exists()


def test_a_refused_copy_leaves_no_new_file(source: str, tmp_path: Path) -> None:
    execute(source, "CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES t)")
    execute(source, "INSERT INTO child VALUES (1, 9)")
    with refused(source, ValueRefusedError, "child"):
        copy(source, str(tmp_path / "new.db"), create=True)
    assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == []


# Tables that do not fit


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, ["no table 't'", "--create"]),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY)", ["t", "no column 'name'"]),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), extra INTEGER NOT NULL)", ["t.extra", "default"]),
    ],
)
def test_a_target_that_lacks_something(
    make_database: Make, source: str, engine: str, table: str | None, words: list[str]
) -> None:
    target = make_database(engine)
    execute(target, "CREATE TABLE other (id INTEGER PRIMARY KEY)", *([table] if table else []))
    with refused(target, MismatchError, *words):
        copy(source, target, replace=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_column_with_a_default_is_noted(make_database: Make, source: str, engine: str) -> None:
    target = make_database(engine)
    execute(target, "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), extra INTEGER DEFAULT 7 NOT NULL)")
    report = copy(source, target)
    assert "extra" in " ".join(report.tables[0].notes)
    assert query(target, "SELECT * FROM t ORDER BY id") == [(1, "one", 7), (2, "two", 7)]


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_are_there(make_database: Make, source: str, engine: str) -> None:
    target = make_database(engine)
    execute(target, TABLE, "INSERT INTO t VALUES (2, 'old'), (9, 'nine')")
    with refused(target, UnsafeError, "t", "-y", "--append"):
        copy(source, target)
    with refused(target, ValueRefusedError, "table t", "2"):
        copy(source, target, append=True)
    execute(source, "DELETE FROM t WHERE id = 2")
    assert copy(source, target, append=True).verified
    assert query(target, "SELECT * FROM t ORDER BY id") == [(1, "one"), (2, "old"), (9, "nine")]


# Rights


PASSWORD = "s3crét@:/ü漢"
"""Not Latin-1, which PyMySQL would take passwords for."""


@contextmanager
def account(url: str, *grants: str) -> Iterator[str]:
    """A URL of the same database for an account with these rights on table t."""
    parsed = sa.make_url(url)
    name = f"r{parsed.database}"[-30:].replace("-", "_")
    if parsed.get_backend_name() == "postgresql":
        execute(url, f'CREATE ROLE "{name}" LOGIN', *(f'GRANT {grant} ON t TO "{name}"' for grant in grants))
        drop = [f'DROP OWNED BY "{name}"', f'DROP ROLE "{name}"']
    else:
        # By both hosts: an anonymous account of localhost would be taken for this one.
        named = f"'{name}'@'%'", f"'{name}'@'localhost'"
        for one in named:
            execute(url, f"CREATE USER {one} IDENTIFIED BY '{PASSWORD}'")
            execute(url, *(f"GRANT {grant} ON `{parsed.database}`.t TO {one}" for grant in grants))
        drop = [f"DROP USER {', '.join(named)}"]
    try:
        yield parsed.set(username=name, password=PASSWORD).render_as_string(hide_password=False)
    finally:
        execute(url, *drop)


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_an_account_that_may_only_read(make_database: Make, source: str, engine: str) -> None:
    target = make_database(engine)
    execute(target, TABLE, ROWS)
    with account(target, "SELECT") as url:
        with refused(target, DatabaseError, "denied", "rolled back"):
            copy(source, url, replace=True)
        execute(source, "UPDATE t SET id = id + 10")
        with refused(target, DatabaseError, "table", "denied", "rolled back"):
            copy(source, url, append=True)
        assert copy(url, source, replace=True).verified


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_an_account_that_may_write_is_enough(make_database: Make, source: str, engine: str) -> None:
    target = make_database(engine)
    execute(target, TABLE, ROWS)
    with account(target, "SELECT", "INSERT", "DELETE") as url:
        assert copy(source, url, replace=True).verified


def test_a_source_table_that_may_not_be_read_is_not_left_out(make_database: Make, source: str) -> None:
    far = make_database("postgresql")
    execute(far, TABLE, ROWS, "CREATE TABLE secret (id INTEGER PRIMARY KEY)")
    with account(far, "SELECT") as url, refused(source, DatabaseError, "secret"):
        copy(url, source, replace=True, create=True)


@posix
@no_root
@pytest.mark.parametrize("what", ["file", "folder"])
def test_an_sqlite_file_that_may_not_be_written(source: str, tmp_path: Path, what: str) -> None:
    folder = tmp_path / "held"
    folder.mkdir()
    target = f"sqlite:///{folder / 'held.db'}"
    execute(target, TABLE, ROWS)
    held = folder if what == "folder" else folder / "held.db"
    held.chmod(0o555 if what == "folder" else 0o444)
    try:
        with refused(target, UnsafeError, "held.db", "permissions"):
            copy(source, target, replace=True)
        assert copy(target, source, replace=True).verified
    finally:
        held.chmod(0o755)


# Dumps


def test_a_dump_is_not_written_over_something(source: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine.txt").write_text("kept")
    for path in (there, there / "mine.txt"):
        with pytest.raises(RefusedError, match=path.name):
            dump(source, str(path))
    with pytest.raises(RefusedError, match="create it first"):
        dump(source, str(tmp_path / "none" / "out"))
    assert (there / "mine.txt").read_text() == "kept"


@posix
@pytest.mark.parametrize("output", ["out", "out.tar"])
def test_a_full_disk_leaves_no_dump(source: str, tmp_path: Path, output: str) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)"
    execute(source, f"INSERT INTO t {numbers} SELECT i, hex(randomblob(9)) FROM n")
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from dbdump_core.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    folder = tmp_path / "dumps"
    folder.mkdir()
    path = source.removeprefix("sqlite:///")
    command = [sys.executable, "-c", limited, "dump", path, "-o", str(folder / output), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr or "file too large" in done.stderr, done.stderr
    assert list(folder.iterdir()) == []
    dump(source, str(folder / output))
    assert load(str(folder / output), str(tmp_path / "new.db"), create=True).verified


@pytest.mark.parametrize("engine", ENGINES)
def test_a_dump_that_was_cut_or_altered(make_database: Make, source: str, tmp_path: Path, engine: str) -> None:
    target = make_database(engine)
    execute(target, TABLE, "INSERT INTO t VALUES (5, 'five')")
    whole = tmp_path / "whole.tar"
    dump(source, str(whole))
    data = whole.read_bytes()
    spoiled = {
        "cut.tar": data[: len(data) // 2],
        "end.tar": data[:-10240],
        "flip.tar": data.replace(b"1\tone", b"1\tONE"),
        "none.tar": b"",
        "foreign.tar": b"-- a dump of another program\n" * 100,
    }
    for name, content in spoiled.items():
        assert content != data
        (tmp_path / name).write_bytes(content)
        with refused(target, DumpError, name):
            load(str(tmp_path / name), target, replace=True)
    assert state(target)["t"] == ["(5, 'five')"]
