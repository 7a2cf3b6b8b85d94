"""The format of 2007: a file of Python literals, written and read by rules of our own and never run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from ...model.schema import Column
from ...model.types import Kind, Type
from .base import FormatName, Refuse
from .literals import Broken, Value, bytes_literal, place_of, read_list, text_literal
from .long_literals import LONG, read_long_record

MARK = "# dbdump 1 -*- coding: utf-8 -*-"
"""The first line of each file that was written here: its text is UTF-8, its plain strings are text."""
RECORDS = "records = ["
FOOTER = "]\n"
_DEFAULT = '#default item format: "fieldname":("type", "value")\ndefault = {}'
_END_OF_HEADER = f"\n{RECORDS}\n".encode()

Write = Callable[[str], str]
"""Takes a cell and returns its literal."""
Read = Callable[[Value], str]
"""Takes a literal and returns its cell; raises ValueError, whose text is what was expected."""

NULL = "\\N"
# Bytes that are no UTF-8 are carried through text as the surrogates that no text of a file can hold.
_ODD = "surrogateescape"
_ODD_BYTE = re.compile("[\udc80-\udcff]")
_INTEGER = re.compile(r"0|-?[1-9][0-9]*+")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?")
_HEX = re.compile(r"\\\\x([0-9a-f]*+)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {ord("\\"): "\\\\", ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}
_UTC = "+00:00"


# --- cells to literals ------------------------------------------------------------------------


def _write_text(cell: str) -> str:
    text = _ESCAPE.sub(lambda found: _UNESCAPES.get(found[1], found[1]), cell) if "\\" in cell else cell
    if not text.isascii() and _ODD_BYTE.search(text):
        return bytes_literal(text.encode("utf-8", _ODD))
    return text_literal(text)


def _write_boolean(cell: str) -> str:
    return {"1": "True", "0": "False"}.get(cell) or _write_text(cell)


def _write_integer(cell: str) -> str:
    return cell if _INTEGER.fullmatch(cell) else _write_text(cell)


def _write_float(cell: str) -> str:
    return cell if _FLOAT.fullmatch(cell) else _write_text(cell)


def _write_bytes(cell: str) -> str:
    found = _HEX.fullmatch(cell)
    if found and len(found[1]) % 2 == 0:
        return bytes_literal(bytes.fromhex(found[1]))
    if _ODD_BYTE.search(cell):
        raise ValueError("a column of bytes holds a text that is not UTF-8")
    return _write_text(cell)


def _write_zoned(cell: str) -> str:
    return _write_text(cell + _UTC if cell[-1:].isdigit() else cell)


_WRITERS: Mapping[Kind, Write] = {
    Kind.BOOLEAN: _write_boolean,
    Kind.INTEGER: _write_integer,
    Kind.YEAR: _write_integer,
    Kind.FLOAT: _write_float,
    Kind.BYTES: _write_bytes,
}


def writer(type_: Type) -> Write:
    """Return what turns cells of this type into literals, each into one of its own. Raises ValueError."""
    plain = _write_zoned if type_.zoned else _WRITERS.get(type_.kind, _write_text)
    return lambda cell: "None" if cell == NULL else plain(cell)


# --- literals to cells ------------------------------------------------------------------------


def cell_of(text: str) -> str:
    """Return the cell of a text."""
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


def _read_text(value: Value) -> str:
    kind, text = value
    if kind == "bytes":
        return cell_of(text.encode("latin-1").decode("utf-8", _ODD))
    if kind == "bool":
        raise ValueError("a text in quotes")
    return cell_of(text)


def _read_quoted(value: Value) -> str:
    if value[0] not in ("text", "bytes"):
        raise ValueError("a value in quotes")
    return _read_text(value)


def _read_integer(value: Value) -> str:
    kind, text = value
    if kind in ("int", "bool"):
        return "0" if text == "-0" else text
    if kind == "float":
        raise ValueError("an integer")
    return _read_text(value)


def _read_decimal(value: Value) -> str:
    kind, text = value
    if kind == "bool":
        raise ValueError("a number")
    return plain_digits(text) if kind == "float" else _read_text(value)


def _read_float(value: Value) -> str:
    kind, text = value
    if kind == "bool":
        raise ValueError("a number")
    return float_text(text) if kind == "float" else _read_text(value)


def _read_bytes(value: Value) -> str:
    kind, text = value
    if kind == "bytes":
        return "\\\\x" + text.encode("latin-1").hex()
    if kind != "text":
        raise ValueError("bytes as b'…'")
    return cell_of(text)


def _read_zoned(value: Value) -> str:
    return _read_quoted(value).removesuffix(_UTC)


def _read_any(value: Value) -> str:
    return NULL


def plain_digits(number: str) -> str:
    """Return the number of a float literal without an exponent, digit by digit as it was written."""
    if number.endswith(("nan", "inf")):
        return number.replace("nan", "NaN")
    if abs(int(number.lower().partition("e")[2] or 0)) > _MOST_DIGITS:
        raise ValueError(f"a number of at most {_MOST_DIGITS} digits")
    return format(Decimal(number), "f")


_MOST_DIGITS = 200_000
"""More than PostgreSQL's numeric has; an exponent may ask for more memory than there is."""


