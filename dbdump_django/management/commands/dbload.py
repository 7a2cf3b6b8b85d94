"""`manage.py dbload`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from dbdump_core.cli import options as shared
from dbdump_core.cli.confirm import confirmation

from ...command import DbdumpCommand, add_database, add_labels, add_writing, agreed, writing_keywords


class Command(DbdumpCommand):
    help = "Read a dump into the tables of the project's models, all or nothing."
    examples = """\
examples:
  manage.py migrate && manage.py dbload shop-dump
  manage.py dbload backup.tar shop auth.User --noinput
  ssh backup cat shop.tar | manage.py dbload - --database replica --yes

Tables that hold rows are emptied first, in the same transaction, after asking (or with --yes); 'manage.py
migrate' makes the tables. Content types, permissions and sites keep their identity, whatever their ids.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dump", metavar="DUMP", help=shared.DUMP_HELP)
        add_labels(parser)
        add_database(parser, "the database to write to")
        shared.add_allow_edited(parser)
        add_writing(parser)
        shared.add_output_options(parser, quiet=False)

    def run(self, options: Namespace) -> None:
        from ...operations import load
        from ...project import shown_alias

        display = self.display(options)
        target = shown_alias(options.database)
        confirm = confirmation(target, display, yes=agreed(options), screen=self.screen(data=options.json))
        with display:
            report = load(
                options.dump,
                alias=options.database,
                allow_edited=options.allow_edited,
                confirm=confirm,
                progress=display,
                **writing_keywords(options),
            )
        display.show_report(report, proof=not options.no_verify)
