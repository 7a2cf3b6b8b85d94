"""`dbdump check`: is a dump whole?"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from . import options as shared
from .output import escaped, say, write_output

if TYPE_CHECKING:
    from ..model.results import CheckedDump

SUMMARY = "tell whether a dump is whole, without a target"
EXAMPLES = """\
Exit code 0: whole, a load would take it; 2: cut, altered or no dump; 3: a value is not of its type.

examples:
  dbdump check shop-dump
  ssh backup cat shop.tar | dbdump check -
  dbdump check shop-dump --allow-edited --json
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("dump", metavar="DUMP", help=shared.DUMP_HELP)
    shared.add_allow_edited(parser)
    shared.add_output_options(parser)


def run(options: Namespace) -> int:
    from ..operations import check

    checked = check(options.dump, allow_edited=options.allow_edited)
    if options.json:
        write_output(json.dumps(_as_json(checked)) + "\n")
        return 0
    say(*(f"note: {escaped(note)}" for note in checked.notes))
    if not options.quiet:
        say(_told(checked))
    return 0


def _told(checked: CheckedDump) -> str:
    from .summary import amount

    state = "edited, and whole" if checked.edited else "whole"
    holds = f"{amount(len(checked.tables), 'table')}, {amount(checked.rows, 'row')}"
    made = f"from {escaped(checked.engine)}, format version {checked.version}"
    return f"{escaped(checked.dump)} is {state}: {holds}, {made}"


def _as_json(checked: CheckedDump) -> dict[str, object]:
    tables = [{"table": str(key), "rows": rows} for key, rows in checked.tables]
    return {
        "ok": True, "dump": checked.dump, "version": checked.version, "engine": checked.engine,
        "format": checked.format, "compression": checked.compression, "snapshot": str(checked.snapshot),
        "edited": checked.edited, "tables": tables, "notes": list(checked.notes),
    }  # fmt: skip
