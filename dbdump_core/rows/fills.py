"""Fills: what makes the cells of a column that the rows do not have."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from uuid import uuid4

from ..errors import MismatchError, SchemaError, shown
from ..model.abc import Make, Maker
from ..model.schema import Default, DefaultKind
from ..model.selection import close
from ..model.types import TEXT, UUID_HEX, Kind, Type, stored
from .conversions import conversion, spelled, zone
from .lexers import lexer
from .lines import NULL, encode, text_of

_MOMENTS = (DefaultKind.DATE, DefaultKind.TIME, DefaultKind.DATETIME)


def maker(default: Default, type_: Type, *, where: str) -> Maker:
    """Return what makes the cells of a column of `type_` by its default, one value for each row.

    Raises SchemaError, which begins with `where`, for a literal that the type does not hold, and for
    SQL, which is never run; the Maker raises MismatchError for a reference to what is not there.
    """
    if default.kind is DefaultKind.SQL:
        raise SchemaError(
            f"{where}: a default of kind sql is never run; give one of kind value, reference, date, time,"
            " datetime, uuid or null"
        )
    if default.kind is DefaultKind.REFERENCE:
        return _reference(str(default.value), where)
    if default.kind is DefaultKind.UUID:
        return _each(_new_uuid(type_, where))
    if default.kind in _MOMENTS and default.value == "now":
        return _each(_present(default.kind, type_, where))
    cell = NULL if default.kind is DefaultKind.NULL else _literal(default, type_, where)
    return _each(lambda: cell)


def _each(make: Callable[[], bytes]) -> Maker:
    return lambda names: lambda cells: make()


def _reference(name: str, where: str) -> Maker:
    def prepare(names: Sequence[str]) -> Make:
        if name not in names:
            raise MismatchError(f"{where}: no field {shown(name)} to take it from; {close(name, names)}")
        at = names.index(name)
        return lambda cells: cells[at]

    return prepare


def _literal(default: Default, type_: Type, where: str) -> bytes:
    """Return the cell of a literal, in the spelling of the stored type."""
    value = default.value
    if type_.kind is Kind.JSON and not isinstance(value, str):
        value = json.dumps(value)
    if isinstance(value, str) and type_.kind is Kind.TIMESTAMP and default.kind is DefaultKind.DATE:
        value += " 00:00:00"
    try:
        cell = encode(value, stored(TEXT if type_ == UUID_HEX else type_))
        if convert := conversion(TEXT, type_):
            cell = convert(cell)
        text = text_of(cell)
        if text is not None:
            lexer(stored(type_))(text)
    except ValueError as error:
        raise SchemaError(f"{where}: the default {shown(default.value)} is not {error}; correct it") from None
    return cell


def _new_uuid(type_: Type, where: str) -> Callable[[], bytes]:
    if type_ == UUID_HEX or (type_.kind is Kind.TEXT and type_.length == 32):
        return lambda: uuid4().hex.encode("ascii")
    if type_.kind is Kind.UUID or (type_.kind is Kind.TEXT and (type_.length or 36) >= 36):
        return lambda: str(uuid4()).encode("ascii")
    raise SchemaError(f"{where}: a column of type {type_} cannot hold a uuid; give another default")


def _present(kind: DefaultKind, type_: Type, where: str) -> Callable[[], bytes]:
    """Return what spells the present moment: in the zone that the type names, else in UTC."""
    part = {Kind.DATE: DefaultKind.DATE, Kind.TIME: DefaultKind.TIME}.get(type_.kind, kind)
    if type_.kind not in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TEXT) or (
        type_.kind is Kind.TIMESTAMP and kind is DefaultKind.TIME
    ):
        raise SchemaError(f"{where}: a column of type {type_} cannot hold a {kind}; give another default")
    local = zone(type_.name) if type_.kind is Kind.TIMESTAMP and type_.name else dt.UTC
    finest: int = 10 ** (6 - (6 if type_.precision is None else type_.precision))

    def make() -> bytes:
        now = dt.datetime.now(local)
        now = now.replace(microsecond=now.microsecond - now.microsecond % finest)
        day, _, clock = spelled(now).partition(b" ")
        if part is DefaultKind.DATE:
            return day + b" 00:00:00" if type_.kind is Kind.TIMESTAMP else day
        return clock if part is DefaultKind.TIME else day + b" " + clock

    return make
