"""Two databases with a router between them: each alias gives and takes its own models only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connections

from tests.django import commands
from tests.django.contents import cells, tables
from tests.django.databases import Databases, entry

Dumped = Callable[[str], Path]
ARCHIVE = ["archive_box", "archive_record"]


def test_the_router_decides_what_an_alias_gives(engine_name: str, django_databases: Databases, tmp_path: Path) -> None:
    source = django_databases.archive(engine_name, filled=True)
    folder = commands.dump(source, tmp_path / "archive")
    assert tables_of(folder) == ARCHIVE
    target = django_databases.archive(engine_name, filled=False)
    commands.load(folder, target)
    assert cells(target) == cells(source)
    assert sorted(cells(target)) == ARCHIVE


@pytest.mark.parametrize("engine_pair", [("sqlite", "postgresql"), ("mysql", "sqlite")], ids="-".join, indirect=True)
def test_an_archive_moves_to_another_engine(engine_pair: tuple[str, str], django_databases: Databases) -> None:
    source = django_databases.archive(engine_pair[0], filled=True)
    target = django_databases.archive(engine_pair[1], filled=False)
    commands.run("dbcopy", "--from", source, "--to", target, "--noinput")
    assert cells(target) == cells(source)
    commands.run("dbverify", "--from", source, "--to", target)


on_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@on_sqlite
def test_models_of_the_other_alias_are_not_given(filled: str, dumped: Dumped) -> None:
    names = tables_of(dumped("sqlite"))
    assert not set(ARCHIVE) & set(names)
    assert sorted(model._meta.db_table for model in tables(filled)) == names


@on_sqlite
def test_a_dump_of_one_alias_is_not_loaded_into_the_other(
    fresh: str, django_databases: Databases, tmp_path: Path
) -> None:
    folder = commands.dump(django_databases.archive("sqlite", filled=True), tmp_path / "archive")
    before = cells(fresh)
    with pytest.raises(CommandError, match="no table of the chosen models"):
        commands.load(folder, fresh)
    assert cells(fresh) == before


@on_sqlite
def test_models_that_live_elsewhere_cannot_be_named(filled: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="archive"):
        commands.dump(filled, tmp_path / "dump", "archive")
    assert not (tmp_path / "dump").exists()


def test_references_into_another_database_are_told(django_databases: Databases, tmp_path: Path) -> None:
    source = django_databases.archive("sqlite", filled=True)
    said = commands.run("dbdump", database=source, output=str(tmp_path / "dump"))
    assert "archive.Record" in said
    assert "owner" in said


def tables_of(folder: Path) -> list[str]:
    """The names of a dump's tables."""
    manifest = json.loads((folder / "manifest.json").read_text())
    return sorted(table["name"] for table in manifest["tables"])


def test_a_project_moves_by_the_commands_alone(django_databases: Databases, tmp_path: Path) -> None:
    """Processes of their own, settings and all, from SQLite to PostgreSQL."""
    url = django_databases.make("postgresql")
    source = connections.databases[django_databases.filled("sqlite")]
    given = {"default": {"ENGINE": source["ENGINE"], "NAME": str(source["NAME"])}, "new": entry(url)}
    environment = {
        **os.environ,
        "DBDUMP_TEST_DATABASES": json.dumps(given),
        "DJANGO_SETTINGS_MODULE": "tests.django.project.settings",
        "PYTHONWARNINGS": "error",
    }

    def manage(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "django", *words],
            env=environment, check=False, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    manage("migrate", "--database", "new", "--verbosity", "0")
    manage("dbdump", "--exclude", "catalog.Ledger", "-o", str(tmp_path / "dump"))
    manage("dbload", str(tmp_path / "dump"), "--database", "new", "--noinput")
    manage("dbverify", "--from", "default", "--to", "new", "--exclude", "catalog.Ledger")
