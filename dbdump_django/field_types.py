"""What a model's field adds to the type of the column that is really there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from dbdump_core.model.types import BOOLEAN, DURATION, JSON, UUID_HEX, Kind, Type

Refine = Callable[[Any, Type, Any], Type]
"""Takes a field, the type of its column and Django's connection; returns the type that both tell."""


def column_type(field: Any, there: Type, connection: Any) -> Type:
    """Return the neutral type of a field's column.

    `there`: the type of the column as the catalog has it, which wins wherever the field only says how
    its values are meant. A foreign key is what it refers to; a field of the project's own is what it
    says it stores (`get_internal_type`), whatever its class is called.
    """
    meant = referred(field)
    refine = _REFINES.get(meant.get_internal_type())
    return refine(meant, there, connection) if refine else there


def referred(field: Any) -> Any:
    """Return the field that a foreign key's values come from in the end; any other field is its own."""
    seen = set()
    while field.remote_field and isinstance(field.related_model, type) and field not in seen:
        seen.add(field)
        field = field.target_field
    return field


def _boolean(field: Any, there: Type, connection: Any) -> Type:
    """MySQL has tinyint(1), which the core takes for a number where it holds more or may."""
    return BOOLEAN if there.kind is Kind.INTEGER else there


def _uuid(field: Any, there: Type, connection: Any) -> Type:
    """Without a type of its own for it Django stores 32 digits; old columns on MariaDB are such too."""
    unlimited = there.length is None and not connection.features.has_native_uuid_field
    return UUID_HEX if there.kind is Kind.TEXT and (there.length == 32 or unlimited) else there


def _duration(field: Any, there: Type, connection: Any) -> Type:
    return DURATION if there.kind is Kind.INTEGER and there.bits == 64 else there


def _json(field: Any, there: Type, connection: Any) -> Type:
    return JSON if there.kind is Kind.TEXT else there


def _decimal(field: Any, there: Type, connection: Any) -> Type:
    """Where Django's own columns have no sizes (SQLite), the digits are as many as the field says.

    Elsewhere a column without sizes may hold more than that.
    """
    unsized = there.kind is Kind.DECIMAL and there.precision is None
    if not unsized or connection.data_types.get("DecimalField") != "decimal":
        return there
    if field.max_digits is None or field.decimal_places is None:
        return there
    return replace(there, precision=field.max_digits, scale=field.decimal_places)


def _timestamp(field: Any, there: Type, connection: Any) -> Type:
    """A plain column holds times of the connection's zone (DATABASES TIME_ZONE, else UTC or settings.TIME_ZONE).

    Where Django's own columns have a zone (PostgreSQL), a plain one is not its work and stays as it is.
    """
    zoned = "with time zone" in connection.data_types.get("DateTimeField", "")
    if there.kind is not Kind.TIMESTAMP or there.zoned or zoned:
        return there
    zone = connection.timezone_name
    return replace(there, zoned=True) if zone == "UTC" else replace(there, name=zone)


_REFINES: Mapping[str, Refine] = {
    "BooleanField": _boolean,
    "NullBooleanField": _boolean,
    "UUIDField": _uuid,
    "DurationField": _duration,
    "JSONField": _json,
    "DecimalField": _decimal,
    "DateTimeField": _timestamp,
}