def float_text(number: str) -> str:
    """Return a float literal with digits on both sides of its point."""
    if number == "nan":
        return "NaN"
    mantissa, letter, exponent = number.partition("e" if "e" in number else "E")
    whole, point, part = mantissa.partition(".")
    if not point:
        return number
    whole = whole if whole.lstrip("-") else whole + "0"
    return f"{whole}.{part or '0'}{letter}{exponent}"


_READERS: Mapping[Kind, Read] = {
    Kind.BOOLEAN: _read_integer,
    Kind.INTEGER: _read_integer,
    Kind.YEAR: _read_integer,
    Kind.DECIMAL: _read_decimal,
    Kind.FLOAT: _read_float,
    Kind.BYTES: _read_bytes,
    Kind.DATE: _read_quoted,
    Kind.TIME: _read_quoted,
    Kind.TIMESTAMP: _read_quoted,
    Kind.UUID: _read_quoted,
    Kind.BIT: _read_quoted,
}


def reader(type_: Type | None) -> Read:
    """Return what turns literals into cells of this type, the reverse of `writer`; None: of no matter."""
    if type_ is None:
        return _read_any
    return _read_zoned if type_.zoned else _READERS.get(type_.kind, _read_text)


def read_record(line: str, readers: Sequence[Read], coding: str | None = None) -> list[str]:
    """Return the cells of a record. Raises Broken; `coding` as in `read_list`."""
    values = read_list(line, len(readers), coding)
    try:
        return [NULL if value[0] == "none" else read(value) for read, value in zip(readers, values, strict=True)]
    except ValueError:
        raise _place(line, values, readers) from None


def _place(line: str, values: Sequence[Value], readers: Sequence[Read]) -> Broken:
    """Return the error for the first value that is not of its type."""
    for index, (value, read) in enumerate(zip(values, readers, strict=True)):
        if value[0] == "none":
            continue
        try:
            read(value)
        except ValueError as error:
            return Broken(place_of(line, index), str(error))
    return Broken(0, "a record of other values")


def canonical(rows: Sequence[Sequence[str]]) -> bytes:
    """Return rows of cells as canonical lines."""
    return "".join(["\t".join(cells) + "\n" for cells in rows]).encode("utf-8", _ODD)


# --- the format -------------------------------------------------------------------------------


class _Py:
    name: FormatName = "py"
    footer = FOOTER.encode()
    marks = False

    def header(self, table: str, columns: Sequence[str]) -> bytes:
        fields = ", ".join(map(text_literal, columns))
        lines = (MARK, f"table = {text_literal(table)}", f"fields = [{fields}]", _DEFAULT, RECORDS, "")
        return "\n".join(lines).encode()

    def header_size(self, data: bytes) -> int:
        at = data.find(_END_OF_HEADER)
        return at + len(_END_OF_HEADER) if at >= 0 else 0

    def columns(self, header: bytes) -> tuple[str, ...]:
        line = (header.split(b"\n", 3)[2:3] or [b""])[0].decode()
        if not line.startswith("fields = "):
            raise ValueError("a line of fields")
        return tuple(text for _, text in read_list(line.removeprefix("fields = "), None))

    def encode(self, lines: bytes, columns: Sequence[Column]) -> bytes:
        rows = lines.decode("utf-8", _ODD).split("\n")
        rows.pop()
        if not columns:
            return b"[],\n" * len(rows)
        writers = [writer(column.type) for column in columns]
        records = [
            ", ".join([write(cell) for write, cell in zip(writers, row.split("\t"), strict=True)]) for row in rows
        ]
        return "".join([f"[{record}],\n" for record in records]).encode()

    def decode(self, lines: bytes, columns: Sequence[Column | None], refuse: Refuse) -> bytes:
        readers = [reader(column.type if column else None) for column in columns]
        if len(lines) > LONG and len(lines) > lines.count(b"\n") * LONG // 4:
            return b"".join(_long_rows(lines, readers, refuse))
        rows = []
        for number, line in enumerate(lines.split(b"\n")[:-1]):
            try:
                rows.append(read_record(line.decode(), readers))
            except UnicodeDecodeError as error:
                refuse(number, len(line[: error.start].decode()) + 1, "expected valid UTF-8")
            except Broken as error:
                refuse(number, error.at + 1, f"expected {error}")
        return canonical(rows)


def _long_rows(lines: bytes, readers: Sequence[Read], refuse: Refuse) -> Iterator[bytes]:
    """Yield canonical lines, one by one, for they may be long."""
    at = number = 0
    while at < len(lines):
        end = lines.index(b"\n", at)
        try:
            yield read_long_record(lines, readers, NULL, (at, end))
            yield b"\n"
        except UnicodeDecodeError:
            refuse(number, 1, "expected valid UTF-8")
        except Broken as error:
            refuse(number, error.at + 1, f"expected {error}")
        at, number = end + 1, number + 1


PY = _Py()
