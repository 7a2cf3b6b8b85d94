"""The format of 2007: every value comes back as it was, anything else is refused by its place, nothing is run."""

from __future__ import annotations

import ast
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbdump_core.dumps import open_source
from dbdump_core.dumps.formats import FORMATS
from dbdump_core.dumps.formats.literals import Broken, bytes_literal, read_list, text_literal
from dbdump_core.dumps.formats.py import MARK, PY
from dbdump_core.errors import ValueRefusedError
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import BYTES, FLOAT, INTEGER, TEXT, TIMESTAMPTZ, parse_type

from .archive.helpers import dump, load, load_stream
from .memory import line
from .samples import SAMPLES, TEXTS

HOSTILE = (
    "__import__('os').system('touch {pwned}')",
    "f'{{open(\"{pwned}\", \"w\")}}'",
    "{{**{{}}}}",
    "(lambda: open('{pwned}', 'w'))()",
    "[open(n, 'w') for n in ['{pwned}']]",
    "open('{pwned}', 'w')",
    "'a' + 'b'",
    "'a' % ()",
    "1 if True else 2",
    "`1`",
    "datetime.datetime(2007, 1, 1)",
    "Decimal('1')",
    "[1]",
    "(1, 2)",
    "1j",
    "0x10",
    "010",
    "1_000",
    "'a' 'b'",
    "'''a'''",
    "'unended",
    "'raw\\",
    "'\\q'",
    "'\\x4'",
    "'\\u12'",
    "'\\U00110000'",
    "'\\N{{BULLET}}'",
    "'\\777'",
    "'\\ud800'",
    "b'\\u0041'",
    "b'é'",
    "t'x'",
    "...",
    "NULL",
    ",,",
    "(" * 1_000_000,
    "[" * 1_000_000,
    "-" * 1_000_000,
    "'" + "\\" * 1_000_001,
)
"""H1: what would run code, nest without end or mean something only to an interpreter."""


def refuse(row, character, problem):
    raise ValueRefusedError(f"{row}:{character}: {problem}")


def there_and_back(data, *columns):
    return PY.decode(PY.encode(data, columns), columns, refuse)


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
def test_every_value_comes_back_as_it_was(sample):
    column = Column("value", sample.type)
    data = b"".join(line((text, text)) for text in sample.values)
    written = PY.encode(data, (column, column))
    assert written.count(b"\n") == len(sample.values)
    assert b"\r" not in written
    assert PY.decode(written, (column, column), refuse) == data
    for record in written.decode().split("\n")[:-1]:
        assert isinstance(ast.literal_eval(record)[0], list)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_every_value_comes_back_through_a_dump(tmp_path, name, sample):
    table = Table("t", (Column("id", INTEGER), Column("value", sample.type)))
    rows = {table.key: b"".join(line((str(n), text)) for n, text in enumerate(sample.values))}
    path = dump(tmp_path / name, tables=(table,), rows=rows, format="py", compress="gzip")
    assert load(open_source(str(path))) == rows
    if name == "dump.tar":
        assert load_stream(path.read_bytes(), tmp_path) == rows


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_any_text(text):
    literal = text_literal(text)
    assert ast.literal_eval(literal) == text
    assert read_list(f"[{literal}]", 1) == [("text", text)]
    assert literal.isprintable() or not set(literal) & set("\n\r\t\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\0")
    assert there_and_back(line((text,)), Column("c", TEXT)) == line((text,))


@settings(deadline=None)
@given(st.binary())
def test_any_bytes(data):
    assert ast.literal_eval(bytes_literal(data)) == data
    cell = line(("\\x" + data.hex(),))
    assert there_and_back(cell, Column("c", BYTES)) == cell
    if b"\0" not in data:
        odd = data.replace(b"\\", b"").replace(b"\t", b"").replace(b"\n", b"").replace(b"\r", b"") + b"\n"
        assert there_and_back(odd, Column("c", TEXT)) == odd


@settings(deadline=None)
@given(st.floats())
def test_any_float(number):
    text = "NaN" if number != number else repr(number)
    assert there_and_back(line((text,)), Column("c", FLOAT)) == line((text,))


@settings(deadline=None)
@given(st.integers(), st.sampled_from(["integer", "decimal", "float", "boolean", "year", "text", "date", "bytes"]))
def test_values_that_are_not_of_their_type_come_back_too(number, kind):
    """SQLite holds anything in any column, and a dump of it says what was there."""
    for text in (str(number), f"0{number}", f"{number}abc", f"{number}.50", "", "True", "None"):
        assert there_and_back(line((text,)), Column("c", parse_type(kind))) == line((text,))


