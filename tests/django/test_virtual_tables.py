"""Models on tables without rows of their own: full-text indexes of SQLite, views."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connections

from dbdump_django.db_url import database_url
from tests.django import commands
from tests.django.data import at
from tests.django.databases import Databases, add_alias, drop_alias, entry
from tests.django.project.catalog.models import City

NOTE = "note: catalog.Visit is on a virtual table, which has no rows of its own; left out"
INDEXED = (
    "DROP TABLE catalog_visit",
    "CREATE VIRTUAL TABLE catalog_visit USING fts5(product_id, at)",
    "CREATE TRIGGER city_added AFTER INSERT ON catalog_city BEGIN"
    " INSERT INTO catalog_visit(rowid, product_id) VALUES (new.id, new.name); END",
    "CREATE TRIGGER city_gone AFTER DELETE ON catalog_city BEGIN DELETE FROM catalog_visit WHERE rowid = old.id; END",
)


@pytest.fixture
def indexed(django_databases: Databases) -> Iterator[str]:
    """An alias where a managed model is on an FTS5 table that triggers of its neighbour feed, as Wagtail has it."""
    known = "indexed" in django_databases.aliases
    alias = django_databases.add("indexed", "sqlite")
    with connections[alias].cursor() as cursor:
        for statement in () if known else INDEXED:
            cursor.execute(statement)
        cursor.execute("DELETE FROM catalog_city")
    at(alias, City).create(id=5, name="Old Town")
    yield alias
    connections[alias].close()


def found(alias: str, word: str) -> list[tuple[int]]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT rowid FROM catalog_visit WHERE catalog_visit MATCH %s", [word])
        return list(cursor.fetchall())


def test_a_managed_model_on_a_virtual_table_is_left_out_and_said(indexed: str, tmp_path: Path) -> None:
    folder = tmp_path / "dump"
    assert NOTE in commands.run("dbdump", "catalog", database=indexed, output=str(folder))
    at(indexed, City).create(id=6, name="Brand New")
    assert NOTE in commands.load(folder, indexed, "catalog")
    assert found(indexed, "old") == [(5,)]
    assert found(indexed, "brand") == [], "the triggers keep the index"
    assert NOTE in commands.run("dbverify", folder, "catalog", database=indexed)


def test_nothing_but_a_virtual_table_is_refused(indexed: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no model is left .* catalog\.Visit is on a virtual table"):
        commands.run("dbdump", "catalog.Visit", database=indexed, output=str(tmp_path / "dump"))
    assert not (tmp_path / "dump").exists()


def test_rows_go_from_it_to_another_engine(indexed: str, django_databases: Databases) -> None:
    target = django_databases.fresh("postgresql")
    said = commands.run("dbcopy", "catalog.City", "catalog.Visit", source=indexed, target=target, yes=True)
    assert "note: left out 1 virtual tables: 'catalog_visit'" in said
    assert "note: not in the source, so left alone: catalog.Visit" in said
    assert at(target, City).get().name == "Old Town"


def test_rows_whose_model_has_no_table_here_are_left_out_and_said(
    django_databases: Databases, tmp_path: Path
) -> None:
    source, target = tmp_path / "source.db", django_databases.fresh("sqlite")
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("CREATE TABLE a_table_that_is_not_there (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("CREATE TABLE catalog_city (id INTEGER PRIMARY KEY, name TEXT, country_id INTEGER)")
        connection.execute("INSERT INTO catalog_city VALUES (3, 'Here', NULL)")
    said = commands.run("dbload", source, "catalog", database=target, yes=True, verbosity=0)
    assert "note: left out, as their models have no tables here: a_table_that_is_not_there" in said
    assert at(target, City).get().name == "Here"
    with pytest.raises(CommandError, match="no model is left") as error:
        commands.run("dbload", source, "catalog.Phantom", database=target, yes=True)
    assert "--create" not in str(error.value)


@pytest.mark.parametrize("words", [["dbload", "env:OTHER"], ["dbdump"], ["dbcopy", "--from", "gone", "--to", "gone"]])
def test_a_missing_file_is_for_migrate_to_make(
    words: list[str], full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", database_url(full).render_as_string())
    add_alias("gone", entry(f"sqlite:///{tmp_path / 'gone.db'}"))
    try:
        with pytest.raises(CommandError, match=r"alias 'gone': no SQLite file '.*gone\.db'; run migrate first"):
            commands.run(*words, *([] if "--to" in words else ["--database", "gone"]))
    finally:
        drop_alias("gone")
    assert not (tmp_path / "gone.db").exists()


def test_an_unmanaged_model_on_a_view_is_left_out_and_said(
    engine_name: str, django_databases: Databases, tmp_path: Path
) -> None:
    alias = django_databases.fresh(engine_name)
    with connections[alias].cursor() as cursor:
        cursor.execute("CREATE VIEW a_table_that_is_not_there AS SELECT id, name FROM catalog_city")
        try:
            said = commands.run("dbdump", "catalog", database=alias, output=str(tmp_path / "dump"))
        finally:
            cursor.execute("DROP VIEW a_table_that_is_not_there")
    assert "note: catalog.Phantom is on a view, which has no rows of its own; left out" in said
