"""A new SQLite file has its name only when it is whole, and never that of another one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dbdump_core.endpoints import open_source, open_target
from dbdump_core.errors import ConnectError, UnsafeError, VerificationError
from dbdump_core.operations import copy
from dbdump_core.run.transfer import Options, transfer
from tests.promises import execute, query

Make = Callable[[str], str]


@pytest.fixture
def source(make_database: Make) -> str:
    url = make_database("sqlite")
    execute(url, "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20))", "INSERT INTO t VALUES (1, 'one')")
    return url


def rows(path: Path) -> list[tuple[object, ...]]:
    return query(f"sqlite:///{path}", "SELECT * FROM t")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("n.db*"))


def test_the_loser_leaves_the_winners_file(source: str, tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    with closing(open_source(source)) as left, closing(open_target(str(path), create=True)) as target:
        assert copy(source, str(path), create=True).verified
        execute(f"sqlite:///{path}", "INSERT INTO t VALUES (2, 'theirs')")
        with pytest.raises(UnsafeError, match=r"n\.db was made by someone else meanwhile"):
            transfer(left, target, Options(create=True))
    assert rows(path) == [(1, "one"), (2, "theirs")]
    assert names(tmp_path) == ["n.db"]


def test_a_file_that_is_not_whole_has_not_its_name(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "n.db"

    def unproved(*_: object) -> None:
        assert not path.exists()
        raise VerificationError("other values were read back")

    with monkeypatch.context() as patched:
        patched.setattr("dbdump_core.run.transfer._Run.verify", unproved)
        with pytest.raises(VerificationError):
            copy(source, str(path), create=True)
    assert names(tmp_path) == []
    assert copy(source, str(path), create=True).verified
    assert (names(tmp_path), rows(path)) == (["n.db"], [(1, "one")])


def test_a_link_to_a_file_that_is_not_there_yet(source: str, tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    path.symlink_to(tmp_path / "other.db")
    assert copy(source, str(path), create=True).verified
    assert path.is_symlink()
    assert rows(tmp_path / "other.db") == [(1, "one")]


def test_a_file_system_without_hard_links(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "n.db"

    def link(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", link)
    with closing(open_source(source)) as left, closing(open_target(str(path), create=True)) as target:
        assert copy(source, str(path), create=True).verified
        with pytest.raises(UnsafeError, match="tables hold rows: t"):
            transfer(left, target, Options(create=True))
    assert (names(tmp_path), rows(path)) == (["n.db"], [(1, "one")])


@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm"])
def test_what_is_left_of_another_database_is_not_taken_for_a_part_of_it(
    source: str, tmp_path: Path, ending: str
) -> None:
    left = tmp_path / f"n.db{ending}"
    left.write_bytes(b"of another one")
    with pytest.raises(ConnectError, match="is left of a database that is no longer there"):
        copy(source, str(tmp_path / "n.db"), create=True)
    assert left.read_bytes() == b"of another one"


def test_what_a_dead_run_left_is_removed(source: str, tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    dead, alive = (tmp_path / f"n.db.partial-{number}" for number in (process.pid, os.getpid()))
    for path in (dead, dead.with_name(f"{dead.name}-journal"), alive, tmp_path / "n.db.partial-not"):
        path.touch()
    assert copy(source, str(tmp_path / "n.db"), create=True).verified
    assert names(tmp_path) == ["n.db", alive.name, "n.db.partial-not"]
