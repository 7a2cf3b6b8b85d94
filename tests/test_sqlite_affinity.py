"""What a column's affinity would turn into another value, by rows and file to file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbdump_core.errors import ValueRefusedError
from dbdump_core.model.abc import Path as Way
from dbdump_core.operations import copy
from tests.promises import execute, query, refused


@pytest.fixture
def urls(tmp_path: Path) -> tuple[str, str]:
    return f"sqlite:///{tmp_path / 'source.db'}", f"sqlite:///{tmp_path / 'target.db'}"


def make(urls: tuple[str, str], here: str, there: str, *values: str) -> None:
    for url, declared in zip(urls, (here, there), strict=True):
        execute(url, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared})")
    execute(urls[0], *(f"INSERT INTO t VALUES ({at}, {value})" for at, value in enumerate(values, 1)))


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("text", ["007", "1e3", " 7", "1.50", "-0", "+1", "1.", ".5", "9" * 20])
def test_a_text_is_not_eaten_by_numeric_affinity(urls: tuple[str, str], text: str, verify: bool) -> None:
    """STRING says text to people, and NUMERIC to SQLite."""
    make(urls, "TEXT", "STRING", "'a'", f"'{text}'")
    with refused(urls[1], ValueRefusedError, "column v", "numeric affinity"):
        copy(*urls, verify=verify)


@pytest.mark.parametrize("text", ["a7", "7a", "", "e", "0x7", "--1", "1 2", "inf"])
def test_a_text_that_is_no_number_is_left_alone(urls: tuple[str, str], text: str) -> None:
    make(urls, "TEXT", "STRING", f"'{text}'")
    assert copy(*urls).verified
    assert query(urls[1], "SELECT v, typeof(v) FROM t") == [(text, "text")]


@pytest.mark.parametrize(
    ("here", "there", "value"),
    [
        ("TEXT", "STRING", "'007'"),
        ("TEXT", "NUMERIC", "'1.50'"),
        ("NUMERIC", "TEXT", "7"),
        ("INTEGER", "REAL", "9007199254740993"),
    ],
)
def test_whole_tables_go_only_where_every_affinity_is_the_same(
    urls: tuple[str, str], here: str, there: str, value: str
) -> None:
    """SQLite's own INSERT … SELECT would say nothing of what it turned into another value."""
    make(urls, here, there, value)
    try:
        report = copy(*urls, verify=False)
    except ValueRefusedError:
        assert query(urls[1], "SELECT * FROM t") == []
    else:
        assert report.tables[0].path is not Way.PRIVATE


def test_whole_tables_go_where_it_is(urls: tuple[str, str]) -> None:
    make(urls, "VARCHAR(9)", "TEXT", "'007'")
    assert copy(*urls).tables[0].path is Way.PRIVATE
    assert query(urls[1], "SELECT v FROM t") == [("007",)]
