"""manage.py dbdump, dbload, dbcopy and dbverify in Django's manner, and the same verbs from Python."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections, transaction
from django.db.models import signals as model_signals

import dbdump_django
from dbdump_core import UnsafeError, UsageError
from tests.django import commands
from tests.django.contents import cells
from tests.django.processes import ENDS, MANAGE, ROOT, environment, file_of, run
from tests.django.project.blog.models import Post, Tag
from tests.django.project.catalog.models import Node

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX terminals and signals")


@pytest.fixture(scope="module")
def folder(full: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump of all that `full` holds."""
    return commands.dump(full, tmp_path_factory.mktemp("dump") / "all")


def tables_of(dump: Path) -> set[str]:
    return {table["name"] for table in json.loads((dump / "manifest.json").read_text())["tables"]}


def failure(command: str, *arguments: object, **options: object) -> CommandError:
    """The error that a command ends with; it is one line."""
    with pytest.raises(CommandError) as raised:
        commands.run(command, *arguments, **options)
    assert "\n" not in str(raised.value)
    return raised.value


# --- which models ---------------------------------------------------------------------------------


def test_rows_that_managers_hide_are_dumped(full: str, folder: Path) -> None:
    everything = Post._base_manager.using(full).count()
    assert Post.objects.using(full).count() < everything
    tables = json.loads((folder / "manifest.json").read_text())["tables"]
    assert {table["name"]: table["rows"] for table in tables}["blog_post"] == everything


def test_labels_name_apps_and_models(full: str, tmp_path: Path) -> None:
    dump = commands.dump(full, tmp_path / "some", "catalog.Node", "sessions")
    assert tables_of(dump) == {"catalog_node", "django_session"}


def test_what_rows_refer_to_is_taken_along(full: str, tmp_path: Path) -> None:
    dump = commands.dump(full, tmp_path / "tags", "blog.Tag")
    assert {"blog_tag", "django_content_type"} <= tables_of(dump)
    extra = json.loads((dump / "manifest.json").read_text())["extra"]["django"]
    assert "django_content_type" in extra["lookups"]
    assert "blog_tag" not in extra["lookups"]


def test_the_state_of_the_migrations_is_in_the_dump(folder: Path) -> None:
    extra = json.loads((folder / "manifest.json").read_text())["extra"]["django"]
    assert extra["migrations"]["blog"] == extra["heads"]["blog"] == ["0001_initial"]
    assert extra["migrations"]["contenttypes"] == ["0001_initial", "0002_remove_content_type_name"]
    assert extra["heads"]["contenttypes"] == ["0002_remove_content_type_name"]
    assert extra["unmigrated"] == []
    assert extra["swappable"] == {"AUTH_USER_MODEL": "accounts.Account"}


def test_exclude_takes_apps_and_models(full: str, folder: Path, tmp_path: Path) -> None:
    words = ("--exclude", "sessions", "--exclude", "catalog.Node")
    commands.run("dbdump", *words, database=full, output=str(tmp_path / "x"))
    assert tables_of(folder) - tables_of(tmp_path / "x") == {"django_session", "catalog_node"}


@pytest.mark.parametrize("name", ["catalog.Node", "catalog.node", "catalog_node"])
def test_where_takes_models_and_tables(name: str, full: str, tmp_path: Path) -> None:
    commands.run("dbdump", "catalog", "--where", f"{name}=id <= 3", database=full, output=str(tmp_path / "x"))
    tables = json.loads((tmp_path / "x" / "manifest.json").read_text())["tables"]
    assert {table["name"]: table["rows"] for table in tables}["catalog_node"] == 3


def test_where_names_a_table_once(full: str, tmp_path: Path) -> None:
    words = ("--where", "catalog.Node=id > 1", "--where", "catalog_node=id < 9")
    error = failure("dbdump", "catalog", *words, database=full, output=str(tmp_path / "x"))
    assert str(error) == "--where names table 'catalog_node' twice; join the conditions with AND"
    assert error.returncode == 2


def test_a_load_of_some_models_leaves_the_others_alone(bare: str, folder: Path) -> None:
    before = cells(bare)
    said = commands.load(folder, bare, "catalog.Node", "sessions")
    after = cells(bare)
    assert {table for table in after if after[table] != before[table]} == {"catalog_node", "django_session"}
    assert "not in the source" not in said


