"""The options, defined once: the command line and Django's management commands add them to their parsers.

`add_…` adds options to any argparse parser; `…_keywords` turns the parsed namespace into keyword
arguments of the operation of that name.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import UsageError, shown

if TYPE_CHECKING:
    from argparse import _ActionsContainer as Options

    from ..model.selection import Selection

FORMATS = ("tsv", "py")
COMPRESSIONS = ("zstd", "gzip")

SOURCE_HELP = "database URL, SQLite file, dump folder or .tar, or env:NAME for a variable holding the URL"
DUMP_HELP = "dump folder or .tar; - reads a .tar from standard input"
TARGET_HELP = "database URL, SQLite file, or env:NAME for a variable holding the URL"


def add_selection(parser: ArgumentParser, *, where: bool = True) -> None:
    """Add --tables, --exclude and, where rows can be chosen too, --where."""
    group = parser.add_argument_group("which tables")
    group.add_argument(
        "--tables", metavar="GLOB", nargs="+", action="extend", default=[],
        help="only tables whose name matches one of these, such as 'shop_*'",
    )  # fmt: skip
    add_exclude(group, "GLOB", help="all but the tables that match one of these")
    if where:
        add_where(group, "TABLE")


def add_allow_empty(parser: Options) -> None:
    """Add --allow-empty."""
    parser.add_argument(
        "--allow-empty", action="store_true", help="that there is no table to take is no mistake (default: refuse)"
    )


def add_exclude(parser: Options, name: str, *, help: str, several: bool = True) -> None:
    """Add --exclude. `name`: what its values are, for the help; `several` of them may follow it."""
    _add_list(parser, "--exclude", name, help=help, several=several)


def add_where(parser: Options, name: str, *, several: bool = True) -> None:
    """Add --where. `name`: what stands before the equals sign, for the help; `several` conditions may follow it."""
    help = f"only the rows of {name} for which the SQL condition holds at the source"
    _add_list(parser, "--where", f"{name}=SQL", help=help, several=several)


def _add_list(parser: Options, flag: str, name: str, *, help: str, several: bool) -> None:
    if several:
        parser.add_argument(flag, metavar=name, nargs="+", action="extend", default=[], help=help)
    else:
        parser.add_argument(flag, metavar=name, action="append", default=[], help=f"{help}; may be repeated")


def add_schema_file(parser: ArgumentParser) -> None:
    """Add --schema-file."""
    parser.add_argument(
        "--schema-file", metavar="FILE", help="describe the source by this YAML file (see `dbdump schema`)"
    )


def add_archive(parser: ArgumentParser) -> None:
    """Add what says where and how a dump is written."""
    parser.add_argument(
        "-o", "--output", metavar="PATH",
        help="folder or .tar to write, - for a .tar on standard output (default: folder NAME-dump)",
    )  # fmt: skip
    parser.add_argument("--format", choices=FORMATS, default="tsv", help="data files (default: tsv)")
    parser.add_argument("--compress", choices=COMPRESSIONS, help="compress the data files")
    add_allow_empty(parser)


def add_writing(parser: ArgumentParser, *, create: bool = True) -> None:
    """Add what says how a database is written to; `create`: --create too."""
    group = parser.add_argument_group("how to write")
    if create:
        group.add_argument("--create", action="store_true", help="create the tables that are missing")
        group.add_argument(
            "--strict", action="store_true", help="with --create: refuse to leave out a foreign key (default: say so)"
        )
    group.add_argument("--append", action="store_true", help="keep the rows that are there (default: empty)")
    group.add_argument("--no-verify", action="store_true", help="do not read back and compare before commit")
    group.add_argument(
        "--fail-fast", action="store_true", help="stop at the first refused row (default: find them all)"
    )
    group.add_argument(
        "--recompute", action="store_true",
        help="take what the target computes for generated columns that the source has otherwise",
    )  # fmt: skip
    group.add_argument("-y", "--yes", action="store_true", help="empty tables that hold rows without asking")
    add_allow_empty(group)


def add_allow_edited(parser: ArgumentParser) -> None:
    """Add --allow-edited."""
    parser.add_argument("--allow-edited", action="store_true", help="take a dump that was changed by hand")


def add_output_options(parser: ArgumentParser, *, quiet: bool = True) -> None:
    """Add what says how the run speaks; `quiet`: --quiet too (Django's is `--verbosity 0`)."""
    group = parser.add_argument_group("what is shown")
    group.add_argument("--json", action="store_true", help="one JSON object on standard output, nothing else")
    if quiet:
        group.add_argument("--quiet", action="store_true", help="show errors and warnings only")


def selection(options: Namespace) -> Selection:
    """Return which tables and rows were asked for. Raises UsageError for a malformed --where."""
    from ..model.selection import Selection

    where = conditions(getattr(options, "where", ()))
    return Selection(tables=tuple(options.tables), exclude=tuple(options.exclude), where=where)


def conditions(texts: Iterable[str]) -> dict[str, str]:
    """Return table -> condition of the words of --where. Raises UsageError for a malformed one."""
    found: dict[str, str] = {}
    for text in texts:
        table, equals, condition = (part.strip() for part in text.partition("="))
        if not (table and equals and condition):
            raise UsageError(f"--where {shown(text)} is not TABLE=SQL, such as 'shop_order=id < 100'")
        if table in found:
            raise UsageError(f"--where names table {shown(table)} twice; join the conditions with AND")
        found[table] = condition
    return found


def dump_keywords(options: Namespace) -> dict[str, Any]:
    """Return the keyword arguments of `operations.dump`, without progress."""
    return {
        "format": options.format,
        "compress": options.compress,
        "selection": selection(options),
        "schema_file": options.schema_file,
        "allow_empty": options.allow_empty,
    }


def copy_keywords(options: Namespace) -> dict[str, Any]:
    """Return the keyword arguments of `operations.copy`, without confirm and progress."""
    return {
        "create": options.create,
        "strict": options.strict,
        "append": options.append,
        "replace": options.yes and not options.append,
        "verify": not options.no_verify,
        "fail_fast": options.fail_fast,
        "recompute": options.recompute,
        "selection": selection(options),
        "schema_file": options.schema_file,
        "allow_empty": options.allow_empty,
    }


def load_keywords(options: Namespace) -> dict[str, Any]:
    """Return the keyword arguments of `operations.load`, without confirm and progress."""
    return {**copy_keywords(options), "allow_edited": options.allow_edited}


def verify_keywords(options: Namespace) -> dict[str, Any]:
    """Return the keyword arguments of `operations.verify`, without progress."""
    return {
        "selection": selection(options),
        "schema_file": options.schema_file,
        "allow_empty": options.allow_empty,
    }
