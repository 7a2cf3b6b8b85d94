"""Which columns of a project's models hold ids of content types, permissions and sites."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.db import router
from django.db.models import Field, Model

_IDENTITY_MODELS = (("contenttypes", "ContentType"), ("auth", "Permission"), ("sites", "Site"))
_OBJECT_IDS = ("object_id", "object_pk")


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of `model`'s own table that is a foreign key to `to`, by its primary key.

    `constrained`: the database keeps it, so that it never names a row that is not there.
    """

    model: type[Model]
    column: str
    to: type[Model]
    constrained: bool


@dataclass(frozen=True, slots=True)
class GenericReference:
    """A column of `model`'s own table with ids of rows of any model, which the content type in `kind` names.

    `kind` is None where that column is in another table (a parent model's), so that a row alone does not tell.
    """

    model: type[Model]
    column: str
    kind: str | None


def identity_models(alias: str) -> tuple[type[Model], ...]:
    """Return those of ContentType, Permission and Site that are installed and live in this database.

    They are the tables that `migrate` fills by itself, in each database with other ids.
    """
    installed = [
        apps.get_model(label, name) for label, name in _IDENTITY_MODELS if apps.is_installed(f"django.contrib.{label}")
    ]
    return tuple(model for model in installed if router.allow_migrate_model(alias, model))


def kinds(identity: Sequence[type[Model]]) -> dict[tuple[str, str], type[Model]]:
    """Return the content types (app label, model name) whose rows share their ids with an identity model.

    These are the model itself, its proxies, and models that inherit from it with a table of their own.
    """
    found = {}
    for model in apps.get_models():
        to = _identity_of(model._meta.pk, identity)
        if to is not None:
            found[model._meta.app_label, model._meta.model_name] = to
    return found


def references(identity: Sequence[type[Model]]) -> tuple[Reference, ...]:
    """Return the foreign keys to the identity models, those of automatic many-to-many tables included."""
    found: dict[tuple[type[Model], str], Reference] = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy:
            continue
        for own, other in _pairs(model):
            to = _identity_of(other, identity)
            if to is not None:
                constrained = bool(getattr(own, "db_constraint", True))
                found.setdefault((model, own.column), Reference(model, own.column, to, constrained))
    return tuple(found.values())


def generic_references() -> tuple[GenericReference, ...]:
    """Return the generic foreign keys of all models.

    Besides GenericForeignKey: what a GenericRelation reaches, and models that follow the convention
    without declaring it, as admin's log does (`content_type` beside `object_id` or `object_pk`).
    """
    found: dict[tuple[type[Model], str], GenericReference] = {}
    for model in apps.get_models(include_auto_created=True):
        for holder, kind_name, id_name in (*_declared(model), *_conventional(model)):
            kind, number = holder._meta.get_field(kind_name), holder._meta.get_field(id_name)
            owner = number.model._meta.concrete_model
            same = kind.model._meta.concrete_model is owner
            found.setdefault(
                (owner, number.column), GenericReference(owner, number.column, kind.column if same else None)
            )
    return tuple(found.values())


def _pairs(model: type[Model]) -> Iterator[tuple[Field, Field]]:
    """Yield the columns of a model's own table that refer, each with the field it refers to."""
    for field in model._meta.local_fields:
        if field.remote_field is not None:
            yield from ((own, other) for own, other in field.related_fields if own.column is not None)


def _identity_of(field: Field, identity: Sequence[type[Model]]) -> type[Model] | None:
    """Return the identity model whose primary key a field's values are, through parent links and keys.

    Models are known by their table: an unmanaged one may describe it once more.
    """
    by_table = {model._meta.db_table: model for model in identity}
    seen: set[Field] = set()
    while field not in seen:
        seen.add(field)
        model = by_table.get(field.model._meta.db_table)
        if model is not None:
            return model if field.primary_key else None
        if field.remote_field is None or not hasattr(field, "target_field"):
            return None
        field = field.target_field
    return None


def _declared(model: type[Model]) -> Iterable[tuple[type[Model], str, str]]:
    """Yield (model, content type field, id field) of generic keys and relations.

    They are known by their attributes: their module cannot be imported where contenttypes is not installed.
    """
    for field in model._meta.private_fields:
        if hasattr(field, "ct_field") and hasattr(field, "fk_field"):
            yield model, field.ct_field, field.fk_field
        elif hasattr(field, "content_type_field_name") and hasattr(field, "object_id_field_name"):
            yield field.remote_field.model, field.content_type_field_name, field.object_id_field_name


def _conventional(model: type[Model]) -> Iterable[tuple[type[Model], str, str]]:
    fields = {field.name: field for field in model._meta.local_fields}
    kind = fields.get("content_type")
    if kind is None or kind.remote_field is None or kind.related_model._meta.label_lower != "contenttypes.contenttype":
        return
    for name in _OBJECT_IDS:
        if name in fields and fields[name].remote_field is None:
            yield model, "content_type", name