def test_models_that_the_dump_lacks_are_in_the_report(bare: str, full: str, tmp_path: Path) -> None:
    said = commands.load(commands.dump(full, tmp_path / "x", "catalog.Node"), bare)
    (line,) = (line for line in said.splitlines() if "not in the source" in line)
    assert "sessions.Session" in line
    assert "catalog.Node" not in line
    assert "catalog.Phantom" not in line  # it has no table here either


def test_tables_without_a_model_are_left_out_and_said(bare: str, full: str, tmp_path: Path) -> None:
    with connections[full].cursor() as cursor:
        cursor.execute("CREATE TABLE strange (id integer PRIMARY KEY)")
    try:
        done = dump_all_tables(file_of(full), tmp_path / "x")
        assert done.returncode == 0, done.stderr
        said = commands.load(tmp_path / "x", bare)
    finally:
        with connections[full].cursor() as cursor:
            cursor.execute("DROP TABLE strange")
    assert "left out, as no model has these tables: strange" in said
    assert "django_migrations" not in said
    assert cells(bare) == cells(full)


def dump_all_tables(database: str, output: Path) -> subprocess.CompletedProcess[str]:
    """Dump without Django: all tables, in the types that the database says."""
    words = [sys.executable, "-m", "dbdump_core.cli", "dump", database, "-o", str(output), "--quiet"]
    return subprocess.run(words, capture_output=True, text=True, timeout=ENDS, check=False, cwd=ROOT)


# --- loading, copying -----------------------------------------------------------------------------


def test_rows_are_not_replaced_unasked(bare: str, folder: Path) -> None:
    error = failure("dbload", folder, database=bare)
    assert error.returncode == 2
    assert "tables hold rows: " in str(error)
    assert "give -y to empty and load them, or --append to keep their rows" in str(error)


@pytest.mark.parametrize("options", [{"yes": True}, {"interactive": False}])
def test_options_that_agree(options: dict[str, bool], bare: str, full: str, folder: Path) -> None:
    commands.run("dbload", folder, database=bare, **options)
    assert cells(bare) == cells(full)


@pytest.mark.parametrize("word", ["-y", "--yes", "--noinput", "--no-input"])
def test_words_that_agree(word: str, bare: str, full: str, folder: Path) -> None:
    commands.run("dbload", folder, "catalog.Node", "--database", bare, word)
    assert cells(bare)["catalog_node"] == cells(full)["catalog_node"]


def test_append_keeps_what_is_there(bare: str, full: str, folder: Path) -> None:
    Node._base_manager.using(bare).create(id=12345, name="kept")
    commands.run("dbload", folder, "catalog.Node", database=bare, append=True)
    assert len(cells(bare)["catalog_node"]) == len(cells(full)["catalog_node"]) + 1


def test_loading_twice_changes_nothing(bare: str, folder: Path) -> None:
    commands.load(folder, bare)
    once = cells(bare)
    commands.load(folder, bare)
    assert cells(bare) == once


def test_a_copy_of_named_models(bare: str, full: str) -> None:
    before = cells(bare)
    commands.run("dbcopy", "catalog", "--from", full, "--to", bare, "--yes", "--exclude", "catalog.Visit")
    after = cells(bare)
    assert after["catalog_node"] == cells(full)["catalog_node"]
    assert after["catalog_visit"] == before["catalog_visit"] == []
    assert after["blog_tag"] == []


def test_a_copy_takes_where(bare: str, full: str) -> None:
    where = "catalog.Warehouse=code = (SELECT min(code) FROM catalog_warehouse)"
    words = ("--from", full, "--to", bare, "--yes", "--where", where)
    commands.run("dbcopy", "catalog.Warehouse", *words)
    assert len(cells(bare)["catalog_warehouse"]) == 1


def test_no_signal_of_a_model_and_one_of_the_load(bare: str, folder: Path) -> None:
    heard: list[dict[str, object]] = []

    def never(sender: type, **keywords: object) -> None:
        if sender.__module__ != "django.db.migrations.recorder":  # Django reads its own record with models
            pytest.fail(f"a signal of {sender}")

    def hear(**keywords: object) -> None:
        heard.append(keywords)

    names = ("pre_init", "post_init", "pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed")
    quiet = [getattr(model_signals, name) for name in names]
    for one in quiet:
        one.connect(never)
    dbdump_django.post_load.connect(hear)
    try:
        report = dbdump_django.load(str(folder), alias=bare, replace=True)
    finally:
        dbdump_django.post_load.disconnect(hear)
        for one in quiet:
            one.disconnect(never)
    (told,) = heard
    assert told["alias"] == bare
    assert told["report"].rows == report.rows > 1000
    assert told["sender"].__name__ == "DbdumpConfig"


