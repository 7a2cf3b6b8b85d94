"""What a database holds, in values that can be compared across engines and across the keys `migrate` gave."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.fields import GenericForeignKey
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model

Identity = tuple[str, ...]
Identities = dict[str, dict[object, Identity]]
"""Label of a model (`auth.permission`) -> key -> what names the same row in every database."""

QUERIES = {
    "contenttypes.contenttype": "SELECT id, app_label, model FROM django_content_type",
    "auth.permission": (
        "SELECT p.id, c.app_label, c.model, p.codename FROM auth_permission p"
        " JOIN django_content_type c ON c.id = p.content_type_id"
    ),
    "sites.site": "SELECT id, domain FROM django_site",
}


def tables(alias: str) -> Iterator[type[Model]]:
    """Every model with a table of its own that `alias` has, automatic many-to-many ones included."""
    there = set(connections[alias].introspection.table_names())
    for model in apps.get_models(include_auto_created=True):
        options = model._meta
        usable = not options.proxy and router.allow_migrate_model(alias, model)
        if usable and options.db_table in there:
            yield model


def cells(alias: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the models, sorted; columns in the order of the model's fields.

    Read by bare SQL, never through a manager or a field. The keys of content types, permissions and sites, and
    whatever refers to one, foreign key or generic, are replaced by what identifies the row.
    """
    known = identities(alias)
    return {model._meta.db_table: sorted(rows(model, alias, known), key=repr) for model in tables(alias)}


def identities(alias: str) -> Identities:
    """What names the rows that `migrate` makes, by their keys in this database."""
    connection = connections[alias]
    there = set(connection.introspection.table_names())
    if "django_content_type" not in there:
        return {}
    with connection.cursor() as cursor:
        found: Identities = {}
        for label, query in QUERIES.items():
            cursor.execute(query)
            found[label] = {key: (label, *names) for key, *names in cursor.fetchall()}
    return found


def rows(model: type[Model], alias: str, known: Identities) -> Iterator[tuple[object, ...]]:
    connection = connections[alias]
    fields = model._meta.local_concrete_fields
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    readers = [reader(field, connection, known) for field in fields]
    generic = generic_reader(model, known)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {quote(model._meta.db_table)}")
        for row in cursor.fetchall():
            values = [None if value is None else read(value) for read, value in zip(readers, row, strict=True)]
            yield tuple(generic(values))


def label_of(field: Field) -> str | None:
    """The model that a field's values are keys of, followed through keys that are foreign keys themselves."""
    while field.remote_field:
        field = field.target_field
    label = field.model._meta.label_lower
    return label if field.primary_key and label in QUERIES else None


def reader(field: Field, connection: BaseDatabaseWrapper, known: Identities) -> Callable[[Any], object]:
    label = label_of(field)
    if label:
        # A reference that no constraint holds may point nowhere: it stays what it is.
        return lambda value: known[label].get(value, value)
    while field.remote_field:
        field = field.target_field
    return lambda value: canonical(field, value, connection)


def generic_reader(model: type[Model], known: Identities) -> Callable[[list[object]], list[object]]:
    """Replace the keys in pairs of a content type and a key that no foreign key tells of."""
    names = [field.name for field in model._meta.local_concrete_fields]
    pairs = [
        (names.index(field.ct_field), names.index(field.fk_field))
        for field in model._meta.private_fields
        if isinstance(field, GenericForeignKey)
    ]
    if model._meta.label_lower == "admin.logentry":
        pairs.append((names.index("content_type"), names.index("object_id")))

    def replaced(values: list[object]) -> list[object]:
        for kind, key in pairs:
            if isinstance(values[kind], tuple) and values[key] is not None:
                label = ".".join(values[kind][1:])
                by_text = {str(number): identity for number, identity in known.get(label, {}).items()}
                values[key] = by_text.get(str(values[key]), values[key])
        return values

    return replaced


def canonical(field: Field, value: Any, connection: BaseDatabaseWrapper) -> object:
    """One cell as a plain Python value, whatever the engine and its driver make of the type.

    Raises ValueError or TypeError for a value that the field's type does not have.
    """
    make = BY_TYPE.get(field.get_internal_type())
    return make(field, value, connection) if make else plain(value)


def plain(value: object) -> object:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    raise TypeError(f"not plain: {value!r}")


def boolean(field: Field, value: object, connection: BaseDatabaseWrapper) -> bool:
    if value not in (0, 1):
        raise ValueError(f"not a boolean: {value!r}")
    return bool(value)


def moment(field: Field, value: Any, connection: BaseDatabaseWrapper) -> datetime:
    read = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if read.tzinfo is None and connection.timezone is not None:
        read = read.replace(tzinfo=connection.timezone)
    return read.astimezone(UTC) if read.tzinfo else read


def json_value(field: Field, value: Any, connection: BaseDatabaseWrapper) -> object:
    # In a tuple, so that JSON's null is not the column's NULL.
    return ("json", json.dumps(json.loads(value), sort_keys=True))


def decimal(field: Field, value: Any, connection: BaseDatabaseWrapper) -> Decimal:
    read = Decimal(str(value))
    if read != round(read, field.decimal_places):
        raise ValueError(f"more digits than {field}: {value!r}")
    return round(read, field.decimal_places)


def duration(field: Field, value: Any, connection: BaseDatabaseWrapper) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(microseconds=int(value))


def day(field: Field, value: Any, connection: BaseDatabaseWrapper) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def hour(field: Field, value: Any, connection: BaseDatabaseWrapper) -> time:
    return value if isinstance(value, time) else time.fromisoformat(value)


BY_TYPE: dict[str, Callable[[Field, Any, BaseDatabaseWrapper], object]] = {
    "BinaryField": lambda field, value, connection: bytes(value),
    "BooleanField": boolean,
    "DateField": day,
    "DateTimeField": moment,
    "DecimalField": decimal,
    "DurationField": duration,
    "FloatField": lambda field, value, connection: float(value),
    "JSONField": json_value,
    "TimeField": hour,
    "UUIDField": lambda field, value, connection: value if isinstance(value, uuid.UUID) else uuid.UUID(value),
}
