"""Neutral column types: what a column can hold, said without any engine's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from ..errors import SchemaError, shown


class Kind(StrEnum):
    """The families of types; one canonical spelling each (see `lines`)."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    YEAR = "year"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    INTERVAL = "interval"
    UUID = "uuid"
    JSON = "json"
    BIT = "bit"
    ENUM = "enum"
    SET = "set"
    NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Type:
    """One neutral type.

    `bits`: 8, 16, 24, 32 or 64 for integers, 32 or 64 for floats. `length`: characters of text,
    bytes of bytes, bits of a bit string; None = without limit. `fixed`: char / binary / bit, as
    opposed to their varying forms. `precision`: digits of a decimal, fraction digits of a time.
    `values`: members of an enum or set. `name`: an engine's own type, word for word (NATIVE), or
    a flavour of the kind: `jsonb`, `uuid_hex`, `duration`, the time zone of local timestamps.
    """

    kind: Kind
    bits: int | None = None
    unsigned: bool = False
    length: int | None = None
    fixed: bool = False
    precision: int | None = None
    scale: int | None = None
    zoned: bool = False
    values: tuple[str, ...] = ()
    name: str | None = None

    def __str__(self) -> str:
        return _spell(self)

    def integer_range(self) -> tuple[int, int]:
        """Return the lowest and highest integer this INTEGER type holds."""
        bits = self.bits or 64
        if self.unsigned:
            return 0, 2**bits - 1
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


BOOLEAN = Type(Kind.BOOLEAN)
SMALLINT = Type(Kind.INTEGER, bits=16)
INTEGER = Type(Kind.INTEGER, bits=32)
BIGINT = Type(Kind.INTEGER, bits=64)
FLOAT = Type(Kind.FLOAT, bits=64)
REAL = Type(Kind.FLOAT, bits=32)
TEXT = Type(Kind.TEXT)
BYTES = Type(Kind.BYTES)
DATE = Type(Kind.DATE)
TIME = Type(Kind.TIME, precision=6)
TIMESTAMP = Type(Kind.TIMESTAMP, precision=6)
TIMESTAMPTZ = Type(Kind.TIMESTAMP, precision=6, zoned=True)
UUID = Type(Kind.UUID)
UUID_HEX = Type(Kind.UUID, name="uuid_hex")
"""A uuid kept as 32 hex digits in a char(32)."""
INTERVAL = Type(Kind.INTERVAL)
DURATION = Type(Kind.INTERVAL, name="duration")
"""An interval kept as a bigint of microseconds."""
JSON = Type(Kind.JSON)


def stored(type_: Type) -> Type:
    """Return what an engine has for a type: char(32), bigint, a timestamp without its zone's name."""
    if type_ == UUID_HEX:
        return Type(Kind.TEXT, length=32, fixed=True)
    if type_ == DURATION:
        return BIGINT
    if type_.kind is Kind.TIMESTAMP and type_.name is not None:
        return replace(type_, name=None)
    return type_


class Fit(Enum):
    """Whether every value of one type can be stored exactly in another."""

    ALWAYS = "always"
    CHECK = "check"
    NEVER = "never"


# --- spelling ---------------------------------------------------------------------------------

_INTEGER_NAMES = {8: "tinyint", 16: "smallint", 24: "mediumint", 32: "integer", 64: "bigint"}
_INTEGER_BITS = {name: bits for bits, name in _INTEGER_NAMES.items()}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _spell_time(type_: Type) -> str:
    word = "timestamptz" if type_.zoned else type_.kind.value
    sized = word if type_.precision in (None, 6) else f"{word}({type_.precision})"
    return sized if type_.name is None else f"{sized} in {_quoted(type_.name)}"


def _spell_sized(type_: Type) -> str:
    words = {Kind.TEXT: ("char", "varchar"), Kind.BYTES: ("binary", "varbinary"), Kind.BIT: ("bit", "varbit")}
    word = words[type_.kind][0 if type_.fixed else 1]
    if type_.length is None:
        return word if type_.kind is Kind.BIT else type_.kind.value
    return f"{word}({type_.length})"


def _spell_decimal(type_: Type) -> str:
    if type_.precision is None:
        return "decimal"
    return f"decimal({type_.precision},{type_.scale or 0})"


