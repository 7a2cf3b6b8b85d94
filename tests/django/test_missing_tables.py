"""Tables that one of two databases lacks: to dbverify they are a difference, whichever side it is."""

from __future__ import annotations

import pytest
from django.core.management import CommandError
from django.db import connections

import dbdump_django
from tests.django import commands
from tests.django.databases import Databases
from tests.django.project.catalog.models import Ledger


def test_a_table_that_one_database_lacks_is_a_difference_both_ways(bare: str, django_databases: Databases) -> None:
    lacking = django_databases.add("lacking", "sqlite")
    with connections[lacking].cursor() as cursor:
        cursor.execute(f'DROP TABLE IF EXISTS "{Ledger._meta.db_table}"')
    for source, target, side in ((lacking, bare, "right"), (bare, lacking, "left")):
        with pytest.raises(CommandError, match="the rows differ"):
            commands.run("dbverify", source=source, target=target)
        found = dbdump_django.verify(source=source, target=target)
        assert [key.name for key in getattr(found, f"only_{side}")] == [Ledger._meta.db_table]
        assert not any("not compared" in note for note in found.notes)


def test_a_database_that_was_not_migrated_is_equal_to_none(bare: str, django_databases: Databases) -> None:
    half = django_databases.add("half_migrated", "sqlite")
    with connections[half].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS catalog_visit")
    for source, target in ((half, bare), (bare, half)):
        with pytest.raises(CommandError, match=r"alias 'half_migrated' lacks the tables of catalog\.Visit; run manage"):
            commands.run("dbverify", source=source, target=target)


def test_an_index_of_one_side_is_no_difference(bare: str, django_databases: Databases) -> None:
    indexed = django_databases.add("search_index", "sqlite")
    with connections[indexed].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS catalog_visit")
        cursor.execute("CREATE VIRTUAL TABLE catalog_visit USING fts5(product_id, at)")
    for source, target in ((indexed, bare), (bare, indexed)):
        commands.run("dbcopy", source=source, target=target, yes=True)
        assert "catalog.Visit" in commands.run("dbverify", source=source, target=target)
