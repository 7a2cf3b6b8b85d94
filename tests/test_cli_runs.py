"""The program as people run it: real databases, pipes, terminals, signals."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers import SERVER_ENGINES

PROGRAM = [sys.executable, "-m", "dbdump_core.cli"]
ROOT = Path(__file__).parent.parent
ENDS = 60
"""Seconds after which a run hangs."""

posix = pytest.mark.skipif(os.name == "nt", reason="terminals and signals between processes are POSIX")


def run(*arguments: str | Path, **keywords: object) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *map(str, arguments)]
    as_text = {"text": True, "encoding": "utf-8", "errors": "backslashreplace"}
    defaults = {"capture_output": True, "timeout": ENDS, **as_text}
    return subprocess.run(command, **{**defaults, **keywords})  # type: ignore[call-overload,no-any-return]


def make_shop(path: Path, orders: int = 3) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        connection.execute(
            "CREATE TABLE shop_order (id INTEGER PRIMARY KEY, "
            "city_id INTEGER NOT NULL REFERENCES city(id), note TEXT)"
        )
        connection.execute("INSERT INTO city VALUES (1, 'Zürich'), (2, '東京')")
        rows = ((number, 1 + number % 2, f"note {number}\t" + "x" * 40) for number in range(orders))
        connection.executemany("INSERT INTO shop_order VALUES (?, ?, ?)", rows)
    return path


def rows_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()
            for table in ("city", "shop_order")
        }


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_shop(tmp_path / "shop.db")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A database of the same tables that holds other rows."""
    return make_shop(tmp_path / "other.db", orders=7)


# Whole runs