def _spell(type_: Type) -> str:
    kind = type_.kind
    if kind is Kind.INTEGER:
        return _INTEGER_NAMES[type_.bits or 64] + (" unsigned" if type_.unsigned else "")
    if kind is Kind.FLOAT:
        return "real" if type_.bits == 32 else "float"
    if kind is Kind.DECIMAL:
        return _spell_decimal(type_)
    if kind in (Kind.TEXT, Kind.BYTES, Kind.BIT):
        return _spell_sized(type_)
    if kind in (Kind.TIME, Kind.TIMESTAMP):
        return _spell_time(type_)
    if kind in (Kind.ENUM, Kind.SET):
        return f"{kind.value}({', '.join(map(_quoted, type_.values))})"
    if kind is Kind.NATIVE:
        return f"native({_quoted(type_.name or '')})"
    return type_.name or kind.value


_PARSE = re.compile(r"([a-z_]+)(?:\((.*)\))?( unsigned)?", re.DOTALL)
_LOCAL = re.compile(r"(timestamp(?:\([0-6]\))?) in '([A-Za-z0-9_+/-]{1,64})'")
_MEMBER = re.compile(r"\s*'((?:[^']|'')*)'\s*(?:,|$)")
_PLAIN = {
    "boolean": BOOLEAN, "year": Type(Kind.YEAR), "float": FLOAT, "real": REAL, "text": TEXT, "bytes": BYTES,
    "date": DATE, "time": TIME, "timestamp": TIMESTAMP, "timestamptz": TIMESTAMPTZ,
    "interval": INTERVAL, "duration": DURATION, "uuid": UUID, "uuid_hex": UUID_HEX, "json": JSON,
    "jsonb": Type(Kind.JSON, name="jsonb"),
    "decimal": Type(Kind.DECIMAL), "varbit": Type(Kind.BIT), "bit": Type(Kind.BIT, length=1, fixed=True),
}  # fmt: skip
_SIZED = {
    "char": Type(Kind.TEXT, fixed=True), "varchar": TEXT, "binary": Type(Kind.BYTES, fixed=True),
    "varbinary": BYTES, "bit": Type(Kind.BIT, fixed=True), "varbit": Type(Kind.BIT),
}  # fmt: skip


def parse_type(text: str) -> Type:
    """Return the type that `text` spells, the reverse of `str(type)`.

    Raises SchemaError for anything else: a type from a file never reaches an engine unread.
    """
    text = text.strip()
    if local := _LOCAL.fullmatch(text):
        return replace(parse_type(local.group(1)), name=local.group(2))
    found = _PARSE.fullmatch(text)
    type_ = _parse(found.group(1), found.group(2), bool(found.group(3))) if found else None
    if type_ is None:
        raise SchemaError(
            f"unknown type {shown(text)}; use one such as integer, decimal(12,2), varchar(40), timestamp(6)"
        )
    return type_


def _parse(word: str, inside: str | None, unsigned: bool) -> Type | None:
    if word in _INTEGER_BITS and inside is None:
        return Type(Kind.INTEGER, bits=_INTEGER_BITS[word], unsigned=unsigned)
    if unsigned:
        return None
    if inside is None:
        return _PLAIN.get(word)
    if word in ("enum", "set"):
        members = _members(inside)
        return None if members is None else Type(Kind(word), values=members)
    if word == "native":
        members = _members(inside)
        return Type(Kind.NATIVE, name=members[0]) if members and len(members) == 1 else None
    return _parse_numbers(word, inside)


def _parse_numbers(word: str, inside: str) -> Type | None:
    numbers = [n.strip() for n in inside.split(",")]
    if not all(n.isascii() and n.isdigit() and len(n) < 10 for n in numbers):
        return None
    first, *rest = map(int, numbers)
    if word == "decimal" and len(rest) == 1 and first >= 1:
        return Type(Kind.DECIMAL, precision=first, scale=rest[0])
    if rest:
        return None
    if word in _SIZED:
        return replace(_SIZED[word], length=first)
    if word in ("time", "timestamp", "timestamptz") and first <= 6:
        return replace(_PLAIN[word], precision=first)
    return None


def _members(inside: str) -> tuple[str, ...] | None:
    members: list[str] = []
    at = 0
    while at < len(inside):
        found = _MEMBER.match(inside, at)
        if found is None:
            return None
        members.append(found.group(1).replace("''", "'"))
        at = found.end()
    return tuple(members)


