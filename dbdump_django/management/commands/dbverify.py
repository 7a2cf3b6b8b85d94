"""`manage.py dbverify`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import CommandError

from dbdump_core.cli import options as shared
from dbdump_core.errors import UsageError

from ...command import LABELS_HELP_EXCLUDED, MODEL, DbdumpCommand, add_database, add_ends


class Command(DbdumpCommand):
    help = "Compare the rows of a dump with a database, or of two databases, model by model."
    examples = """\
examples:
  manage.py dbverify shop-dump
  manage.py dbverify shop-dump shop auth.User --database replica
  manage.py dbverify --from default --to new

Exit code 0: the same rows; 1: different; 2 or more: it could not tell. Content types, permissions and sites
are the same when their names are, whatever their ids.
"""

    def create_parser(self, prog_name: str, subcommand: str, **keywords: Any) -> ArgumentParser:
        usage = "%(prog)s DUMP [MODEL ...] [options]\n       %(prog)s --from ALIAS --to ALIAS [MODEL ...] [options]"
        return super().create_parser(prog_name, subcommand, usage=usage, **keywords)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "words", metavar="DUMP, MODEL", nargs="*", default=[],
            help="a dump (without --from), then the apps or models to compare (app, app.Model; default: all)",
        )  # fmt: skip
        shared.add_exclude(parser, MODEL, help=LABELS_HELP_EXCLUDED, several=False)
        add_database(parser, "the database to compare the dump with")
        add_ends(parser, required=False)
        shared.add_allow_empty(parser)
        shared.add_output_options(parser, quiet=False)

    def run(self, options: Namespace) -> None:
        from ...operations import verify

        dump, labels = _dump_and_labels(options)
        with self.display(options) as display:
            comparison = verify(
                dump,
                labels=labels,
                exclude=tuple(options.exclude),
                source=options.source,
                target=options.target or options.database,
                allow_empty=options.allow_empty,
                progress=display,
            )
        display.show_comparison(comparison)
        if not comparison.equal:
            raise CommandError("the rows differ", returncode=1)


def _dump_and_labels(options: Namespace) -> tuple[str | None, tuple[str, ...]]:
    """Return the dump, None where two aliases are compared, and the models."""
    words = tuple(options.words)
    if options.source is None:
        if options.target is not None:
            raise UsageError("--to needs --from; name the two aliases, or a dump and --database")
        if not words:
            raise UsageError("name a dump, or two aliases with --from and --to")
        return words[0], words[1:]
    if options.target is None:
        raise UsageError("--from needs --to; name the two aliases")
    return None, words
