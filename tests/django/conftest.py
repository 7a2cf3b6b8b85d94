"""The test project, on databases of every engine; see `databases.Databases` for what the fixtures give."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import database_maker

if TYPE_CHECKING:
    from tests.django.databases import Databases

try:
    import django
except ModuleNotFoundError:  # the program can be developed without Django
    collect_ignore_glob = ["*"]
else:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.django.project.settings"
    django.setup()


@pytest.fixture(scope="session")
def django_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Databases of the test project, made when first asked for and kept for all tests."""
    from tests.django.databases import Databases

    with database_maker(Path(tmp_path_factory.mktemp("django"))) as make:
        databases = Databases(make)
        yield databases
        databases.close()


@pytest.fixture
def filled(engine_name: str, django_databases: Databases) -> str:
    """An alias on each engine in turn: full of rows, not to be changed."""
    return django_databases.filled(engine_name)


@pytest.fixture
def fresh(engine_name: str, django_databases: Databases) -> str:
    """An alias on each engine in turn: freshly migrated, with other ids than `filled` in what `migrate` fills."""
    return django_databases.fresh(engine_name)


@pytest.fixture
def filled_and_fresh(engine_pair: tuple[str, str], django_databases: Databases) -> tuple[str, str]:
    """As `filled` and `fresh`, for each ordered pair of engines in turn."""
    source, target = engine_pair
    return django_databases.filled(source), django_databases.fresh(target)


@pytest.fixture(scope="session")
def dumped(django_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from an engine to the dump of its filled database, made once."""
    from tests.django import commands

    made: dict[str, Path] = {}

    def dump(engine: str) -> Path:
        if engine not in made:
            folder = tmp_path_factory.mktemp("dumps") / engine
            made[engine] = commands.dump(django_databases.filled(engine), folder)
        return made[engine]

    return dump


@pytest.fixture(scope="module")
def full(django_databases: Databases) -> str:
    """The alias of a full SQLite database, not to be changed."""
    return django_databases.filled("sqlite")


@pytest.fixture
def bare(django_databases: Databases) -> str:
    """The alias of a fresh SQLite database."""
    return django_databases.fresh("sqlite")
