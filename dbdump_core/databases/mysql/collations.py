"""Collations of MySQL and MariaDB, and which of the one is like which of the other."""

from __future__ import annotations

import re
from collections.abc import Collection

import sqlalchemy as sa

from ...model.types import Kind, Type

_THERE = "SELECT {} FROM information_schema.collation_character_set_applicability"
_EXACT = ("utf8mb4_0900_bin", "utf8mb4_nopad_bin")
"""Texts are equal only if they are the same, blanks at their end included."""
_UUID = ("ascii_bin", Type(Kind.TEXT, length=36, fixed=True))
"""What uuids are created as: no two of them differ by blanks alone."""


def there(connection: sa.Connection) -> set[str]:
    """Return the names of all collations that the server has, each with its character set."""
    full = "full_collation_name" if getattr(connection.dialect, "is_mariadb", False) else "collation_name"
    try:
        return {str(row[0]) for row in connection.exec_driver_sql(_THERE.format(full))}
    except sa.exc.DBAPIError:  # a MariaDB of before 10.10
        return {str(row[0]) for row in connection.exec_driver_sql(_THERE.format("collation_name"))}


def told(name: str | None, type_: Type) -> str | None:
    """Return what is worth telling of a column's collation: nothing of one that takes no two texts for one."""
    if name in _EXACT or (name, type_) == _UUID or type_.kind not in (Kind.TEXT, Kind.ENUM, Kind.SET):
        return None
    return name


_MYSQL = re.compile(r"utf8mb4_(?:([a-z_]+)_)?0900_(ai_ci|as_ci|as_cs)")
_MARIADB = re.compile(r"utf8mb4_uca1400_(?:([a-z0-9]+)_)?nopad_(ai_ci|as_ci|as_cs)")
_PADDED = {"utf8mb4_uca1400_ai_ci": "utf8mb4_unicode_520_ci"}
"""The default of newer MariaDB, to which blanks at the end are nothing, as to this one of both."""
_LANGUAGES = {
    "de_pb": "german2", "is": "icelandic", "lv": "latvian", "ro": "romanian", "sl": "slovenian", "pl": "polish",
    "et": "estonian", "es": "spanish", "sv": "swedish", "tr": "turkish", "cs": "czech", "da": "danish",
    "lt": "lithuanian", "sk": "slovak", "es_trad": "spanish2", "la": "roman", "eo": "esperanto",
    "hu": "hungarian", "hr": "croatian", "vi": "vietnamese",
}  # fmt: skip
_CODES = {name: code for code, name in _LANGUAGES.items()}


def like(name: str, known: Collection[str]) -> str | None:
    """Return the collation among `known` that is the same as `name`, or the same by newer or older tables."""
    return next((one for one in (name, *_others(name)) if one in known), None)


def _others(name: str) -> list[str]:
    """Return other names for a collation, and for one that differs only in the release of Unicode."""
    if name.startswith(("utf8_", "utf8mb3_")):
        rest = name.partition("_")[2]
        return [f"utf8mb3_{rest}", f"utf8_{rest}"]
    if name in _PADDED:
        return [_PADDED[name]]
    if found := _MYSQL.fullmatch(name):
        return _named("utf8mb4_uca1400_{}nopad_{}", _LANGUAGES, found)
    if found := _MARIADB.fullmatch(name):
        return _named("utf8mb4_{}0900_{}", _CODES, found)
    return []


def _named(form: str, languages: dict[str, str], found: re.Match[str]) -> list[str]:
    language, strength = found.groups()
    if language is None:
        return [form.format("", strength)]
    return [form.format(f"{languages[language]}_", strength)] if language in languages else []
