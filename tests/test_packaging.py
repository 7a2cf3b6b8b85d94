"""What an index and an installer are told is true. Nothing is built here: the metadata is read."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INSTALLED = distribution(PROJECT["name"])
DRIVERS = {"psycopg2-binary", "PyMySQL"}


def required() -> set[str]:
    return {re.split(r"[\[<>=; ]", one)[0] for one in PROJECT["dependencies"]}


def test_what_is_installed_is_what_the_project_says() -> None:
    for field, value in (
        ("Name", PROJECT["name"]),
        ("Version", PROJECT["version"]),
        ("Summary", PROJECT["description"]),
        ("Requires-Python", PROJECT["requires-python"]),
        ("License-Expression", PROJECT["license"]),
        ("Description-Content-Type", "text/markdown"),
    ):
        assert INSTALLED.metadata[field] == value


def test_the_readme_is_the_description() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (INSTALLED.metadata.get_payload() or INSTALLED.metadata["Description"]).split()[:40] == readme.split()[:40]


def test_the_command_and_the_packages_keep_their_name() -> None:
    [script] = INSTALLED.entry_points.select(group="console_scripts")
    assert (script.name, script.value) == ("dbdump", "dbdump_core.cli:main")
    done = subprocess.run([sys.executable, "-m", "dbdump_core.cli", "--version"], capture_output=True, text=True)
    assert done.stdout == f"dbdump {PROJECT['version']}\n"


def test_the_first_copy_to_every_engine_is_one_install() -> None:
    assert required() >= DRIVERS
    assert set(PROJECT["optional-dependencies"]) == {"django", "dev"}


def test_the_readme_installs_what_there_is() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("pip install")]
    assert lines
    for line in lines:
        what = line.removeprefix("pip install").partition("#")[0].strip().strip("'")
        name, _, extra = what.rstrip("]").partition("[")
        assert name in {".", PROJECT["name"]}, line
        assert not extra or extra in PROJECT["optional-dependencies"], line


@pytest.mark.parametrize("name", ["Django :: 4.2", "Django :: 5.2"])
def test_only_releases_of_django_that_are_tested_are_named(name: str) -> None:
    pins = [(ROOT / file).read_text(encoding="utf-8") for file in ("constraints.txt", "constraints-django42.txt")]
    tested = {f"Django :: {found[1]}" for pin in pins if (found := re.search(r"^Django==(\d+\.\d+)", pin, re.M))}
    named = {one.removeprefix("Framework :: ") for one in PROJECT["classifiers"] if one.startswith("Framework :: D")}
    assert name in tested
    assert named == tested | {"Django"}


def test_the_python_that_is_required_is_the_oldest_that_is_named() -> None:
    prefix = "Programming Language :: Python :: 3."
    minors = [int(one.removeprefix(prefix)) for one in PROJECT["classifiers"] if one.startswith(prefix)]
    assert PROJECT["requires-python"] == f">=3.{min(minors)}"
    assert sorted(minors) == list(range(min(minors), max(minors) + 1))

