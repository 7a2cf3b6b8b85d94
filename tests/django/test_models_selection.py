"""Which models a user's words mean, and which of them live where."""

from __future__ import annotations

import pytest
from django.apps import apps

from dbdump_core.errors import SelectionError, UsageError
from dbdump_django.selection import chosen_models, foreign_across, vain


def labels(*named: str, exclude: tuple[str, ...] = (), alias: str = "default") -> list[str]:
    return [model._meta.label for model in chosen_models(named, exclude, alias=alias)]


def test_all_models_with_a_table_and_no_other() -> None:
    found = labels()
    assert {"blog.Post", "blog.Post_categories", "blog.Editing", "catalog.Audiobook", "catalog.Phantom"} < set(found)
    assert "catalog.CheapProduct" not in found, "a proxy has no table"
    assert "auth.User" not in found, "swapped"
    assert "accounts.Account" in found
    assert "accounts.Account_groups" in found
    assert not [label for label in found if label.startswith(("archive.", "migrations."))]
    assert len(found) == len(set(found))
    assert found == labels()


def test_an_app_brings_its_own_models_with_their_many_to_many_tables() -> None:
    assert labels("blog") == [label for label in labels() if label.startswith("blog.")]
    assert labels("sites", "auth") == [label for label in labels() if label.startswith(("auth.", "sites."))]
    assert labels("messages") == []


def test_a_model_brings_its_many_to_many_tables_but_not_a_through_model() -> None:
    found = labels("blog.post")
    assert sorted(found) == ["blog.Post", "blog.Post_answers", "blog.Post_categories", "blog.Post_related"]


def test_a_model_brings_the_tables_that_its_rows_begin_in() -> None:
    assert labels("catalog.Audiobook") == ["catalog.Product", "catalog.Book", "catalog.Audiobook"]
    assert labels("catalog.Audiobook", exclude=("catalog.Product",)) == ["catalog.Book", "catalog.Audiobook"]


def test_a_proxy_means_its_model() -> None:
    assert labels("catalog.CheapProduct") == ["catalog.Product"]


def test_an_automatic_table_can_be_named_by_itself() -> None:
    assert labels("blog.Post_related") == ["blog.Post_related"]


def test_exclude_takes_away() -> None:
    assert set(labels()) - set(labels(exclude=("blog", "catalog.node"))) == {*labels("blog"), "catalog.Node"}


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("blgo", "no app 'blgo'; close ones: 'blog'"),
        ("Blog", "no app 'Blog'; close ones: 'blog'"),
        ("Post", "no app 'Post'; a model needs its app: 'blog.Post'"),
        ("box", "no app 'box'; a model needs its app: 'archive.Box'"),
        ("blog.Psot", r"no model 'blog.Psot'; close ones: 'blog.Post'"),
        ("blgo.Post", r"no app 'blgo.Post'; close ones: .*'blog.Post'"),
        ("blog.", "no model 'blog.'"),
        ("auth.User", "'auth.User' is swapped for another model; name 'accounts.Account'"),
        ("archive.Box", "the routers keep 'archive.Box' out of the database 'default'"),
        ("archive", "the routers keep 'archive' out of the database 'default'"),
    ],
)
def test_names_that_are_not_there(label: str, told: str) -> None:
    with pytest.raises(SelectionError, match=told):
        labels(label)


def test_an_excluded_name_that_is_not_there_is_said() -> None:
    assert labels(exclude=("blog.Psot", "archive")) == labels()
    (note,) = vain(("blog.Psot", "archive", "blog"))
    assert note.startswith("--exclude: no model 'blog.Psot'; close ones: 'blog.Post'")


def test_an_unknown_alias_is_told() -> None:
    with pytest.raises(UsageError, match="no database alias 'archiv'; close ones: 'archive'"):
        labels(alias="archiv")


def test_the_routers_decide() -> None:
    assert labels(alias="archive") == ["archive.Box", "archive.Record"]


def test_relations_to_another_database_are_told() -> None:
    lines = foreign_across(chosen_models([], [], alias="archive"), "archive")
    assert len(lines) == 1
    assert lines[0].startswith("archive.Record.owner refers to accounts.Account, which the routers keep out of 'arch")
    assert foreign_across(chosen_models([], [], alias="default"), "default") == []


def test_the_record_of_migrations_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    node = apps.get_model("catalog", "Node")
    monkeypatch.setattr(node._meta, "db_table", "django_migrations")
    assert "catalog.Node" not in labels()
