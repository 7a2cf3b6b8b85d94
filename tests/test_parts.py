"""Tables made for a part of a database: a foreign key that leads out of the part is left out, and said beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump_core import Selection, copy, dump, load
from dbdump_core.cli import main
from dbdump_core.demo.shop import make_shop
from dbdump_core.errors import MismatchError
from dbdump_core.operations import describe
from tests.promises import execute, query
from tests.servers import ENGINES, SERVER_ENGINES

Make = Callable[[str], str]
CHILD = "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER, FOREIGN KEY (parent_id) REFERENCES parent(id))"
FAMILY = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY)", CHILD, "INSERT INTO parent VALUES (1), (2)",
    "INSERT INTO child VALUES (10, 1), (11, NULL)",
)  # fmt: skip
NOTE = "the foreign key child (parent_id) to parent is left out: the target does not have that table"
PART = Selection(tables=("child",))


def family(make: Make, engine: str = "sqlite") -> str:
    url = make(engine)
    execute(url, *FAMILY)
    return url


@pytest.mark.parametrize("engine", ENGINES)
def test_a_key_that_leads_out_of_the_part_is_left_out_and_said(
    make_database: Make, engine: str, tmp_path: Path
) -> None:
    source, target = family(make_database, engine), make_database(engine)
    execute(target, "CREATE TABLE other (id INTEGER)")
    with pytest.raises(MismatchError, match=r"child \(parent_id\) to parent is left out: .*; .* leave out --strict"):
        copy(source, target, create=True, strict=True, selection=PART)
    assert [table.name for table in describe(target)] == ["other"]
    report = copy(source, target, create=True, selection=PART)
    assert report.verified
    assert report.tables[0].notes.count(NOTE) == 1
    assert not [key for table in describe(target) for key in table.foreign_keys]
    whole, part = str(tmp_path / "whole"), str(tmp_path / "part.tar")
    dump(source, whole)
    dump(source, part, selection=PART)
    for folder, selection in ((whole, PART), (part, Selection())):
        again = make_database(engine)
        with pytest.raises(MismatchError, match="to parent is left out"):
            load(folder, again, create=True, strict=True, selection=selection)
        report = load(folder, again, create=True, selection=selection)
        assert report.verified
        assert NOTE in report.tables[0].notes


@pytest.mark.parametrize("engine", ENGINES)
def test_a_parent_that_is_there_already_keeps_its_key(make_database: Make, engine: str) -> None:
    source, target = family(make_database), make_database(engine)
    execute(target, "CREATE TABLE PARENT (ID BIGINT PRIMARY KEY)", "INSERT INTO PARENT VALUES (1)")
    report = copy(source, target, create=True, strict=True, selection=PART)
    assert report.verified
    (key,) = next(table for table in describe(target) if table.name == "child").foreign_keys
    assert (key.table.name.lower(), [name.lower() for name in key.referred]) == ("parent", ["id"])


LOOSE = {
    "no unique key": ("CREATE TABLE parent (id INTEGER)", "id is no unique key there"),
    "no such column": ("CREATE TABLE parent (other INTEGER PRIMARY KEY)", "that table has no column id"),
}


@pytest.mark.parametrize("engine", SERVER_ENGINES)
@pytest.mark.parametrize(("parent", "reason"), LOOSE.values(), ids=LOOSE)
def test_a_key_that_the_parent_does_not_have_is_left_out(
    make_database: Make, engine: str, parent: str, reason: str
) -> None:
    source, target = family(make_database), make_database(engine)
    execute(target, parent)
    report = copy(source, target, create=True, selection=PART)
    assert report.verified
    assert NOTE.replace("the target does not have that table", reason) in report.tables[0].notes


@pytest.mark.parametrize("engine", ENGINES)
def test_what_sqlite_alone_takes_for_a_key_is_left_out(make_database: Make, engine: str) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    execute(source, "CREATE TABLE parent (id INTEGER)", CHILD, "INSERT INTO parent VALUES (1), (1)")
    execute(source, "INSERT INTO child VALUES (10, 1)")
    report = copy(source, target, create=True)
    assert report.verified
    assert len([note for table in report.tables for note in table.notes if "left out" in note]) == (engine != "sqlite")


def test_the_commands_say_it_and_strict_refuses(make_database: Make, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = family(make_database), make_database("sqlite").removeprefix("sqlite:///")
    words = ["copy", source, target, "--create", "--tables", "child"]
    assert main([*words, "--strict"]) == 2
    assert "leave out --strict" in capsys.readouterr().err
    assert main([*words, "--quiet"]) == 0
    assert NOTE in capsys.readouterr().err
    assert query(f"sqlite:///{target}", "SELECT id FROM child ORDER BY 1") == [(10,), (11,)]


def test_the_example_of_the_readme_works(tmp_path: Path) -> None:
    shop = tmp_path / "shop.db"
    make_shop(shop)
    chosen = Selection(tables=("customer", "shop_*"), where={"shop_order": "id > 300"})
    assert copy(str(shop), str(tmp_path / "sample.db"), create=True, selection=chosen).verified
