"""Conditions on rows (--where): tried before the first row of any table is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump_core import operations
from dbdump_core.cli import main
from dbdump_core.errors import SelectionError, UsageError
from dbdump_core.model.selection import Selection
from tests.promises import execute, query, refused
from tests.servers import ENGINES

MakeDatabase = Callable[[str], str]


def shop(url: str) -> str:
    execute(url, "CREATE TABLE a (id INTEGER PRIMARY KEY, v VARCHAR(9))", "CREATE TABLE z (id INTEGER PRIMARY KEY)")
    execute(url, "INSERT INTO a VALUES (1, 'x:y'), (2, 'y')", "INSERT INTO z VALUES (7)")
    return url


@pytest.mark.parametrize("wrong", ["nosuch > 5", "id >", "nosuch(id)"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_condition_is_refused_before_the_first_row(
    make_database: MakeDatabase, tmp_path: Path, engine: str, wrong: str
) -> None:
    source, target = shop(make_database(engine)), shop(make_database("sqlite"))
    selection = Selection(where={"z": wrong})
    with refused(target, SelectionError, "--where 'z'", wrong):
        operations.copy(source, target, replace=True, selection=selection)
    with pytest.raises(SelectionError, match="--where 'z'"):
        operations.dump(source, str(tmp_path / "dump"), selection=selection)
    assert not list(tmp_path.glob("dump*"))
    with pytest.raises(SelectionError, match="--where 'z'"):
        operations.verify(target, source, selection=selection)


def test_the_command_line_names_the_option(make_database: MakeDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = shop(make_database("sqlite")), shop(make_database("sqlite"))
    assert main(["copy", source, target, "--yes", "--quiet", "--where", "z=nosuch > 5"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dbdump: error: --where 'z': ")
    assert "'nosuch > 5': no such column: nosuch; correct the condition" in line


@pytest.mark.parametrize("engine", ENGINES)
def test_a_right_condition_chooses(make_database: MakeDatabase, engine: str) -> None:
    source, target = shop(make_database(engine)), shop(make_database("sqlite"))
    operations.copy(source, target, replace=True, selection=Selection(where={"a": "v LIKE '%:y'"}))
    assert query(target, "SELECT id FROM a") == [(1,)]


def test_a_dump_takes_no_condition(make_database: MakeDatabase, tmp_path: Path) -> None:
    source, target = shop(make_database("sqlite")), shop(make_database("sqlite"))
    operations.dump(source, str(tmp_path / "dump"))
    with refused(target, UsageError, "table 'z'", "cannot be filtered"):
        operations.load(str(tmp_path / "dump"), target, replace=True, selection=Selection(where={"z": "id > 5"}))
