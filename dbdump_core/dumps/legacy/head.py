"""What stands before the records of a file of 2007: its table, fields and defaults, read by rules of our own."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from ...errors import DumpError, shown
from ...model.schema import Default, DefaultKind
from ...model.types import DATE, TIME, TIMESTAMP, Type
from ...rows.lexers import lexer
from ..formats.literals import Broken, Value, read_value
from ..formats.py import MARK

LIMIT = 4 * 1024 * 1024
"""The most bytes before the records; they are held in memory."""
_BOM = codecs.BOM_UTF8
_CODING = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
# Encodings in which each byte of ASCII is its character wherever it stands.
_CODINGS = re.compile(r"ascii|utf-8|iso8859-\d+|cp125\d|cp437|cp8\d\d|koi8-[rtu]|mac-\w+")
_RECORDS = re.compile(rb"[ \t]*records[ \t]*=")
_BETWEEN = re.compile(r"(?:[ \t]|#[^\n]*)*")
_INSIDE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_NAME = re.compile(r"table|fields|default|records")
_NAMES = "table = '…', fields = […], default = {…} or records = ["


@dataclass(frozen=True, slots=True)
class Head:
    """`coding`: None where the file bears our mark, else that of its strings of bytes. `lines`: how many
    there are before the records; `empty`: `records = []`, so that there are none."""

    table: str
    fields: tuple[str, ...]
    defaults: dict[str, Default]
    coding: str | None
    lines: int
    empty: bool

    @property
    def encoding(self) -> str:
        """Return the encoding of the file's text."""
        return self.coding or "utf-8"


def read_head(file: BinaryIO, label: str) -> Head:
    """Read a file up to its first record. Raises DumpError with `label`, line and character."""
    lines = list(_lines(file, label))
    coding = _coding(lines, label)
    data = b"".join(lines).removeprefix(_BOM).replace(b"\r\n", b"\n")
    try:
        text = data.decode(coding or "utf-8")
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        raise DumpError(
            f"{label}:{line}: not valid {error.encoding}; name the encoding of the file in a line '# coding: NAME'"
            " at its top"
        ) from None
    return _Parser(text, coding, label).head()


def _lines(file: BinaryIO, label: str) -> Iterator[bytes]:
    size = 0
    while line := file.readline(LIMIT + 1):
        size += len(line)
        if size > LIMIT:
            raise DumpError(f"{label}: more than {LIMIT} bytes before the records; this is no data file")
        yield line
        if _RECORDS.match(line):
            return


def _coding(lines: Sequence[bytes], label: str) -> str | None:
    """Return the encoding that the file names, as Python does it; None for a file of ours."""
    if lines and lines[0].removeprefix(_BOM).rstrip() == MARK.encode():
        return None
    for number, line in enumerate(lines[:2], 1):
        found = _CODING.match(line.removeprefix(_BOM))
        if found is None:
            continue
        name = found.group(1).decode("ascii", "backslashreplace")
        try:
            known = codecs.lookup(name).name
        except (LookupError, ValueError):
            known = ""
        if not _CODINGS.fullmatch(known):
            raise DumpError(f"{label}:{number}: encoding {shown(name)} is not read here; save the file as UTF-8")
        return known
    return "utf-8"