def test_text_that_is_no_utf_8_comes_back_as_bytes_and_stays_bytes():
    for data in (b"\xff\n", b"a\xed\xa0\x80\n", "é\udc80".encode("utf-8", "surrogatepass") + b"\n"):
        written = PY.encode(data, (Column("c", TEXT),))
        assert written.startswith(b"[b'")
        assert PY.decode(written, (Column("c", TEXT),), refuse) == data
        with pytest.raises(ValueError, match="a text that is not UTF-8"):
            PY.encode(data, (Column("c", BYTES),))


def test_how_values_are_spelled():
    columns = [Column("c", parse_type(t)) for t in ("integer", "boolean", "decimal(10,2)", "float", "text", "bytes",
               "timestamp", "timestamptz", "json", "bit(3)")]  # fmt: skip
    row = ("1", "1", "12.50", "0.1", "it's\n\u2028é", "\\x00ff68", "2007-11-01 10:00:00.000001",
           "2007-11-01 10:00:00", '{"a": "\\n"}', "010")  # fmt: skip
    assert PY.encode(line(row), columns).decode() == (
        "[1, True, '12.50', 0.1, \"it's\\n\\u2028é\", b'\\x00\\xffh', '2007-11-01 10:00:00.000001',"
        " '2007-11-01 10:00:00+00:00', '{\"a\": \"\\\\n\"}', '010'],\n"
    )
    infinite = PY.encode(line(("NaN",)) + line(("-inf",)), [Column("c", FLOAT)])
    assert infinite == b"['NaN'],\n['-inf'],\n"
    assert PY.encode(line(("infinity",)), [Column("c", TIMESTAMPTZ)]) == b"['infinity'],\n"


def test_the_shape_of_a_file(tmp_path):
    table = Table("shop_order", (Column("id", INTEGER), Column("note", TEXT)))
    path = dump(tmp_path / "d", tables=(table,), rows={table.key: b"1\tfirst\\norder\n2\t\\N\n"}, format="py")
    assert (path / "data" / "0001-shop_order.py").read_text() == (
        "# dbdump 1 -*- coding: utf-8 -*-\n"
        "table = 'shop_order'\n"
        "fields = ['id', 'note']\n"
        '#default item format: "fieldname":("type", "value")\n'
        "default = {}\n"
        "records = [\n"
        "[1, 'first\\norder'],\n"
        "[2, None],\n"
        "]\n"
    )


# --- reading what others wrote ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "values"),
    [
        ("[1, 'a']", ["1", "a"]),
        ("[1, 'a'],", ["1", "a"]),
        ("  [ 1 ,'a' , ] ,  # a comment", ["1", "a"]),
        ("[17L, u'\\xe9']", ["17", "é"]),
        ('[-1l, U"it\'s"]', ["-1", "it's"]),
        ("[1, ur'\\d']", ["1", "\\d"]),
        ("[1, r'\\d\\n']", ["1", "\\d\\n"]),
        ("[1, '\\101\\x42\\u0043\\U00000044\\7']", ["1", "ABCD\7"]),
        ("[1, '\\'\\\"\\\\\\a\\b\\f\\n\\r\\t\\v']", ["1", "'\"\\\a\b\f\n\r\t\v"]),
        ("[1, u'\\ud83c\\udf63']", ["1", "🍣"]),
        ("[1.5, b'\\xff']", ["1.5", "ÿ"]),
        ("[.5e-3, nan]", [".5e-3", "nan"]),
    ],
)
def test_spellings_of_python_2_and_3(record, values):
    assert [text for _, text in read_list(record, 2)] == values


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (r"'\xc3\xa9'", "é"),
        (r"'\303\251'", "é"),
        (r"'é\xc3\xa9\\x\n'", "éé\\x\n"),
        (r"'\\xc3\\xa9'", r"\xc3\xa9"),
        (r"u'\xc3\xa9'", "Ã©"),
        (r"'\x41'", "A"),
        (r"'é'", "é"),
    ],
)
def test_strings_of_bytes_in_old_files(literal, text):
    assert read_list(f"[{literal}]", 1, "utf-8") == [("text", text)]


