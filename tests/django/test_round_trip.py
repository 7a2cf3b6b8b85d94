"""What was in one database is in the other afterwards, cell by cell, on every engine and across all pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.db import connections

from tests.django import commands
from tests.django.contents import cells

Dumped = Callable[[str], Path]


def test_a_load_ends_with_what_was_dumped(
    engine_pair: tuple[str, str], filled_and_fresh: tuple[str, str], dumped: Dumped
) -> None:
    source, target = filled_and_fresh
    migrations = applied(target)
    commands.load(dumped(engine_pair[0]), target)
    assert cells(target) == cells(source)
    assert applied(target) == migrations


def test_a_copy_ends_with_what_was_there(filled_and_fresh: tuple[str, str]) -> None:
    source, target = filled_and_fresh
    migrations = applied(target)
    commands.run("dbcopy", "--from", source, "--to", target, "--noinput")
    assert cells(target) == cells(source)
    assert applied(target) == migrations


def applied(alias: str) -> list[tuple[object, ...]]:
    """Django's record of migrations, moments included."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT id, app, name, applied FROM django_migrations ORDER BY id")
        return cursor.fetchall()
