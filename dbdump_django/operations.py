"""The verbs for a project's models, by alias. Nothing is printed; progress is a callback.

Which rows: all of the tables, whatever the models' managers hide. No model is instantiated and no
signal sent but `post_load`. The tables are those that `migrate` made, so none is created.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace as changed

from django.db import DEFAULT_DB_ALIAS

from dbdump_core.endpoints import open_source, path_text
from dbdump_core.errors import UsageError
from dbdump_core.model.abc import Comparison, Progress, Report, Source
from dbdump_core.model.selection import Selection
from dbdump_core.run.comparison import compare
from dbdump_core.run.transfer import Confirm, Options, transfer

from .content_types import first_tables, identities
from .db_url import existing_url
from .loading import Wishes, absent, load_from, local_zone, lookup_keys, noted, open_dump
from .migrations import state
from .model_schema import model_keys
from .project import Chosen, choose, conditions, refuse_open_transaction
from .verification import View, among, by_source, keys_in, without_lookups

__all__ = ["copy", "dump", "load", "verify"]


def dump(
    output: str | os.PathLike[str],
    *,
    labels: Sequence[str] = (),
    exclude: Sequence[str] = (),
    alias: str = DEFAULT_DB_ALIAS,
    format: str = "tsv",
    compress: str | None = None,
    where: Mapping[str, str] | None = None,
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write the models of `labels` (`app` or `app.Model`; default: all) to a folder, a `.tar`, or `-`.

    `where`: `app.Model` or table -> SQL condition. Content types, permissions and sites that the rows refer
    to are taken along. Raises RefusedError where nothing was written, another DbdumpError when it failed
    half-way; either way no partial dump is left.
    """
    from dbdump_core.dumps import make_target

    chosen = choose(labels, exclude, alias, allow_empty=allow_empty)
    refuse_open_transaction(alias)
    with closing(open_source(existing_url(alias), describe=chosen.describe)) as source:
        notes = chosen.notes(source.schema())
        placed = path_text(output) if isinstance(output, os.PathLike) else output
        target = make_target(placed, format=format, compress=compress, source_engine=source.engine)
        target.extra = {"django": _extra(chosen)}
        options = Options(
            ordered=True,
            schema=chosen.tables(source.schema()),
            selection=Selection(where=conditions(where, chosen)),
            first=first_tables(chosen.all, alias),
            allow_empty=allow_empty,
            progress=progress,
        )
        report = transfer(source, target, options)
    return noted(report, notes)


