"""What a project finds after a load: keys that go on, rows that managers hide, one signal, and its own records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import connections
from django.db.models import signals

from dbdump_core.model.abc import Report
from dbdump_django.signals import post_load
from tests.django import commands
from tests.django.contents import cells, tables
from tests.django.data import at
from tests.django.databases import Databases
from tests.django.making import one_more
from tests.django.project.blog.models import Post

Dumped = Callable[[str], Path]


def raw(alias: str) -> dict[str, list[str]]:
    """Every row of every table as it stands, ids of content types included."""
    found = {}
    with connections[alias].cursor() as cursor:
        for name in connections[alias].introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connections[alias].ops.quote_name(name)}")
            found[name] = sorted(repr([_comparable(value) for value in row]) for row in cursor.fetchall())
    return found


def _comparable(value: object) -> object:
    """The value itself; psycopg2's bytes are a view, which shows where it lies and not what it holds."""
    return bytes(value) if isinstance(value, memoryview) else value


def test_loading_twice_changes_nothing(fresh: str, dumped: Dumped) -> None:
    commands.load(dumped("sqlite"), fresh)
    once = raw(fresh)
    commands.load(dumped("sqlite"), fresh)
    assert raw(fresh) == once


def test_the_next_object_can_be_created_in_every_table(fresh: str, dumped: Dumped) -> None:
    commands.load(dumped("sqlite"), fresh)
    created = 0
    for model in tables(fresh):
        if model._meta.managed:
            before = at(fresh, model).count()
            one_more(model, fresh)
            assert at(fresh, model).count() == before + 1
            created += 1
    assert created >= 35


def test_keys_go_on_after_those_that_were_loaded(fresh: str, dumped: Dumped) -> None:
    commands.load(dumped("sqlite"), fresh)
    highest = at(fresh, Post).order_by("-pk")[0].pk
    assert one_more(Post, fresh).pk > highest


def test_rows_that_the_default_manager_hides_survive(fresh: str, dumped: Dumped) -> None:
    commands.load(dumped("postgresql"), fresh)
    hidden = at(fresh, Post).filter(deleted=True)
    assert hidden.count() == 13
    assert not Post.objects.using(fresh).filter(pk__in=hidden).exists()


MODEL_SIGNALS = (
    signals.pre_init, signals.post_init, signals.pre_save, signals.post_save, signals.pre_delete, signals.post_delete,
    signals.m2m_changed,
)  # fmt: skip


@contextmanager
def heard() -> Iterator[tuple[list[Any], list[dict[str, Any]]]]:
    """Senders of the signals of the project's models, and what `post_load` was sent with."""
    project = set(apps.get_models(include_auto_created=True))  # Django reads its own record of migrations as objects
    models: list[Any] = []
    loads: list[dict[str, Any]] = []

    def note(sender: Any, **_: Any) -> None:
        if sender in project:
            models.append(sender)

    def note_load(**given: Any) -> None:
        loads.append(given)

    with ExitStack() as stack:
        for signal, receiver in [*((signal, note) for signal in MODEL_SIGNALS), (post_load, note_load)]:
            signal.connect(receiver)
            stack.callback(signal.disconnect, receiver)
        yield models, loads


def test_a_load_makes_no_instance_and_sends_one_signal(fresh: str, dumped: Dumped) -> None:
    folder = dumped("sqlite")
    with heard() as (models, loads):
        commands.load(folder, fresh)
    assert models == []
    (load,) = loads
    assert load["alias"] == fresh
    assert isinstance(load["report"], Report)
    assert sum(table.rows for table in load["report"].tables) == sum(map(len, cells(fresh).values()))


def test_a_copy_makes_no_instance_and_sends_one_signal(filled: str, django_databases: Databases) -> None:
    target = django_databases.fresh("sqlite")
    with heard() as (models, loads):
        commands.run("dbcopy", "--from", filled, "--to", target, "--yes")
    assert models == []
    assert [load["alias"] for load in loads] == [target]


def test_a_load_that_is_refused_sends_no_signal(fresh: str, tmp_path: Path) -> None:
    with heard() as (models, loads), pytest.raises(CommandError):
        commands.load(tmp_path / "no-dump", fresh)
    assert (models, loads) == ([], [])


def test_dumps_of_the_same_rows_are_the_same_files(filled: str, tmp_path: Path) -> None:
    first, second = (commands.dump(filled, tmp_path / name) for name in ("first", "second"))
    assert files(first) == files(second)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_dumps_of_the_same_rows_say_that_they_are_equal(filled: str, dumped: Dumped) -> None:
    for engine in ("sqlite", "postgresql"):
        commands.run("dbverify", dumped(engine), database=filled)


def test_a_row_that_changed_is_found(fresh: str, dumped: Dumped) -> None:
    commands.load(dumped("sqlite"), fresh)
    commands.run("dbverify", dumped("sqlite"), database=fresh)
    at(fresh, Post).filter(slug="post-5").update(title="changed")  # one that the default manager hides
    with pytest.raises(CommandError, match="differ") as caught:
        commands.run("dbverify", dumped("sqlite"), database=fresh)
    assert caught.value.returncode == 1


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
def test_an_unmanaged_model_without_a_table_is_told(filled: str, tmp_path: Path) -> None:
    said = commands.run("dbdump", database=filled, output=str(tmp_path / "dump"))
    assert "catalog.Phantom" in said
    assert "catalog.Ledger" not in said
    names = [path.name for path in (tmp_path / "dump" / "data").iterdir()]
    assert any("old_ledger" in name or "old ledger" in name for name in names), names
