"""What a model's field adds to the column that is really there, on tables that Django made and on others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import django
import pytest
from django.apps.registry import Apps
from django.db import connections, models
from django.test import override_settings

from dbdump_core.model.types import (
    BOOLEAN,
    DURATION,
    INTERVAL,
    JSON,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    UUID_HEX,
    Kind,
    Type,
)
from tests.django import models_support as support

REGISTRY = Apps()


class Hex(models.UUIDField):
    """A uuid in a char(32) whatever the engine has, as projects keep it that began before Django 5."""

    def db_type(self, connection: Any) -> str:
        return "char(32)"


class Named(models.Field):
    """A class whose name is that of a field of Django's, and which stores something else."""

    def db_type(self, connection: Any) -> str:
        return "varchar(32)"


Named.__name__ = Named.__qualname__ = "Plain"


class Thing(models.Model):
    id = models.UUIDField(primary_key=True)
    code = models.DurationField(unique=True)
    flag = models.BooleanField(null=True)
    data = models.JSONField(null=True)
    price = models.DecimalField(max_digits=12, decimal_places=4, null=True)
    moment = models.DateTimeField(null=True)
    old = Hex(null=True)
    named = Named(null=True)
    text = models.CharField(max_length=32, null=True)
    number = models.BigIntegerField(null=True)
    count = models.PositiveIntegerField(null=True)
    file = models.FileField(null=True)

    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


class Part(models.Model):
    thing = models.OneToOneField(Thing, models.CASCADE, primary_key=True)

    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


class Piece(models.Model):
    part = models.ForeignKey(Part, models.CASCADE, db_constraint=False)
    by_code = models.ForeignKey(Thing, models.CASCADE, to_field="code", related_name="+")
    parent = models.ForeignKey("self", models.CASCADE, null=True)

    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


class SpecialThing(Thing):
    class Meta:
        app_label = "adhoc"
        apps = REGISTRY


@pytest.fixture
def alias(database_url: str) -> Any:
    with support.alias(database_url) as name:
        yield name


def types(alias: str, model: type) -> dict[str, Type]:
    return {column.name: column.type for column in support.table_of(alias, model).columns}


def has_uuid(engine: str) -> bool:
    return engine == "postgresql" or (engine == "mariadb" and django.VERSION >= (5, 0))


def test_tables_that_django_made(alias: str, engine_name: str) -> None:
    support.create(alias, Thing)
    native = engine_name == "postgresql"
    expected = {
        "id": UUID if has_uuid(engine_name) else UUID_HEX,
        "code": INTERVAL if native else DURATION,
        "flag": BOOLEAN,
        "data": replace(JSON, name="jsonb") if native else JSON,
        "price": Type(Kind.DECIMAL, precision=12, scale=4),
        "moment": TIMESTAMPTZ,
        "old": UUID_HEX,
    }
    found = types(alias, Thing)
    assert {name: found[name] for name in expected} == expected
    there = {column.name: column.type for column in support.reflected(alias).tables[0].columns}
    for name in ("named", "text", "number", "count", "file"):
        assert found[name] == there[name], "the column says it all"


def test_keys_are_what_they_refer_to(alias: str, engine_name: str) -> None:
    support.create(alias, Thing, Part, Piece, SpecialThing)
    uuid_type = UUID if has_uuid(engine_name) else UUID_HEX
    assert types(alias, Part)["thing_id"] == uuid_type
    assert types(alias, SpecialThing)["thing_ptr_id"] == uuid_type
    piece = types(alias, Piece)
    assert piece["part_id"] == uuid_type
    assert piece["by_code_id"] == (INTERVAL if engine_name == "postgresql" else DURATION)
    assert piece["parent_id"].kind is Kind.INTEGER


def test_the_column_wins_over_the_field(alias: str, engine_name: str) -> None:
    """Columns as other programs, old versions of Django and people made them."""
    quote = connections[alias].ops.quote_name
    columns = {
        "id": "char(36)", "code": "integer", "flag": "smallint", "data": "varchar(100)", "price": "float",
        "moment": "varchar(40)", "old": "char(32)", "named": "text", "text": "text", "number": "numeric(20, 2)",
        "count": "integer", "file": "text",
    }  # fmt: skip
    listed = ", ".join(f"{quote(name)} {sort}" for name, sort in columns.items())
    support.execute(alias, f"CREATE TABLE adhoc_thing ({listed})")
    found = types(alias, Thing)
    there = {column.name: column.type for column in support.reflected(alias).tables[0].columns}
    assert {name for name in columns if found[name] != there[name]} == (
        {"flag", "data", "old", "code"} if there["code"].bits == 64 else {"flag", "data", "old"}
    )
    assert (found["flag"], found["data"], found["old"]) == (BOOLEAN, JSON, UUID_HEX)
    assert found["id"].kind is Kind.TEXT, "36 characters are no 32 digits"


def test_a_column_with_a_zone_keeps_it(alias: str, engine_name: str) -> None:
    sort = "timestamp with time zone" if engine_name in ("postgresql", "sqlite") else "timestamp(6)"
    support.execute(alias, f"CREATE TABLE adhoc_thing (moment {sort} NULL)")
    assert types(alias, Thing)["moment"] == TIMESTAMPTZ


def test_a_plain_column_where_django_has_zoned_ones_stays_plain(make_database: Any) -> None:
    with support.alias(make_database("postgresql")) as alias:
        support.execute(alias, "CREATE TABLE adhoc_thing (moment timestamp, price numeric)")
        assert types(alias, Thing)["moment"] == TIMESTAMP
        assert types(alias, Thing)["price"] == Type(Kind.DECIMAL), "it may hold more digits than the field says"


@pytest.mark.parametrize("decimal", ["decimal(20, 6)", "numeric(20, 6)"])
def test_sizes_of_a_decimal_column_are_its_own(alias: str, decimal: str) -> None:
    support.execute(alias, f"CREATE TABLE adhoc_thing (price {decimal})")
    assert types(alias, Thing)["price"] == Type(Kind.DECIMAL, precision=20, scale=6)


@pytest.mark.parametrize(
    ("settings", "zone", "name"),
    [
        ({"USE_TZ": True}, "UTC", None),
        ({"USE_TZ": True, "TIME_ZONE": "Asia/Tokyo"}, None, None),
        ({"USE_TZ": True, "TIME_ZONE": "Asia/Tokyo"}, "Europe/Berlin", "Europe/Berlin"),
        ({"USE_TZ": False, "TIME_ZONE": "Asia/Tokyo"}, None, "Asia/Tokyo"),
        ({"USE_TZ": False, "TIME_ZONE": "UTC"}, None, None),
    ],
)
def test_moments_are_of_the_zone_of_the_connection(
    settings: dict[str, Any], zone: str | None, name: str | None, database_url: str, engine_name: str
) -> None:
    with override_settings(**settings), support.alias(database_url, TIME_ZONE=zone) as alias:
        support.create(alias, Thing)
        found = types(alias, Thing)["moment"]
    if engine_name == "postgresql" or name is None:
        assert found == TIMESTAMPTZ
    else:
        assert found == replace(TIMESTAMP, name=name)


def test_a_boolean_that_holds_other_numbers_is_still_no_loss(make_database: Any) -> None:
    """MySQL's tinyint(1) takes any small number; the field says that it is a truth value (facts.md I6)."""
    with support.alias(make_database("mariadb")) as alias:
        support.execute(alias, "CREATE TABLE adhoc_thing (flag tinyint(1))", "INSERT INTO adhoc_thing VALUES (0), (2)")
        assert types(alias, Thing)["flag"] == BOOLEAN
