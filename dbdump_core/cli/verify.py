"""`dbdump verify`: are two databases or dumps the same?"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from . import options as shared

SUMMARY = "compare the rows of two databases or dumps"
EXAMPLES = """\
Exit code 0: the same rows; 1: different; 2 or more: could not tell.

examples:
  dbdump verify shop.db postgresql://me@localhost/shop
  dbdump verify shop-dump env:DATABASE_URL --tables 'shop_*'
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("left", metavar="LEFT", help=shared.SOURCE_HELP)
    parser.add_argument("right", metavar="RIGHT", help="the same")
    shared.add_schema_file(parser)
    shared.add_selection(parser)
    shared.add_allow_empty(parser)
    shared.add_output_options(parser)


def run(options: Namespace) -> int:
    from ..operations import verify
    from .display import open_display

    with open_display(options) as display:
        comparison = verify(options.left, options.right, **shared.verify_keywords(options), progress=display)
    display.show_comparison(comparison)
    return 0 if comparison.equal else 1
