"""The management commands as a project calls them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command


def run(command: str, *arguments: object, **options: Any) -> str:
    """Call a management command and return what it says. Raises CommandError."""
    said = StringIO()
    call_command(command, *map(str, arguments), stdout=said, stderr=said, **options)
    return said.getvalue()


def dump(alias: str, folder: Path, *labels: str) -> Path:
    """Dump the models of `alias` into `folder`."""
    run("dbdump", *labels, database=alias, output=str(folder))
    return folder


def load(folder: Path, alias: str, *labels: str) -> str:
    """Load a dump into `alias`, over whatever is there."""
    return run("dbload", folder, *labels, database=alias, interactive=False)
