"""A GeneratedField that the target computes by another expression: refused, unless --recompute takes it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import django
import pytest
from django.core.management.base import CommandError

from tests.django import commands
from tests.django.databases import Databases, add_alias, drop_alias, entry
from tests.django.processes import file_of

pytestmark = pytest.mark.skipif(django.VERSION < (5, 2), reason="GeneratedField came later")


@pytest.fixture
def other(django_databases: Databases, tmp_path: Path) -> Iterator[str]:
    """An alias of a fresh SQLite database whose plots have the sum of their sides for an area."""
    file = tmp_path / "other.sqlite3"
    shutil.copyfile(file_of(django_databases.fresh("sqlite")), file)
    with closing(sqlite3.connect(file)) as raw:
        (made,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'modern_plot'").fetchone()
        raw.executescript(f'DROP TABLE modern_plot; {made.replace(" * ", " + ")}')
    add_alias("other_area", entry(f"sqlite:///{file}"))
    yield "other_area"
    drop_alias("other_area")


def areas(alias: str) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(file_of(alias))) as raw:
        return raw.execute("SELECT area = width + height, count(*) FROM modern_plot GROUP BY 1").fetchall()


@pytest.mark.parametrize("dumped", [False, True], ids=["dbcopy", "dbload"])
def test_what_the_target_computes_otherwise(
    django_databases: Databases, other: str, tmp_path: Path, dumped: bool
) -> None:
    source = django_databases.filled("sqlite")
    words = ["dbload", commands.dump(source, tmp_path / "d", "modern")] if dumped else ["dbcopy"]
    ends = {"database": other} if dumped else {"source": source, "target": other}
    call = [*words, "modern", "--noinput"]
    with pytest.raises(CommandError, match=r"column modern_plot\.area: the source computes it as .* --recompute"):
        commands.run(*map(str, call), **ends)
    assert areas(other) == []
    commands.run(*map(str, [*call, "--recompute"]), **ends)
    assert [equal for equal, _ in areas(other)] == [1]
