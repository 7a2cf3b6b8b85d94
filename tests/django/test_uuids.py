"""Columns of uuids: the same keys whatever each engine has for them, and nothing else gets in."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError

from tests.django import commands
from tests.django.data import at
from tests.django.databases import Databases
from tests.django.project.blog.models import Mark, Series
from tests.django.test_legacy_command import legacy, old_file

PAIRS = [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("mysql", "mariadb")]


@pytest.mark.parametrize("engines", PAIRS, ids="-".join)
def test_generic_keys_that_are_uuids_are_equal(
    engines: tuple[str, str], django_databases: Databases, tmp_path: Path
) -> None:
    source, target = django_databases.filled(engines[0]), django_databases.fresh(engines[1])
    folder = commands.dump(source, tmp_path / "dump", "blog.Mark")
    commands.load(folder, target, "blog.Mark")
    assert objects(target) == objects(source) != []
    assert "equal: " in commands.run("dbverify", folder, "blog.Mark", database=target)
    assert "equal: " in commands.run("dbverify", "blog.Mark", source=source, target=target)
    at(target, Mark).filter(pk=at(target, Mark).first().pk).update(object_id="0" * 32)
    with pytest.raises(CommandError, match="the rows differ"):
        commands.run("dbverify", "blog.Mark", source=source, target=target)


def objects(alias: str) -> list[tuple[int, uuid.UUID]]:
    return list(at(alias, Mark).order_by("id").values_list("id", "object_id"))


SOURCES = {
    "a key": "CREATE TABLE blog_series (id INTEGER PRIMARY KEY, name TEXT, site_id INTEGER)",
    "a generic key": "CREATE TABLE blog_mark (id INTEGER PRIMARY KEY, object_id INTEGER, content_type_id INTEGER)",
    "dates": "CREATE TABLE blog_mark (id INTEGER PRIMARY KEY, object_id DATE, content_type_id INTEGER)",
    "texts": "CREATE TABLE blog_mark (id INTEGER PRIMARY KEY, object_id TEXT, content_type_id INTEGER)",
}


@pytest.mark.parametrize(
    ("engine_name", "table"),
    [*(("sqlite", table) for table in SOURCES.values()), ("mysql", SOURCES["a key"])],
    indirect=["engine_name"],
)
def test_what_is_no_uuid_is_refused(engine_name: str, table: str, fresh: str, tmp_path: Path) -> None:
    source = tmp_path / "numbers.db"
    name, column = ("blog_series", "id") if "series" in table else ("blog_mark", "object_id")
    kind = min(at(fresh, Mark._meta.get_field("content_type").related_model).values_list("id", flat=True))
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute(table)
        connection.execute(f"INSERT INTO {name} VALUES (1, 1, {kind})")
        connection.execute("CREATE TABLE django_content_type (id INTEGER PRIMARY KEY, app_label TEXT, model TEXT)")
        connection.execute("INSERT INTO django_content_type VALUES (?, 'blog', 'post')", (kind,))
    with pytest.raises(CommandError, match=rf"{name}(\.|, column ){column}"):
        commands.load(source, fresh, "blog.Mark", "blog.Series")
    assert not at(fresh, Mark).exists()
    assert not at(fresh, Series).exists()


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
@pytest.mark.parametrize("value", [1, "x" * 32])
def test_a_file_of_2007_brings_no_other_values(value: object, engine_name: str, fresh: str, tmp_path: Path) -> None:
    site = at(fresh, Series._meta.get_field("site").related_model).get().pk
    folder = tmp_path / "datadir"
    old_file(folder, "blog_series", ["id", "name", "site_id"], [f"[{value!r}, 'a', {site}]"])
    assert legacy(fresh, "load", "blog.Series", folder=tmp_path).returncode == 3
    old_file(folder, "blog_series", ["name", "site_id"], [f"['a', {site}]"], f"{{'id': ('value', {value!r})}}")
    assert legacy(fresh, "load", "blog.Series", folder=tmp_path).returncode in (2, 3)
    assert not at(fresh, Series).exists()
