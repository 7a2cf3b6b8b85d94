"""`manage.py dbdump`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from dbdump_core.cli import options as shared
from dbdump_core.cli.dump import folder_for
from dbdump_core.errors import UsageError

from ...command import MODEL, DbdumpCommand, add_database, add_labels


class Command(DbdumpCommand):
    help = "Write the rows of the project's models to a folder or a .tar."
    examples = """\
examples:
  manage.py dbdump
  manage.py dbdump shop auth.User -o shop-dump
  manage.py dbdump --exclude sessions --exclude admin.LogEntry --compress zstd -o backup.tar
  manage.py dbdump --where "shop.Order=id > 90000" --database replica

The tables are read as they are, whatever the models' managers hide. 'manage.py dbload' reads it back.
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_labels(parser)
        shared.add_where(parser, MODEL, several=False)
        add_database(parser, "the database to read")
        shared.add_archive(parser)
        shared.add_output_options(parser, quiet=False)

    def run(self, options: Namespace) -> None:
        from ...db_url import database_url
        from ...operations import dump

        output = options.output or folder_for(database_url(options.database).database or options.database)
        if output == "-" and options.json:
            raise UsageError("--json and -o - both write to standard output; name a file with -o")
        with self.display(options, data=output == "-") as display:
            report = dump(
                output,
                labels=tuple(options.labels),
                exclude=tuple(options.exclude),
                alias=options.database,
                format=options.format,
                compress=options.compress,
                where=shared.conditions(options.where),
                allow_empty=options.allow_empty,
                progress=display,
            )
        display.show_report(report)
