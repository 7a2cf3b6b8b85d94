"""`dbdump schema`: the neutral schema as YAML."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from ..errors import StorageError, UnsafeError
from . import options as shared
from .output import escaped, say, write_output

if TYPE_CHECKING:
    from ..model.schema import Schema

SUMMARY = "print the tables and their types as YAML, to read or to edit"
EXAMPLES = """\
examples:
  dbdump schema shop.db
  dbdump schema env:DATABASE_URL --tables 'shop_*' -o schema.yaml
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help=shared.SOURCE_HELP)
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this new file")
    shared.add_selection(parser, where=False)
    shared.add_output_options(parser)


def run(options: Namespace) -> int:
    from .. import operations
    from ..model import schema_yaml

    schema = operations.describe(options.source, selection=shared.selection(options))
    text = schema_yaml.dumps(schema)
    in_file = options.output not in (None, "-")
    if in_file:
        _write_new(options.output, text)
    if options.json:
        write_output(json.dumps(_as_json(schema, None if in_file else text)) + "\n")
    elif not in_file:
        write_output(text)
    if not (options.quiet or options.json):
        say(*(f"note: {escaped(note)}" for note in schema.notes))
    return 0


def _as_json(schema: Schema, text: str | None) -> dict[str, object]:
    tables = [str(table.key) for table in schema]
    return {"ok": True, "tables": tables, "notes": list(schema.notes), "yaml": text}


def _write_new(path: str, text: str) -> None:
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:  # noqa: PTH123
            file.write(text)
    except FileExistsError:
        raise UnsafeError(
            f"file '{escaped(path)}' exists and may have been edited; name another or remove it"
        ) from None
    except OSError as error:
        raise StorageError(f"file '{escaped(path)}' cannot be written: {error.strerror or error}") from error
