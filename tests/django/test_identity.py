"""Content types, permissions and sites in databases that number them differently, and all that refers to them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.apps.registry import Apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.db import connections, models
from django.db.models import Model

from dbdump_core.dumps import make_target
from dbdump_core.endpoints import open_source
from dbdump_core.errors import MismatchError, ValueRefusedError
from dbdump_core.model.schema import TableKey
from dbdump_core.model.selection import Selection
from dbdump_core.run.transfer import Options, transfer
from dbdump_django import copy, dump, load
from dbdump_django.content_types import first_tables, lookups
from dbdump_django.db_url import database_url
from dbdump_django.references import generic_references, identity_models, kinds, references
from tests.django.contents import cells
from tests.django.data import NOON, at
from tests.django.databases import Databases, empty, permute
from tests.django.project.accounts.models import Account
from tests.django.project.archive.models import Box
from tests.django.project.blog.models import Bookmark, Category, Mark, Post, Series, Tag, TypeSetting
from tests.django.project.catalog.models import Visit

IDENTITY = ("django_content_type", "auth_permission", "django_site")
PART = ("accounts", "auth.Group", "blog", "admin")
"""Models that refer to content types, permissions and sites in every way, and all that these refer to but those."""


def raw(alias: str, table: str) -> set[tuple[Any, ...]]:
    """The rows of a table as they are, ids and all."""
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connections[alias].ops.quote_name(table)}")
        return set(cursor.fetchall())


def everything(alias: str) -> dict[str, set[tuple[Any, ...]]]:
    tables = ["blog_tag", "blog_bookmark", "blog_typesetting", "auth_group_permissions", "django_admin_log"]
    return {table: raw(alias, table) for table in (*IDENTITY, *tables)}


def of_part(found: dict[str, Any]) -> dict[str, Any]:
    """What `cells` found in the tables of PART."""
    apps_of_part = ("accounts_", "blog_", "django_admin_log", "auth_group")
    return {table: rows for table, rows in found.items() if table.startswith(apps_of_part)}


@pytest.fixture
def other(engine_name: str, django_databases: Databases) -> str:
    """A freshly migrated database on each engine, whose ids differ from those of `fresh` and of `filled`."""
    alias = django_databases.fresh(engine_name, 1)
    empty(alias)
    permute(alias, seed=11)
    connections[alias].close()
    return alias


# --- whole loads --------------------------------------------------------------------------------


def test_all_tables_together_are_replaced_as_a_set(filled: str, fresh: str) -> None:
    report = copy(source=filled, target=fresh, replace=True)
    assert cells(fresh) == cells(filled)
    assert everything(fresh) == everything(filled)
    assert [note for note in report.notes if "replaced by the source's" in note]
    again = copy(source=filled, target=fresh, replace=True)
    assert everything(fresh) == everything(filled)
    assert again.rows == report.rows


def test_content_types_that_only_the_target_knows_are_added_again(other: str, fresh: str) -> None:
    gone = at(other, ContentType).get(app_label="catalog", model="visit")
    at(other, Permission).filter(content_type=gone).delete()
    gone.delete(using=other)
    stale = at(fresh, ContentType).create(app_label="long", model="gone")
    at(fresh, Permission).create(content_type=stale, codename="view_gone", name="Can view what is gone")
    highest = max(at(other, ContentType).values_list("pk", flat=True))
    connections[fresh].close()
    copy(source=other, target=fresh, replace=True)
    first = everything(fresh)
    assert raw(fresh, "django_content_type") > raw(other, "django_content_type")
    visit = at(fresh, ContentType).get(app_label="catalog", model="visit")
    assert visit.pk > highest
    named = at(fresh, Permission).filter(content_type=visit).values_list("codename", flat=True)
    assert sorted(named) == ["add_visit", "change_visit", "delete_visit", "view_visit"]
    assert len(raw(fresh, "auth_permission")) == len(raw(other, "auth_permission")) + 4
    assert not at(fresh, ContentType).filter(app_label="long")
    connections[fresh].close()
    copy(source=other, target=fresh, replace=True)
    assert everything(fresh) == first
    at(fresh, ContentType).create(app_label="next", model="one")
    at(fresh, Permission).create(content_type=visit, codename="next", name="next")


# --- loads of a part ----------------------------------------------------------------------------


def test_a_part_refers_to_the_rows_that_are_there(filled: str, fresh: str, tmp_path: Path) -> None:
    before = {table: raw(fresh, table) for table in IDENTITY}
    dump(str(tmp_path / "part"), labels=PART, alias=filled)
    report = load(str(tmp_path / "part"), alias=fresh, replace=True)
    assert of_part(cells(fresh)) == of_part(cells(filled))
    found, wanted = cells(fresh), cells(filled)
    for table in IDENTITY:
        assert raw(fresh, table) > before[table]
        assert {row[0] for row in found[table]} >= {row[0] for row in wanted[table]}  # by what they are
    retired = Permission.objects.using(fresh).get(content_type__app_label="retired")
    assert retired.name == "Can view widget"
    told = f"auth_permission: rows that are there already: {len(before['auth_permission'])}, added: 2"
    assert any(note.startswith(told) for note in report.notes)
    ids = everything(fresh)
    load(str(tmp_path / "part"), alias=fresh, replace=True)
    assert everything(fresh) == ids
    kind = at(fresh, ContentType).create(app_label="next", model="one")
    at(fresh, Permission).create(content_type=kind, codename="next", name="next")
    at(fresh, Site).create(domain="next.example.com", name="next")


def test_objects_are_reached_through_all_references(filled: str, fresh: str) -> None:
    """The same once more, through Django's own eyes."""
    copy(PART, source=filled, target=fresh, replace=True)
    assert seen(fresh) == seen(filled)
    tagged = {model for _, model, _ in seen(fresh)["tags"]}
    assert {"permission", "contenttype", "site", "series", "post"} <= tagged


