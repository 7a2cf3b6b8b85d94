"""SQL that another engine printed: cut into tokens, and let through only where it means the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import Grouping

from ..names import Names

Expression = sa.ColumnElement[Any]

_TOKEN = re.compile(
    r"""
      (?P<space>   \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<string>  '(?:[^']|'')*' )
    | (?P<quoted>  "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
    | (?P<number>  (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)? )
    | (?P<word>    [^\W\d][\w$]* )
    | (?P<mark>    . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of SQL. `sort`: string, quoted, number, word or mark; `start`, `end`: where it stands."""

    sort: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        """The word in capitals; '' for anything quoted."""
        return self.text.upper() if self.sort in ("word", "mark") else ""

    @property
    def name(self) -> str:
        """The identifier or string without its quotes."""
        if self.sort not in ("quoted", "string"):
            return self.text
        close = self.text[-1]
        return self.text[1:-1] if close == "]" else self.text[1:-1].replace(close * 2, close)


def tokens(text: str) -> Iterator[Token]:
    """Cut SQL into tokens, without space and comments. Every text can be cut; sense is the caller's."""
    for found in _TOKEN.finditer(text):
        if found.lastgroup and found.lastgroup != "space":
            yield Token(found.lastgroup, found.group(), found.start(), found.end())


def portable_expression(text: str, columns: Collection[str], *, same_engine: bool) -> Expression | None:
    """Return `text` as an expression that means the same on another engine; None where that is not sure.

    Let through are `columns`, plain numbers, `+`, `-`, `*` and brackets; on the same engine also `/`
    (integers divide differently elsewhere) and a few functions. Nothing of the text itself reaches
    the result: names are quoted anew by SQLAlchemy (torture.md H5).
    """
    words = list(islice(tokens(text), _MAX_TOKENS + 1))
    if len(words) > _MAX_TOKENS:
        return None
    try:
        return _Parser(words, columns, same_engine).whole()
    except _NotPortableError:
        return None


class _NotPortableError(Exception):
    pass


_FUNCTIONS = {"ABS", "COALESCE", "LENGTH", "LOWER", "ROUND", "UPPER"}
_END = Token("end", "", 0, 0)
_MAX_TOKENS = 100
"""Longer ones are nobody's column, and would nest deeper than Python or SQLAlchemy can follow."""


class _Parser:
    """Recursive descent over sums, products and factors."""

    def __init__(self, words: list[Token], columns: Collection[str], same_engine: bool) -> None:
        self._words = words
        self._at = 0
        self._same_engine = same_engine
        self._columns = Names(columns)

    def whole(self) -> Expression:
        found = self._sum()
        if self._next() is not _END:
            raise _NotPortableError
        return found

    def _next(self) -> Token:
        word = self._words[self._at] if self._at < len(self._words) else _END
        self._at += 1
        return word

    def _mark(self, marks: str) -> str:
        """Take the next token if it is one of `marks`."""
        word = self._next()
        if word.sort == "mark" and word.text in marks:
            return word.text
        self._at -= 1
        return ""

    def _sum(self) -> Expression:
        return self._chain(self._product, "+-")

    def _product(self) -> Expression:
        return self._chain(self._factor, "*/" if self._same_engine else "*")

    def _chain(self, part: Callable[[], Expression], marks: str) -> Expression:
        left = part()
        while mark := self._mark(marks):
            left = Grouping(left.op(mark)(part()))
        return left

    def _factor(self) -> Expression:
        word = self._next()
        if word.sort == "number" and "e" not in word.text.lower():
            return sa.literal_column(word.text)
        if word.keyword == "(":
            inside = self._sum()
            self._expect(")")
            return inside
        if word.keyword == "-":
            return Grouping(sa.literal_column("0").op("-")(self._factor()))
        if word.sort in ("word", "quoted"):
            return self._call(word) if self._mark("(") else self._column(word)
        raise _NotPortableError

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise _NotPortableError

    def _call(self, word: Token) -> Expression:
        if not self._same_engine or word.keyword not in _FUNCTIONS:
            raise _NotPortableError
        arguments = [self._sum()]
        while self._mark(","):
            arguments.append(self._sum())
        self._expect(")")
        return sa.Function(word.keyword.lower(), *arguments)

    def _column(self, word: Token) -> Expression:
        found = self._columns.alike(word.name)
        if len(found) != 1 or (word.sort == "quoted" and found[0] != word.name):
            raise _NotPortableError
        return sa.column(sa.quoted_name(found[0], True))
