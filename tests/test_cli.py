"""The command line: options, help, errors and exit codes, secrets, questions, signals."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbdump_core import errors
from dbdump_core.cli import COMMANDS, build_parser, dump, main, options
from dbdump_core.cli.confirm import LISTED, ask
from dbdump_core.cli.output import Mask, escaped, mask_urls, write_output
from dbdump_core.cli.signals import Interruptions
from dbdump_core.model.abc import Plan, ReadTask, TablePlan, WriteTask
from dbdump_core.model.schema import Table, TableKey

PROGRAM = [sys.executable, "-m", "dbdump_core.cli"]
CANARY = "hunter2canary"


def all_errors(kind: type[errors.DbdumpError] = errors.DbdumpError) -> Iterator[type[errors.DbdumpError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from all_errors(child)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> object:
    """A function that makes `dbdump schema` raise an exception."""

    def fail(error: BaseException) -> None:
        def run(_: Namespace) -> int:
            raise error

        monkeypatch.setattr("dbdump_core.cli.schema.run", run)

    return fail


# Parsing


def parsed(*arguments: str) -> Namespace:
    return build_parser().parse_args(arguments)


def test_globs_may_be_many_and_repeated() -> None:
    found = options.selection(
        parsed("copy", "a", "b", "--tables", "x_*", "y", "--tables", "z", "--exclude", "q")
    )
    assert found.tables == ("x_*", "y", "z")
    assert found.exclude == ("q",)
    assert dict(found.where) == {}


def test_where_splits_at_the_first_equals_sign() -> None:
    found = options.selection(parsed("dump", "a", "--where", "t = id = 3", "u=name='a=b'"))
    assert dict(found.where) == {"t": "id = 3", "u": "name='a=b'"}


@pytest.mark.parametrize("text", ["t", "=x", "t=", " = ", ""])
def test_a_where_without_both_sides_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", "a", "-o", "b", "--where", text]) == 2
    assert f"--where '{text}' is not TABLE=SQL" in capsys.readouterr().err


def test_two_conditions_for_one_table_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", "a", "-o", "b", "--where", "t=x", "--where", "t=y"]) == 2
    assert "--where names table 't' twice" in capsys.readouterr().err


def test_keywords_of_load() -> None:
    keywords = options.load_keywords(parsed("load", "d", "t"))
    assert {name: value for name, value in keywords.items() if name != "selection"} == {
        "create": False,
        "strict": False,
        "append": False,
        "replace": False,
        "verify": True,
        "fail_fast": False,
        "recompute": False,
        "allow_edited": False,
        "allow_empty": False,
        "schema_file": None,
    }


def test_keywords_of_load_with_everything() -> None:
    given = parsed(
        "load", "d", "t", "--create", "--strict", "-y", "--no-verify", "--fail-fast", "--allow-edited",
        "--schema-file", "s.yaml", "--recompute", "--allow-empty",
    )  # fmt: skip
    keywords = options.load_keywords(given)
    assert {name: value for name, value in keywords.items() if name != "selection"} == {
        "create": True,
        "strict": True,
        "append": False,
        "replace": True,
        "verify": False,
        "fail_fast": True,
        "recompute": True,
        "allow_edited": True,
        "allow_empty": True,
        "schema_file": "s.yaml",
    }


def test_yes_does_not_empty_tables_that_are_appended_to() -> None:
    keywords = options.copy_keywords(parsed("copy", "a", "b", "--append", "--yes"))
    assert keywords["append"] is True
    assert keywords["replace"] is False


@pytest.mark.parametrize("name", ["dump", "load", "copy", "verify", "schema"])
def test_keywords_are_those_of_the_operation(name: str) -> None:
    from inspect import signature

    from dbdump_core import operations

    arguments = {"dump": ["s"], "load": ["d", "t"], "copy": ["s", "t"], "verify": ["l", "r"], "schema": ["s"]}
    given = parsed(name, *arguments[name])
    if name == "schema":
        keywords = {"selection"}
    else:
        keywords = set(getattr(options, f"{name}_keywords")(given)) | {"progress"}
        keywords |= {"confirm"} if name in ("load", "copy") else set()
    operation = operations.describe if name == "schema" else getattr(operations, name)
    expected = signature(operation).parameters.values()
    assert keywords == {one.name for one in expected if one.kind is one.KEYWORD_ONLY}


def test_options_can_be_added_to_any_parser() -> None:
    parser = ArgumentParser()
    options.add_schema_file(parser)
    options.add_writing(parser)
    options.add_selection(parser)
    assert options.copy_keywords(parser.parse_args(["--create"]))["create"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a command"),
        (["cpoy"], "there is no command 'cpoy' (did you mean 'copy'?); see 'dbdump --help'"),
        (["xyzzy"], "there is no command 'xyzzy'; see 'dbdump --help'"),
        (["\x1b]0;x\x07"], "there is no command '\\x1b]0;x\\x07'"),
        (["copy", "a"], "the following arguments are required: TARGET; see 'dbdump copy --help'"),
        (["copy", "--tables", "t", "a", "b"], "they come before --exclude, --tables, --where"),
        (["copy", "a", "b", "--tabels"], "unknown argument '--tabels' (did you mean '--tables'?)"),
        (["--quiet", "copy", "a", "b"], "'--quiet' comes after the command: dbdump copy --quiet …; see"),
        (["-y", "copy", "a", "b"], "'-y' comes after the command: dbdump copy -y …; see 'dbdump copy --help'"),
        (["copy", "a", "b", "--js"], "unknown argument '--js' (did you mean '--json'?)"),
        (["dump", "a", "--format", "xml"], "argument --format: invalid choice: 'xml'"),
        (["dump", "a", "--compress", "rar"], "argument --compress: invalid choice: 'rar'"),
        (["dump", "sqlite://"], "the source has no name to call the dump after"),
        (["dump", "postgresql://host"], "the source has no name to call the dump after"),
        (["dump", "post gres://x:y"], "cannot read the URL"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("dbdump: error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("source", "folder"),
    [
        ("shop.db", "shop-dump"),
        ("/srv/my shop.sqlite3", "my_shop-dump"),
        ("sqlite:////srv/shop.db", "shop-dump"),
        ("sqlite:///shop.v2.db?mode=ro", "shop.v2-dump"),
        ("postgresql://u:p#/x@h:5432/shop?sslmode=require", "shop-dump"),
        ("mysql+pymysql://h/shop.eu", "shop-dump"),
        ("postgresql://h/memory", "memory-dump"),
        ("env:DBDUMP_TEST_SOURCE", "from_env-dump"),
    ],
)
def test_the_default_dump_is_named_after_the_database(
    source: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBDUMP_TEST_SOURCE", "postgresql://h/from_env")
    assert dump.default_output(source) == folder


def test_the_default_dump_is_never_somewhere_else() -> None:
    """SQLAlchemy 2.1 decodes the name of the database, 2.0 does not."""
    assert dump.default_output("mysql://h/%2e%2e%2fetc") in ("etc-dump", "2e_2e_2fetc-dump")


# Help


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_shows_examples_that_parse(command: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"] if command else ["--help"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    examples = re.findall(r"^  (?:.*\| |)dbdump (.+?)(?: \|.*)?$", captured.out, re.MULTILINE)
    assert bool(examples) == bool(command)
    for example in examples:
        import shlex

        assert parsed(*shlex.split(example)).run


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_option(command: str) -> None:
    parser = parsed(command, "a", *(["b"] if command in ("load", "copy", "verify") else [])).parser
    assert [action.dest for action in parser._actions if not action.help] == []


def test_the_command_line_page_names_every_option() -> None:
    page = (Path(__file__).parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        parser = parsed(command, "a", *(["b"] if command in ("load", "copy", "verify") else [])).parser
        section = page.partition(f"\n## dbdump {command}\n")[2].partition("\n## dbdump ")[0]
        common = page.partition("\n## Every command\n")[2].partition("\n## ")[0]
        for option in (name for action in parser._actions for name in action.option_strings[-1:]):
            assert f"`{option}" in section or f"`{option}" in common, (
                f"{command} {option} is not in docs/cli.md"
            )


WORK = """
import sys
import time
calls = 0
def count(frame, event, argument):
    global calls
    calls += event == "call"
