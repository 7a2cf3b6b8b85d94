"""Models laid over the tables that are there: names, flags, defaults, and what must stay as it was."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.apps.registry import Apps
from django.db import connections, models
from django.utils import timezone

from dbdump_core.model.schema import Default, DefaultKind, TableKey
from dbdump_core.model.types import BOOLEAN
from dbdump_django.model_schema import missing_tables, model_keys
from dbdump_django.selection import chosen_models
from tests.django import models_support as support


def model(name: str, table: str, *, managed: bool = True, **fields: models.Field) -> Any:
    """A model of its own registry with this table."""
    meta = type("Meta", (), {"app_label": "adhoc", "apps": Apps(), "db_table": table, "managed": managed})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


@pytest.fixture
def alias(database_url: str) -> Iterator[str]:
    with support.alias(database_url) as name:
        yield name


# --- the whole project --------------------------------------------------------------------------


def test_every_model_finds_its_table(filled: str) -> None:
    chosen = chosen_models([], [], alias=filled)
    schema = support.described(filled, *chosen)
    keys = model_keys(chosen, filled)
    assert len(keys) == len(chosen)
    assert {str(key) for key in keys if key not in schema.by_key} == {"a_table_that_is_not_there"}
    assert {key.schema for key in keys} == {None}
    managed, unmanaged = missing_tables(schema, chosen, filled)
    assert managed == ()
    assert [one.__name__ for one in unmanaged] == ["Phantom"]
    assert not [note for table in schema for note in table.notes if "no column" in note]


def test_nothing_but_types_flags_and_defaults_is_refined(filled: str) -> None:
    before = support.reflected(filled)
    after = support.described(filled, *chosen_models([], [], alias=filled))
    assert [table.key for table in before] == [table.key for table in after]
    for old, new in zip(before, after, strict=True):
        assert (old.foreign_keys, old.primary_key, old.unique) == (new.foreign_keys, new.primary_key, new.unique)
        assert (old.indexes, old.checks) == (new.indexes, new.checks)
        for one, other in zip(old.columns, new.columns, strict=True):
            same = ("name", "nullable", "identity", "generated", "comment")
            assert [getattr(one, name) for name in same] == [getattr(other, name) for name in same]
            assert one.default in (None, other.default), "the database's own default stays"


def test_tables_outside_the_models_stay_as_they_were(filled: str) -> None:
    before = support.reflected(filled)
    after = support.described(filled, *chosen_models(["blog"], [], alias=filled))
    changed = {table.name for table in after if table != before.by_key[table.key]}
    assert changed
    assert all(name.startswith("blog_") for name in changed)


def test_relations_without_a_constraint_are_no_foreign_keys(filled: str) -> None:
    table = support.described(filled, *chosen_models(["catalog"], [], alias=filled)).by_key[(None, "catalog_visit")]
    assert table.foreign_keys == ()


@pytest.mark.skipif(django.VERSION < (5, 2), reason="GeneratedField and CompositePrimaryKey came later")
def test_generated_columns_and_composite_keys(filled: str) -> None:
    schema = support.described(filled, *chosen_models(["modern"], [], alias=filled))
    plot, seat = schema.by_key[TableKey(None, "modern_plot")], schema.by_key[TableKey(None, "modern_seat")]
    assert plot.by_name["area"].generated
    assert plot.by_name["area"].default is None
    assert seat.primary_key == ("hall", "number")
    assert seat.by_name["broken"].type == BOOLEAN


def test_flags_and_defaults_are_data(filled: str) -> None:
    schema = support.described(filled, *chosen_models([], [], alias=filled))
    post = schema.by_key[TableKey(None, "blog_post")].by_name
    assert [name for name in post if post[name].auto_now_add] == ["created"]
    assert [name for name in post if post[name].auto_now] == ["modified"]
    assert post["deleted"].default == Default(DefaultKind.VALUE, False)
    assert post["token"].default == Default(DefaultKind.UUID)
    assert post["title"].default is None
    joined = schema.by_key[TableKey(None, "accounts_account")].by_name["date_joined"]
    assert joined.default == Default(DefaultKind.DATETIME, "now")


def test_defaults_of_each_kind(alias: str) -> None:
    calls = {"moment": timezone.now, "day": dt.date.today, "token": uuid.uuid4, "other": lambda: 5}
    one = model(
        "Kinds", "adhoc_kinds",
        moment=models.DateTimeField(default=calls["moment"]), day=models.DateField(default=calls["day"]),
        token=models.UUIDField(default=calls["token"]), other=models.IntegerField(default=calls["other"]),
        price=models.DecimalField(max_digits=5, decimal_places=2, default="1.5"), rate=models.FloatField(default=0.5),
        text=models.CharField(max_length=9, default="a\tb\\"), at=models.TimeField(default=dt.time(1, 2)),
        wrong=models.IntegerField(default="x"), data=models.JSONField(default=list),
        none=models.IntegerField(null=True),
    )  # fmt: skip
    support.create(alias, one)
    found = {name: column.default for name, column in support.table_of(alias, one).by_name.items()}
    assert found == {
        "id": None, "moment": Default(DefaultKind.DATETIME, "now"), "day": Default(DefaultKind.DATE, "now"),
        "token": Default(DefaultKind.UUID), "other": None, "price": Default(DefaultKind.VALUE, "1.50"),
        "rate": Default(DefaultKind.VALUE, 0.5), "text": Default(DefaultKind.VALUE, "a\tb\\"),
        "at": Default(DefaultKind.VALUE, "01:02:00"), "wrong": None, "data": None, "none": None,
    }  # fmt: skip


# --- names --------------------------------------------------------------------------------------


def test_odd_names(alias: str) -> None:
    names = ["Mixed Case", "it's", "100% %s", "Größe; --", "select"]
    flags = [models.BooleanField(default=False, db_column=f"the {name}") for name in names]
    odd = [model(f"Odd{at}", name, flag=flag) for at, (name, flag) in enumerate(zip(names, flags, strict=True))]
    support.create(alias, *odd)
    assert list(model_keys(odd, alias)) == [TableKey(None, name) for name in names]
    schema = support.described(alias, *odd)
    for name in names:
        assert schema.by_key[TableKey(None, name)].by_name[f"the {name}"].type == BOOLEAN


def test_a_name_with_quotes_in_it(alias: str, engine_name: str) -> None:
    """Django doubles no quotes: who has such a table writes its name as SQL does."""
    quote = "`" if engine_name in ("mariadb", "mysql") else '"'
    one = model("Quoted", f"a{quote * 2}b", flag=models.BooleanField(default=True))
    support.create(alias, one)
    assert list(model_keys([one], alias)) == [TableKey(None, f"a{quote}b")]
    assert f"a{quote}b" in [table.name for table in support.described(alias, one)]
    assert missing_tables(support.reflected(alias), [one], alias) == ((), {})


def test_names_are_matched_as_the_engine_matches_them(alias: str, engine_name: str) -> None:
    support.execute(alias, "CREATE TABLE Stock_Item (Flag smallint)")
    one = model("Item", "stock_item", flag=models.BooleanField(default=False))
    there = support.reflected(alias).tables[0].name
    found = list(model_keys([one], alias))
    if connections[alias].features.ignores_table_name_case or engine_name == "postgresql":
        assert found == [TableKey(None, there)]
        assert support.described(alias, one).tables[0].columns[0].type == BOOLEAN
    else:
        assert found == [TableKey(None, "stock_item")]
        assert missing_tables(support.reflected(alias), [one], alias) == ((one,), {})


def test_another_schema_by_the_quoted_name(make_database: Any) -> None:
    with support.alias(make_database("postgresql")) as alias:
        support.execute(alias, 'CREATE SCHEMA "other one"', 'CREATE TABLE "other one"."a.b" (flag boolean)')
        one = model("There", '"other one"."a.b"', flag=models.BooleanField(default=True))
        absent = model("Absent", '"other one"."none"')
        keys = [TableKey("other one", "a.b"), TableKey("other one", "none")]
        assert list(model_keys([one, absent], alias)) == keys
        schema = support.described(alias, one)
        assert schema.by_key[keys[0]].columns[0].default == Default(DefaultKind.VALUE, True)
        assert missing_tables(schema, [one, absent], alias) == ((absent,), {})


def test_a_table_on_the_search_path(make_database: Any) -> None:
    """The first schema of the path is the default one; a table behind it has its schema's name."""
    url = make_database("postgresql")
    with support.alias(url) as alias:
        support.execute(alias, "CREATE SCHEMA tenant", "CREATE TABLE tenant.mine (a int)")
        support.execute(alias, "CREATE TABLE shared (a int)")
    with support.alias(url, OPTIONS={"options": "-c search_path=tenant,public"}) as alias:
        mine, shared = model("Mine", "mine"), model("Shared", "shared")
        keys = list(model_keys([mine, shared], alias))
        assert keys == [TableKey(None, "mine"), TableKey("public", "shared")]
        assert set(keys) <= set(support.reflected(alias).by_key)


