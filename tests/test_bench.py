"""The benchmark's own parts: what it makes, and how it tells what it measured."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ElementTree
from contextlib import closing
from pathlib import Path

import pytest

from bench import datasets, page
from bench.measure import Contender, Summary, alternate
from bench.workshop import Goal, Job


def summary(name: str, rows: int, median: float) -> Summary:
    return Summary(name, rows, median, median, median, median / rows * 1e6, 0.1, 10_000_000, "equal")


JOB = Job("a → b", 1000, goals=[Goal("ours", "slow | theirs", 0.5), Goal("ours", "not here", 1)], missing=["not here"])
FOUND = [summary("slow | theirs", 100, 1.0), summary("ours", 1000, 4.0)]


def test_contenders_are_compared_by_the_row() -> None:
    assert [page.ratio(goal, FOUND) for goal in JOB.goals] == [pytest.approx(0.4), None]
    text = page.page([(JOB, FOUND)], {"psql": "15"}, "make bench")
    assert "ours / slow \\| theirs: **0.40** (wanted: 0.5 at most)" in text
    assert "ours / not here: not measured" in text
    assert "Missing here: not here." in text


def test_the_plot_is_a_picture() -> None:
    assert ElementTree.fromstring(page.plot([(JOB, FOUND)])).tag.endswith("svg")
    assert page.plot([(JOB, FOUND)]).count("<rect") == 2


@pytest.mark.parametrize("name", datasets.MAKERS)
def test_data_is_the_same_each_time(name: str, tmp_path: Path) -> None:
    texts = []
    for path in (tmp_path / "one.db", tmp_path / "two.db"):
        datasets.MAKERS[name](path, 20)
        with closing(sqlite3.connect(path)) as connection:
            texts.append("\n".join(connection.iterdump()))
    assert texts[0] == texts[1]
    assert name == "empty" or "INSERT INTO" in texts[0]


def test_one_that_fails_ends_no_other(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    good = Contender("good", [[["touch", ran]]], 1, check=lambda: "equal" if ran.exists() else "differs")
    bad = Contender("bad", [[["false"]]], 1)
    found = {one.name: one.result for one in alternate([bad, good], 1)}
    assert found["good"] == "equal"
    assert found["bad"].startswith("failed: exit code 1: false")
