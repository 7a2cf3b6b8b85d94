"""Moments are the same moments in databases that keep them in other zones, or in none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connections
from django.test import override_settings

from tests.django import commands
from tests.django.contents import cells
from tests.django.databases import Databases, add_alias, drop_alias

BERLIN = "Europe/Berlin"

Pair = tuple[str, str]


@pytest.fixture
def berlin() -> Iterator[str]:
    """An alias to be given to any database, whose moments it takes for local times of Berlin."""
    yield "berlin"
    drop_alias("berlin")


def look_from(berlin: str, alias: str) -> str:
    """Make the alias `berlin` stand for the database of `alias`."""
    connections[alias].close()
    add_alias(berlin, {**connections.databases[alias], "TIME_ZONE": BERLIN})
    return berlin


@pytest.mark.parametrize(
    "pair",
    [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("sqlite", "mariadb"), ("mariadb", "sqlite"), ("mysql", "mysql"),
     ("mysql", "postgresql")],
    ids="-".join,
)  # fmt: skip
def test_local_times_become_moments(pair: Pair, berlin: str, django_databases: Databases) -> None:
    filled, target = django_databases.filled(pair[0]), django_databases.fresh(pair[1])
    source = look_from(berlin, filled)
    commands.run("dbcopy", "--from", source, "--to", target, "--noinput")
    assert cells(target) == cells(source)
    assert cells(target)["django_session"] != cells(filled)["django_session"]


@pytest.mark.parametrize(
    "pair",
    [("sqlite", "sqlite"), ("postgresql", "sqlite"), ("postgresql", "mariadb"), ("mysql", "mysql")],
    ids="-".join,
)  # fmt: skip
def test_moments_become_local_times(pair: Pair, berlin: str, django_databases: Databases) -> None:
    source, fresh = django_databases.filled(pair[0]), django_databases.fresh(pair[1])
    target = look_from(berlin, fresh)
    commands.run("dbcopy", "--from", source, "--to", target, "--noinput")
    assert cells(target) == cells(source)
    assert cells(fresh)["django_session"] != cells(source)["django_session"]


@pytest.fixture
def without_zones(django_databases: Databases) -> Iterator[None]:
    """The project with USE_TZ = False, in Berlin."""
    with override_settings(USE_TZ=False, TIME_ZONE=BERLIN):
        for alias in django_databases.aliases:
            connections[alias].close()
        yield
    for alias in django_databases.aliases:
        connections[alias].close()


@pytest.mark.parametrize(
    "pair",
    [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("mysql", "postgresql"), ("postgresql", "mariadb")],
    ids="-".join,
)  # fmt: skip
def test_a_project_without_zones_keeps_its_local_times(
    pair: Pair, django_databases: Databases, request: pytest.FixtureRequest
) -> None:
    source, target = django_databases.filled(pair[0]), django_databases.fresh(pair[1])
    request.getfixturevalue("without_zones")
    commands.run("dbcopy", "--from", source, "--to", target, "--noinput")
    assert cells(target) == cells(source)
    moments = [value for row in cells(target)["blog_comment"] for value in row if isinstance(value, datetime)]
    assert len(moments) > 200
    assert all(moment.tzinfo is None for moment in moments)


def test_another_time_zone_than_that_of_the_dump_is_said(
    django_databases: Databases, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source, target = django_databases.filled("sqlite"), django_databases.fresh("sqlite")
    request.getfixturevalue("without_zones")
    commands.run("dbdump", database=source, output=str(tmp_path / "dump"))
    assert "TIME_ZONE" not in commands.run("dbload", str(tmp_path / "dump"), "--noinput", database=target, verbosity=0)
    assert cells(target) == cells(source)
    with override_settings(TIME_ZONE="America/New_York"):
        said = commands.run("dbload", str(tmp_path / "dump"), "--noinput", database=target, verbosity=0)
    assert "TIME_ZONE was 'Europe/Berlin' when this was dumped and is 'America/New_York'" in said
