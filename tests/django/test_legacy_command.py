"""`python -m dbdump_django`: one test or more for each row of what the program of 2007 did."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from pathlib import Path
from shutil import copytree

import pytest
from django.db import connections
from django.utils import timezone

from dbdump_django.legacy import main
from tests.django.contents import cells
from tests.django.databases import Databases
from tests.django.processes import ENDS, LEGACY, ROOT, SETTINGS, environment, run
from tests.django.project.accounts.models import Account
from tests.django.project.blog.models import Comment, Post, Series
from tests.django.project.catalog.models import City, Country, Node, Order, Visit

DONE = "Successful!"
Run = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def folder(django_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All tables of the full database in a folder of 2007, not to be changed."""
    where = tmp_path_factory.mktemp("legacy") / "all"
    done = legacy(django_databases.filled("sqlite"), "dump", "-d", where, folder=where.parent)
    assert done.returncode == 0, done.stderr
    return where


def legacy(alias: str, *arguments: object, folder: Path) -> Run:
    """Run the command line on the database `alias`, in this process, as if started in `folder`."""
    words = ["--database", alias, *map(str, arguments)]
    with chdir(folder), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = main(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def successful(done: Run) -> Run:
    """Look that a run ended well, saying so; on standard error it may note what is worth knowing."""
    assert (done.returncode, [line for line in done.stderr.splitlines() if not line.startswith("note: ")]) == (0, [])
    assert done.stdout.splitlines()[-1] == DONE
    return done


def old_file(folder: Path, table: str, fields: Sequence[str], records: Sequence[str], default: str = "{}") -> Path:
    """Write a data file as the program of 2007 wrote it: a record a line, without commas."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{table}.py"
    head = [f"table = {table!r}", f"fields = {list(fields)!r}"]
    head += ['#default item format: "fieldname":("type", "value")', f"default = {default}", "records = ["]
    path.write_text("\n".join([*head, *records, "]", ""]))
    return path


# --- dump [applist], load [applist]: all apps when none is named, else only those ------------------


def test_all_apps_when_none_is_named(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    successful(legacy(bare, "load", "-d", folder, folder=tmp_path))
    assert cells(bare) == cells(full)


def test_only_the_apps_named_are_dumped(full: str, tmp_path: Path) -> None:
    successful(legacy(full, "dump", "sessions", "catalog.Node", folder=tmp_path))
    assert {path.name for path in (tmp_path / "datadir").iterdir()} == {"django_session.py", "catalog_node.py"}


def test_only_the_apps_named_are_loaded(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    before = cells(bare)
    successful(legacy(bare, "load", "sessions", "catalog.Node", "-d", folder, folder=tmp_path))
    after = cells(bare)
    assert {table for table in after if after[table] != before[table]} == {"django_session", "catalog_node"}


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("blogg", "no app 'blogg'; close ones: 'blog'"),
        ("catalog.Nodee", "no model 'catalog.Nodee'; close ones: 'catalog.Node'"),
    ],
)
@pytest.mark.parametrize("action", ["dump", "load"])
def test_an_unknown_name_lists_the_close_ones(action: str, label: str, message: str, bare: str, tmp_path: Path) -> None:
    done = legacy(bare, action, label, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"dbdump: error: {message}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "datadir").exists()


def test_options_stand_before_or_after_the_action(full: str, tmp_path: Path) -> None:
    for words in (["-d", "a", "dump", "sessions"], ["dump", "-d", "b", "sessions"], ["dump", "sessions", "-d", "c"]):
        successful(legacy(full, *words, folder=tmp_path))
    texts = {(tmp_path / name / "django_session.py").read_text() for name in "abc"}
    assert len(texts) == 1


# --- --settings -----------------------------------------------------------------------------------


def test_the_settings_that_are_named(full: str, tmp_path: Path) -> None:
    variables = environment(None, default=full)
    successful(run(LEGACY, "--settings", SETTINGS, "dump", "sessions", folder=tmp_path, variables=variables))


def test_the_settings_in_the_current_folder(full: str, tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text(f"from {SETTINGS} import *\n")
    successful(run(LEGACY, "dump", "sessions", folder=tmp_path, variables=environment(None, default=full)))


def test_no_settings_are_a_clear_complaint(full: str, tmp_path: Path) -> None:
    done = run(LEGACY, "dump", folder=tmp_path, variables=environment(None, default=full))
    assert done.returncode == 2
    assert done.stderr == (
        "dbdump: error: no settings: give --settings MODULE, set DJANGO_SETTINGS_MODULE,"
        " or run in the folder of settings.py\n"
    )


# --- -d DIR: `datadir` by default, created when missing --------------------------------------------


def test_the_folder_is_datadir_and_made_when_missing(full: str, bare: str, tmp_path: Path) -> None:
    successful(legacy(full, "dump", "catalog.Node", folder=tmp_path))
    assert [path.name for path in (tmp_path / "datadir").iterdir()] == ["catalog_node.py"]
    successful(legacy(bare, "load", "catalog.Node", folder=tmp_path))
    assert cells(bare)["catalog_node"] == cells(full)["catalog_node"]


def test_a_second_dump_replaces_the_files(full: str, bare: str, tmp_path: Path) -> None:
    successful(legacy(full, "dump", "catalog.Node", folder=tmp_path))
    successful(legacy(bare, "dump", "catalog.Node", folder=tmp_path))
    assert "node 0" not in (tmp_path / "datadir" / "catalog_node.py").read_text()


# --- -s: dump to the console; load: print what would be inserted, insert nothing -------------------


def test_s_dumps_to_the_console(full: str, folder: Path, tmp_path: Path) -> None:
    done = legacy(full, "-s", "dump", "catalog.Node", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout == (folder / "catalog_node.py").read_text(encoding="utf-8")
    assert done.stderr.splitlines() == [DONE]
    assert list(tmp_path.iterdir()) == []


def test_s_prints_what_would_be_inserted_alone(bare: str, full: str, folder: Path, tmp_path: Path) -> None:
    before = cells(bare)
    done = legacy(bare, "-s", "load", "catalog.Node", "-d", folder, folder=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == Node._base_manager.using(full).count()
    assert all(line.startswith("catalog_node: id=") for line in lines)
    assert cells(bare) == before


# --- -v: say what is done and how many records each table had --------------------------------------


@pytest.mark.parametrize("action", ["dump", "load"])
def test_v_says_how_many_records_there_were(action: str, full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    words = ["-d", folder] if action == "load" else []
    done = successful(legacy(bare if action == "load" else full, "-v", action, "catalog", *words, folder=tmp_path))
    count = Node._base_manager.using(full).count()
    assert any(line.split()[:3] == ["catalog_node:", str(count), "rows,"] for line in done.stdout.splitlines())
    quiet = successful(legacy(full, "dump", "catalog", folder=tmp_path))
    assert quiet.stdout == f"{DONE}\n"


# --- -h: help, also when no action is given --------------------------------------------------------


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"], ["-v"], ["dump", "-h"]])
def test_help(words: list[str], tmp_path: Path) -> None:
    done = run(LEGACY, *words, folder=tmp_path, variables=environment(None))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: python -m dbdump_django [-svdhre] [--settings MODULE] dump|load")


def test_another_action_is_refused(tmp_path: Path) -> None:
    done = run(LEGACY, "lod", folder=tmp_path, variables=environment(None))
    assert done.returncode == 2
    assert done.stderr == "dbdump: error: the action is dump or load, not 'lod' (did you mean 'load'?)\n"


# --- -r: keep the existing records; default: empty the tables first --------------------------------


@pytest.mark.parametrize("keep", [False, True])
def test_r_keeps_the_existing_records(keep: bool, bare: str, full: str, folder: Path, tmp_path: Path) -> None:
    Node._base_manager.using(bare).create(id=4711, name="mine")
    words = ["-r"] if keep else []
    successful(legacy(bare, *words, "load", "catalog.Node", "-d", folder, folder=tmp_path))
    assert Node._base_manager.using(bare).filter(id=4711).exists() is keep
    assert Node._base_manager.using(bare).count() == Node._base_manager.using(full).count() + keep


# --- -e: stop at the first error; otherwise count them and roll everything back --------------------


BROKEN = ["[1, 'a', 0, None]", "[2, 'b', 'many', None]", "[3, c, 0, None]", "[4, 'd', 0, None]"]


def test_all_errors_are_counted_and_everything_is_rolled_back(bare: str, tmp_path: Path) -> None:
    Node._base_manager.using(bare).create(id=4711, name="mine")
    old_file(tmp_path / "datadir", "catalog_node", ["id", "name", "position", "parent_id"], BROKEN)
    old_file(tmp_path / "datadir", "blog_category", ["id", "name"], ["[1, 'fine']", "['x', 'bad']"])
    before = cells(bare)
    done = legacy(bare, "load", folder=tmp_path)
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert [line for line in lines if "catalog_node.py:7" in line and "'many'" in line]
    assert [line for line in lines if "catalog_node.py:8:5" in line]
    assert [line for line in lines if "blog_category.py:7" in line and "'x'" in line]
    assert lines[-1] == "3 errors found, rolled back"
    assert DONE not in done.stdout
    assert cells(bare) == before


@pytest.mark.parametrize("word", ["-e", "--fail-fast"])
def test_e_stops_at_the_first_error(word: str, bare: str, tmp_path: Path) -> None:
    old_file(tmp_path / "datadir", "catalog_node", ["id", "name", "position", "parent_id"], BROKEN)
    before = cells(bare)
    done = legacy(bare, word, "load", folder=tmp_path)
    assert done.returncode == 3
    first, last = done.stderr.splitlines()
    assert "catalog_node.py:" in first
    assert last == "1 error found, rolled back"
    assert cells(bare) == before


def test_a_dump_that_fails_leaves_the_old_files(full: str, bare: str, tmp_path: Path) -> None:
    successful(legacy(full, "dump", "catalog.Node", folder=tmp_path))
    before = (tmp_path / "datadir" / "catalog_node.py").read_bytes()
    with connections[bare].cursor() as cursor:
        cursor.execute("INSERT INTO catalog_node (id, name, position) VALUES (1, CAST(x'ff41' AS text), 0)")
    done = legacy(bare, "-e", "dump", "catalog.Node", folder=tmp_path)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == "1 error found, rolled back"
    assert [path.name for path in (tmp_path / "datadir").iterdir()] == ["catalog_node.py"]
    assert (tmp_path / "datadir" / "catalog_node.py").read_bytes() == before


# --- all loads of one run in one transaction -------------------------------------------------------


def test_one_transaction_for_all_tables(bare: str, tmp_path: Path) -> None:
    """An error in the last table takes back the first."""
    old_file(tmp_path / "datadir", "catalog_currency", ["id", "code", "name"], ["[1, 'EUR', 'Euro']"])
    old_file(tmp_path / "datadir", "catalog_visit", ["id", "at", "product_id"], ["[1, 'never', 1]"])
    done = legacy(bare, "load", folder=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (3, "1 error found, rolled back")
    assert cells(bare)["catalog_currency"] == []


# --- table order: parents of foreign keys and one-to-ones first; self references; cycles -----------


def test_parents_come_first_whatever_the_files_are_called(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    done = legacy(full, "-s", "dump", "catalog", folder=tmp_path)
    tables = [ast.literal_eval(line[8:]) for line in done.stdout.splitlines() if line.startswith("table = ")]
    for child, parent in [
        ("catalog_book", "catalog_product"), ("catalog_audiobook", "catalog_book"),
        ("catalog_stock", "catalog_warehouse"), ("catalog_product", "catalog_node"),
        ("Order Lines: it's Größe", "order"),
    ]:  # fmt: skip
        assert tables.index(parent) < tables.index(child)
    successful(legacy(bare, "load", "catalog", "-d", folder, folder=tmp_path))
    assert cells(bare)["catalog_audiobook"] == cells(full)["catalog_audiobook"]


def test_self_references_and_cycles(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    words = ("catalog.Node", "catalog.Country", "catalog.City")
    successful(legacy(bare, "load", *words, "-d", folder, folder=tmp_path))
    assert Country._base_manager.using(bare).filter(capital__isnull=False).exists()
    assert City._base_manager.using(bare).filter(country__isnull=False).exists()
    assert Node._base_manager.using(bare).filter(parent__id__gt=1).exists()


# --- automatic many-to-many tables beside their model; generic relations have no table -------------


def test_many_to_many_tables_follow_their_model(full: str, tmp_path: Path) -> None:
    successful(legacy(full, "dump", "blog.Post", folder=tmp_path))
    names = {path.stem for path in (tmp_path / "datadir").iterdir()}
    own = {"blog_post", "blog_post_categories", "blog_post_related", "blog_post_answers"}
    assert own <= names
    assert not {"blog_tag", "blog_editing", "blog_comment"} & names


def test_what_is_advised_is_an_option_of_this_command(bare: str, folder: Path, tmp_path: Path) -> None:
    successful(legacy(bare, "load", "catalog", "-d", folder, folder=tmp_path))
    done = legacy(bare, "load", "catalog.Country", "-d", folder, folder=tmp_path)
    assert done.returncode == 2
    assert "add catalog_city to the tables to load, or give -r" in done.stderr
    assert "--append" not in done.stderr


# --- a model without a data file is skipped on load, said only with -v -----------------------------


def test_a_model_without_a_file_is_skipped_and_said_with_v(bare: str, tmp_path: Path) -> None:
    old_file(tmp_path / "datadir", "catalog_node", ["id", "name"], ["[1, 'a']"])
    before = cells(bare)
    assert successful(legacy(bare, "load", folder=tmp_path)).stdout == f"{DONE}\n"
    said = successful(legacy(bare, "-v", "load", folder=tmp_path)).stdout
    (line,) = (line for line in said.splitlines() if "so left alone" in line)
    assert "catalog.City" in line
    assert "catalog.Node" not in line
    after = cells(bare)
    assert {table for table in after if after[table] != before[table]} == {"catalog_node"}


# --- one file a table, TABLE.py, read by a strict literal reader -----------------------------------


def test_a_file_is_what_it_was_in_2007(full: str, folder: Path) -> None:
    text = (folder / "catalog_node.py").read_text(encoding="utf-8")
    names = {target.id: ast.literal_eval(node.value) for node in ast.parse(text).body for target in node.targets}
    assert names["table"] == "catalog_node"
    assert names["fields"] == ["id", "name", "position", "parent_id"]
    assert names["default"] == {}
    assert len(names["records"]) == Node._base_manager.using(full).count()
    assert text.count("\n[") == len(names["records"])


@pytest.mark.parametrize(
    "record", ["[1, open('owned', 'w').name]", "[1, __import__('os').mkdir('owned')]", "[1, 'a' + 'b']"]
)
def test_a_file_is_never_run(record: str, bare: str, tmp_path: Path) -> None:
    old_file(tmp_path / "datadir", "catalog_node", ["id", "name"], [record])
    done = legacy(bare, "load", folder=tmp_path)
    assert done.returncode == 3
    assert "catalog_node.py:6:" in done.stderr
    assert not (tmp_path / "owned").exists()


def test_a_file_with_statements_is_refused(bare: str, tmp_path: Path) -> None:
    path = old_file(tmp_path / "datadir", "catalog_node", ["id", "name"], ["[1, 'a']"])
    path.write_text("import os\nos.mkdir('owned')\n" + path.read_text())
    done = legacy(bare, "load", folder=tmp_path)
    assert done.returncode == 2
    assert "catalog_node.py:1:1: expected table = " in done.stderr
    assert not (tmp_path / "owned").exists()


def test_spellings_of_python_2(bare: str, tmp_path: Path) -> None:
    records = ["[1L, u'gr\\xfc\\xdfe', True, None]", "[2, 'plain', 0, 5L],"]
    old_file(tmp_path / "datadir", "order", ["id", "group", "primary", "select"], records)
    successful(legacy(bare, "load", folder=tmp_path))
    found = Order._base_manager.using(bare).order_by("id").values_list("id", "group", "key", "select")
    assert list(found) == [(1, "grüße", True, None), (2, "plain", False, 5)]


# --- dates, times, decimals ------------------------------------------------------------------------


def test_old_moments_and_new_ones(bare: str, tmp_path: Path) -> None:
    old_file(
        tmp_path / "datadir", "catalog_visit", ["id", "at", "product_id"],
        ["[1, '2007-11-01 10:00:00', 1]", "[2, '2007-11-01 10:00:00.000001', 1]"],
    )  # fmt: skip
    successful(legacy(bare, "load", folder=tmp_path))
    first = datetime(2007, 11, 1, 10, tzinfo=UTC)
    found = Visit._base_manager.using(bare).order_by("id").values_list("at", flat=True)
    assert list(found) == [first, first + timedelta(microseconds=1)]


def test_microseconds_and_decimals_are_kept(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    successful(legacy(bare, "load", "-d", folder, folder=tmp_path))
    columns = ("published", "day", "hour", "rating", "reading_time", "score")
    ours = list(Post._base_manager.using(full).order_by("id").values_list(*columns))
    assert list(Post._base_manager.using(bare).order_by("id").values_list(*columns)) == ours
    assert any(row[0] and row[0].microsecond for row in ours)
    assert {type(row[1]) for row in ours} == {date, type(None)}
    assert {type(row[2]) for row in ours} == {time, type(None)}


# --- fields by name: columns may have been added, removed or moved ---------------------------------


def test_columns_added_removed_and_moved(bare: str, tmp_path: Path) -> None:
    records = ["['gone', None, 'a', 1]", "['gone', 1, 'b', 2]"]
    old_file(tmp_path / "datadir", "catalog_node", ["was_here", "parent_id", "name", "id"], records)
    done = successful(legacy(bare, "load", folder=tmp_path))
    assert "note: column catalog_node.was_here is not in the target; left out" in done.stderr.splitlines()
    found = Node._base_manager.using(bare).order_by("id").values_list("id", "name", "position", "parent_id")
    assert list(found) == [(1, "a", 0, None), (2, "b", 0, 1)]


# --- a field missing in the file: the model's default, then the file's ------------------------------


def test_callable_defaults_are_called_for_each_row(bare: str, tmp_path: Path) -> None:
    site = connections[bare].cursor().execute("SELECT min(id) FROM django_site").fetchone()[0]
    records = [f"['name {number}', {site}]" for number in range(50)]
    old_file(tmp_path / "datadir", "blog_series", ["name", "site_id"], records)
    successful(legacy(bare, "load", "blog.Series", folder=tmp_path))
    keys = set(Series._base_manager.using(bare).values_list("id", flat=True))
    assert len(keys) == 50
    assert {key.version for key in keys} == {4}


def test_auto_now_fields_get_the_moment_of_the_load(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    successful(legacy(bare, "load", "-d", folder, folder=tmp_path))
    post = Post._base_manager.using(bare).order_by("id").first()
    old_file(tmp_path / "datadir", "blog_comment", ["id", "post_id", "text"], [f"[1, {post.pk}, 'a']"])
    before = timezone.now()
    successful(legacy(bare, "load", "blog.Comment", folder=tmp_path))
    comment = Comment._base_manager.using(bare).get()
    assert before - timedelta(seconds=1) < comment.created <= timezone.now()
    assert before - timedelta(seconds=1) < comment.modified <= timezone.now()
    assert comment.author_id is None


def test_integers_without_default_are_null(bare: str, tmp_path: Path) -> None:
    old_file(tmp_path / "datadir", "order", ["id", "group"], ["[1, 'a']"])
    successful(legacy(bare, "load", folder=tmp_path))
    order = Order._base_manager.using(bare).get()
    assert (order.select, order.key) == (None, False)


def test_the_default_of_the_file_overrides_that_of_the_model(bare: str, tmp_path: Path) -> None:
    default = "{'position': ('value', 7), 'name': ('reference', 'title')}"
    old_file(tmp_path / "datadir", "catalog_node", ["id", "title"], ["[1, 'a']", "[2, 'b']"], default)
    successful(legacy(bare, "load", folder=tmp_path))
    found = Node._base_manager.using(bare).order_by("id").values_list("name", "position")
    assert list(found) == [("a", 7), ("b", 7)]


# --- kinds of defaults -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("default", "low", "high"),
    [
        ("('datetime', 'now')", -5, 60),
        ("('datetime', '2007-11-01 10:00:00')", None, None),
        ("('value', '2007-11-01 10:00:00')", None, None),
        ("('reference', 'written')", None, None),
    ],
)
def test_kinds_of_defaults(default: str, low: int | None, high: int | None, bare: str, tmp_path: Path) -> None:
    fields = ["id", "product_id", "written"]
    record = "[1, 1, '2007-11-01 10:00:00']"
    old_file(tmp_path / "datadir", "catalog_visit", fields, [record], "{'at': %s}" % default)  # noqa: UP031
    before = timezone.now()
    successful(legacy(bare, "load", folder=tmp_path))
    found = Visit._base_manager.using(bare).get().at
    if low is None or high is None:
        assert found == datetime(2007, 11, 1, 10, tzinfo=UTC)
    else:
        assert low <= (found - before).total_seconds() <= high


def test_a_default_of_null_and_one_of_uuid(bare: str, tmp_path: Path) -> None:
    site = connections[bare].cursor().execute("SELECT min(id) FROM django_site").fetchone()[0]
    old_file(
        tmp_path / "datadir", "blog_series", ["name"], ["['a']", "['b']"],
        "{'id': ('uuid', None), 'site_id': ('value', %d)}" % site,  # noqa: UP031
    )  # fmt: skip
    old_file(tmp_path / "datadir", "catalog_node", ["id", "name"], ["[1, 'a']"], "{'parent_id': ('null', None)}")
    successful(legacy(bare, "load", folder=tmp_path))
    assert Series._base_manager.using(bare).count() == 2
    assert Node._base_manager.using(bare).get().parent_id is None


@pytest.mark.parametrize("default", ["('color', 'red')", "('reference', 'nowhere')"])
def test_a_default_that_cannot_be_is_named(default: str, bare: str, tmp_path: Path) -> None:
    old_file(tmp_path / "datadir", "catalog_node", ["id", "name"], ["[1, 'a']"], "{'position': %s}" % default)  # noqa: UP031
    before = cells(bare)
    done = legacy(bare, "load", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("dbdump: error: ")
    assert "catalog_node.py:4" in done.stderr
    assert "position" in done.stderr
    assert done.stderr.count("\n") == 1
    assert cells(bare) == before


# --- sequences; sqlite, PostgreSQL, MySQL, MariaDB -------------------------------------------------


def test_on_every_engine(engine_name: str, filled: str, fresh: str, tmp_path: Path) -> None:
    """What was dumped is there cell by cell, and the next row of a table gets a key."""
    successful(legacy(filled, "dump", folder=tmp_path))
    successful(legacy(fresh, "load", folder=tmp_path))
    assert cells(fresh) == cells(filled)
    highest = max(Node._base_manager.using(fresh).values_list("id", flat=True))
    assert Node._base_manager.using(fresh).create(name="next").pk > highest
    Account._base_manager.using(fresh).create(username="next")


def test_files_of_one_engine_load_into_another(django_databases: Databases, folder: Path, tmp_path: Path) -> None:
    target = django_databases.fresh("postgresql")
    successful(legacy(target, "load", "-d", folder, folder=tmp_path))
    assert cells(target) == cells(django_databases.filled("sqlite"))


# --- it never asks ---------------------------------------------------------------------------------


def test_it_never_asks(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    """Standard input stays open, and nothing is read from it."""
    Node._base_manager.using(bare).create(id=4711, name="mine")
    connections[bare].close()
    words = [*LEGACY, "load", "catalog.Node", "-d", str(folder)]
    with subprocess.Popen(words, cwd=tmp_path, env=environment(default=bare), stdin=subprocess.PIPE) as process:
        assert process.wait(ENDS) == 0
    assert not Node._base_manager.using(bare).filter(id=4711).exists()


def test_another_database(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    connections[bare].close()
    words = ("--database", "other", "load", "catalog.Node", "-d", folder)
    successful(run(LEGACY, *words, folder=tmp_path, variables=environment(default=full, other=bare)))
    assert cells(bare)["catalog_node"] == cells(full)["catalog_node"]


def test_help_needs_no_django() -> None:
    code = "import sys; from dbdump_django.legacy import main; main([]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment(None)
    )
    assert not {"django", "sqlalchemy"} & set(done.stderr.split())


def test_the_console_is_utf_8_whatever_the_locale(full: str, tmp_path: Path) -> None:
    variables = {**environment(default=full), "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    done = run(LEGACY, "-s", "dump", "catalog.City", folder=tmp_path, variables=variables)
    assert done.returncode == 0
    assert "Österreich" in done.stdout
    assert json.dumps(done.stderr) == json.dumps(f"{DONE}\n")


def test_what_matters_is_said_without_v(full: str, folder: Path, tmp_path: Path) -> None:
    """Ids of content types mean nothing when their file is missing: no one should learn that from -v alone."""
    copied = tmp_path / "datadir"
    copytree(folder, copied)
    (copied / "django_content_type.py").unlink()
    done = successful(legacy(full, "load", "blog.Tag", folder=tmp_path))
    assert any("are taken as they are" in line for line in done.stderr.splitlines()), done.stderr
