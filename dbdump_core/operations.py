"""The six verbs. Each opens its ends, runs, and closes them; nothing is printed."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from .endpoints import Place, open_source, open_target, path_text, refuse_database
from .errors import SchemaError, UsageError, shown
from .model.abc import Comparison, Plan, Progress, Report
from .model.results import CheckedDump
from .model.schema import Schema
from .model.selection import Selection, select, vain
from .run.transfer import Confirm, Options, transfer

__all__ = ["Confirm", "Plan", "Selection", "check", "copy", "describe", "dump", "load", "verify"]


def dump(
    source: Place,
    output: str | os.PathLike[str],
    *,
    format: str = "tsv",
    compress: str | None = None,
    selection: Selection | None = None,
    schema_file: str | os.PathLike[str] | None = None,
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write a database, or another dump, to a dump at `output`: a folder, a `.tar`, or `-`.

    `compress`: None, `zstd` or `gzip`. `allow_empty`: that no table is chosen is no mistake; otherwise, here
    and below, it is refused. Raises RefusedError when nothing was written, another
    DbdumpError when it failed half-way; either way no partial dump is left.
    """
    from .dumps import make_target

    with closing(open_source(source)) as opened:
        target = make_target(_output(output), format=format, compress=compress, source_engine=opened.engine)
        options = Options(
            ordered=True,
            selection=selection or Selection(),
            schema=_read_schema(schema_file),
            allow_empty=allow_empty,
            progress=progress,
        )
        return transfer(opened, target, options)


def load(
    dump: Place,
    target: Place,
    *,
    create: bool = False,
    strict: bool = False,
    append: bool = False,
    replace: bool = False,
    confirm: Confirm | None = None,
    verify: bool = True,
    fail_fast: bool = True,
    recompute: bool = False,
    allow_edited: bool = False,
    selection: Selection | None = None,
    schema_file: str | os.PathLike[str] | None = None,
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Load a dump into a database, all or nothing, proved by reading it back.

    Tables that hold rows are emptied first if `replace` or `confirm` says so, else the load is
    refused; `append` keeps their rows. `create`: make missing tables; a foreign key of theirs whose parent the
    target lacks is left out with a note, or refused if `strict`. `fail_fast`: stop at the first row that is
    refused, instead of going on to find all of them. `recompute`: take what the target computes where the source
    holds other values or computes them otherwise. Raises RefusedError or another DbdumpError.
    """
    refuse_database(dump)
    options = Options(
        create=create,
        strict=strict,
        append=append,
        replace=replace,
        confirm=confirm,
        verify=verify,
        fail_fast=fail_fast,
        recompute=recompute,
        selection=selection or Selection(),
        schema=_read_schema(schema_file),
        allow_empty=allow_empty,
        progress=progress,
    )
    return _move(dump, target, options, allow_edited=allow_edited)


def copy(
    source: Place,
    target: Place,
    *,
    create: bool = False,
    strict: bool = False,
    append: bool = False,
    replace: bool = False,
    confirm: Confirm | None = None,
    verify: bool = True,
    fail_fast: bool = True,
    recompute: bool = False,
    selection: Selection | None = None,
    schema_file: str | os.PathLike[str] | None = None,
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Copy one database, or a dump, into a database, under the terms of `load`."""
    options = Options(
        create=create,
        strict=strict,
        append=append,
        replace=replace,
        confirm=confirm,
        verify=verify,
        fail_fast=fail_fast,
        recompute=recompute,
        selection=selection or Selection(),
        schema=_read_schema(schema_file),
        allow_empty=allow_empty,
        progress=progress,
    )
    return _move(source, target, options)


def verify(
    left: Place,
    right: Place,
    *,
    selection: Selection | None = None,
    schema_file: str | os.PathLike[str] | None = None,
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two of: databases, dumps. Table by table, by count and fingerprint."""
    from .run.comparison import compare

    with closing(open_source(left)) as ours, closing(open_source(right)) as theirs:
        return compare(
            ours,
            theirs,
            selection=selection or Selection(),
            schema=_read_schema(schema_file),
            allow_empty=allow_empty,
            progress=progress,
        )


def check(dump: str | os.PathLike[str], *, allow_edited: bool = False) -> CheckedDump:
    """Return what a dump holds, once it is proved whole: every file, row and name, as a load would prove it.

    `allow_edited`: take one that was edited by hand; each value is then looked at. Raises DumpError or
    SchemaError for one that no load would take, ValueRefusedError for a value that is not of its type.
    """
    from .dumps.checks import checked

    place = path_text(dump)
    if isinstance(dump, str) and "://" in place:
        raise UsageError("a URL names a database and no dump; give a dump folder or .tar, or - for standard input")
    return checked(place, allow_edited=allow_edited)


def describe(source: Place, *, selection: Selection | None = None) -> Schema:
    """Return the tables of a database or dump in neutral types. Raises RefusedError."""
    with closing(open_source(source)) as opened:
        described = opened.schema()
        wanted = selection or Selection()
        return Schema(tuple(select(described, wanted)), (*described.notes, *vain(wanted, described)))


def _output(place: str | os.PathLike[str]) -> str:
    return path_text(place) if isinstance(place, os.PathLike) else place


def _move(source: Place, target: Place, options: Options, *, allow_edited: bool = False) -> Report:
    with (
        closing(open_source(source, allow_edited=allow_edited)) as opened,
        closing(open_target(target, create=options.create)) as written,
    ):
        return transfer(opened, written, options)


def _read_schema(path: str | os.PathLike[str] | None) -> Schema | None:
    if path is None:
        return None
    from .model.schema_yaml import loads

    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SchemaError(f"schema file {shown(path, 500)} is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise SchemaError(
            f"cannot read the schema file {shown(path, 500)}: {error.strerror}; check the path"
        ) from None
    return loads(text, file=os.fspath(path))
