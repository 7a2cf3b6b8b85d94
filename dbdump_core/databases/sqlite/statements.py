"""What SQLite remembers only in the text of CREATE TABLE: expressions, names and deferrable keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase

from ...model.schema import Check
from ...model.sql_text import Token, tokens

_ASCII = str.maketrans(ascii_uppercase, ascii_lowercase)


def folded(name: str) -> str:
    """Return what names have in common that SQLite takes for one: it knows the case of ASCII letters alone."""
    return name.translate(_ASCII)


@dataclass
class Statement:
    """The parts of one CREATE TABLE that no pragma tells.

    `generated`: folded column -> expression. `unique`: folded columns -> name.
    `foreign_keys`: name and deferrable of each, in the order of the text. `autoincrement`: no key of
    the table is given twice. `collations`: folded column -> collation in capitals, BINARY left out.
    """

    generated: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    unique: dict[tuple[str, ...], str] = field(default_factory=dict)
    foreign_keys: list[tuple[str | None, str | None]] = field(default_factory=list)
    autoincrement: bool = False
    collations: dict[str, str] = field(default_factory=dict)


def read_statement(sql: str) -> Statement:
    """Return what the text says. SQLite took it once, so it is whole; names are matched without case."""
    statement = Statement()
    for definition in _definitions(list(tokens(sql))):
        _Definition(sql, definition, statement).read()
    return statement


_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


def _definitions(words: Sequence[Token]) -> list[list[Token]]:
    """Return the tokens between the outermost brackets, cut at the commas that are not inside others."""
    depth = 0
    parts: list[list[Token]] = [[]]
    for word in words:
        depth -= word.keyword == ")"
        if depth == 0 and len(parts[0]) and word.keyword == ")":
            break
        if depth == 1 and word.keyword == ",":
            parts.append([])
        elif depth:
            parts[-1].append(word)
        depth += word.keyword == "("
    return [part for part in parts if part]


class _Definition:
    """One column or table constraint."""

    def __init__(self, sql: str, words: list[Token], statement: Statement) -> None:
        self._sql = sql
        self._words = words
        self._statement = statement
        self._column = None if words[0].keyword in _CONSTRAINTS else words[0].name
        self._name: str | None = None

    def read(self) -> None:
        depth = 0
        for at, word in enumerate(self._words):
            depth -= word.keyword == ")"
            if depth == 0 and (at or self._column is None):
                self._take(at, word.keyword)
            depth += word.keyword == "("

    def _take(self, at: int, keyword: str) -> None:
        if keyword == "CONSTRAINT":
            self._name = self._words[at + 1].name
        elif keyword == "AS" and self._column is not None:
            self._statement.generated[folded(self._column)] = self._inside(at + 1)
        elif keyword == "COLLATE" and self._column is not None:
            self._used_name()
            self._collate(self._words[at + 1].name.upper())
        elif keyword == "AUTOINCREMENT":
            self._statement.autoincrement = True
        elif keyword == "CHECK":
            self._statement.checks.append(Check(self._used_name(), self._inside(at + 1)))
        elif keyword == "UNIQUE":
            self._unique(at)
        elif keyword == "REFERENCES":
            self._statement.foreign_keys.append((self._used_name(), self._deferrable(at)))
        elif keyword in ("PRIMARY", "NOT", "DEFAULT", "COLLATE"):
            self._used_name()

    def _collate(self, name: str) -> None:
        if name != "BINARY" and self._column is not None:
            self._statement.collations[folded(self._column)] = name

    def _used_name(self) -> str | None:
        name, self._name = self._name, None
        return name

    def _unique(self, at: int) -> None:
        name = self._used_name()
        if name is not None:
            inside = [self._column] if self._column is not None else self._listed(at + 1)
            self._statement.unique[tuple(map(folded, inside))] = name

    def _listed(self, at: int) -> list[str]:
        """Return the first word of each item of the list in brackets that opens at `at`."""
        names = []
        for before, word in zip(self._words[at:], self._words[at + 1 :], strict=False):
            if before.keyword in ("(", ","):
                names.append(word.name)
            if word.keyword == ")":
                break
        return names

    def _inside(self, at: int) -> str:
        """Return the text within the brackets that open at `at`."""
        depth = 0
        for word in self._words[at:]:
            depth += (word.keyword == "(") - (word.keyword == ")")
            if depth == 0:
                return self._sql[self._words[at].end : word.start].strip()
        return ""

    def _deferrable(self, at: int) -> str | None:
        words = [word.keyword for word in self._words[at:]]
        if "DEFERRABLE" not in words:
            return None
        found = words.index("DEFERRABLE")
        if words[found - 1] == "NOT":
            return None
        return "deferred" if words[found + 1 : found + 3] == ["INITIALLY", "DEFERRED"] else "immediate"