def test_a_receiver_that_fails_undoes_nothing(bare: str, full: str, folder: Path) -> None:
    def fail(**keywords: object) -> None:
        raise ValueError("no index today")

    dbdump_django.post_load.connect(fail)
    try:
        said = commands.load(folder, bare)
    finally:
        dbdump_django.post_load.disconnect(fail)
    assert "a receiver of post_load failed: ValueError: no index today" in said
    assert cells(bare) == cells(full)


def test_a_load_that_fails_tells_nobody(bare: str, folder: Path) -> None:
    heard: list[object] = []

    def hear(**keywords: object) -> None:
        heard.append(keywords)

    dbdump_django.post_load.connect(hear)
    try:
        assert failure("dbload", folder, database=bare).returncode == 2
    finally:
        dbdump_django.post_load.disconnect(hear)
    assert heard == []


@pytest.mark.parametrize("verb", ["dump", "load", "copy", "verify"])
def test_an_open_transaction_is_refused(verb: str, bare: str, full: str, folder: Path, tmp_path: Path) -> None:
    calls = {
        "dump": lambda: dbdump_django.dump(str(tmp_path / "x"), alias=bare),
        "load": lambda: dbdump_django.load(str(folder), alias=bare, replace=True),
        "copy": lambda: dbdump_django.copy(source=full, target=bare, replace=True),
        "verify": lambda: dbdump_django.verify(str(folder), target=bare),
    }
    with transaction.atomic(using=bare), pytest.raises(UnsafeError, match="a transaction is open on database alias"):
        calls[verb]()
    assert not (tmp_path / "x").exists()


# --- comparing ------------------------------------------------------------------------------------


def test_verify_finds_equal_what_was_loaded(bare: str, folder: Path) -> None:
    commands.load(folder, bare)
    said = commands.run("dbverify", folder, database=bare)
    assert said.splitlines()[-1].startswith("equal: ")


def test_verify_sees_through_other_ids(bare: str, full: str, tmp_path: Path) -> None:
    """Some apps alone are loaded: the target's content types stay, and all references are rewritten."""
    dump = commands.dump(full, tmp_path / "x", "accounts", "auth", "blog")
    commands.load(dump, bare)
    with connections[full].cursor() as ours, connections[bare].cursor() as theirs:
        for cursor in (ours, theirs):
            cursor.execute("SELECT id, content_type_id FROM blog_tag ORDER BY id")
        assert ours.fetchall() != theirs.fetchall()
    assert commands.run("dbverify", dump, "blog", database=bare).splitlines()[-1].startswith("equal: ")
    assert commands.run("dbverify", "blog", "--from", full, "--to", bare).splitlines()[-1].startswith("equal: ")


def test_verify_finds_a_reference_to_another_type(bare: str, full: str, tmp_path: Path) -> None:
    dump = commands.dump(full, tmp_path / "x", "accounts", "auth", "blog")
    commands.load(dump, bare)
    tag = Tag.objects.using(bare).order_by("id").first()
    other = Tag.objects.using(bare).exclude(content_type_id=tag.content_type_id).first().content_type_id
    Tag.objects.using(bare).filter(pk=tag.pk).update(content_type_id=other)
    error = failure("dbverify", dump, "blog", database=bare)
    assert (str(error), error.returncode) == ("the rows differ", 1)


def test_verify_counts_no_more_rows_where_the_source_only_looks_up(bare: str, full: str, tmp_path: Path) -> None:
    """A load leaves them: `migrate` made them for what only this project has."""
    dump = commands.dump(full, tmp_path / "x", "accounts", "auth", "blog")
    commands.load(dump, bare)
    ContentType.objects.using(bare).create(app_label="elsewhere", model="thing")
    there = "--database", bare
    for words in ([dump, *there], [dump, "auth", *there], ["blog", "--from", full, "--to", bare]):
        said = commands.run("dbverify", *words).splitlines()
        assert said[-1].startswith("equal: ")
        assert "note: django_content_type: has all rows of the source, and others of its own" in said
    assert failure("dbverify", "contenttypes", "--from", full, "--to", bare).returncode == 1
    ContentType.objects.using(bare).filter(app_label="blog", model="tag").update(model="other")
    assert failure("dbverify", "auth", "--from", full, "--to", bare).returncode == 1


