"""How far the migrations of a database have come, asked without writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from dbdump_core.errors import UsageError
from dbdump_django.migrations import applied, difference, state, unapplied
from dbdump_django.selection import chosen_models
from tests.django import models_support as support

NAMES = {"0001_first": [], "0002_left": ["0001_first"], "0002_right": ["0001_first"]}
MERGED = {**NAMES, "0003_both": ["0002_left", "0002_right"]}


@pytest.fixture
def alias(tmp_path: Path) -> Iterator[str]:
    """An SQLite database without any table."""
    with support.alias(f"sqlite:///{tmp_path / 'shop.db'}") as name:
        support.execute(name, "PRAGMA user_version = 1")
        yield name


def history(folder: Path, monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]], **squashed: list[str]) -> Any:
    """Settings that give the app `catalog` migrations of these names; `squashed`: name -> what it replaces."""
    package = f"history_{uuid4().hex}"
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    for name, parents in [*names.items(), *((name, []) for name in squashed)]:
        dependencies = [("catalog", parent) for parent in parents]
        replaces = [("catalog", replaced) for replaced in squashed.get(name, [])]
        (folder / package / f"{name}.py").write_text(
            dedent(f"""
                from django.db import migrations

                class Migration(migrations.Migration):
                    dependencies = {dependencies!r}
                    replaces = {replaces!r}
            """)
        )
    monkeypatch.syspath_prepend(folder)
    return override_settings(MIGRATION_MODULES={"catalog": package})


def record(alias: str, *names: str) -> None:
    recorder = MigrationRecorder(connections[alias])
    for name in names:
        recorder.record_applied("catalog", name)


def test_a_migrated_database_is_at_the_last_of_each_app(filled: str) -> None:
    found = applied(filled)
    assert found["blog"] == ["0001_initial"]
    assert found["contenttypes"] == ["0002_remove_content_type_name"]
    assert "messages" not in found
    assert unapplied(filled, chosen_models([], [], alias=filled)) == []
    assert difference(found, applied(filled)) == []


def test_an_empty_database_is_not_written_to(alias: str) -> None:
    assert applied(alias) == {}
    lines = unapplied(alias, chosen_models(["auth", "sites"], [], alias=alias))
    assert [line.split(":")[0] for line in lines] == ["app 'auth'", "app 'sites'"]
    assert "'0001_initial', '0002_alter_permission_name_max_length'" in lines[0]
    assert lines[1].endswith("not applied to 'adhoc'; run migrate --database adhoc")
    assert connections[alias].introspection.table_names() == []


def test_apps_without_migrations_have_no_state(alias: str) -> None:
    models = chosen_models(["catalog"], [], alias=alias)
    for modules in ({"catalog": None}, {"catalog": "no.such.module"}):
        with override_settings(MIGRATION_MODULES=modules):
            assert applied(alias) == {}
            assert unapplied(alias, models) == []
            assert state(alias)["unmigrated"] == ["catalog"]


def test_branches_have_several_last_ones(alias: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with history(tmp_path, monkeypatch, MERGED):
        record(alias, "0001_first", "0002_right")
        assert applied(alias) == {"catalog": ["0002_right"]}
        waiting = unapplied(alias, chosen_models(["catalog"], [], alias=alias))
        assert "'0002_left', '0003_both' not applied" in waiting[0]
        record(alias, "0002_left")
        assert applied(alias) == {"catalog": ["0002_left", "0002_right"]}
        record(alias, "0003_both", "0099_of_a_later_version")
        assert applied(alias) == {"catalog": ["0003_both"]}
        found = state(alias)
        assert found["heads"] == {"catalog": ["0003_both"]}
        every = ["0001_first", "0002_left", "0002_right", "0003_both", "0099_of_a_later_version"]
        assert found["migrations"] == {"catalog": every}


def test_a_squashed_migration_stands_for_those_it_replaces(
    alias: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"0001_first": [], "0002_left": ["0001_first"]}
    squashed = {"0001_squashed_0002_left": list(names)}
    with history(tmp_path, monkeypatch, names):
        record(alias, "0001_first")
        half = applied(alias)
        record(alias, "0002_left")
        whole = applied(alias)
    with history(tmp_path, monkeypatch, names, **squashed):
        assert applied(alias) == {"catalog": ["0001_squashed_0002_left"]}
        assert unapplied(alias, chosen_models(["catalog"], [], alias=alias)) == []
        assert difference(whole, applied(alias)) == []
        lines = difference(half, applied(alias))
        assert len(lines) == 1
        assert "the dump was made at '0001_first', the target is at '0001_squashed_0002_left'" in lines[0]


def test_half_of_what_is_squashed_is_not_the_squashed_one(
    alias: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"0001_first": [], "0002_left": ["0001_first"]}
    with history(tmp_path, monkeypatch, names, **{"0001_squashed_0002_left": list(names)}):
        record(alias, "0001_first")
        assert applied(alias) == {"catalog": ["0001_first"]}
        assert "'0002_left' not applied" in unapplied(alias, chosen_models(["catalog"], [], alias=alias))[0]


@pytest.mark.parametrize(
    ("dumped", "now", "told"),
    [
        ({}, {"blog": ["0002_b"]}, "app 'blog': the dump was made at no migration at all, the target is at '0002_b'"),
        ({"blog": ["0001_a"]}, {}, "app 'blog': the dump was made at '0001_a', the target is at no migration at all"),
        ({"blog": ["\x1b[31m", "0001_a"]}, {"blog": ["0001_a"]}, r"made at '\x1b[31m', '0001_a', the target is"),
    ],
)
def test_differences_are_told_for_each_app(dumped: Any, now: Any, told: str) -> None:
    same = {"auth": ["0012_x"]}
    lines = difference({**same, **dumped}, {**same, **now})
    assert len(lines) == 1
    assert told in lines[0]


def test_migrations_that_do_not_fit_together_are_told(
    alias: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        history(tmp_path, monkeypatch, {"0002_left": ["0001_gone"]}),
        pytest.raises(UsageError, match=r"the project's migrations cannot be read: .*0001_gone"),
    ):
        applied(alias)
