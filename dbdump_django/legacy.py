"""The command line of 2007: `python -m dbdump_django [-svdhre] [--settings M] dump|load [app …]`.

A folder with one file `TABLE.py` a table, no manifest; all that is loaded is one transaction. It never asks.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from dbdump_core.cli import close_to, guarded
from dbdump_core.cli.display import Display, open_display
from dbdump_core.cli.options import add_allow_empty
from dbdump_core.cli.output import Mask, escaped, make_encodable, say
from dbdump_core.cli.summary import quiet_lines
from dbdump_core.errors import DbdumpError, ManyErrorsError, RefusedError, UsageError, shown

if TYPE_CHECKING:
    from dbdump_core.model.abc import Report

FOLDER = "datadir"
ACTIONS = ("dump", "load")
DESCRIPTION = "Dump the tables of a Django project's apps into files TABLE.py, or load them again."
EXAMPLES = """\
examples:
  python -m dbdump_django --settings mysite.settings dump
  python -m dbdump_django -v -d backup dump shop auth.User
  python -m dbdump_django -s dump shop > shop.txt
  python -m dbdump_django -vr load shop -d backup

load empties the tables first (-r keeps their records), in one transaction: all errors are counted, and if there
is one, everything is rolled back (-e stops at the first). Tables without a file stay as they are.
Exit codes: 0 Successful!; 2 refused; 3 errors found, rolled back; 130, 143 interrupted, rolled back.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line of 2007; return its exit code."""
    return guarded(list(sys.argv[1:] if argv is None else argv), run)


def run(arguments: Sequence[str]) -> int:
    """Dump or load. Raises RefusedError; other errors are told here and counted."""
    parser = build_parser()
    options = parser.parse_intermixed_args(arguments)
    if options.help or options.action is None:
        make_encodable(sys.stdout)
        parser.print_help(sys.stdout)
        return 0
    if options.action not in ACTIONS:
        raise UsageError(f"the action is dump or load, not {shown(options.action)}{close_to(options.action, ACTIONS)}")
    set_up(options.settings)
    screen = sys.stderr if options.stdout else sys.stdout
    make_encodable(screen)
    with open_display(Namespace(json=False, quiet=not options.verbose), screen=screen) as display:
        try:
            report = (_dump if options.action == "dump" else _load)(options, display)
        except RefusedError as error:
            raise type(error)(_mask(options)(str(error).replace("give --append", "give -r"))) from error
        except DbdumpError as error:
            return _failed(error, options)
    _show(report, display, options)
    say("Successful!", stream=screen)
    return 0


def build_parser() -> ArgumentParser:
    """Return the parser; options may stand before and after the action."""
    parser = _Parser(
        prog="python -m dbdump_django",
        usage="%(prog)s [-svdhre] [--settings MODULE] dump|load [APP or APP.MODEL ...]",
        description=DESCRIPTION, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter,
        add_help=False, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("action", nargs="?", metavar="dump|load", help="what to do")
    parser.add_argument("labels", nargs="*", metavar="APP", help="apps or models (app, app.Model; default: all)")
    parser.add_argument("-d", "--dir", metavar="DIR", default=FOLDER, help=f"the folder (default: {FOLDER})")
    parser.add_argument(
        "-s", "--stdout", action="store_true",
        help="dump to the console; load: print what would be inserted, insert nothing",
    )  # fmt: skip
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is done, and the records of each table")
    parser.add_argument("-r", "--append", action="store_true", help="load: keep the existing records")
    parser.add_argument("-e", "--fail-fast", action="store_true", help="stop at the first error")
    parser.add_argument(
        "--settings", metavar="MODULE",
        help="the settings (default: DJANGO_SETTINGS_MODULE, else the module settings in the current directory)",
    )  # fmt: skip
    add_allow_empty(parser)
    parser.add_argument("--database", metavar="ALIAS", default="default", help="the database (default: default)")
    parser.add_argument("-h", "--help", action="store_true", help="show this help; so does no action at all")
    return parser


def set_up(named: str | None) -> None:
    """Set Django up by the settings that are named, or that are here. Raises UsageError with the cause."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module = named or os.environ.get("DJANGO_SETTINGS_MODULE") or _settings_here()
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    try:
        import django

        django.setup()
    except Exception as error:  # settings and apps are programs of their own, which may raise anything
        reason = " ".join(str(error).split())
        raise UsageError(
            f"settings {shown(module)} cannot be used: {type(error).__name__}: {reason};"
            " check --settings, DJANGO_SETTINGS_MODULE and PYTHONPATH"
        ) from error


