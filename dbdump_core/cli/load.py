"""`dbdump load`: read a dump into a database, all or nothing."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from . import options as shared

SUMMARY = "read a dump into a database, all or nothing"
EXAMPLES = """\
Tables that hold rows are emptied first, in the same transaction, after asking (or with --yes).

examples:
  dbdump load shop-dump env:DATABASE_URL
  dbdump load backup.tar new.db --create
  ssh backup cat shop.tar | dbdump load - mysql://me@db/shop --yes
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("dump", metavar="DUMP", help=shared.DUMP_HELP)
    parser.add_argument("target", metavar="TARGET", help=shared.TARGET_HELP)
    shared.add_allow_edited(parser)
    shared.add_schema_file(parser)
    shared.add_writing(parser)
    shared.add_selection(parser, where=False)
    shared.add_output_options(parser)


def run(options: Namespace) -> int:
    from ..operations import load
    from .confirm import confirmation
    from .display import open_display

    display = open_display(options)
    confirm = confirmation(options.target, display, yes=options.yes)
    with display:
        report = load(
            options.dump,
            options.target,
            **shared.load_keywords(options),
            confirm=confirm,
            progress=display,
        )
    display.show_report(report, proof=not options.no_verify)
    return 0
