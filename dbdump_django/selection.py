"""Which models: apps and models by their labels, as far as the routers keep them in a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.apps import apps
from django.db import router
from django.db.migrations.recorder import MigrationRecorder

from dbdump_core.errors import SelectionError, shown
from dbdump_core.model.selection import close

from .db_url import connection_of

Model = Any
"""A model class; Django ships no types."""


def chosen_models(labels: Sequence[str], exclude: Sequence[str], *, alias: str) -> tuple[Model, ...]:
    """Return the models with a table of their own in `alias`, in the order of the apps and models.

    `labels`, `exclude`: `app` or `app.Model`; without labels, all. A model brings its automatic
    many-to-many tables and, where it was named, the models that it inherits its rows from. Proxies
    stand for their model. Raises SelectionError for a name that is not there or lives in another database;
    for an excluded one that is not there `vain` has a note.
    """
    connection_of(alias)
    known = table_models()
    here = [model for model in known if lives_in(model, alias)]
    wanted = set(here)
    if labels:
        wanted = {model for label in labels for model in _named_here(label, known, alias)}
    there = [label for label in exclude if _fault(label, known) is None]
    wanted -= {model for label in there for model in _named(label, known)}
    return tuple(model for model in here if model in wanted)


def vain(exclude: Sequence[str]) -> list[str]:
    """Return a note on each excluded name that no app and no model has."""
    known = table_models()
    return [f"--exclude: {fault}" for label in exclude if (fault := _fault(label, known)) is not None]


def table_models() -> list[Model]:
    """Return every model that has a table of its own, automatic many-to-many ones too, in a stable order."""
    record = MigrationRecorder.Migration._meta.db_table
    models = apps.get_models(include_auto_created=True)
    return [model for model in models if not model._meta.proxy and model._meta.db_table != record]


def name_of(model: Model) -> str:
    """Return `app.Model`."""
    return str(model._meta.label)


def lives_in(model: Model, alias: str) -> bool:
    """Tell whether the routers keep a model in `alias`; an automatic many-to-many table follows its owner."""
    return bool(router.allow_migrate_model(alias, owner(model)))


def owner(model: Model) -> Model:
    """Return the model that an automatic many-to-many table belongs to; any other model is its own."""
    return model._meta.auto_created or model


def foreign_across(models: Iterable[Model], alias: str) -> list[str]:
    """Return a line for each relation of `models` to a model that the routers keep out of `alias`."""
    return [
        f"{name_of(model)}.{field.name} refers to {name_of(parent)}, which the routers keep out of {shown(alias)};"
        " dump and load that model in its own database, keys unchanged"
        for model in models
        for field in model._meta.local_fields
        if (parent := _parent(field)) and not lives_in(parent, alias)
    ]


def _parent(field: Any) -> Model | None:
    """Return the model whose table a field refers to; None where there is none or its app is not installed."""
    related = field.related_model if field.remote_field else None
    return None if related is None or isinstance(related, str) else related._meta.concrete_model


def _named_here(label: str, known: Sequence[Model], alias: str) -> set[Model]:
    """Return what a label names in `alias`, with the models that their rows continue."""
    named = _named(label, known)
    found = {model for model in named if lives_in(model, alias)}
    if named and not found:
        raise SelectionError(
            f"the routers keep {shown(label)} out of the database {shown(alias)}; name the alias that has it"
        )
    return found | {parent for model in found for parent in model._meta.get_parent_list() if parent in known}


def _named(label: str, known: Sequence[Model]) -> set[Model]:
    """Return the models of an app, or a model with its automatic many-to-many tables."""
    fault = _fault(label, known)
    if fault is not None:
        raise SelectionError(fault)
    app, dot, name = label.partition(".")
    if not dot:
        return {model for model in known if model._meta.app_label == app}
    named = _models_of(app)[name.lower()]
    if named._meta.swapped:
        raise SelectionError(f"{shown(label)} is swapped for another model; name {shown(named._meta.swapped)}")
    concrete = named._meta.concrete_model
    return {model for model in known if owner(model) is concrete or model is concrete}


def _fault(label: str, known: Sequence[Model]) -> str | None:
    """Return what is wrong with a label that no app and no model has; None where one has it."""
    app, dot, name = label.partition(".")
    if app not in apps.app_configs:
        owners = [name_of(model) for model in known if not dot and model._meta.model_name == label.lower()]
        if owners:
            return f"no app {shown(label)}; a model needs its app: {', '.join(map(shown, owners))}"
        names = [*apps.app_configs, *(map(name_of, known) if dot else ())]
        return f"no app {shown(label)}; {close(label, names)}"
    if dot and name.lower() not in _models_of(app):
        names = [name_of(model) for model in known if model._meta.app_label == app]
        return f"no model {shown(label)}; {close(label, names)}"
    return None


def _models_of(app: str) -> dict[str, Model]:
    """Return an app's models by their names in lower case, as Django tells them apart."""
    return {model._meta.model_name: model for model in apps.get_app_config(app).get_models(True, True)}
