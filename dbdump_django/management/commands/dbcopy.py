"""`manage.py dbcopy`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from dbdump_core.cli import options as shared
from dbdump_core.cli.confirm import confirmation

from ...command import MODEL, DbdumpCommand, add_ends, add_labels, add_writing, agreed, writing_keywords


class Command(DbdumpCommand):
    help = "Copy the rows of the project's models from one database straight into another, all or nothing."
    examples = """\
examples:
  manage.py migrate --database new && manage.py dbcopy --from default --to new
  manage.py dbcopy shop --from default --to replica --exclude shop.Cart --yes

Tables that hold rows are emptied first, in the same transaction, after asking (or with --yes).
"""
    aliases = ("source", "target")

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_labels(parser)
        shared.add_where(parser, MODEL, several=False)
        add_ends(parser, required=True)
        add_writing(parser)
        shared.add_output_options(parser, quiet=False)

    def run(self, options: Namespace) -> None:
        from ...db_url import connection_of
        from ...operations import copy
        from ...project import shown_alias

        connection_of(options.source)  # named first, so complained of first
        display = self.display(options)
        target = shown_alias(options.target)
        confirm = confirmation(target, display, yes=agreed(options), screen=self.screen(data=options.json))
        with display:
            report = copy(
                source=options.source,
                target=options.target,
                where=shared.conditions(options.where),
                confirm=confirm,
                progress=display,
                **writing_keywords(options),
            )
        display.show_report(report, proof=not options.no_verify)
