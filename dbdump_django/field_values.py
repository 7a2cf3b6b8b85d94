"""Values of fields as cells: what a column of the database would hold for them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.backends.utils import format_number
from django.db.models import NOT_PROVIDED
from django.utils import timezone

from dbdump_core.errors import ConnectError, MismatchError, shown
from dbdump_core.model.abc import Make, Maker
from dbdump_core.model.schema import Column
from dbdump_core.model.types import DURATION, INTERVAL, TEXT, UUID_HEX, Kind, Type, stored
from dbdump_core.rows.conversions import conversion, zone
from dbdump_core.rows.lines import NULL, encode

from .db_url import asking
from .field_types import referred
from .selection import name_of

Cell = Callable[[Any, Any, Type, Any], bytes]
"""Takes a field, its value, the column's type and Django's connection."""


def filler(field: Any, column: Column, connection: Any) -> Maker | None:
    """Return what makes the cells of a field that rows lack, as saving a new instance would.

    A callable default is called for each row. None where the database itself fills the column, and
    where there is nothing to fill it with.
    """
    if column.generated is not None or getattr(field, "generated", False):
        return None
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return lambda names: lambda cells: _present(field, column.type, connection)
    if callable(getattr(field, "default", None)) and field.has_default():
        return lambda names: _each_anew(field, column, connection)
    if not field.has_default():
        by_database = getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
        if by_database or field.primary_key or (field.get_default() is None and not column.nullable):
            return None
    return lambda names: _always(_first(field, field.get_default(), column, connection))


def cell_of(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    """Return the cell of a field's value for a column of `type_`, in the spelling of its stored type.

    Raises ValueError, whose text is what was expected.
    """
    meant = referred(field)
    try:
        if value is None:
            prepared = meant.get_db_prep_save(None, connection)
            return NULL if prepared is None else encode(prepared, stored(type_))
        return _CELLS.get(type_.kind, _prepared)(meant, value, type_, connection)
    except (ValidationError, ValueError, TypeError, ArithmeticError, AttributeError):
        raise ValueError(f"a value that the field can store as {type_}") from None


# --- defaults -----------------------------------------------------------------------------------


def _always(cell: bytes) -> Make:
    return lambda cells: cell


def _each_anew(field: Any, column: Column, connection: Any) -> Make:
    # Once beforehand, so that a default of a wrong type is told before the first row is read.
    sample = field.get_default()
    known = _first(field, sample, column, connection)

    def make(cells: object) -> bytes:
        value = field.get_default()
        if column.type.kind is Kind.NATIVE and value == sample:
            return known  # to ask the server again would cost a statement a row
        return cell_of(field, value, column.type, connection)

    return make


def _first(field: Any, value: object, column: Column, connection: Any) -> bytes:
    try:
        return cell_of(field, value, column.type, connection)
    except ValueError as error:
        name = f"{name_of(field.model)}.{field.name}"
        raise MismatchError(
            f"the default of {name} is {shown(value)} and not {error}; give the column a default in the dump's"
            " schema.yaml, or correct the model"
        ) from None


def _present(field: Any, type_: Type, connection: Any) -> bytes:
    """Return the cell of what auto_now would store, cut to the fraction that the column holds."""
    # As Django does it: days and hours are those of the process, whose zone is settings.TIME_ZONE.
    present = {"DateField": dt.date.today, "TimeField": lambda: dt.datetime.now().time()}
    now: Any = present.get(field.get_internal_type(), timezone.now)()
    if hasattr(now, "microsecond"):
        now = now.replace(microsecond=now.microsecond - now.microsecond % _finest(type_))
    return cell_of(field, now, type_, connection)


def _finest(type_: Type) -> int:
    """Return the microseconds of the smallest fraction that a type holds."""
    finest: int = 10 ** (6 - (6 if type_.precision is None else type_.precision))
    return finest


# --- values by kind -----------------------------------------------------------------------------


def _plain(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    return encode(field.get_prep_value(value), stored(type_))


def _clock(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    prepared = field.get_prep_value(value)
    if prepared.microsecond % _finest(type_):
        raise ValueError("more digits than the column keeps")
    return encode(prepared, type_)


def _moment(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)
    if isinstance(value, dt.datetime) and timezone.is_naive(value) and connection.timezone is not None:
        value = timezone.make_aware(value, timezone.get_default_timezone())
    moment = field.get_prep_value(value)
    if moment.microsecond % _finest(type_):
        raise ValueError("more digits than the column keeps")
    here = connection.timezone_name
    there = "UTC" if type_.zoned else type_.name or here
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=None if here == there else zone(here))
    if timezone.is_aware(moment):
        moment = moment.astimezone(zone(there)).replace(tzinfo=None)
    return encode(moment, stored(type_))


def _uuid(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    prepared = field.get_prep_value(value)
    return encode(prepared.hex, TEXT) if type_ == UUID_HEX else encode(prepared, type_)


def _interval(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    microseconds = field.get_prep_value(value) // dt.timedelta(microseconds=1)
    cell = encode(microseconds, stored(DURATION))
    convert = None if type_ == DURATION else conversion(DURATION, INTERVAL)
    return convert(cell) if convert else cell


def _json(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    if field.get_internal_type() != "JSONField":
        return _prepared(field, value, type_, connection)
    return encode(json.dumps(value, cls=field.encoder, allow_nan=False), type_)


def _decimal(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    prepared = field.get_prep_value(value)
    if isinstance(prepared, Decimal) and field.get_internal_type() == "DecimalField":
        return encode(Decimal(format_number(prepared, field.max_digits, field.decimal_places)), type_)
    return encode(prepared, type_)


def _prepared(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    """Return the cell of what Django would hand the driver."""
    prepared = field.get_db_prep_save(value, connection)
    if isinstance(prepared, int | float | Decimal) and not isinstance(prepared, bool):
        prepared = str(prepared)
    return NULL if prepared is None else encode(prepared, stored(type_))


def _native(field: Any, value: Any, type_: Type, connection: Any) -> bytes:
    """Return the cell of a type of the engine's own: a text as it is, all else as the server spells it."""
    prepared = field.get_prep_value(value)
    if isinstance(prepared, str):
        return encode(prepared, type_)
    sql = f"SELECT CAST(CAST(%s AS {type_.name}) AS text)"
    try:
        with asking(connection.alias) as server, transaction.atomic(using=server.alias), server.cursor() as cursor:
            cursor.execute(sql, [field.get_db_prep_save(value, server)])
            return encode(cursor.fetchone()[0], type_)
    except ConnectError as error:
        raise ValueError(str(error)) from None


_CELLS: Mapping[Kind, Cell] = {
    Kind.BOOLEAN: _plain, Kind.INTEGER: _plain, Kind.YEAR: _plain, Kind.FLOAT: _plain, Kind.BYTES: _plain,
    Kind.DATE: _plain, Kind.TIME: _clock, Kind.TIMESTAMP: _moment, Kind.UUID: _uuid, Kind.INTERVAL: _interval,
    Kind.JSON: _json, Kind.DECIMAL: _decimal, Kind.NATIVE: _native,
}  # fmt: skip
