"""One more object of any model, as a project would create it: keys come from the database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.db.models import Field, Model

from tests.django.data import NOON, at

VALUES: dict[str, Any] = {
    "BinaryField": b"new",
    "BooleanField": True,
    "DateField": date(2025, 1, 1),
    "DateTimeField": NOON,
    "DurationField": timedelta(seconds=1),
    "FloatField": 0.5,
    "JSONField": {"new": True},
    "TimeField": time(1, 2, 3),
    "UUIDField": UUID(int=7),
}
numbers: Iterator[int] = count(5000)


def one_more(model: type[Model], alias: str) -> Model:
    """Create an object with nothing given that has a default or may be NULL, and with new parents."""
    wanted = [field for field in model._meta.concrete_fields if is_wanted(field)]
    return at(alias, model).create(**{field.name: value_of(field, alias) for field in wanted})


def is_wanted(field: Field) -> bool:
    from_database = field.get_internal_type().endswith("AutoField") or getattr(field, "generated", False)
    from_parent = bool(field.remote_field and getattr(field.remote_field, "parent_link", False))
    has_default = field.has_default() or getattr(field, "has_db_default", lambda: False)()
    return not (from_database or from_parent or field.null or has_default)


def value_of(field: Field, alias: str) -> Any:
    if field.remote_field:
        return one_more(field.related_model, alias)
    number = next(numbers)
    kind = field.get_internal_type()
    if kind in VALUES:
        return VALUES[kind]
    return number if "Integer" in kind or kind == "DecimalField" else f"n{number}"[-(field.max_length or 40) :]
