"""SQL that an engine printed: cut into tokens, and compared with what another one printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

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


def same_expression(left: str, right: str) -> bool:
    """Tell whether two engines printed the same expression.

    They put their own brackets, quotes, casts to text and character sets around it. What cannot be
    taken apart is the same only word by word.
    """
    trees = [_tree(text) for text in (left, right)]
    if None not in trees:
        return trees[0] == trees[1]
    words, others = ([_word(token) for token in tokens(_bare(text))] for text in (left, right))
    return words == others


_Tree = tuple[object, ...]
_BINARY = ({"||"}, {"+", "-"}, {"*", "/"})
"""Operators from the loosest to the tightest."""
_HARMLESS = ("TEXT", "CHARACTER VARYING", "NUMERIC", "BIGINT")
"""Types to which PostgreSQL casts what another engine takes as it is."""
_MAX_TOKENS = 200
_INTRODUCER = re.compile(r"_(?:utf8mb[34]|utf8|latin1|ascii|binary)", re.IGNORECASE)


def _word(token: Token) -> str:
    return token.text if token.sort == "string" else token.name.casefold()


def _bare(text: str) -> str:
    """Return the text without the brackets around all of it."""
    words = list(tokens(text))
    while len(words) > 2 and words[0].keyword == "(" and _closing(words) == len(words) - 1:
        text = text[words[0].end : words[-1].start]
        words = list(tokens(text))
    return text


def _closing(words: list[Token]) -> int:
    depth = 0
    for at, word in enumerate(words):
        depth += (word.keyword == "(") - (word.keyword == ")")
        if depth == 0:
            return at
    return -1


def _tree(text: str) -> _Tree | None:
    words = list(tokens(text))
    if len(words) > _MAX_TOKENS:
        return None
    reader = _Reader(words)
    try:
        tree = reader.chain(0)
    except ValueError:
        return None
    divided = any(word.keyword == "/" for word in words)
    return tree if reader.ended and not (reader.widened and divided) else None


class _Reader:
    """Recursive descent over what most expressions of columns are made of; ValueError for anything else."""

    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._at = 0
        self.widened = False

    @property
    def ended(self) -> bool:
        return self._at == len(self._words)

    def chain(self, level: int) -> _Tree:
        """Read operands joined by the operators of a level, from the left."""
        if level == len(_BINARY):
            return self._cast()
        left = self.chain(level + 1)
        while (mark := self._operator()) in _BINARY[level]:
            self._at += len(mark)
            left = (mark, left, self.chain(level + 1))
        return left

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._words[at].keyword if at < len(self._words) else ""

    def _operator(self) -> str:
        return "||" if (self._peek(), self._peek(1)) == ("|", "|") else self._peek()

    def _take(self, keyword: str = "") -> Token:
        if self.ended or (keyword and self._peek() != keyword):
            raise ValueError
        self._at += 1
        return self._words[self._at - 1]

    def _cast(self) -> _Tree:
        value = self._operand()
        while (self._peek(), self._peek(1)) == (":", ":"):
            self._at += 2
            named = self._take().keyword
            if named == "CHARACTER" and self._peek() == "VARYING":
                named += f" {self._take().keyword}"
            if named not in _HARMLESS or self._peek() == "(":
                raise ValueError
            self.widened = self.widened or named in ("NUMERIC", "BIGINT")
        return value

    def _operand(self) -> _Tree:
        word = self._take()
        if word.sort == "word" and _INTRODUCER.fullmatch(word.text) and not self.ended:
            word = self._take()
        if word.keyword == "(":
            inside = self.chain(0)
            self._take(")")
            return inside
        if word.keyword == "-":
            return ("-", self._operand())
        if word.sort not in ("number", "string", "word", "quoted"):
            raise ValueError
        if word.sort in ("word", "quoted") and self._peek() == "(":
            return ("call", _word(word), *self._arguments())
        return ("name" if word.sort in ("word", "quoted") else word.sort, _word(word))

    def _arguments(self) -> list[_Tree]:
        self._take("(")
        found: list[_Tree] = []
        while self._peek() != ")":
            found.append(self.chain(0))
            if self._peek() != ")":
                self._take(",")
        self._take(")")
        return found
