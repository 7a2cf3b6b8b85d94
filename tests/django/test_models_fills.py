"""Fills: the cells that a field's default would give, held against what Django itself stores."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import django
import pytest
from django.apps.registry import Apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.test import override_settings
from django.utils import timezone

from dbdump_core.endpoints import open_source
from dbdump_core.errors import MismatchError
from dbdump_core.model.abc import Maker, ReadTask
from dbdump_core.model.schema import Table, TableKey
from dbdump_core.model.types import TIMESTAMP, Kind, stored
from dbdump_core.rows.lines import split_rows, text_of
from dbdump_django.db_url import database_url
from dbdump_django.model_schema import fills
from tests.django import models_support as support
from tests.django.project.catalog.fields import CentsField, Condition, ConditionField, HardwareAddressField, WordsField

REGISTRY = Apps()
NUMBERS = count(1)
SUMMER = dt.datetime(2024, 7, 1, 12, 30, 15, 250000)


class Colour(models.TextChoices):
    RED = "r", "Red"


class Parent(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


class Filled(models.Model):
    """A default of each kind, as projects write them: also as texts and numbers that the field converts."""

    flag = models.BooleanField(default=True)
    small = models.SmallIntegerField(default="7")
    big = models.BigIntegerField(default=-(2**63))
    positive = models.PositiveIntegerField(default=Condition.USED)
    price = models.DecimalField(max_digits=12, decimal_places=3, default=0.1)
    rate = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal("-12.5"))
    score = models.FloatField(default=0.1 + 0.2)
    title = models.CharField(max_length=40, default="tab\tline\nback\\slash 'q' ü")
    colour = models.CharField(max_length=2, choices=Colour.choices, default=Colour.RED)
    empty = models.CharField(max_length=10)
    body = models.TextField(default=5)
    nothing = models.CharField(max_length=10, null=True)
    number = models.IntegerField(null=True)
    blob = models.BinaryField(default=b"\x00\xff\\N")
    day = models.DateField(default=dt.date(2007, 11, 1))
    day_text = models.DateField(default="2007-11-02")
    hour = models.TimeField(default=dt.time(12, 30, 0, 120000))
    moment = models.DateTimeField(default=SUMMER)
    moment_text = models.DateTimeField(default="2024-01-05 06:07:08.9")
    span = models.DurationField(default=dt.timedelta(days=-2, microseconds=5))
    span_long = models.DurationField(default=dt.timedelta(days=400, hours=25, microseconds=1))
    token = models.UUIDField(default=uuid.UUID(int=2**127 + 5))
    token_text = models.UUIDField(default="6ba7b810-9dad-11d1-80b4-00c04fd430c8")
    data = models.JSONField(default=dict)
    data_text = models.JSONField(default="a text")
    data_moment = models.JSONField(encoder=DjangoJSONEncoder, default=lambda: {"at": SUMMER, "x": [None, 1.5]})
    data_null = models.JSONField(null=True)
    address = models.GenericIPAddressField(default="2001:0db8::0001")
    file = models.FileField(default="a/b.txt")
    slug = models.SlugField(default=lambda: "a-slug")
    parent = models.ForeignKey(Parent, models.CASCADE, default=uuid.UUID(int=77), db_constraint=False)
    parent_none = models.ForeignKey(Parent, models.CASCADE, null=True, related_name="+")
    cents = CentsField(default=Decimal("12.34"))
    words = WordsField(default=lambda: ["one", "two"])
    condition = ConditionField(default=Condition.BROKEN)
    mac = HardwareAddressField(default="00:00:5e:00:53:af")

    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


class Stamped(models.Model):
    """Defaults that differ from row to row."""

    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    day = models.DateField(auto_now=True)
    hour = models.TimeField(auto_now_add=True)
    called = models.DateTimeField(default=timezone.now)
    token = models.UUIDField(default=uuid.uuid4)
    number = models.IntegerField(default=lambda: next(NUMBERS))

    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


class Hopeless(models.Model):
    wrong = models.IntegerField(default="a dozen")
    called = models.DateField(default=lambda: "tomorrow")
    tiny = models.DecimalField(max_digits=4, decimal_places=2, default=Decimal("123.45"))
    infinite = models.JSONField(default=lambda: float("nan"))
    required = models.IntegerField()
    parent = models.ForeignKey(Parent, models.CASCADE)
    unnamed = models.CharField(max_length=5, unique=True)

    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


class Coded(models.Model):
    code = models.CharField(max_length=5, primary_key=True)

    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


def makers(alias: str, model: type, *others: type) -> dict[str, Maker]:
    schema = support.described(alias, model, *others)
    return fills([model, *others], alias, schema)[TableKey(None, model._meta.db_table)]


def stored_cells(alias: str, table: Table) -> dict[str, bytes]:
    """The cells of the one row of a table, as the core reads them."""
    source = open_source(database_url(alias))
    columns = tuple(replace(column, type=stored(column.type)) for column in table.columns)
    found: list[list[bytes]] = []
    try:
        with source.snapshot([source.schema().by_key[table.key]]):
            source.read(ReadTask(table.with_columns(columns), columns), lambda block: found.extend(split_rows(block)))
    finally:
        source.close()
    (row,) = found
    return dict(zip([column.name for column in columns], row, strict=True))


@pytest.fixture
def alias(database_url: str) -> Iterator[str]:
    with support.alias(database_url) as name:
        yield name


def compared(alias: str, names: Sequence[str]) -> None:
    """Hold the fills of `names` against the row that Django saves."""
    support.create(alias, Parent, Filled)
    Filled().save(using=alias)
    table = support.table_of(alias, Filled, Parent)
    there, found = stored_cells(alias, table), makers(alias, Filled, Parent)
    assert set(found) == set(table.by_name) - {"id"}
    for name in names or found:
        cell = found[name](["id"])([b"1"])
        if table.by_name[name].type.kind is Kind.JSON and cell != b"\\N":
            assert json.loads(text_of(cell) or "") == json.loads(text_of(there[name]) or ""), name
        elif table.by_name[name].type.kind is Kind.FLOAT:
            assert float(cell) == float(there[name]), name  # SQLite spells all of a double's digits
        else:
            assert cell == there[name], name


@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")  # of Django's own saving
def test_cells_are_what_django_stores(alias: str) -> None:
    compared(alias, [])


@pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime")
@pytest.mark.parametrize(
    ("settings", "zone"),
    [
        ({"USE_TZ": True, "TIME_ZONE": "America/New_York"}, None),
        ({"USE_TZ": True, "TIME_ZONE": "America/New_York"}, "Europe/Berlin"),
        ({"USE_TZ": False, "TIME_ZONE": "Europe/Berlin"}, None),
        ({"USE_TZ": False, "TIME_ZONE": "UTC"}, None),
    ],
)
def test_moments_are_what_django_stores_in_any_zone(
    settings: dict[str, Any], zone: str | None, database_url: str
) -> None:
    with override_settings(**settings), support.alias(database_url, TIME_ZONE=zone) as alias:
        compared(alias, ["moment", "moment_text", "day", "hour"])


@pytest.mark.parametrize("settings", [{"USE_TZ": True}, {"USE_TZ": False, "TIME_ZONE": "Asia/Tokyo"}])
def test_the_present_is_taken_anew_for_each_row(settings: dict[str, Any], database_url: str) -> None:
    with override_settings(**settings), support.alias(database_url) as alias:
        support.create(alias, Stamped)
        found = makers(alias, Stamped)
        before = Stamped()
        before.save(using=alias)
        there = stored_cells(alias, support.table_of(alias, Stamped))
        for name in ("created", "changed", "called"):
            make = found[name]([])
            first, second = text_of(make([])), text_of(make([]))
            assert first is not None
            assert second is not None
            moment = dt.datetime.fromisoformat(first)
            saved = dt.datetime.fromisoformat(text_of(there[name]) or "")
            assert dt.timedelta(0) <= moment - saved < dt.timedelta(seconds=30), name
            assert first < second, name
        assert text_of(found["day"]([])([])) == dt.date.today().isoformat()
        assert (text_of(found["hour"]([])([])) or "") >= (text_of(there["hour"]) or "")


def test_the_present_is_cut_to_what_the_column_holds(make_database: Any) -> None:
    with support.alias(make_database("mysql")) as alias:
        support.execute(alias, "CREATE TABLE adhoc_stamped (created datetime, changed datetime(3), hour time)")
        found = makers(alias, Stamped)
        for name, digits in [("created", 0), ("changed", 3), ("hour", 0)]:
            cell = found[name]([])([])
            assert len(cell.partition(b".")[2]) <= digits, cell


def test_callables_are_called_for_each_row(alias: str) -> None:
    support.create(alias, Stamped)
    found = makers(alias, Stamped)
    tokens, numbers = found["token"]([]), found["number"]([])
    assert len({tokens([]) for _ in range(100)}) == 100
    cells = [int(numbers([])) for _ in range(5)]
    assert cells == list(range(cells[0], cells[0] + 5))
    length = 36 if support.table_of(alias, Stamped).by_name["token"].type.name is None else 32
    assert len(tokens([])) == length


def test_a_default_that_the_column_cannot_hold_is_told_with_its_field(alias: str) -> None:
    support.create(alias, Parent, Hopeless)
    found = makers(alias, Hopeless, Parent)
    for name in ("wrong", "called", "tiny", "infinite"):
        told = f"the default of adhoc.Hopeless.{name} is '.*' and not a value that the field can store"
        with pytest.raises(MismatchError, match=told):
            found[name]([])


def test_what_the_database_fills_or_nothing_can_is_left_out(alias: str) -> None:
    support.create(alias, Parent, Hopeless, Coded)
    found = makers(alias, Hopeless, Parent)
    assert {"id", "required", "parent_id"}.isdisjoint(found)
    assert found["unnamed"]([])([]) == b""
    assert makers(alias, Coded) == {}, "one key for all rows helps nobody"
    assert list(makers(alias, Parent)) == ["id"]


@pytest.mark.skipif(django.VERSION < (5, 2), reason="db_default and GeneratedField came with Django 5.0")
def test_defaults_of_the_database_and_generated_columns_are_left_to_it(fresh: str) -> None:
    from tests.django.project.modern.models import Plot, Seat

    assert makers(fresh, Plot) == {}
    assert sorted(makers(fresh, Seat, Plot)) == ["broken", "hall", "plot_id"]


def test_columns_that_are_not_there_are_not_filled(alias: str) -> None:
    support.execute(alias, "CREATE TABLE adhoc_stamped (number integer, another integer)")
    assert list(makers(alias, Stamped)) == ["number"]


def test_types_of_the_engines_own(make_database: Any) -> None:
    from django.contrib.postgres.fields import ArrayField, IntegerRangeField

    class Own(models.Model):
        names = ArrayField(models.CharField(max_length=20), default=list)
        numbers = ArrayField(ArrayField(models.IntegerField()), default=lambda: [[1, 2], [3, 4]])
        odd = ArrayField(models.TextField(), default=lambda: ["a,b", 'q"', "back\\slash", "", "NULL", None])
        between = IntegerRangeField(default=(1, 10))
        calls = ArrayField(models.IntegerField(), default=lambda: [next(NUMBERS)])

        class Meta:
            app_label = "adhoc"
            apps = Apps()

    with support.alias(make_database("postgresql")) as alias:
        support.create(alias, Own)
        Own().save(using=alias)
        there = stored_cells(alias, support.table_of(alias, Own))
        found = makers(alias, Own)
        for name in ("names", "numbers", "odd", "between"):
            assert found[name]([])([]) == there[name], name
        calls = found["calls"]([])
        assert calls([]) != calls([])


def test_a_plain_column_on_postgresql_gets_the_sessions_time(make_database: Any) -> None:
    with support.alias(make_database("postgresql"), TIME_ZONE="Asia/Tokyo") as alias:
        support.execute(alias, "CREATE TABLE adhoc_filled (moment timestamp NOT NULL)")
        assert support.table_of(alias, Filled).by_name["moment"].type == TIMESTAMP
        assert makers(alias, Filled)["moment"]([])([]) == b"2024-07-01 21:30:15.25"