# --- what fits where --------------------------------------------------------------------------

_MAX_EXACT_DOUBLE_BITS = 53


def _within(inner: int | None, outer: int | None) -> bool:
    return outer is None or (inner is not None and inner <= outer)


def _checked_unless(fits: bool) -> Fit:
    return Fit.ALWAYS if fits else Fit.CHECK


def _decimal_digits(type_: Type) -> tuple[int | None, int | None]:
    """Return the most digits before and after the point; None = without limit."""
    if type_.kind is Kind.INTEGER:
        return max(len(str(abs(bound))) for bound in type_.integer_range()), 0
    if type_.kind is Kind.YEAR:
        return 4, 0
    if type_.precision is None:
        return None, None
    return type_.precision - (type_.scale or 0), type_.scale or 0


def _fit_number(source: Type, target: Type) -> Fit:
    if target.kind is Kind.INTEGER and source.kind in (Kind.INTEGER, Kind.YEAR):
        low, high = source.integer_range() if source.kind is Kind.INTEGER else (0, 2155)
        return _checked_unless(target.integer_range()[0] <= low and high <= target.integer_range()[1])
    if source.kind is target.kind is Kind.YEAR:
        return Fit.ALWAYS
    if target.kind is Kind.DECIMAL and source.kind is not Kind.FLOAT:
        (whole, part), (most, least) = _decimal_digits(source), _decimal_digits(target)
        return _checked_unless(_within(whole, most) and _within(part, least))
    if target.kind is Kind.FLOAT and source.kind is Kind.FLOAT:
        return _checked_unless((source.bits or 64) <= (target.bits or 64))
    if target.kind is Kind.FLOAT and source.kind is Kind.INTEGER:
        return _checked_unless(target.bits != 32 and (source.bits or 64) <= 32)
    return Fit.CHECK


def _text_length(type_: Type) -> int | None:
    """Return the most characters that a value of this type takes as text; None = without limit."""
    if type_.kind in (Kind.TEXT, Kind.BIT):
        return type_.length
    if type_.kind is Kind.ENUM:
        return max(map(len, type_.values), default=0)
    return {Kind.UUID: 36, Kind.DATE: 10, Kind.BOOLEAN: 1, Kind.YEAR: 4, Kind.INTEGER: 20}.get(type_.kind)


_NUMBERS = {Kind.INTEGER, Kind.YEAR, Kind.DECIMAL, Kind.FLOAT}


def _fit_same_kind(source: Type, target: Type) -> Fit:
    if source.kind in (Kind.TIME, Kind.TIMESTAMP):
        return _checked_unless(_within(source.precision, 6 if target.precision is None else target.precision))
    if source.kind in (Kind.ENUM, Kind.SET):
        return _checked_unless(set(source.values) <= set(target.values))
    if source.kind is Kind.NATIVE:
        return Fit.ALWAYS if source.name == target.name else Fit.NEVER
    if source.kind in (Kind.BYTES, Kind.BIT):
        padded = target.fixed and (not source.fixed or source.length != target.length)
        return _checked_unless(_within(source.length, target.length) and not padded)
    return Fit.ALWAYS


def fit(source: Type, target: Type) -> Fit:
    """Tell whether every value of `source` can be stored exactly in `target`.

    CHECK means that some values can and some cannot: each is looked at as it passes. A value
    crosses as text in the spelling of its source type, so a pair that does not share a spelling
    (a date and a timestamp, bytes and text) is NEVER.
    """
    if source.kind in _NUMBERS and target.kind in _NUMBERS:
        return _fit_number(source, target)
    if target.kind is Kind.TEXT and source.kind is not Kind.BYTES:
        padded = target.fixed and not source.fixed and source.kind is Kind.TEXT
        return _checked_unless(_within(_text_length(source), target.length) and not padded)
    if source.kind is target.kind:
        return _fit_same_kind(source, target)
    if source.kind is Kind.TEXT and target.kind is not Kind.BYTES:
        return Fit.CHECK
    if {source.kind, target.kind} == {Kind.BOOLEAN, Kind.INTEGER}:
        return _checked_unless(source.kind is Kind.BOOLEAN)
    return Fit.CHECK if source.kind is Kind.ENUM and target.kind is Kind.SET else Fit.NEVER
