"""What `verify` calls different: rows, columns and tables that one side lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dbdump_core import operations
from dbdump_core.abc import Comparison
from tests.promises import execute
from tests.servers import ENGINES

Make = Callable[[str], str]


def both_ways(left: str, right: str) -> list[Comparison]:
    return [operations.verify(left, right), operations.verify(right, left)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_column_that_one_side_lacks_is_a_difference(make_database: Make, engine: str) -> None:
    """The rows of the columns that both have are equal, or there are none at all."""
    wide, narrow = make_database(engine), make_database("sqlite")
    execute(wide, "CREATE TABLE t (id INTEGER PRIMARY KEY, extra INTEGER)", "CREATE TABLE e (id INTEGER, extra INT)")
    execute(narrow, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "CREATE TABLE e (id INTEGER)")
    execute(wide, "INSERT INTO t VALUES (1, NULL)")
    execute(narrow, "INSERT INTO t VALUES (1)")
    for found in both_ways(wide, narrow):
        assert not found.equal and [table.equal for table in found.tables] == [False, False]
        for table in found.tables:
            assert table.left == table.right
            assert [line.partition(" is only in ")[0] for line in table.differences] == ["column extra"]


def test_a_column_that_a_dump_lacks_is_a_difference(make_database: Make, tmp_path: Path) -> None:
    left, right, folder = make_database("sqlite"), make_database("sqlite"), str(tmp_path / "out")
    execute(left, "CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    execute(right, "CREATE TABLE t (id INTEGER PRIMARY KEY, extra INTEGER)", "INSERT INTO t VALUES (1, NULL)")
    operations.dump(left, folder)
    assert not any(found.equal for found in both_ways(folder, right))
