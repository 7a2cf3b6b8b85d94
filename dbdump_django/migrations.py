"""How far a database's migrations have come; it is only ever asked, never written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.exceptions import BadMigrationError, CircularDependencyError, NodeNotFoundError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from dbdump_core.errors import UsageError, shown

from .db_url import asking, first_line
from .selection import Model, name_of

_BROKEN = (BadMigrationError, CircularDependencyError, NodeNotFoundError, ImportError, ValueError)
"""What the loader raises for migrations that do not fit together, or depend on an app that is not there."""


def applied(alias: str) -> dict[str, list[str]]:
    """Return, for each app with applied migrations, the last ones: those that no other applied one follows.

    A squashed migration stands for the ones it replaces once they are all applied. Apps without
    migrations, and migrations that the project no longer has, are absent.
    """
    with asking(alias) as connection:
        loader = _loader(connection)
    return _heads(loader)


def state(alias: str) -> dict[str, Any]:
    """Return how far a database has come, as a dump's manifest keeps it (docs/format.md).

    `migrations`: app -> all names that are recorded as applied, those of apps that are gone too; `heads`: what
    `applied` returns; `unmigrated`: apps with models and without migrations; `swappable`: setting -> model.
    """
    with asking(alias) as connection:
        loader = _loader(connection)
        recorded = sorted(MigrationRecorder(connection).applied_migrations())
    names: dict[str, list[str]] = {}
    for app, name in recorded:
        names.setdefault(app, []).append(name)
    models = apps.get_models(include_swapped=True)
    return {
        "migrations": names,
        "heads": _heads(loader),
        "unmigrated": sorted(loader.unmigrated_apps & {model._meta.app_label for model in models}),
        "swappable": {
            model._meta.swappable: model._meta.swapped or name_of(model) for model in models if model._meta.swappable
        },
    }


def _heads(loader: Any) -> dict[str, list[str]]:
    nodes = [node for node in loader.graph.nodes if node in loader.applied_migrations]
    parents = loader.graph.node_map
    followed = {parent.key for node in nodes for parent in parents[node].parents if parent.key[0] == node[0]}
    heads: dict[str, list[str]] = {}
    for app, name in sorted(set(nodes) - followed):
        heads.setdefault(app, []).append(name)
    return heads


def difference(dumped: Mapping[str, Sequence[str]], applied: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a line for each app whose migrations had come elsewhere when the dump was made.

    Both arguments are what `applied` returns; a dumped migration that has been squashed since counts
    as the squashed one.
    """
    squashed = _squashed()
    lines = []
    for app in sorted({*dumped, *applied}):
        then = {squashed.get((app, name), name) for name in dumped.get(app, ())}
        now = set(applied.get(app, ()))
        if then != now:
            lines.append(
                f"app {shown(app)}: the dump was made at {_listed(then)}, the target is at {_listed(now)};"
                " columns that differ are filled by their defaults or left out"
            )
    return lines


def unapplied(alias: str, models: Sequence[Model]) -> list[str]:
    """Return a line for each app of `models` with migrations that were not applied to `alias`."""
    chosen = {model._meta.app_label for model in models}
    with asking(alias) as connection:
        loader = _loader(connection)
    waiting: dict[str, list[str]] = {}
    for app, name in sorted(loader.graph.nodes):
        if app in chosen and (app, name) not in loader.applied_migrations:
            waiting.setdefault(app, []).append(name)
    flag = "" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"
    return [
        f"app {shown(app)}: {_listed(names)} not applied to {shown(alias)}; run migrate{flag}"
        for app, names in waiting.items()
    ]


def _loader(connection: Any) -> Any:
    """Return Django's loader. Raises UsageError for migrations that do not fit together."""
    try:
        return MigrationLoader(connection, ignore_no_migrations=True)
    except _BROKEN as error:
        raise UsageError(f"the project's migrations cannot be read: {first_line(error)}; correct them") from error


def _squashed() -> dict[tuple[str, str], str]:
    """Return the last migration that each squashed one replaces, and the squashed one's name."""
    found = {}
    for (app, name), migration in _loader(None).replacements.items():
        own = [replaced for replaced_app, replaced in migration.replaces if replaced_app == app]
        if own:
            found[app, own[-1]] = name
    return found


def _listed(names: Sequence[str] | set[str]) -> str:
    return ", ".join(map(shown, sorted(names)[:6])) or "no migration at all"