before = set(sys.modules)
sys.setprofile(count)
try:
    from dbdump_core.cli import main
    main(["--help"])
finally:
    sys.setprofile(None)
    print(calls, *set(sys.modules) - before)
"""


def test_help_does_little_work() -> None:
    """By what is done, not by how long it takes beside others: 15,000 calls and 40 modules when this was written."""
    done = subprocess.run([sys.executable, "-c", WORK], check=True, capture_output=True, text=True)
    calls, *modules = done.stdout.rsplit("\n", 2)[-2].split()
    assert int(calls) < 40_000
    assert len(modules) < 80
    ours = {name for name in modules if name.startswith("dbdump") and not name.startswith("dbdump_core.cli")}
    assert ours <= {"dbdump_core", "dbdump_core.errors", "dbdump_core.model", "dbdump_core.model.interruption"}


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; from dbdump_core.cli import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.rsplit("\n", 2)[-2].split())
    assert not loaded & {
        "sqlalchemy",
        "rich",
        "pydantic",
        "yaml",
        "psycopg2",
        "pymysql",
        "zstandard",
        "orjson",
    }


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"dbdump \d+\.\d+\S*\n", capsys.readouterr().out)


# Errors


@pytest.mark.parametrize("kind", list(all_errors()), ids=lambda kind: kind.__name__)
def test_an_error_is_one_line_and_its_own_exit_code(
    kind: type[errors.DbdumpError], failing, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(kind("table 'a\nb' \x1b[2J is missing; create it"))
    assert main(["schema", "x"]) == kind.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "dbdump: error: table 'a\\nb' \\x1b[2J is missing; create it\n"


@pytest.mark.parametrize("kind", list(all_errors()), ids=lambda kind: kind.__name__)
def test_an_error_as_json(
    kind: type[errors.DbdumpError], failing, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(kind("no\nway"))
    assert main(["schema", "x", "--json"]) == kind.exit_code
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "error": "no\nway",
        "type": kind.__name__,
        "exit_code": kind.exit_code,
    }


def test_json_and_a_dump_cannot_share_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", "a", "-o", "-", "--json"]) == 2
    assert "both write to standard output" in json.loads(capsys.readouterr().out)["error"]


def test_wrong_usage_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["copy", "a", "--json"]) == 2
    failure = json.loads(capsys.readouterr().out)
    assert (failure["ok"], failure["type"], failure["exit_code"]) == (False, "UsageError", 2)


def test_an_unexpected_error_asks_for_a_report(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(KeyError("x"))
    assert main(["schema", "x"]) == 3
    captured = capsys.readouterr()
    assert captured.err.startswith("dbdump: error: KeyError: 'x'; this is a bug in dbdump, please report it")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("error", [KeyError("x"), errors.SchemaError("bad\x07")])
def test_traceback_is_shown_only_when_asked_for(
    error: Exception, failing, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(error)
    main(["schema", "x"])
    assert "Traceback" not in capsys.readouterr().err
    main(["schema", "x", "--traceback"])
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "\x07" not in shown
    assert shown.splitlines()[-1].startswith("dbdump: error: ")


def test_an_interrupt_inside_the_library_is_130(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(KeyboardInterrupt())
    assert main(["schema", "x", "--json"]) == 130
    failure = json.loads(capsys.readouterr().out)
    assert (failure["type"], failure["error"]) == ("InterruptedRunError", "interrupted")


def test_the_page_of_errors_matches_the_errors() -> None:
    page = (Path(__file__).parent.parent / "docs" / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d, ]+) \|", page, re.MULTILINE)
    expected = {kind.__name__: kind.exit_code for kind in all_errors()}
    assert {name: int(code.split(",")[0]) for name, code in rows} == expected
    assert len(rows) == len(expected)


# Secrets


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:secret@h/db", "postgresql://u:***@h/db"),
        ("x postgresql+psycopg2://u:a@b:c/d@h/db y", "x postgresql+psycopg2://u:***@h/db y"),
        ("redis://:secret@h", "redis://:***@h"),
        ("mysql://h/db?ssl_ca=x&password=secret&a=b", "mysql://h/db?ssl_ca=x&password=***&a=b"),
        ("sqlite:////srv/a.db", "sqlite:////srv/a.db"),
        ("postgresql://h/db", "postgresql://h/db"),
    ],
)
def test_urls_are_shown_without_their_password(text: str, masked: str) -> None:
    assert mask_urls(text) == masked


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://u:{}@h/db", "no login with password={}"),
        ("postgresql://u:p%40ss%2F{}@h/db", "no login with p@ss/{} for p%40ss%2F{}"),
        ("postgresql://u:p'w\\{}@h/db", 'no login with "p\'w\\\\{}"'),
        ("mysql://h/db?password={}", "no login with '{}'"),
        ("env:DBDUMP_TEST_URL", "no login with {}"),
    ],
)
def test_a_driver_that_repeats_a_password_is_masked(
    url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBDUMP_TEST_URL", f"mysql://u:{CANARY}@h/db")
    shown = Mask(["copy", url.format(CANARY), "b"])(message.replace("{}", CANARY))
    assert CANARY not in shown
    assert "no login with" in shown


def test_a_short_password_is_not_spelled_out_by_stars() -> None:
    assert Mask(["postgresql://u:a@h/db"])("a database: 'a'") == "*** database: '***'"


def test_the_environment_of_the_drivers_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", CANARY)
    assert CANARY not in Mask([])(f"fe_sendauth: {CANARY}")


@pytest.mark.parametrize("flags", [[], ["--json"], ["--traceback"], ["--json", "--traceback"]])
def test_no_error_shows_a_password(flags: list[str], failing, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"postgresql://me:{CANARY}@db/shop"
    for error in (errors.ConnectError(f"cannot reach {url}"), ValueError(CANARY), KeyError(url)):
        failing(error)
        main(["schema", url, *flags])
    for wrong in ([url], ["copy", url, "b", url], ["dump", "a", "--format", url]):
        main([*wrong, *flags])
    captured = capsys.readouterr()
    assert captured.err
    assert CANARY not in captured.err + captured.out


# Questions


def table_plan(name: str, *, creates: bool = False, notes: tuple[str, ...] = ()) -> TablePlan:
    table = Table(name, ())
    return TablePlan(table, table, ReadTask(table, ()), WriteTask(table, (), ()), creates, notes)


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [
        ("y\n", True),
        ("YES\n", True),
        (" yes \n", True),
        ("n\n", False),
        ("\n", False),
        ("", False),
        ("x\n", False),
    ],
)
def test_only_yes_is_yes(
    answer: str, agreed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    plan = Plan(
        (
            table_plan("a", notes=("real becomes double",)),
            table_plan("b\x07"),
            table_plan("c", creates=True),
            table_plan("d"),
        ),
        notes=("cycle",),
    )
    assert ask(plan, [TableKey(None, "a"), TableKey(None, "b\x07")], "shop.db") is agreed
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "empty, then load:",
        "  a",
        "    real becomes double",
        "  b\\x07",
        "load:",
        "  d",
        "create, then load:",
        "  c",
        "note: cycle",
        "empty 2 tables in shop.db and load? [y/N]",
    ]


def test_a_question_about_a_thousand_tables_fits_a_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    plans = tuple(table_plan(f"t{number}") for number in range(1000))
    ask(Plan(plans), [plan.target.key for plan in plans], "shop.db")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == LISTED + 3
    assert lines[-2:] == [f"  and {1000 - LISTED} more", "empty 1,000 tables in shop.db and load? [y/N]"]


# Output


def test_escaped_leaves_text_alone_and_nothing_else() -> None:
    assert escaped("naïve 注文 [b]") == "naïve 注文 [b]"
    assert escaped("a\x1b[0m\n\u202e\x9b") == "a\\x1b[0m\\n\\u202e\\x9b"


def test_a_closed_standard_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(errors.StorageError, match="standard output is closed"):
        write_output("x")


# Signals


@pytest.mark.skipif(os.name == "nt", reason="signals between processes are POSIX")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (getattr(signal, "SIGHUP", 1), 129)]
)
def test_a_signal_raises_and_the_handlers_come_back(number: int, code: int) -> None:
    before = signal.getsignal(number)
    with Interruptions() as interruptions:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
            time.sleep(5)
        assert interruptions.exit_code == code
        os.kill(os.getpid(), signal.SIGTERM)  # ignored while the work is undone
    assert signal.getsignal(number) is before


@pytest.mark.skipif(os.name == "nt", reason="nohup is POSIX")
def test_a_signal_that_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruptions() as interruptions:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interruptions.exit_code is None
    finally:
        signal.signal(signal.SIGHUP, before)
