"""Some of the models: what refers to content types, permissions and sites finds those of the target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connections

from tests.django import commands
from tests.django.contents import cells, identities
from tests.django.databases import Databases, empty
from tests.servers import ENGINES

Dumped = Callable[[str], Path]
BEFORE = dict(zip(ENGINES, (ENGINES[-1], *ENGINES[:-1]), strict=True))
"""For each engine another one to load from."""


def test_all_but_what_migrate_fills_ends_with_the_same(
    engine_name: str, fresh: str, django_databases: Databases, dumped: Dumped
) -> None:
    source = django_databases.filled(BEFORE[engine_name])
    ids = identities(fresh)
    excluded = [f"--exclude={name}" for name in ("contenttypes", "auth.Permission", "sites")]
    commands.load(dumped(BEFORE[engine_name]), fresh, *excluded)
    assert cells(fresh) == cells(source)
    for label, rows in identities(fresh).items():
        assert ids[label].items() <= rows.items()  # who was there keeps its key


def test_a_dump_of_some_apps_brings_what_they_refer_to(
    engine_name: str, fresh: str, django_databases: Databases, tmp_path: Path
) -> None:
    source = django_databases.filled(BEFORE[engine_name])
    folder = commands.dump(source, tmp_path / "dump", "blog", "accounts", "auth.Group")
    commands.load(folder, fresh)
    there, here = cells(source), cells(fresh)
    assert here["blog_tag"] == there["blog_tag"]
    for table, rows in here.items():
        if table.startswith(("blog_", "accounts_", "auth_group")):
            assert rows == there[table], table
        elif table.startswith("catalog_"):
            assert not rows, table


def test_one_app_is_replaced_and_the_others_stay(engine_name: str, fresh: str, dumped: Dumped) -> None:
    folder = dumped(BEFORE[engine_name])
    commands.load(folder, fresh)
    before = cells(fresh)
    with connections[fresh].cursor() as cursor:
        cursor.execute("UPDATE catalog_city SET name = 'changed'")
        cursor.execute("UPDATE blog_series SET name = 'changed'")
    changed = cells(fresh)
    commands.load(folder, fresh, "catalog")
    assert cells(fresh) == {**before, "blog_series": changed["blog_series"]}


def test_rows_whose_parents_are_not_there_are_refused(fresh: str, dumped: Dumped) -> None:
    before = cells(fresh)
    with pytest.raises(CommandError, match="accounts_account"):
        commands.load(dumped("sqlite"), fresh, "blog")
    assert cells(fresh) == before


@pytest.mark.parametrize("engine_name", ["mariadb"], indirect=True)
def test_a_uuid_column_from_before_django_5_is_what_it_is(
    engine_name: str, fresh: str, django_databases: Databases, dumped: Dumped
) -> None:
    """On MariaDB, Django 4.2 made char(32) of what later ones make uuid; an upgrade leaves it so."""
    has, other = ("uuid", "char(32)") if column_type(fresh) == "uuid" else ("char(32)", "uuid")
    change_column(fresh, other)
    try:
        commands.load(dumped("postgresql"), fresh)
        assert column_type(fresh) == other
        assert cells(fresh) == cells(django_databases.filled("postgresql"))
    finally:
        empty(fresh)
        change_column(fresh, has)


def column_type(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW COLUMNS FROM blog_post LIKE 'token'")
        return cursor.fetchone()[1]


def change_column(alias: str, to: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"ALTER TABLE blog_post MODIFY token {to} NOT NULL")