def load(
    dump: str | os.PathLike[str],
    *,
    labels: Sequence[str] = (),
    exclude: Sequence[str] = (),
    alias: str = DEFAULT_DB_ALIAS,
    append: bool = False,
    replace: bool = False,
    confirm: Confirm | None = None,
    verify: bool = True,
    allow_edited: bool = False,
    fail_fast: bool = False,
    recompute: bool = False,
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Load the tables of a dump that models stand for, all or nothing, proved by reading them back.

    Tables that hold rows are emptied first if `replace` or `confirm` says so, else the load is refused;
    `append` keeps their rows. `fail_fast`: stop at the first refused row instead of finding them all;
    `recompute`: take what the database computes where the dump has it otherwise. After
    the commit `signals.post_load` is sent. Raises RefusedError or another DbdumpError.
    """
    chosen = choose(labels, exclude, alias, allow_empty=allow_empty)
    wishes = Wishes(
        append, replace, confirm, verify=verify, fail_fast=fail_fast, recompute=recompute, progress=progress
    )
    with closing(open_dump(dump, allow_edited=allow_edited)) as source:
        return load_from(source, chosen, wishes)


def copy(
    labels: Sequence[str] = (),
    *,
    source: str,
    target: str,
    exclude: Sequence[str] = (),
    append: bool = False,
    replace: bool = False,
    confirm: Confirm | None = None,
    verify: bool = True,
    fail_fast: bool = False,
    recompute: bool = False,
    where: Mapping[str, str] | None = None,
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Copy models from the alias `source` to the alias `target`, under the terms of `load`.

    Without `labels`, all models that the routers keep in both.
    """
    from_there = choose(labels, exclude, source, allow_empty=allow_empty)
    chosen = choose(labels, exclude, target, allow_empty=allow_empty)
    refuse_open_transaction(source)
    wishes = Wishes(
        append, replace, confirm, verify=verify, fail_fast=fail_fast, recompute=recompute, progress=progress,
        where=conditions(where, from_there),
    )  # fmt: skip
    with closing(open_source(existing_url(source), describe=from_there.describe)) as opened:
        from_there.notes(opened.schema())
        return load_from(opened, chosen, wishes)


def verify(
    dump: str | os.PathLike[str] | None = None,
    *,
    source: str | None = None,
    target: str = DEFAULT_DB_ALIAS,
    labels: Sequence[str] = (),
    exclude: Sequence[str] = (),
    allow_empty: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Compare a dump, or the alias `source`, with the alias `target`: table by table, by count and fingerprint.

    References to content types, permissions and sites are compared by what they mean, whatever the
    ids. Without `labels`, models whose tables a dump lacks are a note, not a difference; so are those that
    have no rows of their own in the database `source`, or do not live there.
    """
    if (dump is None) == (source is None):
        raise UsageError("name a dump or a source alias, one of them")
    chosen = choose(labels, exclude, target, allow_empty=allow_empty)
    for alias in filter(None, (source, target)):
        refuse_open_transaction(alias)
    from_there = None if source is None else choose(labels, exclude, source, allow_empty=allow_empty)
    if source is None or from_there is None:
        ours = open_dump(dump or "", allow_edited=False)
    else:
        ours = open_source(existing_url(source), describe=from_there.describe)
    with (
        closing(ours),
        closing(open_source(existing_url(target), describe=chosen.describe)) as theirs,
    ):
        return _compared(ours, theirs, chosen, progress, from_there=from_there)


def _compared(
    ours: Source, theirs: Source, chosen: Chosen, progress: Progress | None, *, from_there: Chosen | None
) -> Comparison:
    """Compare a dump or, with `from_there`, a database with the one of `chosen`."""
    notes = chosen.notes(theirs.schema())
    taken = chosen.matched(ours.schema())
    there = chosen.tables(theirs.schema())
    if not chosen.named:
        taken = among(taken, taken.by_key.keys() - keys_in(taken, theirs.schema().rowless))
    asked = frozenset(taken.by_key)
    if from_there is not None:
        from_there.notes(ours.schema())
        asked |= from_there.expected(ours.schema())
    if not chosen.named:
        notes += absent(asked, chosen, there, so="not compared")
        there = among(there, asked)
    found = identities(
        taken,
        theirs,
        alias=chosen.alias,
        lookups=keys_in(taken, first_tables(chosen.all, chosen.alias)),
        order=ours.order,
    )
    left = View(ours, taken, maps=by_source(found.load_map, taken), first=found.first)
    comparison = compare(
        left, View(theirs, there), selection=Selection(), progress=progress, allow_empty=chosen.allow_empty
    )
    # Asked when all was read: what stands in a stream's manifest is known only then.
    looked_up = keys_in(taken, lookup_keys(ours, taken, chosen))
    if not chosen.named:  # a load keeps what only this project has: its own content types, and their permissions
        kept = [model for model in chosen.all if model._meta.app_label in ("contenttypes", "auth")]
        looked_up |= keys_in(taken, first_tables(kept, chosen.alias))
    comparison, more = without_lookups(comparison, looked_up, found.rows)
    return changed(comparison, notes=(*comparison.notes, *notes, *more))


def _extra(chosen: Chosen) -> dict[str, object]:
    """Return what a load should know: migrations, the tables that were taken along, what times are local to."""
    lookups = sorted(str(key) for key in model_keys(chosen.lookups, chosen.alias))
    return {**state(chosen.alias), "lookups": lookups, "time_zone": local_zone()}
