"""Rows of a model under other time zones, and uuids under other columns, are the same rows to Django after a move."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import connections, models
from django.test import override_settings

from dbdump_core.endpoints import open_source, open_target
from dbdump_core.errors import ValueRefusedError
from dbdump_core.model.abc import Report
from dbdump_core.run.transfer import Options, transfer
from dbdump_django.db_url import database_url
from dbdump_django.model_schema import overlay
from tests.django import models_support as support
from tests.django.databases import add_alias, drop_alias, entry

BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"
MOMENTS = [
    dt.datetime(2024, 3, 31, 0, 59, 59, 999999, tzinfo=dt.UTC),  # Berlin sets its clocks forward at 1:00
    dt.datetime(2024, 3, 31, 1, 0, tzinfo=dt.UTC),
    dt.datetime(2024, 10, 27, 0, 30, 0, 1, tzinfo=dt.UTC),  # the first of two hours that look alike there
    dt.datetime(2024, 10, 27, 2, 0, tzinfo=dt.UTC),
    dt.datetime(1900, 1, 1, tzinfo=dt.UTC),
    dt.datetime(9998, 12, 31, 23, 0, tzinfo=dt.UTC),
]


class Hex(models.UUIDField):
    """A uuid in a char(32) on MariaDB too, as projects keep it that began before Django 5."""

    def db_type(self, connection: Any) -> str:
        return "uuid" if connection.vendor == "postgresql" else "char(32)"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> str | None:
        return None if value is None else self.to_python(value).hex

    def from_db_value(self, value: Any, *rest: Any) -> uuid.UUID | None:
        return None if value is None else uuid.UUID(str(value))


class Event(models.Model):
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    old = Hex(default=uuid.uuid4)
    moment = models.DateTimeField()
    length = models.DurationField()
    previous = models.ForeignKey("self", models.CASCADE, to_field="key", null=True)

    class Meta:
        app_label = "adhoc"
        apps = Apps()


@pytest.fixture
def aliases(make_database: Any) -> Iterator[Any]:
    """What makes two aliases, of a source and a target, each with the table and in its own zone."""
    made = []

    def make(engines: tuple[str, str], zones: tuple[str | None, str | None]) -> tuple[str, ...]:
        for name, engine, zone in zip(("moved_from", "moved_to"), engines, zones, strict=True):
            add_alias(name, entry(make_database(engine), TIME_ZONE=zone))
            made.append(name)
            support.create(name, Event)
        return tuple(made)

    yield make
    for name in made:
        drop_alias(name)


def fill(alias: str, moments: list[dt.datetime]) -> None:
    previous = None
    for number, moment in enumerate(moments):
        length = dt.timedelta(days=number - 3, microseconds=7 * number)
        previous = Event(moment=moment, length=length, previous=previous)
        previous.save(using=alias)


def move(source: str, target: str) -> Report:
    def describe(alias: str) -> Any:
        return lambda schema: overlay(schema, [Event], alias)

    with (
        closing(open_source(database_url(source), describe=describe(source))) as left,
        closing(open_target(database_url(target), create=False, describe=describe(target))) as right,
    ):
        return transfer(left, right, Options())


def rows(alias: str) -> list[tuple[Any, ...]]:
    """The rows as Django reads them; moments in UTC, as others of doubled hours equal nothing (PEP 495)."""
    found = Event._base_manager.using(alias).order_by("id").values_list()
    return [tuple(map(utc, row)) for row in found]


def utc(value: object) -> object:
    aware = isinstance(value, dt.datetime) and value.tzinfo is not None
    return value.astimezone(dt.UTC) if aware else value


PAIRS = [
    ("sqlite", "postgresql"), ("postgresql", "sqlite"), ("mariadb", "postgresql"), ("postgresql", "mysql"),
    ("sqlite", "mariadb"), ("mariadb", "sqlite"), ("mysql", "mariadb"), ("mariadb", "mariadb"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("engines", "zones"),
    [*((pair, (BERLIN, TOKYO)) for pair in PAIRS), (PAIRS[4], (None, TOKYO)), (PAIRS[0], (BERLIN, None))],
    ids=lambda names: "-".join(map(str, names)),
)
def test_moments_uuids_and_durations_are_the_same(engines: Any, zones: Any, aliases: Any) -> None:
    source, target = aliases(engines, zones)
    fill(source, MOMENTS)
    report = move(source, target)
    assert report.verified
    assert report.rows == len(MOMENTS)
    assert rows(target) == rows(source)
    connections[target].close()
    Event(moment=MOMENTS[0], length=dt.timedelta(0)).save(using=target)


@pytest.mark.parametrize("engines", [("sqlite", "postgresql"), ("postgresql", "mariadb")], ids="-".join)
def test_a_project_without_zones_keeps_its_local_times(engines: Any, aliases: Any) -> None:
    with override_settings(USE_TZ=False, TIME_ZONE=BERLIN):
        source, target = aliases(engines, (None, None))
        fill(source, [dt.datetime(2024, 7, 1, 12, 30, 0, 5), dt.datetime(2024, 1, 1)])
        assert move(source, target).verified
        assert rows(target) == rows(source)


def test_a_moment_that_the_targets_clocks_show_twice_is_refused(aliases: Any) -> None:
    source, target = aliases(("postgresql", "mariadb"), (None, BERLIN))
    fill(source, [dt.datetime(2024, 10, 27, 1, 30, tzinfo=dt.UTC)])
    with pytest.raises(ValueRefusedError, match="moment"):
        move(source, target)
    assert rows(target) == []
