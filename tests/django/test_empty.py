"""Nothing to move is no success, and names of tables that differ in case alone are never taken for one another."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from dbdump_core import operations
from dbdump_core.errors import MismatchError
from dbdump_core.model.schema import Schema, Table
from dbdump_django.project import choose
from tests.django import commands
from tests.django.contents import cells
from tests.django.processes import LEGACY, environment, run


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A dump that has none of the project's tables."""
    with closing(sqlite3.connect(tmp_path / "strange.db")) as connection:
        connection.execute("CREATE TABLE strange (id INTEGER PRIMARY KEY)")
    operations.dump(str(tmp_path / "strange.db"), str(tmp_path / "strange"))
    return tmp_path / "strange"


def test_a_dump_of_other_tables_is_not_equal_to_the_project(strange: Path, full: str) -> None:
    with pytest.raises(CommandError, match=r"has no table that is asked for; .*--allow-empty") as refused:
        commands.run("dbverify", strange, database=full)
    assert refused.value.returncode == 2
    assert "equal: 0 tables" in commands.run("dbverify", strange, database=full, allow_empty=True)


def test_a_load_of_other_tables_is_refused(strange: Path, bare: str) -> None:
    before = cells(bare)
    with pytest.raises(CommandError, match=r"has no table of the chosen models; .*--allow-empty"):
        commands.run("dbload", strange, database=bare, yes=True)
    commands.run("dbload", strange, database=bare, yes=True, allow_empty=True)
    assert cells(bare) == before


def test_no_model_is_left(full: str, bare: str, tmp_path: Path) -> None:
    words = ("catalog", "--exclude", "catalog")
    with pytest.raises(CommandError, match=r"no model is left .*--allow-empty"):
        commands.run("dbdump", *words, database=full, output=str(tmp_path / "x"))
    with pytest.raises(CommandError, match=r"no model is left .*--allow-empty"):
        commands.run("dbcopy", *words, "--from", full, "--to", bare)
    commands.run("dbdump", *words, database=full, output=str(tmp_path / "x"), allow_empty=True)
    commands.run("dbcopy", *words, "--from", full, "--to", bare, "--allow-empty")
    assert operations.describe(str(tmp_path / "x")).tables == ()


def test_an_empty_folder_of_2007(bare: str, tmp_path: Path) -> None:
    (tmp_path / "datadir").mkdir()
    variables = environment(default=bare)
    done = run(LEGACY, "load", folder=tmp_path, variables=variables)
    assert done.returncode == 2 and "--allow-empty" in done.stderr
    done = run(LEGACY, "--allow-empty", "load", folder=tmp_path, variables=variables)
    assert (done.returncode, done.stdout) == (0, "Successful!\n")


def test_a_model_takes_the_table_of_its_name_else_the_only_one_alike(full: str) -> None:
    chosen = choose(["catalog.City"], (), full)

    def taken(*names: str) -> list[str]:
        return [table.name for table in chosen.matched(Schema(tuple(Table(name, ()) for name in names)))]

    assert taken("CATALOG_CITY") == ["CATALOG_CITY"]
    assert taken("CATALOG_CITY", "catalog_city") == ["catalog_city"]
    with pytest.raises(MismatchError, match="table 'CATALOG_CITY' or 'Catalog_City' could be 'catalog_city'"):
        taken("CATALOG_CITY", "Catalog_City")
