"""What an engine alone knows of its columns: kept where it means the same, and said where it is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from dbdump_core.databases.mysql import collations
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


# --- collations -------------------------------------------------------------------------------------

CI = {
    "sqlite": ("NOCASE", "TEXT COLLATE nocase"),
    "postgresql": ('public.ci', "TEXT COLLATE ci"),
    "mysql": ("utf8mb4_0900_ai_ci", "VARCHAR(20) COLLATE utf8mb4_0900_ai_ci"),
    "mariadb": ("utf8mb4_uca1400_nopad_ai_ci", "VARCHAR(20) COLLATE utf8mb4_uca1400_nopad_ai_ci"),
}
ICU = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"


def insensitive(make_database: Make, *engines: str) -> list[str]:
    """Return databases; those of PostgreSQL have a collation of their own that takes 'x' and 'X' for one."""
    urls = [make_database(engine) for engine in engines]
    for url, engine in zip(urls, engines, strict=True):
        if engine == "postgresql":
            execute(url, ICU)
    return urls


@BOTH_WAYS
@pytest.mark.parametrize(("engine", "other"), [("sqlite", "sqlite"), ("postgresql", "postgresql"), *LIKE_MYSQL])
def test_texts_that_were_one_stay_one(
    make_database: Make, tmp_path: Path, engine: str, other: str, dumped: bool
) -> None:
    source, target = insensitive(make_database, engine, other)
    execute(source, f"CREATE TABLE t (id INTEGER, code {CI[engine][1]} UNIQUE)", "INSERT INTO t VALUES (1, 'x')")
    assert describe(source).tables[0].columns[1].native.collation == CI[engine][0]
    notes = created(source, target, tmp_path, dumped=dumped)
    assert describe(target).tables[0].columns[1].native.collation == CI[other][0]
    assert any("becomes" in note for note in notes) == (engine != other)
    with pytest.raises(IntegrityError):
        execute(target, "INSERT INTO t VALUES (2, 'X')")


@BOTH_WAYS
@pytest.mark.parametrize(("engine", "other"), [
    (one, other) for one in ENGINES for other in ENGINES if {one, other} - set(MYSQLS) and one != other
])  # fmt: skip
def test_a_collation_that_is_lost_is_named_with_the_key_that_it_ruled(
    make_database: Make, tmp_path: Path, engine: str, other: str, dumped: bool
) -> None:
    source, target = insensitive(make_database, engine, other)
    execute(source, f"CREATE TABLE t (id INTEGER, code {CI[engine][1]} UNIQUE, note {CI[engine][1]})")
    (note,) = [one for one in created(source, target, tmp_path, dumped=dumped) if "collation" in one]
    assert f"columns 'code', 'note': the collation '{CI[engine][0]}' is not kept" in note
    assert "so the unique key ('code') takes texts for two that were one" in note


@pytest.mark.parametrize(("engine", "other"), LIKE_MYSQL)
def test_old_collations_have_one_name_on_both(make_database: Make, engine: str, other: str) -> None:
    source, target = make_database(engine), make_database(other)
    names = ("utf8mb4_general_ci", "utf8mb4_bin", "latin1_swedish_ci", "ascii_bin", "utf8mb3_general_ci")
    columns = ", ".join(f"c{at} VARCHAR(9) COLLATE {name}" for at, name in enumerate(names))
    execute(source, f"CREATE TABLE t ({columns}, e ENUM('a', 'b') COLLATE latin1_bin)")
    assert copy(source, target, create=True).tables[0].notes == ()
    assert tuple(c.native.collation for c in describe(target).tables[0].columns) == (*names, "latin1_bin")


@pytest.mark.parametrize(("name", "like"), [
    ("utf8mb4_0900_ai_ci", "utf8mb4_uca1400_nopad_ai_ci"),
    ("utf8mb4_sv_0900_as_cs", "utf8mb4_uca1400_swedish_nopad_as_cs"),
    ("utf8mb4_ja_0900_as_cs", None), ("utf8mb4_0900_ai_ci; drop", None), ("utf8mb4_uca1400_ai_ci", None),
    ("utf8mb4_uca1400_german2_nopad_ai_ci", "utf8mb4_de_pb_0900_ai_ci"), ("utf8mb4_uca1400_nopad_ai_cs", None),
    ("utf8mb4_uca1400_persian_nopad_ai_ci", None), ("utf8_general_ci", "utf8mb3_general_ci"),
])  # fmt: skip
def test_collations_that_are_alike(name: str, like: str | None) -> None:
    assert collations.like(name, {like} if like else {"utf8mb4_0900_ai_ci", "utf8mb4_uca1400_nopad_ai_ci"}) == like


def test_a_collation_that_the_target_lacks_is_named(make_database: Make) -> None:
    (source,) = insensitive(make_database, "postgresql")
    execute(source, 'CREATE TABLE t (code TEXT COLLATE ci PRIMARY KEY, plain TEXT COLLATE "C")')
    target = make_database("postgresql")
    notes = copy(source, target, create=True).tables[0].notes
    assert [("'public.ci' is not kept" in note, "unique key ('code')" in note) for note in notes] == [(True, True)]
    assert describe(target).tables[0].columns[1].native.collation == '"C"'


def test_a_collation_that_only_sorts_is_no_matter_of_keys(make_database: Make) -> None:
    source = make_database("postgresql")
    execute(source, 'CREATE TABLE t (code VARCHAR(9) COLLATE "C" PRIMARY KEY)')
    notes = copy(source, make_database("sqlite"), create=True).tables[0].notes
    assert notes == ("column 'code': the collation '\"C\"' is not kept: texts are sorted otherwise here",)


def test_a_key_that_compares_otherwise_than_its_column_is_said(make_database: Make) -> None:
    source, target = make_database("sqlite"), make_database("sqlite")
    execute(source, "CREATE TABLE t (a TEXT, b TEXT COLLATE NOCASE, UNIQUE (b COLLATE BINARY))")
    execute(source, "CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE)", "CREATE INDEX j ON t (a COLLATE NOCASE, b)")
    execute(source, "INSERT INTO t VALUES ('x', 'y'), ('z', 'Y')")
    (table,) = describe(source).tables
    assert [(index.name, index.unique) for index in table.indexes] == [("i", True), ("j", False)]
    assert table.unique == ()
    assert any("'i' compares by 'NOCASE', as its columns do not; it takes more texts" in n for n in table.notes)
    assert any("compares by 'BINARY', as its columns do not; it is not described" in n for n in table.notes)
    assert copy(source, target, create=True).verified


@pytest.mark.parametrize("engine", ["sqlite", *MYSQLS])
def test_what_a_column_becomes_is_said_once(make_database: Make, engine: str) -> None:
    source, target = make_database("postgresql"), make_database(engine)
    execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INET, w TIMETZ)")
    notes = [copy(source, target, **how).tables[0].notes for how in ({"create": True}, {"replace": True})]
    assert [[" becomes " in note for note in some] for some in notes] == [[True, True]] * 2


def test_the_default_collation_of_newer_mariadb_has_its_like_in_mysql(make_database: Make) -> None:
    source, target = make_database("mariadb"), make_database("mysql")
    execute(source, "CREATE TABLE t (id INTEGER, code VARCHAR(9) COLLATE utf8mb4_uca1400_ai_ci UNIQUE)")
    (note,) = copy(source, target, create=True).tables[0].notes
    assert "becomes 'utf8mb4_unicode_520_ci'" in note
    execute(target, "INSERT INTO t VALUES (1, 'e')")
    assert query(target, "SELECT code = 'E', code = 'é', code = 'e ', code = 'f' FROM t") == [(1, 1, 1, 0)]
