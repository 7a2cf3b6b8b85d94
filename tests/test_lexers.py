"""What each kind of column does not take, and what it does: tables written by hand, independent of the code."""

from __future__ import annotations

import pytest

from dbdump_core.model.types import BYTES, FLOAT, JSON, Kind, Type
from dbdump_core.rows.lexers import lexer

KINDS = {
    "boolean": (Type(Kind.BOOLEAN), ("0", "1"), ("", "t", "true", "2", "-1", "01", " 1", "1.0")),
    "smallint": (
        Type(Kind.INTEGER, bits=16),
        ("0", "-32768", "32767"),
        ("", "32768", "-32769", "-0", "007", "+1", "1.0", "1e2", " 1", "1_0", "١"),
    ),
    "unsigned": (Type(Kind.INTEGER, bits=16, unsigned=True), ("0", "65535"), ("-1", "65536")),
    "year": (Type(Kind.YEAR), ("0", "1901", "2155"), ("1900", "2156", "24", "-1", "01999")),
    "decimal": (
        Type(Kind.DECIMAL, precision=5, scale=2),
        ("0", "999.99", "-999.99", "1.5", "-0.01"),
        ("1000", "1000.00", "0.001", "1e2", "01.5", ".5", "1.", "1,5", "+1", ""),
    ),
    "float": (
        FLOAT,
        ("0", "1.5", "-1e308", "5e-324", "1e+15"),
        ("1e309", "-1e309", "", "one", "0x1", "1_0", " 1", "1e", "."),
    ),
    "real": (Type(Kind.FLOAT, bits=32), ("1.5", "16777216", "0.5"), ("0.1", "16777217", "1e39", "1e-46")),
    "varchar": (Type(Kind.TEXT, length=3), ("", "abc", "é日🍣", "a  "), ("abcd", "   x")),
    "char": (Type(Kind.TEXT, length=3, fixed=True), ("abc", " a"), ("abcd",)),
    "bytes": (BYTES, (r"\x", r"\x00ff"), ("", "00", r"\x0", r"\xFF", r"\x0g", r"\\x00")),
    "date": (
        Type(Kind.DATE),
        ("2024-02-29", "0001-01-01", "2000-02-29"),
        ("2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "24-01-01", "now", "",
         "2024-1-1", "2024-01-01 00:00:00", "2024/01/01"),
    ),
    "time": (
        Type(Kind.TIME, precision=3),
        ("00:00:00", "23:59:59.999", "12:00:00.5"),
        ("12:00", "12:60:00", "12:00:60", "12:00:00.1234", "12:00:00.50", "12:00:00.", "noon", "12:00:00+01"),
    ),
    "timestamp": (
        Type(Kind.TIMESTAMP, precision=3),
        ("2024-02-29 23:59:59", "2024-02-29 00:00:00.001"),
        ("2024-02-30 00:00:00", "2024-02-29", "2024-02-29T00:00:00", "2024-02-29 24:00:00", "2024-02-29 00:00:00.0001",
         "2024-02-29 00:00:00.10", "2024-02-29 00:00:00Z", "2024-02-29 00:00:00+01:00", "now"),
    ),
    "uuid": (
        Type(Kind.UUID),
        ("00000000-0000-0000-0000-00000000000f",),
        ("", "0000000000000000000000000000000f", "00000000-0000-0000-0000-00000000000F",
         "{00000000-0000-0000-0000-00000000000f}"),
    ),
    "json": (JSON, ("null", "1", '"a"', "{}", '{"a": [1.5]}'), ("", "nothing", "[1,]", "NaN", "[Infinity]")),
    "bit": (Type(Kind.BIT, length=3, fixed=True), ("000", "101"), ("", "10", "1010", "102")),
    "varbit": (Type(Kind.BIT, length=3), ("", "1", "101"), ("1010", "2")),
    "enum": (Type(Kind.ENUM, values=("a", "b", "1")), ("a", "1"), ("A", "", "c", "2", "a ")),
    "set": (Type(Kind.SET, values=("a", "b")), ("", "a", "a,b"), ("c", "a,c", "a,", "A", "a b")),
}  # fmt: skip
"""A column of each kind: what it takes and what it does not."""

TAKEN = [(name, text) for name, (_, taken, _) in KINDS.items() for text in taken]
REFUSED = [(name, text) for name, (_, _, refused) in KINDS.items() for text in refused]


@pytest.mark.parametrize(("name", "text"), TAKEN)
def test_what_a_column_takes(name: str, text: str) -> None:
    lexer(KINDS[name][0])(text)


@pytest.mark.parametrize(("name", "text"), REFUSED)
def test_what_a_column_does_not_take(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        lexer(KINDS[name][0])(text)