def _settings_here() -> str:
    here = Path.cwd()
    if (here / "settings.py").is_file() or (here / "settings" / "__init__.py").is_file():
        return "settings"
    raise UsageError(
        "no settings: give --settings MODULE, set DJANGO_SETTINGS_MODULE, or run in the folder of settings.py"
    )


def _dump(options: Namespace, display: Display) -> Report:
    from dbdump_core.dumps.legacy.source import LegacyTarget
    from dbdump_core.endpoints import open_source
    from dbdump_core.run.transfer import Options, transfer

    from .db_url import existing_url
    from .loading import noted
    from .project import choose, refuse_open_transaction

    chosen = choose(options.labels, (), options.database, allow_empty=options.allow_empty)
    refuse_open_transaction(chosen.alias)
    target = LegacyTarget(_console() if options.stdout else Path(options.dir))
    with closing(open_source(existing_url(chosen.alias), describe=chosen.describe)) as source:
        notes = chosen.notes(source.schema())
        tables = chosen.tables(source.schema())
        wishes = Options(ordered=True, schema=tables, allow_empty=options.allow_empty, progress=display)
        return noted(transfer(source, target, wishes), notes)


def _load(options: Namespace, display: Display) -> Report:
    from django.conf import settings

    from dbdump_core.dumps.legacy.source import LegacySource, PrintTarget
    from dbdump_core.endpoints import open_source
    from dbdump_core.model.abc import Snapshot

    from .db_url import existing_url
    from .loading import Wishes, load_from
    from .project import choose

    chosen = choose(options.labels, (), options.database, allow_empty=options.allow_empty)
    with closing(open_source(existing_url(chosen.alias), describe=chosen.describe)) as there:
        tables, engine = chosen.tables(there.schema()), there.engine
    # Its files tell of no column how it was computed.
    wishes = Wishes(
        options.append, replace=not options.append, fail_fast=options.fail_fast, recompute=True, progress=display
    )
    partial = bool(options.labels)
    zone = settings.TIME_ZONE  # what moments were local to before Django knew of zones
    with closing(LegacySource(Path(options.dir), tables, engine=engine, zone=zone, partial=partial)) as source:
        source.level = Snapshot.CONSISTENT  # nobody knows what the files were read of; now they do not change
        if not options.stdout:
            return load_from(source, chosen, wishes)
        return load_from(source, chosen, wishes, into=lambda database: PrintTarget(_console(), database.schema()))


def _console() -> TextIO:
    """Return standard output as the files are: UTF-8 with LF, whatever the locale says."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", newline="\n")
    return sys.stdout


def _show(report: Report, display: Display, options: Namespace) -> None:
    """Say what was done: with -v all of it, else what even a quiet run must say."""
    if options.verbose:
        display.show_report(report)
    else:
        say(*quiet_lines(report))


def _failed(error: DbdumpError, options: Namespace) -> int:
    """Tell all errors and how many there are; return the exit code."""
    mask = _mask(options)
    many = error if isinstance(error, ManyErrorsError) else None
    say(*(mask(f"dbdump: error: {escaped(text)}") for text in (many.errors if many else [str(error)])))
    say(many.summary if many else "1 error found, rolled back")
    return error.exit_code


def _mask(options: Namespace) -> Mask:
    from .db_url import database_url

    try:
        return Mask([database_url(options.database).render_as_string(hide_password=False)])
    except RefusedError:  # an alias that cannot be used has no password to hide
        return Mask([])


class _Parser(ArgumentParser):
    """A parser whose complaints are UsageErrors of one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'")
