"""The lists of guards cannot rot: each names a text that is there, and a test. `make guards` does the rest."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.guards import Guard, faults, read
from tests.guards.runner import survived, without

GUARDS = read()


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_and_its_test_are_there(guard: Guard) -> None:
    assert list(faults(guard)) == []


def test_no_two_guards_have_one_name() -> None:
    assert [name for name, times in Counter(guard.name for guard in GUARDS).items() if times > 1] == []


CHECK = "def ask(x):\n    if x < 0:\n        raise ValueError('below zero')\n    return x\n"
TESTS = """\
from dbdump_shelf import ask
def test_that_holds_it():
    assert ask(1) == 1
    try:
        ask(-1)
    except ValueError:
        return
    assert False, "below zero"
def test_that_holds_nothing():
    assert ask(1) == 1
def test_that_is_skipped():
    __import__("pytest").skip("no server")
def test_that_trips():
    if ask.__code__.co_consts.count(0) == 0:
        nowhere
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    (tmp_path / "dbdump_shelf.py").write_text(CHECK)
    (tmp_path / "test_shelf.py").write_text(TESTS)
    return tmp_path


def guard(**more: str) -> Guard:
    entry = {
        "name": "numbers below zero",
        "file": "dbdump_shelf.py",
        "find": "if x < 0:",
        "replace": "if False:",
        "test": "test_shelf.py::test_that_holds_it",
    }
    return Guard(**(entry | more))


@pytest.fixture
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["tests.guards.runner"], "environment", lambda copy: {"PYTHONPATH": str(copy)})


@pytest.mark.usefixtures("no_servers")
@pytest.mark.parametrize(
    ("test", "replace", "why"),
    [
        ("test_that_holds_it", "if False:", ""),
        ("test_that_holds_nothing", "if False:", "does not fail"),
        ("test_that_is_skipped", "if False:", "does not fail"),
        ("test_that_trips", "if False:", "NameError"),
        ("test_that_is_not_there", "if False:", "pytest ended with 4"),
        ("test_that_holds_it", "if False: pass\n    import nowhere\n    if 0:", "ModuleNotFoundError"),
    ],
)
def test_a_guard_is_held_by_a_test_that_fails_without_it(shelf: Path, test: str, replace: str, why: str) -> None:
    found = survived(guard(test=f"test_shelf.py::{test}", replace=replace), shelf)
    assert (why in found) if why else found == ""
    assert (shelf / "dbdump_shelf.py").read_text() == CHECK


def test_the_whole_file_comes_back(shelf: Path) -> None:
    path = shelf / "dbdump_shelf.py"
    before = path.stat().st_mtime_ns
    with without(guard(), shelf):
        assert path.read_text() == CHECK.replace("if x < 0:", "if False:")
    assert (path.read_text(), path.stat().st_mtime_ns) == (CHECK, before)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"file": "nowhere.py"}, "there is no file nowhere.py"),
        ({"find": "if x > 0:"}, "`find` occurs 0 times in dbdump_shelf.py, not once"),
        ({"find": "x"}, "`find` occurs 3 times in dbdump_shelf.py, not once"),
        ({"replace": "if:"}, "is no Python"),
        ({"test": "test_shelf.py::test_of_old"}, "there is no test test_shelf.py::test_of_old"),
        ({"test": "test_shelf.py"}, "there is no test test_shelf.py"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(shelf: Path, more: dict[str, str], fault: str) -> None:
    [said] = faults(guard(**more), shelf)
    assert fault in said


def test_a_whole_entry_has_no_faults(shelf: Path) -> None:
    assert list(faults(guard(), shelf)) == []