def test_the_own_database_named_with_the_table(make_database: Any) -> None:
    with support.alias(make_database("mariadb")) as alias:
        name = connections[alias].settings_dict["NAME"]
        here, there = model("Here", f"`{name}`.`t`"), model("There", "`elsewhere`.`t`")
        support.create(alias, here)
        assert list(model_keys([here, there], alias)) == [TableKey(None, "t"), TableKey("elsewhere", "t")]


def test_of_two_models_with_one_table_the_managed_one_counts(alias: str) -> None:
    twin = model("Twin", "shared_table", managed=False, flag=models.IntegerField())
    one = model("One", "shared_table", flag=models.BooleanField())
    third = model("Third", "shared_table", flag=models.IntegerField())
    support.create(alias, one)
    assert list(model_keys([twin, one, third], alias).values()) == [one]
    assert support.table_of(alias, twin, one, third).by_name["flag"].type == BOOLEAN


def test_a_field_without_its_column_is_told(alias: str) -> None:
    support.execute(alias, "CREATE TABLE adhoc_short (id integer)")
    one = model("Short", "adhoc_short", added=models.IntegerField(null=True))
    notes = support.table_of(alias, one).notes
    assert notes == ("no column for the field adhoc.Short.added; apply the migrations",)


def test_a_missing_table_is_told(alias: str) -> None:
    support.execute(alias, "CREATE TABLE another (a integer)")
    managed, other = model("Managed", "not_there"), model("Other", "nor_this", managed=False)
    told = "is unmanaged and its table is not there"
    assert missing_tables(support.reflected(alias), [managed, other], alias) == ((managed,), {other: told})
