"""Programs of the test project in processes of their own, on databases of this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from django.db import connections

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "tests.django.project.settings"
ENDS = 60.0
"""Seconds after which a process that should have ended is stuck."""

ENTRY = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")
MANAGE = [sys.executable, "-m", "django"]
LEGACY = [sys.executable, "-m", "dbdump_django"]


def environment(settings: str | None = SETTINGS, **aliases: str) -> dict[str, str]:
    """The variables of a process in which each of `aliases` is the database of one of ours.

    `settings`: None for a process that has to find them itself.
    """
    here = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "COLUMNS")}
    entries = {
        alias: {name: str(connections[ours].settings_dict[name]) for name in ENTRY} for alias, ours in aliases.items()
    }
    # The oldest Django may come before ours on the path, so what is there stays.
    path = os.pathsep.join(filter(None, (here.get("PYTHONPATH"), str(ROOT))))
    found = {**here, "PYTHONPATH": path, "DBDUMP_TEST_DATABASES": json.dumps(entries), "PYTHONUTF8": "1"}
    return {**found, "DJANGO_SETTINGS_MODULE": settings} if settings else found


def file_of(alias: str) -> str:
    """The file of an SQLite alias."""
    return str(connections[alias].settings_dict["NAME"])


def run(
    command: list[str], *arguments: object, folder: Path, variables: dict[str, str], **keywords: object
) -> subprocess.CompletedProcess[str]:
    """Run a program in `folder` and return how it ended."""
    keywords = {"capture_output": True, "encoding": "utf-8", "stdin": subprocess.DEVNULL, **keywords}
    words = [*command, *map(str, arguments)]
    return subprocess.run(words, cwd=folder, env=variables, timeout=ENDS, check=False, **keywords)  # type: ignore[call-overload]
