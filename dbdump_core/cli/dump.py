"""`dbdump dump`: write a database to a folder or a tar."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from pathlib import PurePath

from ..errors import UsageError
from . import options as shared

SUMMARY = "write a database to a folder or a .tar"
EXAMPLES = """\
examples:
  dbdump dump shop.db
  dbdump dump env:DATABASE_URL -o backup.tar --compress zstd --exclude 'django_session'
  dbdump dump postgresql://me@db/shop -o - | ssh backup dbdump load - /srv/shop.db --create
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=shared.SOURCE_HELP)
    shared.add_archive(parser)
    shared.add_schema_file(parser)
    shared.add_selection(parser)
    shared.add_output_options(parser)


def run(options: Namespace) -> int:
    from ..operations import dump
    from .display import open_display

    output = options.output or default_output(options.source)
    if output == "-" and options.json:
        raise UsageError("--json and -o - both write to standard output; name a file with -o")
    with open_display(options) as display:
        report = dump(options.source, output, **shared.dump_keywords(options), progress=display)
    display.show_report(report)
    return 0


def default_output(source: str) -> str:
    """Return `NAME-dump`, NAME being that of the database or file, in letters any file system takes."""
    from ..endpoints import database_url, resolve

    place = resolve(source)
    url = database_url(place)
    return folder_for(place if url is None else (url.database or ""))


def folder_for(path: str) -> str:
    """Return the name of the dump of the database or file `path`."""
    stem = "" if path in ("-", ":memory:") else PurePath(path).stem
    name = re.sub(r"[^\w.-]+", "_", stem).strip("._")
    if not name:
        raise UsageError("the source has no name to call the dump after; name a folder with -o")
    return f"{name}-dump"