def seen(alias: str) -> dict[str, Sequence[tuple[Any, ...]]]:
    """What users, tags, settings and the log refer to, in words."""
    ContentType.objects.clear_cache()
    users = [
        (user.username, words_of(user.user_permissions), *map(words_of_group, user.groups.order_by("name")))
        for user in at(alias, Account).order_by("username")
    ]
    settings = [
        (
            one.content_type.app_label, one.content_type.model, one.icon,
            *words_of(one.permissions),
            *sorted(site.domain for site in one.sites.all()),
        )
        for one in at(alias, TypeSetting).select_related("content_type")
    ]  # fmt: skip
    log = [
        (entry.object_repr, named(referred(entry.content_type, entry.object_id)))
        for entry in at(alias, LogEntry).select_related("content_type").order_by("object_repr")
    ]
    not_loaded = ["catalog", "retired"]
    tags = [
        (tag.label, tag.content_type.model, named(referred(tag.content_type, tag.object_id)))
        for tag in at(alias, Tag).select_related("content_type").exclude(content_type__app_label__in=not_loaded)
    ]
    return {"users": users, "settings": sorted(settings), "log": log, "tags": sorted(tags)}


def words_of(permissions: Any) -> list[str]:
    return sorted(map(named, permissions.select_related("content_type")))


def words_of_group(group: Group) -> list[str]:
    return [group.name, *words_of(group.permissions)]


def referred(kind: ContentType | None, key: str) -> Model | None:
    """What a generic reference means, in the database that its content type comes from."""
    return at(kind._state.db, kind.model_class()).get(pk=key) if kind else None


def named(thing: Model | None) -> str:
    """Words for an object that hold in every database."""
    words: dict[type[Model], Callable[[Any], str]] = {
        Permission: lambda it: f"{it.content_type.model}.{it.codename}",
        ContentType: lambda it: f"{it.app_label}.{it.model}",
        Site: lambda it: it.domain,
        Post: lambda it: it.slug,
        Series: lambda it: it.name,
        Account: lambda it: it.username,
    }
    return words[type(thing)](thing) if thing is not None else "nothing"


def test_appended_rows_refer_to_the_rows_that_are_there(other: str, fresh: str) -> None:
    write_little(other)
    before = {table: raw(fresh, table) for table in IDENTITY}
    copy(source=other, target=fresh, append=True)
    assert {table: raw(fresh, table) for table in IDENTITY} == before
    assert of_part(cells(fresh)) == of_part(cells(other))
    assert at(fresh, Tag).get(label="on a permission").content_object.codename == "change_post"


def write_little(alias: str) -> Account:
    """A user with a permission, and a tag on that."""
    account = at(alias, Account).create(username="one", password="!", date_joined=NOON)
    permission = at(alias, Permission).get(codename="change_post")
    account.user_permissions.add(permission)
    kind = at(alias, ContentType).get(app_label="auth", model="permission")
    at(alias, Tag).create(label="on a permission", content_type=kind, object_id=str(permission.pk))
    connections[alias].close()
    return account


# --- references to nothing ----------------------------------------------------------------------


