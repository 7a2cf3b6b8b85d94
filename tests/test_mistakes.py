"""What was meant otherwise: nothing chosen, names of something else, arguments in the wrong order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump_core import Selection, SelectionError, UsageError, operations
from dbdump_core.cli import main
from dbdump_core.dumps import make_target
from dbdump_core.errors import DumpError
from tests.promises import execute
from tests.servers import ENGINES

Make = Callable[[str], str]
TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY)"


def empty(make: Make, engine: str = "sqlite") -> str:
    """A database without tables that can be opened."""
    url = make(engine)
    execute(url, TABLE, "DROP TABLE t")
    return url


def full(make: Make) -> str:
    url = make("sqlite")
    execute(url, TABLE, "CREATE TABLE log_a (id INTEGER)", "INSERT INTO t VALUES (1)")
    return url


def path_of(url: str) -> str:
    return url.removeprefix("sqlite:///")


# Nothing chosen


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_database_is_refused(make_database: Make, engine: str, tmp_path: Path) -> None:
    source, target = empty(make_database, engine), empty(make_database)
    for run in (
        lambda **more: operations.dump(source, str(tmp_path / "out"), **more),
        lambda **more: operations.copy(source, target, create=True, **more),
        lambda **more: operations.verify(source, target, **more),
    ):
        with pytest.raises(SelectionError, match=r"has no table that is asked for; .* --allow-empty"):
            run()
        run(allow_empty=True)
    with pytest.raises(SelectionError, match="has no table that is asked for"):
        operations.load(str(tmp_path / "out"), target)
    assert operations.load(str(tmp_path / "out"), target, allow_empty=True).tables == ()


def test_to_exclude_all_is_refused(make_database: Make, tmp_path: Path) -> None:
    source = full(make_database)
    for run in (
        lambda: operations.dump(source, str(tmp_path / "out"), selection=Selection(exclude=("*",))),
        lambda: operations.copy(source, str(tmp_path / "b.db"), create=True, selection=Selection(exclude=("*",))),
        lambda: operations.verify(source, source, selection=Selection(exclude=("*",))),
    ):
        with pytest.raises(SelectionError, match=r"none of the 2 tables of .* is left"):
            run()
    assert not (tmp_path / "out").exists() and not (tmp_path / "b.db").exists()


def test_tables_without_rows_are_not_nothing(make_database: Make, tmp_path: Path) -> None:
    source, target = make_database("sqlite"), str(tmp_path / "b.db")
    execute(source, TABLE)
    assert operations.copy(source, target, create=True).verified
    assert operations.verify(source, target).equal


def test_an_empty_side_against_a_full_one_is_a_difference(make_database: Make) -> None:
    left, right = empty(make_database), full(make_database)
    assert operations.verify(left, right).only_right and operations.verify(right, left).only_left


def test_what_only_the_right_side_has_is_a_difference_among_the_chosen(make_database: Make) -> None:
    left, right = full(make_database), full(make_database)
    execute(right, "CREATE TABLE log_b (id INTEGER)", "CREATE TABLE other (id INTEGER)")
    for selection, only in (
        (Selection(tables=("log_*",)), ["log_b"]),
        (Selection(exclude=("log_*",)), ["other"]),
        (Selection(exclude=("log_*", "o*")), []),
    ):
        found = operations.verify(left, right, selection=selection)
        assert [key.name for key in found.only_right] == only and not found.notes


def test_the_command_line_allows_what_is_empty(
    make_database: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = path_of(empty(make_database)), str(tmp_path / "out")
    commands = (["dump", source, "-o", out], ["load", out, source], ["verify", out, source], ["copy", out, source])
    for command in commands:
        if command[0] == "dump":
            assert main(command) == 2
        assert main([*command, "--allow-empty", "--quiet"]) == 0
        assert main(command) == 2
    assert "--allow-empty" in capsys.readouterr().err


# Names


def test_a_name_in_another_case_chooses_the_only_table_alike(make_database: Make, tmp_path: Path) -> None:
    source, target = full(make_database), str(tmp_path / "b.db")
    selection = Selection(tables=("T", "LOG_A"), exclude=("Log_A",), where={"T": "id > 1"})
    report = operations.copy(source, target, create=True, selection=selection)
    assert [(str(table.key), table.rows) for table in report.tables] == [("t", 0)]


def test_what_is_excluded_in_vain_is_said(make_database: Make, tmp_path: Path) -> None:
    source, target = full(make_database), str(tmp_path / "b.db")
    selection = Selection(exclude=("lgo_a", "cache_*"))
    said = ("no table matches --exclude 'lgo_a'; close ones: 'log_a'", "no table matches --exclude 'cache_*'")
    assert operations.copy(source, target, create=True, selection=selection).notes == said
    assert operations.verify(source, target, selection=selection).notes == said
    assert operations.dump(source, str(tmp_path / "out"), selection=selection).notes == said
    assert operations.describe(source, selection=selection).notes == said


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("backup.tar.gz", "backup"), ("backup.tgz", "backup"), ("Backup.TAR", "Backup"), ("x.sql", "x"),
        ("x.sql.zst", "x"), ("other.db", "other"), ("other.SQLITE3", "other"), ("a.b.json", "a.b"), ("d.zip", "d"),
    ],
)  # fmt: skip
def test_a_dump_is_not_made_under_the_name_of_something_else(
    make_database: Make, tmp_path: Path, name: str, spelled: str
) -> None:
    source = full(make_database)
    with pytest.raises(UsageError) as refused:
        operations.dump(source, str(tmp_path / name))
    for right in (f"{spelled}.tar", f"{spelled}-dump"):
        assert f"'{tmp_path / right}'" in str(refused.value)
        operations.dump(source, str(tmp_path / right))
    assert not (tmp_path / name).exists()


def test_a_slash_says_that_a_folder_is_meant(make_database: Make, tmp_path: Path) -> None:
    operations.dump(full(make_database), f"{tmp_path / 'other.db'}/")
    assert (tmp_path / "other.db" / "manifest.json").is_file()
    with pytest.raises(UsageError, match="no URL; copy goes from one database to another"):
        make_target("postgresql://me:secret@host/x", source_engine="sqlite")


# Arguments in the wrong order


def test_load_takes_a_dump_first(make_database: Make, tmp_path: Path) -> None:
    source, dump = full(make_database), str(tmp_path / "shop-dump")
    operations.dump(source, dump)
    for database in (source, path_of(source), "postgresql://me:secret@127.0.0.1:1/x"):
        with pytest.raises(UsageError, match="is a database; load takes the dump first") as refused:
            operations.load(database, dump, create=True)
        assert "secret" not in str(refused.value)
    with pytest.raises(DumpError, match=r"no dump '.*nowhere'; check the path"):
        operations.load(str(tmp_path / "nowhere"), str(tmp_path / "b.db"), create=True)
    with pytest.raises(UsageError, match="is not a database"):
        operations.copy(source, dump, create=True)


@pytest.mark.parametrize("name", ["shop-dump", "shop", "shop.sql", "shop.d/x"])
def test_an_sqlite_file_is_made_only_under_a_name_that_looks_like_one(
    make_database: Make, tmp_path: Path, name: str
) -> None:
    source, target = full(make_database), tmp_path / name
    with pytest.raises(UsageError, match=f"no SQLite file .*, name it like '.*{name}.db', or write 'sqlite:///.*{name}'"):
        operations.copy(source, str(target), create=True)
    with pytest.raises(UsageError, match="to make one, name it like"):
        operations.copy(source, target, create=True)
    assert not target.exists()
    target.parent.mkdir(exist_ok=True)
    operations.copy(source, f"sqlite:///{target}", create=True)
    assert operations.copy(source, str(target), create=True, replace=True).verified, "a file that is there is one"


def test_verify_says_which_columns_one_side_lacks(
    make_database: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right = full(make_database), full(make_database)
    execute(left, "ALTER TABLE t ADD COLUMN extra INTEGER")
    for options in ([], ["--quiet"]):
        assert main(["verify", path_of(left), path_of(right), *options]) == 1
        said = capsys.readouterr().err
        assert f"different: t: column extra is only in {path_of(left)}\n" in said and "other values" not in said
    main(["verify", path_of(left), path_of(right), "--json"])
    tables = json.loads(capsys.readouterr().out)["tables"]
    assert [len(table["differences"]) for table in tables] == [0, 1]
