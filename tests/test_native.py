"""What an engine alone knows of its columns: kept where it means the same, and said where it is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump_core.operations import copy, describe, dump, load
from tests.conftest import ENGINES
from tests.promises import MYSQLS, execute, query

Make = Callable[[str], str]
BOTH_WAYS = pytest.mark.parametrize("dumped", [False, True], ids=["copied", "dumped"])
LIKE_MYSQL = [(one, other) for one in MYSQLS for other in MYSQLS]


def created(source: str, target: str, folder: Path, *, dumped: bool) -> tuple[str, ...]:
    """Copy, or dump and load, into tables that are created; return the notes of the only one."""
    if not dumped:
        return copy(source, target, create=True).tables[0].notes
    dump(source, str(folder / "d"))
    return load(str(folder / "d"), target, create=True).tables[0].notes


# --- moments ----------------------------------------------------------------------------------------

MOMENTS = """
CREATE TABLE t (id INT PRIMARY KEY,
 at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), seen TIMESTAMP NULL,
 made DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, told DATETIME(6) DEFAULT (utc_timestamp(6)),
 fixed TIMESTAMP NOT NULL DEFAULT '2024-01-02 03:04:05', named TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP)
"""


@BOTH_WAYS
@pytest.mark.parametrize(("engine", "other"), LIKE_MYSQL)
def test_timestamps_stay_what_they_are(
    make_database: Make, tmp_path: Path, engine: str, other: str, dumped: bool
) -> None:
    source, target = make_database(engine), make_database(other)
    execute(source, MOMENTS, "INSERT INTO t (id, at) VALUES (1, '2020-01-01 00:00:00.5')")
    assert created(source, target, tmp_path, dumped=dumped) == ()
    assert describe(target).tables == describe(source).tables
    kinds = "SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = DATABASE()"
    kinds += " AND column_name <> 'id'"
    assert sorted(query(target, kinds)) == sorted(query(source, kinds))
    execute(target, "UPDATE t SET id = 2")
    assert query(target, "SELECT at > '2024-01-01', named > '2024-01-01' FROM t") == [(1, 1)]


UTC_NOW = {
    "sqlite": ("CREATE TABLE t (id INTEGER, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",),
    "postgresql": (
        "CREATE TABLE t (id INTEGER, at TIMESTAMPTZ DEFAULT now())",
        "CREATE TABLE t (id INTEGER, at TIMESTAMP DEFAULT timezone('utc', now()))",
        "CREATE TABLE t (id INTEGER, at TIMESTAMP DEFAULT (CURRENT_TIMESTAMP AT TIME ZONE 'UTC'))",
    ),
    "mysql": ("CREATE TABLE t (id INTEGER, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",
              "CREATE TABLE t (id INTEGER, at DATETIME DEFAULT (utc_timestamp()))"),
    "mariadb": ("CREATE TABLE t (id INTEGER, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)",
                "CREATE TABLE t (id INTEGER, at DATETIME DEFAULT (utc_timestamp()))"),
}  # fmt: skip
FAR_AWAY = {
    "sqlite": "SELECT 1",
    "postgresql": "SET TIME ZONE 'Asia/Tokyo'",
    "mysql": "SET time_zone = '+09:00'",
    "mariadb": "SET time_zone = '+09:00'",
}
HOURS_OFF = {
    "sqlite": "SELECT abs(julianday(at) - julianday('now')) * 24 FROM t",
    "postgresql": "SELECT abs(extract(epoch FROM at - timezone('utc', now()))) / 3600 FROM t",
    "mysql": "SELECT abs(timestampdiff(HOUR, at, utc_timestamp())) FROM t",
    "mariadb": "SELECT abs(timestampdiff(HOUR, at, utc_timestamp())) FROM t",
}


@BOTH_WAYS
@pytest.mark.parametrize("other", ENGINES)
@pytest.mark.parametrize(("engine", "table"), [(one, table) for one in ENGINES for table in UTC_NOW[one]])
def test_the_default_moment_is_the_same_one_for_everybody(
    make_database: Make, tmp_path: Path, engine: str, table: str, other: str, dumped: bool
) -> None:
    source, target = make_database(engine), make_database(other)
    execute(source, table)
    created(source, target, tmp_path, dumped=dumped)
    execute(target, FAR_AWAY[other], "INSERT INTO t (id) VALUES (1)")
    (found,) = query(target, HOURS_OFF[other])[0]
    assert float(found) < 1


@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
@pytest.mark.parametrize("engine", MYSQLS)
def test_what_no_update_will_set_any_more_is_said(make_database: Make, engine: str, other: str) -> None:
    source = make_database(engine)
    execute(source, "CREATE TABLE t (id INT, at TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP)")
    notes = copy(source, make_database(other), create=True).tables[0].notes
    assert any("column 'at': a change of the row sets it to the present moment at the source" in n for n in notes)