def test_a_reference_to_a_deleted_row_does_not_come_to_mean_another(other: str, fresh: str) -> None:
    account = write_little(other)
    taken = at(fresh, Permission).order_by("pk")[3].pk
    # Make the id free at the source that another permission has at the target.
    at(other, Permission).filter(pk=taken).delete()
    kind = at(other, ContentType).get(app_label="auth", model="permission")
    for label, number in (("deleted", taken), ("far away", 100_000)):
        at(other, Tag).create(label=label, content_type=kind, object_id=str(number))
        at(other, Bookmark).create(account=account, target_type=kind, target_id=number)
    at(other, Bookmark).create(account=account, target_type_id=54321, target_id=taken)
    connections[other].close()
    copy(["accounts", "auth.Group", "blog"], source=other, target=fresh, replace=True)
    ContentType.objects.clear_cache()
    assert at(fresh, Tag).get(label="far away").object_id == "100000"
    assert at(fresh, Tag).get(label="deleted").object_id == str(2**31 - 1 - taken)
    assert at(fresh, Tag).get(label="deleted").content_object is None
    kept = sorted(at(fresh, Bookmark).values_list("target_type__model", "target_id"), key=repr)
    assert kept == [("permission", 100_000), ("permission", 2**31 - 1 - taken), (None, taken)]
    assert at(fresh, Bookmark).get(target_type_id=54321)


def test_a_foreign_key_to_a_row_that_the_source_lacks_is_refused(
    engine_name: str, other: str, fresh: str, tmp_path: Path
) -> None:
    write_little(other)
    dump(str(tmp_path / "part"), labels=["accounts", "auth.Group"], alias=other)
    manual = next((tmp_path / "part" / "data").glob("*auth_permission.tsv"))
    lines = manual.read_text("utf-8").splitlines(keepends=True)
    manual.write_text("".join(line for line in lines if "\tchange_post" not in line), "utf-8")
    expected = r"accounts_account_user_permissions, column permission_id.* is not the id of a row of auth_permission"
    with pytest.raises(ValueRefusedError, match=expected):
        load(str(tmp_path / "part"), alias=fresh, replace=True, allow_edited=True, fail_fast=True)
    assert not at(fresh, Account).exists()


# --- what the source does not say -----------------------------------------------------------------


def test_without_content_types_ids_stay_and_the_report_says_so(fresh: str, other: str) -> None:
    write_little(other)
    before = {table: raw(fresh, table) for table in IDENTITY}
    number = at(other, Tag).get().content_type_id
    plain = transfer_of(other, ("blog_tag",))
    with closing(open_source(database_url(other))) as source:
        report = plain(source, fresh)
    assert at(fresh, Tag).get().content_type_id == number
    assert {table: raw(fresh, table) for table in IDENTITY} == before
    assert "django_content_type is not in the source: ids in blog_tag.content_type_id are taken as they are" in report


def transfer_of(alias: str, tables: Sequence[str]) -> Callable[[Any, str], Sequence[str]]:
    """A load of these tables alone, as from a folder without the others; returns the notes."""
    from dbdump_core.endpoints import open_target
    from dbdump_core.model.schema import Schema
    from dbdump_django.content_types import identities

    def run(source: Any, target: str) -> Sequence[str]:
        given = Schema(tuple(table for table in source.schema() if table.name in tables))
        with closing(open_source(database_url(target))) as there:
            found = identities(given, there, alias=target)
        connections[target].close()
        options = Options(schema=given, replace=True, load_map=found.load_map, first=found.first)
        with closing(open_target(database_url(target), create=False)) as database:
            transfer(source, database, options)
        return found.notes

    return run


