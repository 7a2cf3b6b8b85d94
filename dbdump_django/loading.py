"""Rows into the tables of a project's models, from any source: what all loads have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from dbdump_core.endpoints import hidden, open_source, open_target
from dbdump_core.errors import DumpError, MismatchError, shown
from dbdump_core.model.abc import Progress, Report, Source, Target
from dbdump_core.model.names import Names, pair
from dbdump_core.model.results import Detail, Loss
from dbdump_core.model.schema import Schema, TableKey
from dbdump_core.model.selection import Selection
from dbdump_core.plan.load_map import LoadMap, TableMap
from dbdump_core.run.transfer import Confirm, Options, transfer

from . import content_types
from .db_url import existing_url
from .migrations import applied, difference
from .model_schema import fills, model_keys
from .project import Chosen, refuse_open_transaction
from .selection import name_of, table_models

MIGRATIONS = "django_migrations"
"""Each database's own record; it is never moved."""
NAMED = 10
"""Tables that an error names at most."""


@dataclass(frozen=True)
class Wishes:
    """How to load; the words of `dbdump_core.run.transfer.Options`."""

    append: bool = False
    replace: bool = False
    confirm: Confirm | None = None
    verify: bool = True
    fail_fast: bool = False
    recompute: bool = False
    progress: Progress | None = None
    where: Mapping[str, str] = field(default_factory=dict)


def load_from(
    source: Source, chosen: Chosen, wishes: Wishes, *, into: Callable[[Target], Target] | None = None
) -> Report:
    """Load the chosen models' tables from `source` into their database; tell the project when it is done.

    `into`: gives the target to write to in place of the database (one that only prints). Raises RefusedError
    where nothing was changed, or another DbdumpError where all was rolled back.
    """
    refuse_open_transaction(chosen.alias)
    url = existing_url(chosen.alias)
    with closing(open_target(url, create=False, describe=chosen.describe)) as database:
        there = database.schema()
        notes = chosen.notes(there)
        taken = _placed(_taken(source, chosen, notes), there, notes)
        notes += absent(taken.by_key, chosen, there)
        notes += [*_migration_notes(source, chosen), *_zone_notes(source)]
        identities = _identities(source, taken, chosen, append=wishes.append)
        options = Options(
            append=wishes.append,
            replace=wishes.replace,
            confirm=wishes.confirm,
            verify=wishes.verify,
            fail_fast=wishes.fail_fast,
            recompute=wishes.recompute,
            allow_empty=chosen.allow_empty,
            progress=wishes.progress,
            selection=Selection(where=wishes.where),
            schema=taken,
            lenient=True,
            load_map=merged(fills(chosen.all, chosen.alias, there), identities.load_map),
            first=identities.first,
        )
        report = transfer(source, into(database) if into else database, options)
    report = noted(report, [*notes, *identities.notes, *identities.outcome()])
    return report if into else _told(report, chosen.alias)


def open_dump(place: str | os.PathLike[str], *, allow_edited: bool) -> Source:
    """Return the dump, or the other database, at `place`. Raises DumpError where there is nothing."""
    is_path = isinstance(place, os.PathLike) or not (place == "-" or "://" in place or place.startswith("env:"))
    if is_path and not Path(place).exists():
        raise DumpError(f"no dump {shown(hidden(os.fspath(place)), 500)}; check the path")
    return open_source(place, allow_edited=allow_edited)


def merged(filled: Mapping[TableKey, Mapping[str, Any]], load_map: LoadMap) -> LoadMap:
    """Return a load map with the models' defaults added."""
    keys = {**filled, **load_map}
    return {key: replace(load_map.get(key, TableMap()), fills=filled.get(key, {})) for key in keys}


def lookup_keys(source: Source, taken: Schema, chosen: Chosen) -> frozenset[TableKey]:
    """Return the tables of `source` that are only there to be looked up in.

    Those that this load takes along, and those that the dump did, unless the user has named models.
    """
    along = chosen.lookup_keys()
    if not chosen.named:
        known = {str(key) for key in content_types.first_tables(chosen.models, chosen.alias)}
        noted = {name for name in dumped(source)["lookups"] if name in known}
        along |= {table.key for table in taken if str(table.key) in noted}
    return along


