"""Content types, permissions and sites: the same rows in another database, under whatever ids it has.

`migrate` writes these tables in every database, so a load finds them filled, with other ids than the dump's. For
each of the two sets {content types, permissions} and {sites} there are two ways:

- Replaced as a set, when all of its tables and all that refer to them are emptied and loaded anyway. The
  source's ids win and no reference changes. Content types of models that only this project has, and their
  permissions, are added again: `migrate` would make them the next time.
- Matched otherwise. The target's rows stay; those of the source are brought together with them by what they
  are (app label and model, and codename; domain), what is missing is added, and every reference in the loaded
  tables is rewritten: foreign keys and generic ones, also through keys that are themselves such ids.

What cannot be known: ids inside of JSON or other text, and in columns that no model declares as a reference.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from django.apps import apps
from django.db.models import Model

from dbdump_core.model.abc import Source
from dbdump_core.model.schema import Schema, TableKey

from .identity_plan import Identities, IdentityPlan, table_keys
from .references import generic_references, identity_models, references

__all__ = ["Identities", "clear_caches", "first_tables", "identities", "lookups"]


def lookups(chosen: Sequence[type[Model]], alias: str) -> tuple[type[Model], ...]:
    """Return the identity models that chosen models refer to and that are not chosen themselves.

    A dump takes them along, so that a load can tell what an id means. A generic foreign key may refer to any.
    """
    known = identity_models(alias)
    wanted = {one.to for one in references(known) if one.model in chosen}
    if any(one.model in chosen for one in generic_references()):
        wanted.update(known)
    # A permission is known by its content type.
    wanted.update(one.to for one in references(known) if one.model in tuple(wanted))
    return tuple(model for model in known if model in wanted and model not in chosen)


def first_tables(models: Iterable[type[Model]], alias: str) -> tuple[TableKey, ...]:
    """Return the tables of the identity models among `models`, in the order that a stream must have."""
    chosen = set(models)
    known = [model for model in identity_models(alias) if model in chosen]
    keys = table_keys(known, alias)
    return tuple(keys[model._meta.db_table] for model in known)


def identities(
    source: Schema,
    target: Source,
    *,
    alias: str,
    lookups: Collection[TableKey] = (),
    append: bool = False,
    order: Sequence[TableKey] | None = None,
) -> Identities:
    """Return how the rows of `source`, all tables of which will be moved, come to refer to the target's rows.

    `target`: the database `alias` that they are moved to; its few rows of this sort are read here. `lookups`:
    tables of the source that are moved to be looked up in only. `append`: no table is emptied. `order`: of the
    source's tables, where it is a stream. Raises MismatchError where that brings references too early. What another
    program adds between this and the load is not seen: the tables' unique keys then refuse the load.
    """
    emptied = frozenset[TableKey]() if append else frozenset(source.by_key) - frozenset(lookups)
    return IdentityPlan(source, target, alias, emptied=emptied, taken=frozenset(lookups)).identities(order)


def clear_caches() -> None:
    """Make this process forget the content types and sites that it has seen."""
    for label, name in (("contenttypes", "ContentType"), ("sites", "Site")):
        if apps.is_installed(f"django.contrib.{label}"):
            apps.get_model(label, name).objects.clear_cache()