def arriving(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tar file as standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    return "-"


def test_a_stream_in_another_order_is_refused_before_anything_changes(
    django_databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = django_databases.filled("sqlite"), django_databases.fresh("sqlite")
    before = everything(target)
    tables = ("accounts_*", "auth_*", "blog_*", "django_content_type", "django_site")
    with closing(open_source(database_url(source))) as opened:
        archive = make_target(str(tmp_path / "plain.tar"), source_engine=opened.engine)
        transfer(opened, archive, Options(selection=Selection(tables=tables)))
    with pytest.raises(MismatchError, match="table blog_bookmark comes before django_site in this stream"):
        load(arriving(tmp_path / "plain.tar", monkeypatch), labels=PART, alias=target, replace=True)
    assert everything(target) == before
    load(str(tmp_path / "plain.tar"), labels=PART, alias=target, replace=True)  # a file is read in any order
    without_log = {table: rows for table, rows in of_part(cells(target)).items() if table != "django_admin_log"}
    assert without_log == {table: of_part(cells(source))[table] for table in without_log}


def test_a_stream_of_dbdump_can_be_loaded_in_part(
    django_databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = django_databases.filled("sqlite"), django_databases.fresh("sqlite")
    dump(str(tmp_path / "part.tar"), labels=PART, alias=source)
    load(arriving(tmp_path / "part.tar", monkeypatch), labels=PART, alias=target, replace=True)
    assert of_part(cells(target)) == of_part(cells(source))


# --- which columns ------------------------------------------------------------------------------


def test_references_are_found_through_keys_that_are_references_themselves() -> None:
    found = {(one.model._meta.db_table, one.column): one.to for one in references(identity_models("default"))}
    assert found["blog_typesetting", "content_type_id"] is ContentType
    assert found["blog_typesetting_permissions", "typesetting_id"] is ContentType
    assert found["blog_typesetting_permissions", "permission_id"] is Permission
    assert found["blog_typesetting_sites", "site_id"] is Site
    assert found["accounts_account_user_permissions", "permission_id"] is Permission
    assert found["auth_permission", "content_type_id"] is ContentType
    assert found["blog_bookmark", "kind"] is ContentType
    assert ("accounts_account_user_permissions", "account_id") not in found
    loose = [one.model for one in references(identity_models("default")) if not one.constrained]
    assert loose == [Bookmark]


def test_generic_references_are_those_declared_and_the_log_of_the_admin() -> None:
    found = {(one.model, one.column, one.kind) for one in generic_references()}
    assert found == {
        (Tag, "object_id", "content_type_id"),
        (Mark, "object_id", "content_type_id"),
        (Bookmark, "key", "kind"),
        (LogEntry, "object_id", "content_type_id"),
    }


def test_content_types_that_share_ids_with_an_identity_model() -> None:
    assert kinds(identity_models("default")) == {
        ("contenttypes", "contenttype"): ContentType,
        ("auth", "permission"): Permission,
        ("sites", "site"): Site,
        ("blog", "typesetting"): ContentType,
    }


def test_references_of_models_that_inherit_or_declare_them_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        app_label = "odd"
        apps = Apps()

    class Shop(Site):
        """Shares its key with its site."""

        class Meta(Odd):
            pass

    class Branch(models.Model):
        shop = models.ForeignKey(Shop, models.CASCADE)
        domain = models.ForeignKey(Site, models.CASCADE, to_field="domain", related_name="+")
        permission = models.OneToOneField(Permission, models.CASCADE, db_column="may", related_name="+")

        class Meta(Odd):
            pass

    class Kept(models.Model):
        content_type = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
        object_pk = models.CharField(max_length=50)

        class Meta(Odd):
            pass

    class Named(models.Model):
        kind = models.ForeignKey(ContentType, models.CASCADE, related_name="+")

        class Meta(Odd):
            pass

    class Pointing(Named):
        number = models.BigIntegerField()
        thing = GenericForeignKey("kind", "number")

        class Meta(Odd):
            pass

    class Same(models.Model):
        """The table of permissions once more."""

        class Meta(Odd):
            managed = False
            db_table = "auth_permission"

    class Watch(models.Model):
        same = models.ForeignKey(Same, models.DO_NOTHING, db_constraint=False)

        class Meta(Odd):
            pass

    class AnyPermission(Permission):
        class Meta(Odd):
            proxy = True

    made = [Shop, Branch, Kept, Named, Pointing, Same, Watch, AnyPermission]
    monkeypatch.setattr("dbdump_django.references.apps.get_models", lambda **kwargs: made)
    identity = identity_models("default")
    assert {(one.model, one.column, one.to, one.constrained) for one in references(identity)} == {
        (Shop, "site_ptr_id", Site, True), (Branch, "shop_id", Site, True), (Branch, "may", Permission, True),
        (Kept, "content_type_id", ContentType, True), (Named, "kind_id", ContentType, True),
        (Watch, "same_id", Permission, False),
    }  # fmt: skip
    assert {(one.model, one.column, one.kind) for one in generic_references()} == {
        (Kept, "object_pk", "content_type_id"),
        (Pointing, "number", None),  # its content type is in another table
    }
    assert kinds(identity) == {
        ("odd", "shop"): Site,
        ("odd", "same"): Permission,
        ("odd", "anypermission"): Permission,
    }


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([Visit], []),
        ([Category], [ContentType, Permission]),
        ([Series], [Site]),
        ([Tag], [ContentType, Permission, Site]),
        ([Tag, ContentType], [Permission, Site]),
        ([Permission], [ContentType]),
        ([Group], []),
        ([Group.permissions.through], [ContentType, Permission]),
        ([LogEntry, Permission, Site, ContentType], []),
    ],
)
def test_lookups_are_what_the_chosen_refer_to(chosen: list[type[Model]], expected: list[type[Model]]) -> None:
    assert list(lookups(chosen, "default")) == expected


def test_databases_without_these_tables_have_nothing_to_look_up() -> None:
    assert identity_models("archive") == ()
    assert lookups([Box, Tag], "archive") == ()


def test_first_tables_are_in_the_order_that_references_need(filled: str) -> None:
    every = first_tables(apps.get_models(), filled)
    assert every == tuple(TableKey(None, name) for name in IDENTITY)
    assert first_tables([Post, Site], filled) == (TableKey(None, "django_site"),)