def dumped(source: Source) -> dict[str, Any]:
    """Return what a dump's manifest says of Django.

    `heads`, app -> the last of its migrations; `lookups`, names of tables; `time_zone`, of a project without
    USE_TZ. A manifest may be anyone's: what has not this shape is taken for absent.
    """
    extra = getattr(source, "extra", {}).get("django")
    found = extra if isinstance(extra, dict) else {}
    # In version 1 `migrations` were the last ones alone.
    heads, lookups = found.get("heads", found.get("migrations")), found.get("lookups")
    good = isinstance(heads, dict) and all(_is_names(names) for names in heads.values())
    zone = found.get("time_zone")
    return {
        "heads": heads if good else {},
        "lookups": lookups if _is_names(lookups) else [],
        "time_zone": zone if isinstance(zone, str) else None,
    }


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _taken(source: Source, chosen: Chosen, notes: list[str]) -> Schema:
    """Return the source's tables that models stand for; note what either side has alone.

    Raises MismatchError where nothing is left.
    """
    given = source.schema()
    taken = chosen.matched(given)
    if not (taken.tables or chosen.allow_empty):
        has = ", ".join(shown(table.key) for table in given.tables[:NAMED]) or "no tables"
        more = " …" if len(given) > NAMED else ""
        raise MismatchError(
            f"{source.name} has no table of the chosen models; it has {has}{more};"
            " check what was named, or give --allow-empty if nothing is meant"
        )
    if not chosen.named:
        notes += _left_out(given, taken, chosen)
    return taken


def _placed(taken: Schema, there: Schema, notes: list[str]) -> Schema:
    """Return the source's tables that have one here to go to: a model may be without rows of its own in this database.

    Raises MismatchError where none is left.
    """
    names = Names(there.by_key)
    lost = [str(table.key) for table in taken if table.key not in names]
    if lost and len(lost) == len(taken):
        raise MismatchError(f"no table of the chosen models is here: {', '.join(lost[:NAMED])}; name other models")
    if lost:
        notes.append(Loss(f"left out, as their models have no tables here: {', '.join(lost)}"))
    return replace(taken, tables=tuple(table for table in taken if table.key in names))


def _left_out(given: Schema, taken: Schema, chosen: Chosen) -> list[str]:
    """Return notes on the source's tables that are not taken: what no model has, and what others keep elsewhere."""
    tables = [table for table in given if table.key not in taken.by_key and table.name != MIGRATIONS]
    known = pair(given.by_key, model_keys(table_models(), chosen.alias)).there
    strange = [str(table.key) for table in tables if table.key not in known]
    kept_out = [str(table.key) for table in tables if table.key in known]
    notes = [f"left out, as no model has these tables: {', '.join(strange)}"] if strange else []
    if kept_out:
        reason = f"excluded, or kept out of {shown(chosen.alias)} by the routers"
        notes.append(Detail(f"left out, as {reason}: {', '.join(kept_out)}"))
    return notes


def absent(asked: Iterable[TableKey], chosen: Chosen, there: Schema, *, so: str = "left alone") -> list[str]:
    """Return a note on the models whose tables are there, and not asked of the source; `so`: what is done with them."""
    given = pair(asked, there.by_key).there.values()
    missing = [
        name_of(model)
        for key, model in model_keys(chosen.models, chosen.alias).items()
        if key in there.by_key and key not in given
    ]
    return [Detail(f"not in the source, so {so}: {', '.join(missing)}")] if missing else []


def _migration_notes(source: Source, chosen: Chosen) -> list[str]:
    """Return a note for each app that is loaded whose migrations had come elsewhere at the time of the dump."""
    then = dumped(source)["heads"]
    if not then:
        return []
    apps = {model._meta.app_label for model in chosen.all}
    now = applied(chosen.alias)
    return difference(*({app: names for app, names in side.items() if app in apps} for side in (then, now)))


def _zone_notes(source: Source) -> list[str]:
    """Return a note where the times of a project without USE_TZ were local to another zone than now."""
    then = dumped(source)["time_zone"]
    now = local_zone()
    if then == now or None in (then, now):
        return []
    return [
        f"TIME_ZONE was {shown(then)} when this was dumped and is {shown(now)}: times were converted from one to"
        " the other; to keep them as they read, load with TIME_ZONE as it was"
    ]


def local_zone() -> str | None:
    """Return the zone that all times of the project are local to; None where they are moments (USE_TZ)."""
    return None if settings.USE_TZ else str(settings.TIME_ZONE)


def _identities(source: Source, taken: Schema, chosen: Chosen, *, append: bool) -> content_types.Identities:
    """Read the target's content types and their like; nothing stays open on it."""
    with closing(open_source(existing_url(chosen.alias), describe=chosen.describe)) as target:
        return content_types.identities(
            taken,
            target,
            alias=chosen.alias,
            lookups=lookup_keys(source, taken, chosen),
            append=append,
            order=source.order,
        )


def _told(report: Report, alias: str) -> Report:
    """Tell the project that its tables hold other rows; return the report with the notes of that."""
    from .apps import DbdumpConfig
    from .signals import post_load

    content_types.clear_caches()
    answers = post_load.send_robust(sender=DbdumpConfig, report=report, alias=alias)
    failed = [
        f"a receiver of post_load failed: {type(answer).__name__}: {answer}; the rows are loaded nevertheless"
        for _, answer in answers
        if isinstance(answer, Exception)
    ]
    return noted(report, failed)


def noted(report: Report, notes: Iterable[str]) -> Report:
    """Return a report with more notes."""
    return replace(report, notes=(*report.notes, *notes))
