"""Python literals as the 2007 format has them: written and read by rules of our own, never run.

Only lists of None, True, False, numbers and strings in one line are read; a value is kept as it was
spelled, so that no number passes through a double.
"""

from __future__ import annotations

import re
from typing import Literal as Word

ValueKind = Word["none", "bool", "int", "float", "text", "bytes"]
Value = tuple[ValueKind, str]
"""What a literal is, and what it says: digits as they were written (without Python 2's `L`), `1` or `0`
of a bool, the characters of a text; of bytes one character each."""


class Broken(ValueError):
    """Not a literal. Its text is what was expected, `at` the place in the text where, from 0."""

    def __init__(self, at: int, expected: str) -> None:
        super().__init__(expected)
        self.at = at


# --- writing ----------------------------------------------------------------------------------

# What could end a line, hide or reorder text for some reader; the same ones whatever Python runs this,
# whose `repr` escapes fewer characters with each version of Unicode.
_HIDDEN = (
    *range(0x20), *range(0x7F, 0xA1), 0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F),
    *range(0x2060, 0x2070), 0xFEFF,
)  # fmt: skip
_NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


_ESCAPED = {code: _escaped(code) for code in _HIDDEN} | {ord(char): text for char, text in _NAMED.items()}
_ESCAPED_QUOTED = {**_ESCAPED, ord("'"): "\\'"}
_NOT_PLAIN = re.compile("[" + re.escape("'" + "".join(map(chr, _ESCAPED))) + "]")


def text_literal(text: str) -> str:
    """Return the literal of a text, in one line: what `repr` says of ASCII; other letters as they are."""
    if text.isascii():
        return repr(text)
    if not _NOT_PLAIN.search(text):
        return f"'{text}'"
    if "'" in text and '"' not in text:
        return f'"{text.translate(_ESCAPED)}"'
    return f"'{text.translate(_ESCAPED_QUOTED)}'"


def bytes_literal(data: bytes) -> str:
    """Return the literal of bytes, which is ASCII."""
    return repr(data)


# --- reading ----------------------------------------------------------------------------------

# Strings of more escapes are found by `_closing`, as a repeated group takes memory for each turn.
_SINGLE = r"'([^'\\\n\r]*+(?:\\[^\n\r][^'\\\n\r]*+){0,99}+)'"
_DOUBLE = _SINGLE.replace("'", '"')
_WORD = r"(None|True|False|nan|-?inf)"
_INTEGER = r"(-?(?:0|[1-9][0-9]*+)(?:[lL])?+)"
_FLOAT = r"(-?(?:[0-9]++\.[0-9]*+|\.[0-9]++|[0-9]++(?=[eE]))(?:[eE][-+]?[0-9]++)?+)"
_STRING = rf"([bBuUrR]{{0,2}})(?:{_SINGLE}|{_DOUBLE})"
_VALUE = re.compile(rf"(?:{_WORD}|{_INTEGER}|{_FLOAT}|{_STRING})(?![\w.'\"])")
_ITEM = re.compile(rf"[ \t]*+{_VALUE.pattern}[ \t]*+([,\]])")
_OPENING = re.compile(r"([bBuUrR]{0,2})(['\"])")
_OPEN = re.compile(r"[ \t]*+\[[ \t]*+(\])?")
_END = re.compile(r"[ \t]*+([,\]])")
_CLOSE = re.compile(r"[ \t]*+\]")
_AFTER = re.compile(r"[ \t]*+,?[ \t]*+(?:#.*)?\r?")
_BLANK = re.compile(r"[ \t]*+")

# In a string whose escaped backslashes were taken out.
_BAD_ESCAPE = re.compile(
    r"""\\(?!['"abfnrtv]|[0-3][0-7]{2}|[0-7]{1,2}(?![0-7])|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"""
)
_CHARACTER = re.compile(r"\\[uU]")
_HIGH_BYTE = re.compile(r"\\(?:x[89a-fA-F]|[23][0-7][0-7])")
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_list(line: str, width: int | None, coding: str | None = None) -> list[Value]:
    """Return the values of a line that is a list of `width` literals (None: any), a comma after it or not.

    `coding`: that of a file whose plain strings may be Python 2's strings of bytes (see `docs/format.md`).
    Raises Broken.
    """
    opened = _OPEN.match(line)
    if opened is None:
        raise Broken(_blank(line, 0), "a record in brackets, [value, …]")
    values: list[Value] = []
    at, ended = opened.end(), opened.group(1) is not None
    while not ended:
        found = _ITEM.match(line, at)
        if found is None and values and (closed := _CLOSE.match(line, at)):
            at = closed.end()
            break
        if len(values) == width:
            raise Broken(_blank(line, at), f"no more than {width} values, one for each field")
        if found is None:
            value, at, ended = _slow_item(line, at, coding)
            values.append(value)
            continue
        text = found.group(5)
        if text is not None and "\\" not in text and not found.group(4):
            values.append(("text", text))
        else:
            values.append(_value(found, coding))
        at, ended = found.end(), found.group(7) == "]"
    if width is not None and len(values) < width:
        raise Broken(at - 1, f"{width} values, one for each field (it has {len(values)})")
    if _AFTER.fullmatch(line, at) is None:
        raise Broken(_blank(line, at), "the end of the line after the record")
    return values


