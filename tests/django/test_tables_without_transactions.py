"""Tables that roll nothing back are refused by Django's commands as by the command line, and in the same words."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError
from django.db import connections

from dbdump_core import copy
from dbdump_core.errors import UnsafeError
from dbdump_django.db_url import database_url
from tests.django import commands
from tests.django.data import at
from tests.django.databases import Databases
from tests.django.project.catalog.models import Visit
from tests.django.test_legacy_command import legacy, old_file
from tests.promises import MYSQLS


@pytest.mark.parametrize("engine_name", MYSQLS, indirect=True)
def test_a_table_that_cannot_roll_back_is_refused(
    engine_name: str, fresh: str, django_databases: Databases, tmp_path: Path
) -> None:
    source = django_databases.filled("sqlite")
    folder = commands.dump(source, tmp_path / "dump", "catalog.Visit")
    with connections[fresh].cursor() as cursor:
        cursor.execute("ALTER TABLE catalog_visit ENGINE = MyISAM")
    at(fresh, Visit).create(id=7, product_id=1, at="2024-01-01T00:00Z")
    try:
        with pytest.raises(UnsafeError) as refused:
            copy(str(folder), database_url(fresh).render_as_string(hide_password=False), replace=True)
        load = ("dbload", folder, "catalog.Visit", "--database", fresh)
        move = ("dbcopy", "catalog.Visit", "--from", source, "--to", fresh)
        for words in ((*load, "--yes"), (*load, "--append"), (*move, "--yes"), (*move, "--append")):
            with pytest.raises(CommandError) as error:
                commands.run(*words)
            assert (error.value.returncode, str(error.value)) == (2, str(refused.value))
        old_file(tmp_path / "datadir", "catalog_visit", ["id", "product_id", "at"], ["[1, 1, '2024-01-01 00:00:00']"])
        done = legacy(fresh, "load", "catalog.Visit", folder=tmp_path)
        assert done.returncode == 2
        assert str(refused.value) in done.stderr
        assert list(at(fresh, Visit).values_list("id", flat=True)) == [7]
    finally:
        with connections[fresh].cursor() as cursor:
            cursor.execute("ALTER TABLE catalog_visit ENGINE = InnoDB")
