"""SQL that another engine printed, let through only where it means the same."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import Grouping

from ..model.names import Names
from ..model.sql_text import Token, tokens

Expression = sa.ColumnElement[Any]


def portable_expression(
    text: str, columns: Collection[str], *, same_engine: bool, fractions: bool = True
) -> Expression | None:
    """Return `text` as an expression that means the same on another engine; None where that is not sure.

    Let through are `columns`, plain numbers, `+`, `-`, `*` and brackets; on the same engine also `/`
    (integers divide differently elsewhere) and a few functions. `fractions`: numbers may have them.
    Nothing of the text itself reaches the result: names are quoted anew by SQLAlchemy (facts.md H5).
    """
    words = list(islice(tokens(text), _MAX_TOKENS + 1))
    if len(words) > _MAX_TOKENS or not (fractions or all(map(_is_whole, words))):
        return None
    try:
        return _Parser(words, columns, same_engine).whole()
    except _NotPortableError:
        return None


def _is_whole(word: Token) -> bool:
    return word.sort != "number" or word.text.isdecimal()


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