def place_of(line: str, index: int) -> int:
    """Return where the value with this index begins in a line that `read_list` reads."""
    opened = _OPEN.match(line)
    at = opened.end() if opened else 0
    for _ in range(index):
        _, at, _ = _slow_item(line, at, None)
    return _blank(line, at)


def read_value(text: str, at: int, coding: str | None = None) -> tuple[Value, int]:
    """Return the literal that `text` has at `at`, and where it ends. Raises Broken."""
    found = _VALUE.match(text, at)
    if found is not None:
        return _value(found, coding), found.end()
    opening = _OPENING.match(text, at)
    end = _closing(text, opening) if opening else None
    if opening is None or end is None:
        raise Broken(at, "a value: None, True, False, a number or a string in quotes, all in one line")
    body = text[opening.end() : end]
    if "\r" in body:
        raise Broken(opening.end() + body.index("\r"), r"a carriage return as \r")
    return _placed(opening.group(1), body, at=opening.end(), coding=coding), end + 1


def _slow_item(line: str, at: int, coding: str | None) -> tuple[Value, int, bool]:
    """Return what stands where an item of a list belongs, where it ends, and whether the list ends there."""
    value, at = read_value(line, _blank(line, at), coding)
    end = _END.match(line, at)
    if end is None:
        raise Broken(_blank(line, at), "a comma or the closing bracket after a value")
    return value, end.end(), end.group(1) == "]"


def _closing(text: str, opening: re.Match[str]) -> int | None:
    """Return where the quote is that ends a string, None where its line ends before."""
    quote, start = opening.group(2), opening.end()
    limit = text.find("\n", start)
    at = text.find(quote, start)
    while at >= 0 and (limit < 0 or at < limit):
        slashes = at
        while text[slashes - 1] == "\\":
            slashes -= 1
        if (at - slashes) % 2 == 0:
            return at
        at = text.find(quote, at + 1)
    return None


def _value(found: re.Match[str], coding: str | None) -> Value:
    word, integer, number, prefix, single, double = found.groups()[:6]
    if integer is not None:
        return "int", integer.rstrip("lL") if integer[-1] in "lL" else integer
    if number is not None:
        return "float", number
    if word is not None:
        return _WORDS[word]
    body = double if single is None else single
    return _placed(prefix, body, at=found.start(6 if single is None else 5), coding=coding)


def _placed(prefix: str, body: str, *, at: int, coding: str | None) -> Value:
    """Return the value of a string whose inside begins at `at`. Raises Broken, in the places of the whole."""
    try:
        return _string(prefix.lower(), body, coding)
    except Broken as error:
        raise Broken(at + error.at, str(error)) from None


_WORDS: dict[str, Value] = {
    "None": ("none", ""), "True": ("bool", "1"), "False": ("bool", "0"),
    "nan": ("float", "nan"), "inf": ("float", "inf"), "-inf": ("float", "-inf"),
}  # fmt: skip


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


# --- strings ----------------------------------------------------------------------------------


def _string(prefix: str, body: str, coding: str | None) -> Value:
    if prefix in ("b", "br", "rb"):
        return "bytes", _bytes(prefix, body)
    if prefix in ("r", "ur"):
        if prefix == "ur" and ("\\u" in body or "\\U" in body):
            raise Broken(0, r"a string without r where it has \u escapes")
        return "text", body
    if prefix not in ("", "u"):
        raise Broken(0, "a string with the prefix u, b or r, or none")
    if "\\" not in body:
        return "text", body
    plain = _check_escapes(body)
    if coding is not None and not prefix and _HIGH_BYTE.search(plain):
        return "text", _python_2(body, coding)
    return "text", _unescape(body)


def _check_escapes(body: str) -> str:
    r"""Return the body with a dot for each escaped backslash, so that `\` always begins an escape."""
    plain = body.replace("\\\\", "..")
    bad = _BAD_ESCAPE.search(plain)
    if bad is not None:
        raise Broken(bad.start(), r"an escape \n \t \xNN \uNNNN or alike; write a backslash as \\")
    return plain


def _unescape(body: str) -> str:
    """Return the text of well formed escapes, at the speed of a codec made for just these."""
    try:
        text = body.encode("latin-1", "backslashreplace").decode("unicode_escape")
        if _SURROGATE.search(text):
            # Narrow builds of Python 2 wrote one character as two escapes.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeError:
        raise Broken(0, "escapes of characters that there are") from None
    return text


def _python_2(body: str, coding: str) -> str:
    r"""Return the text of a string of bytes: its letters and `\xNN` are bytes of one encoding.

    A string of Python 3 never passes for one: its `repr` escapes no byte that begins a sequence of UTF-8.
    """
    if _CHARACTER.search(_check_escapes(body)):
        raise Broken(0, r"either \xNN or \uNNNN escapes in one string; put u before it if it is text")
    try:
        return body.encode(coding).decode("unicode_escape").encode("latin-1").decode(coding)
    except UnicodeError:
        raise Broken(
            0, f"{coding} in a string of bytes; put u before it if it is text, or name its encoding in a line"
            " '# coding: NAME' at the top"
        ) from None  # fmt: skip


def _bytes(prefix: str, body: str) -> str:
    if not body.isascii():
        raise Broken(0, "bytes in ASCII")
    if prefix != "b" or "\\" not in body:
        return body
    if _CHARACTER.search(_check_escapes(body)):
        raise Broken(0, r"no \u escapes in bytes")
    return body.encode("ascii").decode("unicode_escape")
