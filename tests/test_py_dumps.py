"""Dumps of format py and folders of 2007 between real databases: every value of every engine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core import dump, load, verify
from dbdump_core.databases import backend_for
from dbdump_core.databases.database import DatabaseSource, DatabaseTarget
from dbdump_core.dumps.legacy.source import LegacySource, LegacyTarget
from dbdump_core.model.schema import Schema
from dbdump_core.run.transfer import Options, transfer
from tests.schemas import TABLES
from tests.servers import ENGINES
from tests.test_pairs import contents, expected, filled, held_by

OTHERS = {"sqlite": "postgresql", "postgresql": "mariadb", "mariadb": "mysql", "mysql": "sqlite"}


@pytest.fixture(scope="module")
def samples_on(make_shared_database: Callable[[str], str]) -> Callable[[str], str]:
    """A function from an engine to a database with a table of every sample that it holds."""
    return cache(lambda engine: filled(make_shared_database(engine), held_by(engine)))


@pytest.fixture(scope="module")
def schemas_on(make_shared_database: Callable[[str], str]) -> Callable[[str], str]:
    """A function from an engine to a database with the sample schemas."""
    return cache(lambda engine: filled(make_shared_database(engine), TABLES))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_value_of_an_engine_in_a_dump(
    samples_on: Callable[[str], str], make_database: Callable[[str], str], tmp_path: Path, engine: str
) -> None:
    source, target, tables = samples_on(engine), make_database(engine), held_by(engine)
    plain = dump(source, str(tmp_path / "d"), format="tsv")
    report = dump(source, str(tmp_path / "d.tar"), format="py", compress="zstd")
    assert [(one.key, one.rows) for one in report.tables] == [(one.key, one.rows) for one in plain.tables]
    assert verify(str(tmp_path / "d.tar"), source).equal
    assert verify(str(tmp_path / "d"), str(tmp_path / "d.tar")).equal
    assert load(str(tmp_path / "d.tar"), target, create=True).verified
    assert contents(target, tables) == expected(target, tables)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_sample_schemas_in_a_dump_for_another_engine(
    schemas_on: Callable[[str], str], make_database: Callable[[str], str], tmp_path: Path, engine: str
) -> None:
    target = make_database(OTHERS[engine])
    dump(schemas_on(engine), str(tmp_path / "d"), format="py")
    assert load(str(tmp_path / "d"), target, create=True).verified
    assert contents(target, TABLES) == expected(target, TABLES)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_value_of_an_engine_in_a_folder_of_2007(
    samples_on: Callable[[str], str], make_database: Callable[[str], str], tmp_path: Path, engine: str
) -> None:
    tables, there = held_by(engine), make_database(engine)
    with closing(DatabaseSource(backend_for(sa.make_url(samples_on(engine))))) as source:
        schema = source.schema()
        transfer(source, LegacyTarget(tmp_path / "datadir"), Options(ordered=True))
    assert load_folder(tmp_path / "datadir", schema, engine, there)
    assert contents(there, tables) == expected(there, tables)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_sample_schemas_in_a_folder_of_2007(
    schemas_on: Callable[[str], str], make_database: Callable[[str], str], tmp_path: Path, engine: str
) -> None:
    there = make_database(engine)
    with closing(DatabaseSource(backend_for(sa.make_url(schemas_on(engine))))) as source:
        schema = source.schema()
        transfer(source, LegacyTarget(tmp_path / "datadir"), Options(ordered=True))
    assert load_folder(tmp_path / "datadir", schema, engine, there)
    assert contents(there, TABLES) == expected(there, TABLES)


def load_folder(folder: Path, schema: Schema, engine: str, url: str) -> bool:
    with (
        closing(LegacySource(folder, schema, engine=engine)) as source,
        closing(DatabaseTarget(backend_for(sa.make_url(url), create=True))) as target,
    ):
        assert source.missing == ()
        return transfer(source, target, Options(create=True)).verified