def test_dump_load_and_verify(shop: Path, tmp_path: Path) -> None:
    assert run("dump", shop, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 0
    loaded = run("load", tmp_path / "shop-dump", tmp_path / "new.db", "--create")
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout == ""
    assert "verified: every table was read back and is equal" in loaded.stderr
    assert rows_of(tmp_path / "new.db") == rows_of(shop)
    verified = run("verify", shop, tmp_path / "new.db")
    assert verified.returncode == 0
    assert verified.stderr.splitlines()[-1] == "equal: 2 tables, 5 rows"


def test_a_dump_through_a_pipe(shop: Path, tmp_path: Path) -> None:
    dumped = run("dump", shop, "-o", "-", text=False, encoding=None, errors=None)
    assert dumped.returncode == 0, dumped.stderr
    target = tmp_path / "new.db"
    loaded = run("load", "-", target, "--create", input=dumped.stdout, text=False, encoding=None, errors=None)
    assert loaded.returncode == 0, loaded.stderr
    assert rows_of(target) == rows_of(shop)


def test_copy_as_json(shop: Path, tmp_path: Path) -> None:
    done = run("copy", shop, tmp_path / "new.db", "--create", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert report["verified"] is True
    assert report["totals"]["rows"] == 5
    counts = {table["table"]: table["rows"] for table in report["tables"]}
    assert counts == {"city": 2, "shop_order": 3}
    assert all(re.fullmatch("[0-9a-f]{32}", table["fingerprint"]) for table in report["tables"])


def test_a_quiet_copy_says_nothing(shop: Path, tmp_path: Path) -> None:
    done = run("copy", shop, tmp_path / "new.db", "--create", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_selected_tables_and_rows(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.db"
    done = run("copy", shop, target, "--create", "--where", "shop_order=id > 0", "--exclude", "x*")
    assert done.returncode == 0, done.stderr
    assert "note: no table matches --exclude 'x*'\n" in done.stderr
    assert [row[0] for row in rows_of(target)["shop_order"]] == [1, 2]


def test_a_difference_is_exit_code_1(shop: Path, other: Path) -> None:
    done = run("verify", shop, other)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "different: 1 of 2 tables"
    done = run("verify", shop, other, "--json")
    assert done.returncode == 1
    comparison = json.loads(done.stdout)
    assert comparison["equal"] is False
    assert [table["table"] for table in comparison["tables"] if not table["equal"]] == ["shop_order"]
    done = run("verify", shop, other, "--quiet")
    assert done.stderr == "different: shop_order: 3 rows left, 7 right\n"


def test_schema_to_standard_output_and_to_a_file(shop: Path, tmp_path: Path) -> None:
    printed = run("schema", shop)
    assert printed.returncode == 0
    assert "name: shop_order" in printed.stdout
    file = tmp_path / "schema.yaml"
    assert run("schema", shop, "-o", file).stdout == ""
    assert file.read_text(encoding="utf-8") == printed.stdout
    again = run("schema", shop, "-o", file)
    assert again.returncode == 2
    assert "exists and may have been edited" in again.stderr
    as_json = json.loads(run("schema", shop, "--json").stdout)
    assert as_json["tables"] == ["city", "shop_order"]
    assert as_json["yaml"] == printed.stdout


def test_a_refusal_is_one_line_and_changes_nothing(shop: Path, other: Path) -> None:
    before = rows_of(other)
    done = run("copy", shop, other, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("dbdump: error: ")
    assert rows_of(other) == before
    done = run("copy", shop, other, "--json", stdin=subprocess.DEVNULL)
    assert json.loads(done.stdout)["type"] == "UnsafeError"


def test_yes_empties_first(shop: Path, other: Path) -> None:
    done = run("copy", shop, other, "--yes", stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert rows_of(other) == rows_of(shop)


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    done = run("copy", tmp_path / "absent.db", tmp_path / "new.db")
    assert done.returncode == 2
    assert "absent.db" in done.stderr
    assert not (tmp_path / "absent.db").exists()


def test_a_variable_may_hold_the_source(shop: Path) -> None:
    environment = {**os.environ, "DBDUMP_TEST_SHOP": f"sqlite:///{shop}"}
    assert run("schema", "env:DBDUMP_TEST_SHOP", env=environment).stdout == run("schema", shop).stdout


@pytest.mark.parametrize("changes", [
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii:strict"},
    {"PYTHONIOENCODING": "latin-1:strict", "NO_COLOR": "1"},
    {"TZ": "Asia/Tokyo", "TERM": "dumb", "COLUMNS": "10"},
])  # fmt: skip
def test_the_environment_changes_no_byte_of_data(changes: dict[str, str], shop: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(shop)) as connection, connection:
        connection.execute('CREATE TABLE "naïve 注文" (id INTEGER PRIMARY KEY)')
    environment = {**os.environ, **changes}
    assert run("schema", shop, env=environment).stdout == run("schema", shop).stdout
    done = run("copy", shop, tmp_path / "new.db", "--create", env=environment)
    assert done.returncode == 0, done.stderr
    assert rows_of(tmp_path / "new.db") == rows_of(shop)


def test_python_without_asserts_runs_the_same(shop: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-O", *PROGRAM[1:], "copy", str(shop), str(tmp_path / "new.db"), "--create"]
    subprocess.run(command, check=True, capture_output=True, timeout=ENDS)
    assert rows_of(tmp_path / "new.db") == rows_of(shop)


# Standard output that goes away


def wide_schema(path: Path) -> Path:
    """A database whose schema is more text than a pipe holds."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("BEGIN")
        for number in range(600):
            columns = ", ".join(f"a_rather_long_column_name_{column} TEXT" for column in range(10))
            connection.execute(f"CREATE TABLE t{number} ({columns})")
    return path


@posix
@pytest.mark.parametrize("arguments", [["schema"], ["schema", "--json"]])
def test_a_reader_that_leaves_is_no_error(arguments: list[str], tmp_path: Path) -> None:
    database = wide_schema(tmp_path / "wide.db")
    command = [*PROGRAM, *arguments, str(database), "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(ENDS) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_standard_output_is_an_error(shop: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = run("schema", shop, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3
    assert done.stderr.startswith("dbdump: error: standard output cannot be written: ")
    assert done.stderr.count("\n") == 1


@posix
@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_closed_descriptor(descriptor: int, shop: Path, tmp_path: Path) -> None:
    """Started like `dbdump … >&-`: the copy is done all the same."""
    script = 'exec "$@" %d>&-' % descriptor  # noqa: UP031
    command = ["sh", "-c", script, "sh", *PROGRAM, "copy", str(shop), str(tmp_path / "new.db"), "--create"]
    assert subprocess.run(command, timeout=ENDS).returncode == 0
    assert rows_of(tmp_path / "new.db") == rows_of(shop)


# A terminal


class Terminal:
    """A program whose standard input and error are a terminal of `columns` columns."""

    def __init__(self, arguments: Sequence[str | Path], *, columns: int = 80, **environment: str) -> None:
        import fcntl
        import pty
        import termios

        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        variables = {
            name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")
        }
        self.process = subprocess.Popen(
            [*PROGRAM, *map(str, arguments)],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**variables, "TERM": "xterm-256color", **environment},
        )
        os.close(theirs)
        self.screen = ""

    def read_until(self, text: str) -> None:
        deadline = time.monotonic() + ENDS
        while text not in self.screen:
            assert time.monotonic() < deadline, self.screen
            assert self._read(), self.screen

    def _read(self) -> bool:
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # Linux says EIO when the other end has closed
            piece = b""
        self.screen += piece.decode("utf-8", "backslashreplace")
        return bool(piece)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def finish(self) -> int:
        """Read the rest of the screen and return the exit code."""
        while self._read():
            pass
        os.close(self._ours)
        with self.process:
            return self.process.wait(ENDS)


@posix
@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 2), ("\n", 2), ("\x04", 2)])
def test_the_question_decides(answer: str, code: int, shop: Path, other: Path) -> None:
    before = rows_of(other)
    terminal = Terminal(["copy", shop, other])
    terminal.read_until("empty 2 tables in ")
    terminal.read_until("? [y/N]")
    assert rows_of(other) == before
    terminal.type(answer)
    assert terminal.finish() == code, terminal.screen
    assert rows_of(other) == (rows_of(shop) if code == 0 else before)


@posix
def test_an_interrupt_at_the_question_changes_nothing(shop: Path, other: Path) -> None:
    before = rows_of(other)
    terminal = Terminal(["copy", shop, other])
    terminal.read_until("? [y/N]")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.finish() == 130
    assert "interrupted" in terminal.screen
    assert rows_of(other) == before


@posix
@pytest.mark.parametrize("columns", [20, 40, 120])
@pytest.mark.parametrize("environment", [
    {},
    {"NO_COLOR": "1"},
    {"TERM": "dumb"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
], ids=["color", "no-color", "dumb", "ascii"])  # fmt: skip
def test_any_terminal_will_do(columns: int, environment: dict[str, str], shop: Path, tmp_path: Path) -> None:
    terminal = Terminal(["copy", shop, tmp_path / "new.db", "--create"], columns=columns, **environment)
    assert terminal.finish() == 0, terminal.screen
    assert "verified: every table was read back and is equal" in terminal.screen
    assert rows_of(tmp_path / "new.db") == rows_of(shop)
    if environment.get("TERM") == "dumb":
        assert "\x1b" not in terminal.screen
    if "NO_COLOR" in environment:
        assert not re.search(r"\x1b\[(?:[\d;]*;)?[349]\d", terminal.screen)
    if "PYTHONUTF8" in environment:
        assert terminal.screen.isascii()


@posix
def test_a_dump_is_not_poured_over_a_terminal(shop: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    done = run("dump", shop, "-o", "-", capture_output=False, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert "a dump is not written to a terminal" in done.stderr


@posix
def test_a_load_does_not_wait_for_a_dump_from_a_keyboard(tmp_path: Path) -> None:
    terminal = Terminal(["load", "-", tmp_path / "new.db"])
    assert terminal.finish() == 2
    assert "a dump is not read from a terminal" in terminal.screen


# Signals


@pytest.fixture(scope="module")
def big_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that takes long enough to be interrupted."""
    return make_shop(tmp_path_factory.mktemp("big") / "big.db", orders=400_000)


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", ["transferring rows", "verifying"])
def test_a_signal_undoes_the_run(number: int, code: int, moment: str, other: Path, big_shop: Path) -> None:
    before = rows_of(other)
    command = [*PROGRAM, "copy", str(big_shop), str(other), "--yes"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        stop_at(process, moment, number)
        assert process.wait(ENDS) == code
    assert rows_of(other) == before


@posix
@pytest.mark.parametrize("engine", SERVER_ENGINES)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_undoes_the_run_on_a_server(
    number: int, code: int, engine: str, shop: Path, big_shop: Path, make_database: Callable[[str], str]
) -> None:
    target = make_database(engine)
    first = run("copy", shop, target, "--create")
    assert first.returncode == 0, first.stderr
    command = [*PROGRAM, "copy", str(big_shop), target, "--yes"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        stop_at(process, "transferring rows", number)
        assert process.wait(ENDS) == code
    compared = run("verify", shop, target)
    assert compared.returncode == 0, compared.stderr


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_dump_leaves_nothing_that_looks_whole(
    number: int, code: int, big_shop: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "dumps"
    folder.mkdir()
    command = [*PROGRAM, "dump", str(big_shop), "-o", str(folder / "big")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        stop_at(process, "transferring rows", number)
        assert process.wait(ENDS) == code
    assert list(folder.iterdir()) == []


def stop_at(process: subprocess.Popen[str], moment: str, number: int) -> None:
    """Send a signal when the program has said that it is at `moment`; read the rest of what it says."""
    assert process.stderr is not None
    assert any(line.startswith(moment) for line in process.stderr), f"never came to {moment}"
    process.send_signal(number)
    assert "dbdump: error: interrupted" in process.stderr.read()