def test_strings_of_bytes_are_never_guessed():
    for literal in (r"'\xe9'", r"'\xa0'", r"'é\xa0'", r"'\xc3\xa9\u0041'", r"'\xed\xa0\x80'"):
        with pytest.raises(Broken):
            read_list(f"[{literal}]", 1, "utf-8")
        if "\\u" not in literal:
            assert read_list(f"[{literal}]", 1)[0][0] == "text"
    assert read_list(r"['\xe9']", 1, "latin-1") == [("text", "é")]
    assert read_list(r"['\xe9']", 1, "cp1251") == [("text", "й")]


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_what_python_3_wrote_is_never_taken_for_bytes(text):
    """`repr` of Python 3 without a mark: the same text, or refused; never another one."""
    try:
        assert read_list(f"[{text!r}]", 1, "utf-8") == [("text", text)]
    except Broken as error:
        assert "put u before it if it is text" in str(error)


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_what_python_2_wrote_comes_back(text):
    data = text.encode()
    plain = "'" + repr(data)[2:-1].replace("\\'", "'").replace("'", "\\'") + "'"
    assert read_list(f"[{plain}]", 1, "utf-8") == [("text", text)]


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: text[:20])
@pytest.mark.parametrize("coding", [None, "utf-8"])
def test_nothing_is_run(tmp_path, hostile, coding):
    pwned = tmp_path / "pwned"
    text = hostile.format(pwned=pwned) if len(hostile) < 1000 else hostile
    for record in (f"[1, {text}],", f"[1, {text}", text, f"[1, 2], {text}"):
        with pytest.raises(Broken) as caught:
            read_list(record, 2, coding)
        assert 0 <= caught.value.at <= len(record)
    assert not pwned.exists()


@pytest.mark.parametrize(
    ("record", "place", "problem"),
    [
        ("[1, 2, 3]", 8, "expected no more than 2 values, one for each field"),
        ("[1]", 3, "expected 2 values, one for each field (it has 1)"),
        ("[1 'a']", 4, "expected a comma or the closing bracket after a value"),
        ("[1, é]", 5, "expected a value: None, True, False, a number or a string in quotes"),
        ("['é', '\\q']", 8, "expected an escape"),
        ("[1, 'a'] x", 10, "expected the end of the line after the record"),
        ("]", 1, "expected a record in brackets"),
        ("", 1, "expected a record in brackets"),
        ("[1.5, 'a']", 2, "expected an integer"),
        ("[1, True]", 5, "expected a text in quotes"),
        ("[None, True]", 8, "expected a text in quotes"),
    ],
)
def test_the_place_of_what_is_refused(record, place, problem):
    data = b"[1, 'x'],\n" + record.encode() + b"\n"
    with pytest.raises(ValueRefusedError, match=re.escape(f"1:{place}: {problem}")):
        PY.decode(data, (Column("id", INTEGER), Column("note", TEXT)), refuse)


def test_a_line_that_is_refused_can_be_passed_over():
    told = []
    data = PY.decode(b"[1],\n[x],\n['\xff'],\n[4],\n", (Column("id", INTEGER),), lambda *what: told.append(what))
    assert data == b"1\n4\n"
    assert [what[:2] for what in told] == [(1, 2), (2, 3)]


def test_one_character_changed(tmp_path):
    """Either equal values come out or an error that names the line; nothing else, and nothing is run."""
    columns = (Column("id", INTEGER), Column("note", TEXT), Column("n", FLOAT), Column("b", BYTES))
    good = PY.encode(b"".join(line((str(n), text, "0.5", "\\x00ff")) for n, text in enumerate(TEXTS[:30])), columns)
    text, chance = good.decode(), random.Random(2007)
    expected = PY.decode(good, columns, refuse).split(b"\n")
    outcomes = {"refused": 0, "read": 0}
    for _ in range(2000):
        at = chance.randrange(len(text))
        if text[at] == "\n":
            continue
        other = chance.choice("'\"\\[](),{}0x-. \té\0ub#L\ud83c"[:-1] + chance.choice(TEXTS)[:1].replace("\n", "n"))
        row = text.count("\n", 0, at)
        try:
            found = PY.decode((text[:at] + other + text[at + 1 :]).encode(), columns, refuse).split(b"\n")
        except ValueRefusedError as error:
            assert str(error).startswith(f"{row}:")
            outcomes["refused"] += 1
        else:
            assert found[:row] + found[row + 1 :] == expected[:row] + expected[row + 1 :]
            assert found[row].count(b"\t") == 3
            outcomes["read"] += 1
    assert min(outcomes.values()) > 100


def test_a_long_line_takes_bounded_memory():
    code = """
from tests.peak import peak
from dbdump_core.dumps.formats.literals import read_list
line = "[" + repr(bytes(range(256)) * 40_000) + ", '" + "\\\\\\\\" * 5_000_000 + "']"
before = peak()
values = read_list(line, 2)
grown = (peak() - before) * 1024
print([len(text) for _, text in values], grown < 4 * len(line))
"""
    from .archive.helpers import child

    done = child(code, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[10240000, 5000000] True\n", "")


def test_the_mark_is_a_line_that_editors_and_python_know():
    assert re.match(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", MARK).group(1) == "utf-8"
    assert FORMATS["py"] is PY
