"""`dbdump copy`: from one database straight into another."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from . import options as shared

SUMMARY = "copy one database straight into another, all or nothing"
EXAMPLES = """\
Tables that hold rows are emptied first, in the same transaction, after asking (or with --yes).

examples:
  dbdump copy shop.db postgresql://me@localhost/shop --create
  dbdump copy env:OLD_URL env:NEW_URL --yes --exclude 'django_session' 'cache_*'
  dbdump copy mysql://me@db/shop sample.db --create --where "shop_order=id > 90000"
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=shared.SOURCE_HELP)
    parser.add_argument("target", metavar="TARGET", help=shared.TARGET_HELP)
    shared.add_schema_file(parser)
    shared.add_writing(parser)
    shared.add_selection(parser)
    shared.add_output_options(parser)


def run(options: Namespace) -> int:
    from ..operations import copy
    from .confirm import confirmation
    from .display import open_display

    display = open_display(options)
    confirm = confirmation(options.target, display, yes=options.yes)
    with display:
        report = copy(
            options.source,
            options.target,
            **shared.copy_keywords(options),
            confirm=confirm,
            progress=display,
        )
    display.show_report(report, proof=not options.no_verify)
    return 0
