"""The command line: `dbdump COMMAND …`. Whatever is heavy is imported when a command runs."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ..errors import DbdumpError, InterruptedRunError, ManyErrorsError, UnknownOutcomeError, UsageError
from . import check, copy, dump, load, schema, verify
from .output import Mask, discard_output, escaped, escaped_lines, make_encodable, say, write_output
from .passwords import asked, run_asking
from .signals import Interruptions, ignore_late_signals

__all__ = ["close_to", "guarded", "main"]

COMMANDS = {"dump": dump, "load": load, "copy": copy, "verify": verify, "check": check, "schema": schema}

GREEDY = {"--tables", "--exclude", "--where"}
"""Options of many values: they swallow a SOURCE or TARGET that follows them."""

BUG = "this is a bug in dbdump, please report it with the output of --traceback"

EXIT_CODES = """\
exit codes: 0 done and proven; 1 verify found differences; 2 refused, the target is as it was;
3 failed and rolled back; 4 nobody knows whether the commit was done: run 'dbdump verify';
130, 143 interrupted and rolled back

'dbdump COMMAND --help' shows the options and examples of a command.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors become a line on standard error (docs/errors.md)."""
    exit_code = guarded(list(sys.argv[1:] if argv is None else argv), run)
    if argv is None:
        ignore_late_signals()
    return exit_code


def guarded(arguments: Sequence[str], run: Callable[[Sequence[str]], int]) -> int:
    """Run a command line by `run`, whose errors are shown, and return the exit code."""
    make_encodable(sys.stderr)
    interruptions = Interruptions()
    try:
        with interruptions:
            try:
                return _leave(run(arguments))
            except SystemExit as leaving:  # from --help, --version, or a reader that has gone
                return _leave(leaving.code if isinstance(leaving.code, int) else 0)
            except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last line of defence reports all
                return _fail(error, arguments, interruptions.exit_code)
    except KeyboardInterrupt:  # it came while an error was told
        return interruptions.exit_code or InterruptedRunError.exit_code


def run(arguments: Sequence[str]) -> int:
    """Parse and run one command. Raises DbdumpError, and SystemExit for --help and --version."""
    parser = build_parser()
    if not arguments:
        parser.error("name a command")
    if not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        parser.error(f"there is no command '{arguments[0]}'{close_to(arguments[0], list(COMMANDS))}")
    options = _parsed(parser, arguments)
    return run_asking(options.run, options)


def _parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    try:
        options, unknown = parser.parse_known_args(arguments)
    except UsageError as error:
        if " are required" in str(error) and GREEDY & set(arguments):
            raise UsageError(f"{error}; they come before {', '.join(sorted(GREEDY))}") from None
        raise
    if unknown:
        known = re.findall(r"(?<![\w-])--?[a-z-]+", options.parser.format_help())
        if unknown[0] in known:
            options.parser.error(f"'{unknown[0]}' comes after the command: {options.parser.prog} {unknown[0]} …")
        options.parser.error(f"unknown argument '{unknown[0]}'{close_to(unknown[0], known)}")
    return options


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="dbdump",
        description="Dump, load, copy and verify SQLite, MySQL/MariaDB and PostgreSQL databases, exactly.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", required=True)
    for name, command in COMMANDS.items():
        one = commands.add_parser(
            name, help=command.SUMMARY, description=command.SUMMARY + ".", epilog=command.EXAMPLES
        )
        command.add_arguments(one)
        one.add_argument("--traceback", action="store_true", help="show the traceback of an error too")
        one.set_defaults(run=command.run, parser=one)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are UsageErrors of one line; no abbreviated options."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'")


class _Version(argparse.Action):
    """Prints the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        write_output(f"dbdump {version('dbdump-exact')}\n")
        parser.exit()


def close_to(word: str, known: Sequence[str]) -> str:
    """Return a question for the end of a complaint about `word`, nothing where no known word is like it."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _leave(exit_code: int) -> int:
    """Flush what --help printed, so that a reader who has gone is no error at interpreter exit."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        discard_output()
    return exit_code


def _fail(error: BaseException, arguments: Sequence[str], signalled: int | None) -> int:
    """Report `error` and return its exit code."""
    mask = Mask([*arguments, *asked])
    kind, text, exit_code = _described(error)
    if signalled is not None and not isinstance(error, UnknownOutcomeError):
        # Whatever failed afterwards failed because of it.
        text = text if exit_code == InterruptedRunError.exit_code else f"interrupted: {text}"
        kind, exit_code = InterruptedRunError.__name__, signalled
    if "--traceback" in arguments:
        from traceback import format_exception

        say(mask(escaped_lines("".join(format_exception(error)))))
    many = error if isinstance(error, ManyErrorsError) else None
    last = many.summary if many and signalled is None else text
    say(*(mask(f"dbdump: error: {escaped(line)}") for line in (*(many.errors if many else ()), last)))
    if "--json" in arguments:
        from .summary import refusals_json

        failure = {"ok": False, "error": mask(text), "type": kind, "exit_code": exit_code}
        _write_failure({**failure, **refusals_json(error, mask)})
    return exit_code


def _described(error: BaseException) -> tuple[str, str, int]:
    """Return the class name, text and exit code of `error`."""
    kind = type(error).__name__
    if isinstance(error, DbdumpError):
        return kind, str(error), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return InterruptedRunError.__name__, "interrupted", InterruptedRunError.exit_code
    return kind, f"{kind}: {error}; {BUG}", DbdumpError.exit_code


def _write_failure(failure: dict[str, object]) -> None:
    import json

    try:
        write_output(json.dumps(failure) + "\n")
    except (DbdumpError, SystemExit):
        return  # standard output is what failed; standard error has said so
