r"""How engines without a line format of their own hand rows over: cells joined by single bytes.

The bytes 0xFD, 0xFE and 0xFF never occur in UTF-8, so no text can hold them: 0xFF parts cells,
0xFE ends rows, 0xFD stands for NULL. Escaping is done here, on a whole block, by `bytes.replace`:
nested `replace()` calls per cell in SQL cost 1.6 times as much.
"""

from __future__ import annotations

import codecs

from ..model.abc import Block

CELL = b"\xff"
ROW = b"\xfe"
NULL = b"\xfd"
_MARKS = CELL + ROW + NULL
_SURROGATE = b"\xed"
"""How a lone surrogate begins (and some Hangul): MariaDB takes it, though it is no UTF-8."""
_ESCAPES = ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r"))
_PIECE_BYTES = 32 * 1024
"""Bytes looked at in one go: the text of a whole block takes new memory, and thrice the time."""
_TO_LINES = bytes.maketrans(CELL + ROW, b"\t\n")


def to_block(
    raw: bytes, *, rows: int, width: int, nulls: int | None = None, validate: bool = True
) -> Block | None:
    """Return the block of canonical lines, or None where the bytes do not prove themselves.

    `raw` ends in ROW. The separators must be as many as `rows` of `width` cells need, the NULL
    marks as many as `nulls` (where the engine counted them), and all else valid UTF-8 (`validate`:
    False where a server is going to look at that anyway).
    """
    # Nothing takes a mark away, so one more of any of them shows in their sum, for a single pass.
    expected = rows * max(width, 1) + (raw.count(NULL) if nulls is None else nulls)
    if len(raw) - len(raw.translate(None, _MARKS)) != expected:
        return None
    if not validate and _SURROGATE not in raw:
        return Block(lambda: _lines(raw), rows)
    data = _lines(raw)
    return Block(data, rows) if is_utf8(data) else None


def _lines(raw: bytes) -> bytes:
    for plain, escaped in _ESCAPES:
        if plain in raw:
            raw = raw.replace(plain, escaped)
    return raw.translate(_TO_LINES).replace(NULL, b"\\N")


def is_utf8(data: bytes) -> bool:
    """Tell whether the bytes are valid UTF-8 (surrogates are not: facts.md S3)."""
    if data.isascii():
        return True
    view, at = memoryview(data), 0
    try:
        while at < len(data):
            last = at + _PIECE_BYTES >= len(data)
            at += codecs.utf_8_decode(view[at : at + _PIECE_BYTES], "strict", last)[1]
    except UnicodeDecodeError:
        return False
    return True
