"""A column looked at in one go is taken exactly where each of its cells is taken alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbdump_core.errors import ValueRefusedError
from dbdump_core.model.abc import Block, ReadTask
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import INTEGER, TEXT, Kind, Type, parse_type
from dbdump_core.rows.checking import Checker
from dbdump_core.rows.column_checks import column_check
from dbdump_core.rows.lexers import lexer
from dbdump_core.rows.lines import NULL, escape, unescape

TEXTS = {
    "boolean": ["0", "1", "", "2", "t", "01"],
    "smallint": ["0", "-1", "32767", "-32768", "32768", "-32769", "007", "-0", "+1", "1_0", " 1", "", "٣", "1.0"],
    "bigint unsigned": ["0", "18446744073709551615", "18446744073709551616", "-1", "9" * 30],
    "year": ["0", "1901", "2155", "2156", "-1"],
    "decimal(4,2)": ["0.00", "12.34", "-99.99", "100.00", "1.2", "1", "01.00", ".50", "1.", "1.2.3", "1.234", "-0.50",
                     "NaN", "inf", "1e1", "--1.00", "1-.00", "12.-3"],
    "decimal(2,4)": ["0.01", "0.0099", "0.0100", "0", "0.01234"],
    "decimal": ["0", "12.5", "-3.25", "1" * 40, "0.000", "x", "1.", "5-"],
    "varchar(3)": ["", "abc", "abcd", "äöü", "äöüß", "a\tb", "a\t\tb", "😀😀😀", "   ", "\u2028\u2028\u2028"],
    "char(3)": ["abc", "ab ", " ab", "ab", "", "abcd", "a \\"],
    "text": ["", "any\nthing", "\\N", "ö"],
    "bytes": ["\\x", "\\x00ff", "\\x0", "\\xFF", "x00", "\\x00\\x00", "00", ""],
    "varbinary(2)": ["\\x", "\\x00", "\\x0011", "\\x001122", "\\x001"],
    "binary(2)": ["\\x0011", "\\x00", "\\x001122"],
    "uuid": ["0188d9a4-7d2c-7cc3-98c4-dc0c0c07398f", "0188D9A4-7d2c-7cc3-98c4-dc0c0c07398f",
             "0188d9a47d2c7cc398c4dc0c0c07398f", "0188d9a47-d2c-7cc3-98c4-dc0c0c07398f",
             "0188d9a4-7d2c-7cc3-98c4-dc0c0c0739-f", "-188d9a4-7d2c-7cc3-98c4-dc0c0c07398f"],
    "date": ["2024-02-29", "2023-02-29", "0000-00-00", "2024-00-10", "20240229", "2024-W01-1", "2024-1-01",
             "99999-01-01", "infinity", "0044-03-15 BC", "2024-01-1x", "0001-01-01", "2024-13-01"],
    "timestamp": ["2024-02-29 00:00:00", "2024-02-29 23:59:59.5", "2024-02-29 23:59:59.123456", "2024-02-30 00:00:00",
                  "2024-02-29 24:00:00", "2024-02-29T00:00:00", "2024-02-29 00:00:60", "2024-02-29 00:00:00.50",
                  "2024-02-29 00:00:00.1234567", "2024-02-29 00:00:00.", "2024-02-29 00:00", "-infinity",
                  "2024-02-29 00:00:00+00", "2024-02-29 00:00:00Z1", "0000-00-00 00:00:00", "0044-03-15 00:00:00 BC",
                  "2024-02-29 00:00:00..5", "2024-02-29 00:00:001.5"],
    "timestamp(3)": ["2024-02-29 00:00:00.123", "2024-02-29 00:00:00.1234", "2024-02-29 00:00:00"],
    "time": ["00:00:00", "24:00:00", "-838:59:59", "12:30:00.5", "12:30:00.50", "12:30"],
    "json": ["{}", "[1, 2.50, null]", '"\\ud800"', "{'a': 1}", "", "NaN", "1e999", '{"a": 1, "a": 2}', '"\\n"', "1 2"],
    "bit(3)": ["101", "10", "1011", "102", ""],
    "varbit(3)": ["101", "10", "1011", "", "x"],
    "enum('a', 'b')": ["a", "b", "c", "A", ""],
    "set('a', 'b')": ["a,b", "b", "", "c"],
    "float": ["1", "1.5e300", "1e999", "NaN", "x"],
    "real": ["0.5", "0.1", "1e300"],
}  # fmt: skip


def cells_of(name: str) -> st.SearchStrategy[list[bytes]]:
    """A few cells of a type, most often of the same one or two: what is looked for is that one bad cell is seen."""
    one = st.sampled_from([NULL, *(escape(text.encode()) for text in TEXTS[name])])
    mostly = st.tuples(one, one, st.integers(0, 5), st.integers(0, 2))
    return st.one_of(
        mostly.map(lambda drawn: [drawn[0]] * drawn[2] + [drawn[1]] * drawn[3]), st.lists(one, max_size=6)
    )


def is_taken_alone(type_: Type, source: Type, cell: bytes) -> bool:
    try:
        if cell != NULL:
            lexer(type_, source)(unescape(cell).decode())
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("source", [None, TEXT], ids=["itself", "text"])
@pytest.mark.parametrize("name", TEXTS)
@given(data=st.data())
def test_a_column_is_taken_where_each_cell_is(name: str, source: Type | None, data: st.DataObject) -> None:
    type_ = parse_type(name)
    cells = data.draw(cells_of(name))
    taken = all(is_taken_alone(type_, source or type_, cell) for cell in cells)
    try:
        column_check(type_, source)(cells)
    except ValueError:
        assert not taken
    else:
        assert taken


@pytest.mark.parametrize("name", TEXTS)
def test_invalid_utf_8_is_seen(name: str) -> None:
    with pytest.raises(ValueError):
        column_check(parse_type(name), TEXT)([b"a\xff"])


TWO = Table("t", (Column("a", TEXT), Column("b", TEXT)))


@pytest.mark.parametrize(
    ("line", "good"),
    [
        (rb"a	b", True),
        (rb"\N	\N", True),
        (rb"\\N	\\", True),
        (rb"\\\\	\t\n\r\\", True),
        (rb"\\\N	b", False),
        (rb"a\N	b", False),
        (rb"\N\N	b", False),
        (rb"\x41	b", False),
        (rb"a\	b", False),
        (rb"a\\\	b", False),
        (b"a\r	b", False),
        (b"a", False),
        (b"a	b	c", False),
    ],
)
def test_the_form_of_lines_is_looked_at_where_they_may_be_edited(line: bytes, good: bool) -> None:
    others = b"x\ty\n"
    block = Block(others + line + b"\n" + others, 3)
    checker = Checker(ReadTask(TWO, TWO.columns), strict=True)
    if good:
        checker.check(block)
    else:
        with pytest.raises(ValueRefusedError, match="table t"):
            checker.check(block)


def test_two_lines_of_wrong_widths_do_not_make_up_for_each_other() -> None:
    checker = Checker(ReadTask(TWO, TWO.columns), strict=True)
    with pytest.raises(ValueRefusedError, match="a line of 1 fields where 2 belong"):
        checker.check(Block(b"a\na\tb\tc\n", 2))


def test_the_row_that_is_refused_is_named() -> None:
    table = Table("t", (Column("id", INTEGER), Column("n", TEXT)), primary_key=("id",))
    checker = Checker(ReadTask(table, table.columns, checks={"n": Type(Kind.INTEGER, bits=16)}))
    checker.check(Block(b"1\t5\n2\t\\N\n", 2))
    with pytest.raises(ValueRefusedError, match=r"column n, row \(id='2'\): '70000' is not an integer"):
        checker.check(Block(b"1\t5\n2\t70000\n3\t1\n", 3))