def test_verify_names_the_table_that_differs(bare: str, folder: Path) -> None:
    commands.load(folder, bare)
    Node._base_manager.using(bare).filter(pk=1).update(name="changed")
    said = StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("dbverify", str(folder), database=bare, stdout=said, verbosity=0)
    assert raised.value.returncode == 1
    (line,) = (line for line in said.getvalue().splitlines() if line.startswith("different: "))
    assert line == "different: catalog_node: same count, other values"


def test_verify_of_two_aliases(bare: str, full: str) -> None:
    assert failure("dbverify", "--from", full, "--to", bare).returncode == 1
    commands.run("dbcopy", "--from", full, "--to", bare, "--yes")
    commands.run("dbverify", "--from", full, "--to", bare)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "name a dump, or two aliases with --from and --to"),
        (["--from", "a"], "--from needs --to; name the two aliases"),
        (["x", "--to", "a"], "--to needs --from; name the two aliases, or a dump and --database"),
    ],
)
def test_verify_needs_two_sides(words: list[str], text: str) -> None:
    error = failure("dbverify", *words)
    assert (str(error), error.returncode) == (text, 2)


# --- what is shown --------------------------------------------------------------------------------


def test_what_is_shown_is_written_to_the_stream_given(
    bare: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out, err = StringIO(), StringIO()
    call_command("dbload", str(folder), database=bare, yes=True, stdout=out, stderr=err)
    assert "verified: every table was read back and is equal" in out.getvalue()
    assert "blog_post" in out.getvalue()
    assert err.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_verbosity_0_says_notes_alone(bare: str, folder: Path) -> None:
    said = commands.run("dbload", folder, database=bare, yes=True, verbosity=0)
    assert said
    assert all(line.startswith("note: ") for line in said.splitlines())


def test_json_is_one_object(bare: str, folder: Path) -> None:
    found = json.loads(commands.run("dbload", folder, database=bare, yes=True, json=True))
    assert found["ok"] is True
    assert found["verified"] is True
    assert "blog_post" in {table["table"] for table in found["tables"]}


def test_json_of_a_failure(bare: str, folder: Path) -> None:
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("dbload", str(folder), database=bare, json=True, stdout=out)
    found = json.loads(out.getvalue())
    assert (found["ok"], found["type"], found["exit_code"]) == (False, "UnsafeError", 2)


@pytest.mark.parametrize("command", ["dbdump", "dbload", "dbcopy", "dbverify"])
def test_help_shows_examples(command: str, tmp_path: Path, full: str) -> None:
    done = run(MANAGE, command, "--help", folder=tmp_path, variables=environment(default=full))
    assert done.returncode == 0
    assert f"  manage.py {command} " in done.stdout
    assert "MODEL" in done.stdout
    assert "--create" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120


def test_a_dump_is_named_after_its_database(full: str, tmp_path: Path) -> None:
    done = run(MANAGE, "dbdump", "catalog", folder=tmp_path, variables=environment(default=full))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [f"{Path(file_of(full)).stem}-dump"]


def test_a_dump_on_standard_output_is_nothing_but_that(full: str, tmp_path: Path) -> None:
    variables = environment(default=full)
    done = run(MANAGE, "dbdump", "catalog", "-o", "-", folder=tmp_path, variables=variables, encoding=None)
    assert done.returncode == 0
    with tarfile.open(fileobj=BytesIO(done.stdout)) as tar:
        assert "manifest.json" in tar.getnames()
    assert b"catalog_node" in done.stderr


def test_a_dump_through_a_pipe(full: str, bare: str, tmp_path: Path) -> None:
    dump = run(
        MANAGE, "dbdump", "-o", "-", folder=tmp_path, variables=environment(default=full), encoding=None
    )
    connections[bare].close()
    words = ("dbload", "-", "--noinput")
    variables = environment(default=bare)
    done = run(
        MANAGE, *words, folder=tmp_path, variables=variables, encoding=None, stdin=None, input=dump.stdout
    )
    assert done.returncode == 0, done.stderr
    assert cells(bare) == cells(full)


def test_the_exit_code_and_one_line(full: str, bare: str, folder: Path, tmp_path: Path) -> None:
    done = run(MANAGE, "dbload", folder, folder=tmp_path, variables=environment(default=bare))
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1:] == ["describing tables"]
    assert done.stderr.startswith("CommandError: ")
    assert done.stderr.count("\n") == 1


