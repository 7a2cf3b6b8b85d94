"""What a project's people may get wrong: one line each that says what and where, and nothing lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from dbdump_core.dumps.manifest import sealed
from tests.django import commands
from tests.django.contents import cells
from tests.django.databases import Databases
from tests.django.processes import LEGACY, MANAGE, environment, run


@pytest.fixture(scope="module")
def folder(django_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of all that the full database holds."""
    return commands.dump(django_databases.filled("sqlite"), tmp_path_factory.mktemp("dump") / "all")


def refused(command: str, *arguments: object, **options: object) -> str:
    """The one line that a command is refused with; its exit code is 2."""
    with pytest.raises(CommandError) as raised:
        commands.run(command, *arguments, **options)
    assert raised.value.returncode == 2
    assert "\n" not in str(raised.value)
    return str(raised.value)


@contextmanager
def without(alias: str, *statements: str) -> Iterator[None]:
    """Change a database while inside; the pairs of statements undo each other."""
    half = len(statements) // 2
    with connections[alias].cursor() as cursor:
        for statement in statements[:half]:
            cursor.execute(statement)
    try:
        yield
    finally:
        with connections[alias].cursor() as cursor:
            for statement in statements[half:]:
                cursor.execute(statement)


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("blogg", "no app 'blogg'; close ones: 'blog'"),
        ("Blog", "no app 'Blog'; close ones: 'blog'"),
        ("blog.Pst", "no model 'blog.Pst'; close ones: 'blog.Post'"),
        ("nothing.like.it", "no app 'nothing.like.it'; there are: "),
    ],
)
def test_unknown_apps_and_models(label: str, message: str, full: str, folder: Path, tmp_path: Path) -> None:
    assert refused("dbdump", label, database=full, output=str(tmp_path / "x")).startswith(message)
    assert refused("dbload", folder, label, database=full).startswith(message)
    assert refused("dbverify", folder, label, database=full).startswith(message)
    assert not (tmp_path / "x").exists()
    words = ("catalog", "--exclude", label)  # what is not there need not be left out; it is said
    assert f"note: --exclude: {message}" in commands.run("dbdump", *words, database=full, output=str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("dbdump", ("--database", "dfault")),
        ("dbload", ("dump", "--database", "dfault")),
        ("dbcopy", ("--from", "dfault", "--to", "default")),
        ("dbcopy", ("--from", "default", "--to", "dfault")),
        ("dbverify", ("dump", "--database", "dfault")),
    ],
)
def test_an_alias_that_does_not_exist(command: str, options: tuple[str, ...]) -> None:
    assert refused(command, *options).startswith("no database alias 'dfault'; close ones: 'default'")


def test_an_unknown_table_in_where(full: str, tmp_path: Path) -> None:
    words = ("catalog", "--where", "catalog.Nod=id > 1")
    said = refused("dbdump", *words, database=full, output=str(tmp_path / "x"))
    assert said.startswith("no table 'catalog.Nod'; ")


def test_nothing_left_to_dump(full: str, tmp_path: Path) -> None:
    said = refused("dbdump", "catalog", "--exclude", "catalog", database=full, output=str(tmp_path / "x"))
    assert said.startswith(f"no model is left in database alias '{full}'; name other apps or another alias")


def test_a_dump_that_is_not_there(bare: str, tmp_path: Path) -> None:
    said = refused("dbload", tmp_path / "nowhere", database=bare, yes=True)
    assert said == f"no dump '{tmp_path / 'nowhere'}'; check the path"


def test_a_dump_that_has_none_of_the_models(bare: str, full: str, tmp_path: Path) -> None:
    dump = commands.dump(full, tmp_path / "x", "sessions")
    said = refused("dbload", dump, "catalog", database=bare, yes=True)
    assert said.startswith(f"{dump} has no table of the chosen models; it has 'django_session'; check")


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (None, "ModuleNotFoundError: No module named 'mysettings'"),
        ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("x = = 1", "SyntaxError: invalid syntax"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("SECRET_KEY = 'x'; INSTALLED_APPS = ['no_such_app']", "ModuleNotFoundError: No module named 'no_such_app'"),
    ],
)
def test_settings_that_do_not_import(text: str | None, cause: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "mysettings.py").write_text(text)
    words = ("--settings", "mysettings", "dump")
    done = run(LEGACY, *words, folder=tmp_path, variables=environment(None))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"dbdump: error: settings 'mysettings' cannot be used: {cause}")
    assert done.stderr.count("\n") == 1


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "none.db")}
    variables = {**environment(), "DBDUMP_TEST_DATABASES": json.dumps({"default": entry})}
    done = run(MANAGE, "dbdump", folder=tmp_path, variables=variables)
    assert done.returncode == 2
    assert "no SQLite file" in done.stderr
    assert not (tmp_path / "none.db").exists()


# --- several databases ----------------------------------------------------------------------------


def test_foreign_keys_across_aliases_are_said(django_databases: Databases, tmp_path: Path) -> None:
    archive = django_databases.archive("sqlite", filled=True)
    said = commands.run("dbdump", database=archive, output=str(tmp_path / "x"))
    (line,) = (line for line in said.splitlines() if "Record.owner" in line)
    assert line.startswith("note: archive.Record.owner refers to accounts.Account, which the routers keep out of")
    target = django_databases.archive("sqlite", filled=False)
    said = commands.load(tmp_path / "x", target)
    assert "archive.Record.owner refers to accounts.Account" in said


def test_a_model_of_another_database_is_refused(full: str, tmp_path: Path) -> None:
    said = refused("dbdump", "archive", database=full, output=str(tmp_path / "x"))
    assert said == f"the routers keep 'archive' out of the database '{full}'; name the alias that has it"


