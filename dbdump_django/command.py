"""What the management commands share: options, streams, the question and errors in Django's manner."""

from __future__ import annotations

from abc import abstractmethod
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, DjangoHelpFormatter, OutputWrapper

from dbdump_core.cli import options as shared
from dbdump_core.cli.display import Display, open_display
from dbdump_core.cli.output import Mask, escaped, write_output
from dbdump_core.cli.signals import Interruptions
from dbdump_core.cli.summary import refusals_json
from dbdump_core.errors import DbdumpError, InterruptedRunError, ManyErrorsError, UnknownOutcomeError

MODEL = "MODEL"
LABELS_HELP = "apps or models (app, app.Model; default: all)"
LABELS_HELP_EXCLUDED = "all but these apps or models"


class DbdumpCommand(BaseCommand):  # type: ignore[misc]
    """A command whose errors are CommandErrors with the exit codes of dbdump (docs/errors.md).

    Text for people goes to `self.stdout`, as Django's commands do it, and to `self.stderr` where
    standard output carries data.
    """

    # A backup must be possible while the project's checks fail.
    requires_system_checks: ClassVar[list[str]] = []
    examples: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ("database",)
    """The options that name aliases."""

    @abstractmethod
    def run(self, options: Namespace) -> None:
        """Do the work. Raises DbdumpError, and CommandError to end with another exit code."""

    def create_parser(self, prog_name: str, subcommand: str, **keywords: Any) -> ArgumentParser:
        keywords = {"formatter_class": _Formatter, "epilog": self.examples, **keywords}
        return cast(ArgumentParser, super().create_parser(prog_name, subcommand, **keywords))

    def handle(self, *args: str, **options: Any) -> None:
        parsed = Namespace(**{"quiet": options["verbosity"] == 0, **options})
        with self._interruptible(), self._speaking(parsed):
            self.run(parsed)

    def display(self, options: Namespace, *, data: bool = False) -> Display:
        """Return what shows the run; `data`: standard output carries the dump."""
        return open_display(options, screen=self.screen(data=data), output=self.screen())

    def screen(self, *, data: bool = False) -> TextIO:
        """Return where text for people goes."""
        return cast(TextIO, Screen(self.stderr if data else self.stdout))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """End by a signal as the command line does; a program that calls this command keeps its own ways."""
        if not getattr(self, "_called_from_command_line", False):
            yield
            return
        with Interruptions() as interruptions:
            try:
                yield
            except KeyboardInterrupt:
                code = interruptions.exit_code or InterruptedRunError.exit_code
                raise CommandError("interrupted; what was begun was rolled back", returncode=code) from None
            except CommandError as error:
                if interruptions.exit_code is None or error.returncode == UnknownOutcomeError.exit_code:
                    raise
                # Whatever failed afterwards failed because of it.
                raise CommandError(f"interrupted: {error}", returncode=interruptions.exit_code) from error

    @contextmanager
    def _speaking(self, options: Namespace) -> Iterator[None]:
        try:
            yield
        except DbdumpError as error:
            raise self._told(error, options) from error

    def _told(self, error: DbdumpError, options: Namespace) -> CommandError:
        """Tell what is to be told beside the one line; return the error that Django shows."""
        mask = Mask(self._urls(options))
        text = last = mask(escaped(error))
        if isinstance(error, ManyErrorsError):
            last = mask(escaped(error.summary))
            for line in error.errors:
                self.stderr.write(mask(escaped(line)))
        if options.json:
            import json

            failure = {"ok": False, "error": text, "type": type(error).__name__, "exit_code": error.exit_code}
            write_output(json.dumps({**failure, **refusals_json(error, mask)}) + "\n", self.screen())
        return CommandError(last, returncode=error.exit_code)

    def _urls(self, options: Namespace) -> list[str]:
        """Return the URLs in use with their passwords, so that no message repeats them."""
        from .db_url import database_url

        urls = []
        for name in self.aliases:
            try:
                url = database_url(getattr(options, name))
            except DbdumpError:
                continue  # an alias that cannot be used has no password to hide
            urls.append(url.render_as_string(hide_password=False))
        return urls


class Screen:
    """Django's stream of a command as a plain text stream: nothing is added to what is written, no style."""

    def __init__(self, wrapper: OutputWrapper) -> None:
        self._wrapper = wrapper

    def write(self, text: str) -> int:
        self._wrapper.write(text, str, ending="")
        return len(text)

    def flush(self) -> None:
        self._wrapper.flush()

    def isatty(self) -> bool:
        return bool(self._wrapper.isatty())

    @property
    def encoding(self) -> str:
        return getattr(self._wrapper, "encoding", None) or "utf-8"


class _Formatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):  # type: ignore[misc]
    """Django's order of options, and examples that keep their lines."""


def add_labels(parser: ArgumentParser) -> None:
    """Add the models to take, --exclude."""
    parser.add_argument("labels", metavar=MODEL, nargs="*", default=[], help=LABELS_HELP)
    shared.add_exclude(parser, MODEL, help=LABELS_HELP_EXCLUDED, several=False)


def add_database(parser: ArgumentParser, what: str) -> None:
    """Add --database. `what`: what is done with it, for the help."""
    from django.db import DEFAULT_DB_ALIAS

    parser.add_argument(
        "--database", metavar="ALIAS", default=DEFAULT_DB_ALIAS, help=f"{what} (default: {DEFAULT_DB_ALIAS})"
    )


def add_ends(parser: ArgumentParser, *, required: bool) -> None:
    """Add --from and --to, two aliases."""
    parser.add_argument(
        "--from", dest="source", metavar="ALIAS", required=required, help="the alias to read from"
    )
    parser.add_argument("--to", dest="target", metavar="ALIAS", required=required, help="the alias to write to")


def add_writing(parser: ArgumentParser) -> None:
    """Add what says how a database is written to; `manage.py migrate` makes the tables, so no --create."""
    shared.add_writing(parser, create=False)
    parser.add_argument(
        "--noinput", "--no-input", dest="interactive", action="store_false",
        help="the same as --yes, as Django spells it",
    )  # fmt: skip


def agreed(options: Namespace) -> bool:
    """Tell whether the user has agreed beforehand to the emptying of tables."""
    return bool(options.yes or not options.interactive)


def writing_keywords(options: Namespace) -> dict[str, Any]:
    """Return the keyword arguments that `operations.load` and `operations.copy` share."""
    return {
        "labels": tuple(options.labels),
        "exclude": tuple(options.exclude),
        "append": options.append,
        "replace": agreed(options) and not options.append,
        "verify": not options.no_verify,
        "fail_fast": options.fail_fast,
        "recompute": options.recompute,
        "allow_empty": options.allow_empty,
    }
