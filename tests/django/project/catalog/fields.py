"""Fields that store something else than their Python value."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from typing import Any

from django.db import models


class Condition(IntEnum):
    NEW = 1
    USED = 20
    BROKEN = 300


class CentsField(models.IntegerField):
    """A Decimal with two places, kept as a whole number of cents."""

    def from_db_value(self, value: int | None, *rest: Any) -> Decimal | None:
        return None if value is None else Decimal(value) / 100

    def to_python(self, value: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def get_prep_value(self, value: Any) -> int | None:
        return None if value is None else int(Decimal(value) * 100)


class WordsField(models.TextField):
    """A list of words, kept as one text."""

    def from_db_value(self, value: str | None, *rest: Any) -> list[str] | None:
        return None if value is None else value.split("|")

    def get_prep_value(self, value: list[str] | None) -> str | None:
        return None if value is None else "|".join(value)


class ConditionField(models.SmallIntegerField):
    """A member of Condition, kept as its number."""

    def from_db_value(self, value: int | None, *rest: Any) -> Condition | None:
        return None if value is None else Condition(value)

    def get_prep_value(self, value: Any) -> int | None:
        return None if value is None else int(value)


class HardwareAddressField(models.Field):
    """A text whose column type is the field's own word."""

    def db_type(self, connection: Any) -> str:
        return "varchar(17)"