class _Parser:
    """Goes through the text once, without going back or down."""

    def __init__(self, text: str, coding: str | None, label: str) -> None:
        self.text = text
        self.coding = coding
        self.label = label
        self.at = 0

    def head(self) -> Head:
        table: str | None = None
        fields: tuple[str, ...] | None = None
        defaults: dict[str, tuple[int, str, Value]] | None = None
        while (name := self._name()) != "records":
            if (table, fields, defaults)[("table", "fields", "default").index(name)] is not None:
                raise self.error(f"{name} once, not twice")
            if name == "table":
                table = self._text()
            elif name == "fields":
                fields = self._fields()
            else:
                defaults = self._defaults()
            self._end_of_line()
        if table is None or fields is None:
            missing = "table = '…'" if table is None else "fields = […]"
            raise self.error(f"a line {missing} before the records")
        empty = self._records()
        checked = {name: self._default(name, given, fields) for name, given in (defaults or {}).items()}
        return Head(table, fields, checked, self.coding, self.text.count("\n"), empty)

    def error(self, expected: str, at: int | None = None) -> DumpError:
        at = self.at if at is None else at
        line = 1 + self.text.count("\n", 0, at)
        character = at - self.text.rfind("\n", 0, at)
        return DumpError(
            f"{self.label}:{line}:{character}: expected {expected}; this is no data file, or it was damaged"
        )

    def _name(self) -> str:
        self._skip(_INSIDE)
        found = _NAME.match(self.text, self.at)
        if found is None:
            raise self.error(f"{_NAMES} (one of them)")
        self.at = found.end()
        self._take("=")
        return found.group()

    def _records(self) -> bool:
        self._take("[")
        empty = self._have("]")
        self._end_of_line()
        return empty

    def _end_of_line(self) -> None:
        self._skip(_BETWEEN)
        if self.text[self.at : self.at + 1] not in ("\n", ""):
            raise self.error("the end of the line")

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _have(self, char: str, pattern: re.Pattern[str] = _BETWEEN) -> bool:
        self._skip(pattern)
        there = self.text.startswith(char, self.at)
        self.at += there
        return there

    def _take(self, char: str, pattern: re.Pattern[str] = _BETWEEN) -> None:
        if not self._have(char, pattern):
            raise self.error(f"'{char}'")

    def _value(self, pattern: re.Pattern[str] = _BETWEEN) -> Value:
        self._skip(pattern)
        try:
            value, self.at = read_value(self.text, self.at, self.coding)
        except Broken as error:
            raise self.error(str(error), error.at) from None
        return value

    def _text(self, pattern: re.Pattern[str] = _BETWEEN) -> str:
        self._skip(pattern)
        at = self.at
        kind, text = self._value()
        if kind != "text":
            raise self.error("a name in quotes", at)
        return text

    def _fields(self) -> tuple[str, ...]:
        self._take("[")
        names: dict[str, None] = {}
        while not self._have("]", _INSIDE):
            if names:
                self._take(",", _INSIDE)
                if self._have("]", _INSIDE):
                    break
            self._skip(_INSIDE)
            at, name = self.at, self._text(_INSIDE)
            if name in names:
                raise self.error(f"field {shown(name)} once, not twice", at)
            names[name] = None
        return tuple(names)

    def _defaults(self) -> dict[str, tuple[int, str, Value]]:
        """Read `{'field': ('kind', value), …}`; each with the place of its kind."""
        self._take("{")
        given: dict[str, tuple[int, str, Value]] = {}
        while not self._have("}", _INSIDE):
            if given:
                self._take(",", _INSIDE)
                if self._have("}", _INSIDE):
                    break
            self._skip(_INSIDE)
            at, name = self.at, self._text(_INSIDE)
            if name in given:
                raise self.error(f"the default of {shown(name)} once, not twice", at)
            self._take(":", _INSIDE)
            given[name] = self._pair()
        return given

    def _pair(self) -> tuple[int, str, Value]:
        self._take("(", _INSIDE)
        self._skip(_INSIDE)
        at, kind = self.at, self._text(_INSIDE)
        value: Value = ("none", "")
        if self._have(",", _INSIDE):
            if self._have(")", _INSIDE):
                return at, kind, value
            value = self._value(_INSIDE)
            self._have(",", _INSIDE)
        self._take(")", _INSIDE)
        return at, kind, value

    def _default(self, name: str, given: tuple[int, str, Value], fields: Sequence[str]) -> Default:
        at, kind, value = given
        try:
            return _default(kind, value, fields)
        except ValueError as error:
            line = 1 + self.text.count("\n", 0, at)
            raise DumpError(f"{self.label}:{line}: default of field {shown(name)}: {error}; correct it") from None


_LITERALS: dict[DefaultKind, Type] = {
    DefaultKind.DATE: DATE, DefaultKind.TIME: TIME, DefaultKind.DATETIME: TIMESTAMP,
}  # fmt: skip
_KINDS = ", ".join(kind for kind in DefaultKind if kind is not DefaultKind.SQL)


def _default(kind: str, value: Value, fields: Sequence[str]) -> Default:
    """Return the default. Raises ValueError, whose text is what is wrong."""
    if kind not in set(DefaultKind) - {DefaultKind.SQL}:
        raise ValueError(f"unknown kind {shown(kind)}, where {_KINDS} are known")
    known, (form, text) = DefaultKind(kind), value
    if known is DefaultKind.VALUE:
        return _literal(value)
    if known in (DefaultKind.UUID, DefaultKind.NULL):
        if text:
            raise ValueError(f"kind {kind} takes no value")
        return Default(known)
    if form != "text":
        raise ValueError(f"kind {kind} needs a text in quotes")
    if known is DefaultKind.REFERENCE:
        if text not in fields:
            raise ValueError(f"it refers to {shown(text)}, which is not among the fields")
    elif text != "now":
        try:
            lexer(_LITERALS[known])(text)
        except ValueError as error:
            raise ValueError(f"{shown(text)} is neither 'now' nor {error}") from None
    return Default(known, text)


def _literal(value: Value) -> Default:
    """Return a default of kind value; a number keeps its digits as they were written."""
    form, text = value
    if form == "bytes":
        raise ValueError("a default of bytes is not known")
    if form == "none":
        return Default(DefaultKind.NULL)
    if form == "bool":
        return Default(DefaultKind.VALUE, text == "1")
    if form == "int":
        return Default(DefaultKind.VALUE, int(text) if len(text) < 1000 else text)
    if form == "float":
        plain = "e" not in text.lower() and text.strip("-").isascii() and text.strip("-.").replace(".", "").isdigit()
        return Default(DefaultKind.VALUE, text if plain else float(text))
    return Default(DefaultKind.VALUE, text)