# --- tables ---------------------------------------------------------------------------------------


def test_a_table_that_migrate_would_make(bare: str, folder: Path) -> None:
    rename = "ALTER TABLE catalog_visit RENAME TO hidden", "ALTER TABLE hidden RENAME TO catalog_visit"
    before = cells(bare)
    with without(bare, *rename):
        said = refused("dbload", folder, database=bare, yes=True)
        dump = refused("dbdump", database=bare, output=str(folder.parent / "not made"))
    assert said == dump
    assert said == (
        f"database alias '{bare}' lacks the tables of catalog.Visit; run manage.py migrate --database {bare} first"
    )
    assert cells(bare) == before
    assert not (folder.parent / "not made").exists()


def test_an_unmanaged_model_without_a_table_is_said(full: str, tmp_path: Path) -> None:
    said = commands.run("dbdump", "catalog", database=full, output=str(tmp_path / "x"), verbosity=0)
    assert said == "note: catalog.Phantom is unmanaged and its table is not there; left out\n"


def test_unapplied_migrations_are_said(bare: str, folder: Path) -> None:
    statements = (
        "CREATE TABLE kept AS SELECT * FROM django_migrations",
        "DELETE FROM django_migrations WHERE app = 'blog'",
        "INSERT INTO django_migrations SELECT * FROM kept WHERE app = 'blog'",
        "DROP TABLE kept",
    )
    with without(bare, *statements):
        said = commands.load(folder, bare)
    lines = [line for line in said.splitlines() if line.startswith("note: ") and "blog" in line]
    assert [line for line in lines if "0001_initial" in line]


def test_a_dump_of_another_state_of_the_migrations_is_said(bare: str, folder: Path, tmp_path: Path) -> None:
    dump = tmp_path / "x"
    shutil.copytree(folder, dump)
    manifest = json.loads((dump / "manifest.json").read_text())
    assert manifest["extra"]["django"]["heads"]["blog"] == ["0001_initial"]
    manifest["extra"]["django"]["heads"]["blog"] = ["0002_later"]
    (dump / "manifest.json").write_text(json.dumps(sealed(manifest)))
    said = [line for line in commands.load(dump, bare).splitlines() if "the dump was made at" in line]
    assert len(said) == 1
    assert said[0].startswith("note: app 'blog': the dump was made at '0002_later', the target is at '0001_initial'")
    assert "the dump was made at" not in commands.load(dump, bare, "catalog")


# --- rows -----------------------------------------------------------------------------------------


def test_rows_whose_parents_are_not_in_the_dump(bare: str, full: str, tmp_path: Path) -> None:
    dump = commands.dump(full, tmp_path / "x", "catalog.City")
    before = cells(bare)
    with pytest.raises(CommandError) as raised:
        commands.load(dump, bare)
    assert raised.value.returncode == 3
    assert str(raised.value).startswith("table catalog_city: country_id refers to rows that catalog_country ")
    assert "rolled back" in str(raised.value)
    assert cells(bare) == before


def test_every_refused_row_is_shown(bare: str, full: str, tmp_path: Path) -> None:
    """A dump edited by hand, with two values that no integer is."""
    dump = commands.dump(full, tmp_path / "x", "catalog.Node")
    (data,) = dump.glob("data/*.tsv")
    lines = data.read_text().splitlines()
    position = lines[0].split("\t").index("position")
    for number in (1, 5):
        fields = lines[number].split("\t")
        fields[position] = "many"
        lines[number] = "\t".join(fields)
    data.write_text("\n".join([*lines, ""]))
    before = cells(bare)
    said = StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("dbload", str(dump), database=bare, yes=True, allow_edited=True, stdout=said, stderr=said)
    assert raised.value.returncode == 3
    assert str(raised.value) == "3 errors found, rolled back"
    (line,) = [line for line in said.getvalue().splitlines() if "values are not an integer" in line]
    assert "column position: 2 values" in line
    assert line.count("'many' in row (id=") == 2
    with pytest.raises(CommandError) as raised:
        commands.run("dbload", dump, database=bare, yes=True, allow_edited=True, fail_fast=True)
    assert "'many' is not an integer" in str(raised.value)
    assert cells(bare) == before


@pytest.mark.parametrize(
    ("record", "place", "expected"),
    [
        ("[1, a, 0, None]", "6:5", "expected a value"),
        ("[1, 'a', 0", "6:11", "expected"),
        ("[1, 'a', 0, None, 5]", "6:", "expected"),
        ("[1, 'a', 'zero', None]", "6", "is not an integer"),
    ],
)
def test_a_broken_record_of_2007(record: str, place: str, expected: str, bare: str, tmp_path: Path) -> None:
    (tmp_path / "datadir").mkdir()
    (tmp_path / "datadir" / "catalog_node.py").write_text(
        "table = 'catalog_node'\nfields = ['id', 'name', 'position', 'parent_id']\n"
        f"default = {{}}\nrecords = [\n[2, 'b', 0, None]\n{record}\n]\n"
    )
    before = cells(bare)
    connections[bare].close()
    done = run(LEGACY, "load", folder=tmp_path, variables=environment(default=bare))
    assert done.returncode == 3
    line = done.stderr.splitlines()[0]
    assert f"datadir/catalog_node.py:{place}" in line
    assert expected in line
    assert done.stderr.splitlines()[-1] == "1 error found, rolled back"
    assert cells(bare) == before


def test_a_load_without_a_dump(tmp_path: Path, full: str) -> None:
    done = run(MANAGE, "dbload", folder=tmp_path, variables=environment(default=full))
    assert done.returncode == 2
    assert done.stderr.endswith("error: the following arguments are required: DUMP\n")
