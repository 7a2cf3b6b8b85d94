"""What messages tell people to give: options that the command has which shows them."""

from __future__ import annotations

import ast
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from dbdump_core.cli import COMMANDS, build_parser

ROOT = Path(__file__).resolve().parents[1]
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
SHOWS_NO_MESSAGE = ("cli", "demo")
"""Folders of the core that speak to the command line's own users alone."""
NOT_IN_DJANGO = {"--create", "--strict"}
"""`migrate` makes the tables: no load by models comes to what these are about."""


def texts(folder: Path) -> Iterator[str]:
    """Every string of the code that is no docstring."""
    for path in folder.rglob("*.py"):
        if path.relative_to(folder).parts[0] in SHOWS_NO_MESSAGE:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        plain = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in plain:
                yield node.value


def advised(folder: Path) -> set[str]:
    """The options that messages name."""
    found = {option for text in texts(folder) if " " in text for option in OPTION.findall(text)}
    return {option for option in found if option.startswith("--") or option == "-y"}


def options_of(parser: ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.option_strings}


def test_the_command_line_has_what_it_advises() -> None:
    commands = [build_parser().parse_args([name, *words]).parser for name, words in WORDS.items()]
    known = {name for parser in commands for name in options_of(parser)}
    assert set(WORDS) == set(COMMANDS)
    assert advised(ROOT / "dbdump_core") - known == set()
    assert {"--append", "--create", "-y", "--allow-edited", "--recompute"} <= advised(ROOT / "dbdump_core")


WORDS = {"dump": ["a"], "load": ["a", "b"], "copy": ["a", "b"], "verify": ["a", "b"], "schema": ["a"], "check": ["a"]}


@pytest.mark.skipif(find_spec("django") is None, reason="Django is not installed")
def test_djangos_commands_have_what_they_advise() -> None:
    known = set()
    for name in ("dbdump", "dbload", "dbcopy"):
        command = import_module(f"dbdump_django.management.commands.{name}").Command()
        known |= options_of(command.create_parser("manage.py", name))
    own = {"--settings", "--help", "--database"}
    # Of a table and of a file that are missing, both told otherwise before a load by models comes to it.
    assert len([text for text in texts(ROOT / "dbdump_core") if "--create" in text]) == 2
    assert (advised(ROOT / "dbdump_core") | advised(ROOT / "dbdump_django")) - known - NOT_IN_DJANGO - own == set()