def test_a_traceback_is_shown_when_asked_for(bare: str, folder: Path, tmp_path: Path) -> None:
    done = run(MANAGE, "dbload", folder, "--traceback", folder=tmp_path, variables=environment(default=bare))
    assert done.returncode != 0
    assert "Traceback (most recent call last)" in done.stderr
    assert "UnsafeError" in done.stderr


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_load_with_its_code(number: int, code: int, full: str, bare: str, tmp_path: Path) -> None:
    before = cells(bare)
    connections[bare].close()
    dump = run(MANAGE, "dbdump", "-o", "-", folder=tmp_path, variables=environment(default=full), encoding=None)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    words = [*MANAGE, "dbload", "-", "--yes"]
    with subprocess.Popen(words, cwd=tmp_path, env=environment(default=bare), **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(dump.stdout[: len(dump.stdout) // 2])
        process.stdin.flush()
        while b"transferring rows" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(number)
        process.stdin.close()
        assert process.stderr.read() == b"CommandError: interrupted; what was begun was rolled back\n"
        assert process.wait(ENDS) == code
    assert cells(bare) == before


@posix
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("\n", 2)])
def test_on_a_terminal_it_asks(answer: str, code: int, bare: str, full: str, folder: Path, tmp_path: Path) -> None:
    before = cells(bare)
    connections[bare].close()
    with terminal(["dbload", str(folder)], environment(default=bare), tmp_path) as (process, descriptor):
        screen = read_until(descriptor, "? [y/N]")
        assert "empty, then load:" in screen
        assert "in default (sqlite:///" in screen
        os.write(descriptor, answer.encode())
        rest = read_until(descriptor, None)
        assert process.wait(ENDS) == code, rest
    assert cells(bare) == (cells(full) if code == 0 else before)


@contextmanager
def terminal(
    words: list[str], variables: dict[str, str], where: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command on a terminal of its own, and the descriptor of our end."""
    import pty

    ours, theirs = pty.openpty()
    shown = {**variables, "TERM": "xterm-256color"}
    with subprocess.Popen(
        [*MANAGE, *words], cwd=where, env=shown, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)


def read_until(descriptor: int, text: str | None) -> str:
    """Read a terminal until it shows `text`, or to its end."""
    screen = ""
    while text is None or text not in screen:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # Linux says EIO when the other end has closed
            piece = b""
        if not piece:
            assert text is None, screen
            return screen
        screen += piece.decode("utf-8", "backslashreplace")
    return screen


# --- from Python ----------------------------------------------------------------------------------


def test_importing_needs_no_settings() -> None:
    code = "import sys, dbdump_django; dbdump_django.__all__; print(*sys.modules)"
    variables = environment(None)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=variables
    )
    assert not {"django", "sqlalchemy"} & set(done.stdout.split())


def test_names_that_are_not_there() -> None:
    assert set(dbdump_django.__all__) <= set(dir(dbdump_django))
    with pytest.raises(AttributeError, match="no attribute 'restore'"):
        dbdump_django.restore  # noqa: B018


def test_verify_takes_a_dump_or_an_alias(folder: Path, full: str) -> None:
    with pytest.raises(UsageError, match="name a dump or a source alias, one of them"):
        dbdump_django.verify(str(folder), source=full)
    with pytest.raises(UsageError, match="name a dump or a source alias, one of them"):
        dbdump_django.verify()


def test_progress_is_told(full: str, tmp_path: Path) -> None:
    events: list[object] = []
    report = dbdump_django.dump(str(tmp_path / "x"), labels=["catalog"], alias=full, progress=events.append)
    assert len(events) > len(report.tables)


@pytest.mark.parametrize("extra", [1, {"heads": [], "lookups": {}}, {"migrations": {"blog": 1}, "lookups": [2]}])
def test_facts_of_a_strange_manifest_are_not_believed(extra: object, folder: Path) -> None:
    from dbdump_core.endpoints import open_source
    from dbdump_django.loading import dumped

    source = open_source(str(folder))
    source.extra = {"django": extra}  # type: ignore[attr-defined]
    assert dumped(source) == {"heads": {}, "lookups": [], "time_zone": None}
