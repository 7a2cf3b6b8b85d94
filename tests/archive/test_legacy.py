"""A folder of 2007: what its files may look like, what they become, and what is refused."""

from __future__ import annotations

import datetime as dt
import io
import os
import random
import re
import signal
import stat
from zoneinfo import ZoneInfo

import pytest

from dbdump_core.dumps.legacy.source import LegacySource, LegacyTarget, PrintTarget
from dbdump_core.dumps.legacy.targets import file_names
from dbdump_core.errors import DbdumpError, DumpError, RefusedError, UnsafeError, ValueRefusedError
from dbdump_core.model.abc import Block, Plan, ReadTask, Snapshot, TablePlan, WriteTask
from dbdump_core.model.schema import Column, Default, DefaultKind, Schema, Table, TableKey
from dbdump_core.model.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DURATION,
    INTEGER,
    INTERVAL,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    UUID_HEX,
    Kind,
    Type,
    parse_type,
)
from dbdump_core.rows.fills import maker
from dbdump_core.run.transfer import Options, transfer

from ..memory import MemorySource, line
from ..samples import SAMPLES
from .helpers import child, load, plan_of, write_all

ORDERS = Table(
    "shop_order",
    (
        Column("id", INTEGER, nullable=False),
        Column("customer_id", INTEGER),
        Column("note", TEXT),
        Column("created", TIMESTAMP),
    ),
    primary_key=("id",),
)
OLD = r"""table = 'shop_order'
fields = ['id', 'customer_id', 'note', 'created']
#default item format: "fieldname":("type", "value")
default = {'status': ('value', 'new'), 'title': ('reference', 'note'), 'updated': ('datetime', 'now')}
records = [
[1, 17, 'first\norder', '2007-11-01 10:00:00'],
[2, 17, None, '2007-11-02 11:30:00'],
]
"""
OLD_LINES = b"1\t17\tfirst\\norder\t2007-11-01 10:00:00\n2\t17\t\\N\t2007-11-02 11:30:00\n"


def folder(tmp_path, text=OLD, name="shop_order.py"):
    place = tmp_path / "datadir"
    place.mkdir(exist_ok=True)
    (place / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return place


def source(tmp_path, text=OLD, tables=(ORDERS,), **options):
    return LegacySource(folder(tmp_path, text), Schema(tuple(tables)), engine="sqlite", **options)


def one(tmp_path, type_, *literals, mark=False, **options):
    """The cells of literals of one column."""
    head = "# dbdump 1 -*- coding: utf-8 -*-\n" if mark else ""
    text = head + "table = 't'\nfields = ['c']\nrecords = [\n" + "".join(f"[{x}]\n" for x in literals) + "]\n"
    table = Table("t", (Column("c", type_),))
    opened = LegacySource(folder(tmp_path, text, "t.py"), Schema((table,)), engine="sqlite", **options)
    return load_stored(opened)[table.key].decode().split("\n")[:-1]


def load_stored(opened):
    """Read as a transfer does: the columns have the types that engines have."""
    from dbdump_core.plan.columns import stored_table

    class Stored:
        snapshot, read, finish, close = opened.snapshot, opened.read, opened.finish, opened.close

        def schema(self):
            return Schema(tuple(map(stored_table, opened.schema())))

    return load(Stored())


# --- reading ----------------------------------------------------------------------------------


def test_the_file_of_2007(tmp_path):
    opened = source(tmp_path)
    assert load(opened) == {ORDERS.key: OLD_LINES}
    assert (opened.typed, opened.engine, opened.order, opened.missing) == (False, "sqlite", None, ())
    assert opened.defaults == {
        ORDERS.key: {
            "status": Default(DefaultKind.VALUE, "new"),
            "title": Default(DefaultKind.REFERENCE, "note"),
            "updated": Default(DefaultKind.DATETIME, "now"),
        }
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("],\n", "]\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "# coding: utf-8\n" + text,
        lambda text: "#!/usr/bin/python\n# -*- coding: latin-1 -*-\n\n" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n# the end\n\n",
        lambda text: text.replace("[2,", "# a comment\n\n  [2L,"),
        lambda text: text.replace("'first", "u'first"),
        lambda text: text.replace("records = [", "records=[ # rows"),
        lambda text: text.replace("default = {", "default = {\n  # what is new\n  ").replace("), ", "),\n  "),
        lambda text: text.replace("'created']", "'created',\n]"),
        lambda text: text.replace("'new')", "'new',)"),
        lambda text: text.replace('"', "'").replace("'shop_order'", '"shop_order"'),
    ],
)
def test_how_old_files_vary(tmp_path, change):
    opened = source(tmp_path, change(OLD))
    assert load(opened) == {ORDERS.key: OLD_LINES}
    assert opened.defaults[ORDERS.key].keys() == {"status", "title", "updated"}


@pytest.mark.parametrize("damage", [lambda data: b"\xef\xbb\xbf" + data, lambda data: data.replace(b"\n", b"\r\n")])
def test_the_mark_is_seen_whatever_an_editor_did(tmp_path, damage):
    text = "# dbdump 1 -*- coding: utf-8 -*-\n" + OLD.replace("first", r"\xa0")
    assert load(source(tmp_path, damage(text.encode())))[ORDERS.key].startswith("1\t17\t\xa0\\n".encode())


def test_a_folder_that_others_may_write_to_is_told(tmp_path):
    place = folder(tmp_path)
    place.chmod(0o777)
    (note,) = LegacySource(place, Schema((ORDERS,)), engine="x").notes
    assert note.endswith("datadir' can be written by others than its owner")


@pytest.mark.parametrize("empty", ["records = []\n", "records = [\n]\n", "records = [ ] # none\n"])
def test_no_records(tmp_path, empty):
    assert load(source(tmp_path, OLD[: OLD.index("records")] + empty)) == {ORDERS.key: b""}


def test_tables_and_files(tmp_path):
    other = Table("other", (Column("id", INTEGER),))
    folder(tmp_path, "table = 'unknown'\nfields = ['id']\nrecords = [\n]\n", "unknown.py")
    folder(tmp_path, "", "__init__.py")
    folder(tmp_path, "nothing of ours", "README")
    opened = source(tmp_path, tables=(other, ORDERS))
    assert opened.missing == (other.key,)
    assert [table.key for table in opened.schema()] == [ORDERS.key]
    assert [note.partition(".py")[2] for note in opened.notes] == [": table 'unknown' is not asked for; not loaded"]


def test_the_line_in_the_file_names_the_table_not_the_file(tmp_path):
    place = folder(tmp_path, OLD, "0001-x.py")
    keyed = Table("Shop_Order", ORDERS.columns, schema=None)
    for table in (ORDERS, keyed):
        assert load(LegacySource(place, Schema((table,)), engine="x")) == {table.key: OLD_LINES}


def test_fields_may_be_fewer_more_and_moved(tmp_path):
    text = "table = 'shop_order'\nfields = ['NOTE', 'gone', 'id']\nrecords = [\n['a', 1.5, 5],\n]\n"
    opened = source(tmp_path, text)
    (table,) = opened.schema()
    assert [(column.name, str(column.type)) for column in table.columns] == [
        ("NOTE", "text"), ("gone", "text"), ("id", "integer"),
    ]  # fmt: skip
    assert table.primary_key == ("id",)
    blocks = []
    opened.read(ReadTask(table, (table.columns[2], table.columns[0])), blocks.append)
    assert blocks == [Block(b"5\ta\n", 1)]


@pytest.mark.parametrize("value", ["None", "True", "b'\\xff'", "1e9", "'x'"])
def test_a_field_that_nobody_wants_may_hold_anything(tmp_path, value):
    opened = source(tmp_path, f"table = 'shop_order'\nfields = ['id', 'gone']\nrecords = [\n[1, {value}]\n]\n")
    (table,) = opened.schema()
    blocks = []
    opened.read(ReadTask(table, table.columns[:1]), blocks.append)
    assert blocks == [Block(b"1\n", 1)]


@pytest.mark.parametrize(
    ("type_", "literal", "cell"),
    [
        ("boolean", "True", "1"), ("boolean", "0", "0"), ("boolean", "'1'", "1"),
        ("smallint", "True", "1"), ("integer", "17L", "17"), ("integer", "'17'", "17"), ("integer", "-0", "0"),
        ("decimal(10,2)", "12.5", "12.50"), ("decimal(10,2)", "12", "12.00"), ("decimal(10,2)", "'12.5'", "12.50"),
        ("decimal(10,2)", "12.500", "12.50"), ("decimal(10,0)", "12.0", "12"), ("decimal(10,5)", "1e-05", "0.00001"),
        ("decimal(20,2)", "12345678901234567.89", "12345678901234567.89"),
        ("decimal(10,2)", "0.10000000000000001", "0.10"), ("decimal(10,2)", "-12.300000000000001", "-12.30"),
        ("decimal", "0.10000000000000001", "0.10000000000000001"), ("decimal", "1E+3", "1000"),
        ("float", "0.10000000000000001", "0.10000000000000001"), ("float", "5.", "5.0"), ("float", "-.5e3", "-0.5e3"),
        ("float", "nan", "NaN"), ("float", "-inf", "-inf"), ("float", "7", "7"),
        ("date", "'2007-11-01'", "2007-11-01"), ("time", "'10:00:00.500000'", "10:00:00.5"),
        ("time", "'10:00:00.000000'", "10:00:00"),
        ("timestamp", "'2007-11-01 10:00:00.120000'", "2007-11-01 10:00:00.12"),
        ("timestamptz", "'2007-11-01 10:00:00+02:00'", "2007-11-01 08:00:00"),
        ("timestamptz", "'2007-11-01 10:00:00.5+00:00'", "2007-11-01 10:00:00.5"),
        ("timestamptz", "'20000-01-01 00:00:00+00:00'", "20000-01-01 00:00:00"),
        ("timestamptz", "'2007-11-01 10:00:00'", "2007-11-01 10:00:00"),
        ("uuid", "'" + "0123456789abcdef" * 2 + "'", "01234567-89ab-cdef-0123-456789abcdef"),
        ("text", "17", "17"), ("text", "1.50", "1.50"), ("text", r"'\xc3\xa9'", "é"), ("text", r"u'\xe9'", "é"),
        ("bytes", r"b'\xff\x00'", r"\\xff00"), ("year", "2007", "2007"), ("json", "'{}'", "{}"), ("json", "5", "5"),
    ],
)  # fmt: skip
def test_old_spellings(tmp_path, type_, literal, cell):
    assert one(tmp_path, parse_type(type_), literal, "None") == [cell, "\\N"]


def test_flavours_are_read_from_whatever_another_engine_wrote(tmp_path):
    bare, dashed = "0123456789abcdef" * 2, "01234567-89ab-cdef-0123-456789abcdef"
    assert one(tmp_path, UUID_HEX, f"'{dashed}'", f"'{bare}'") == [bare, bare]
    assert one(tmp_path, UUID, f"'{dashed}'", f"'{bare}'") == [dashed, dashed]
    assert one(tmp_path, DURATION, "1500000", "'1 day 00:00:01'", mark=True) == ["1500000", "86401000000"]
    assert one(tmp_path, INTERVAL, "1500000", "'1 mon'", mark=True) == ["00:00:01.5", "1 mon"]


def test_times_of_a_zone(tmp_path):
    berlin = Type(Kind.TIMESTAMP, precision=6, name="Europe/Berlin")
    local, moment = "'2007-11-01 10:00:00'", "'2007-11-01 09:00:00+00:00'"
    assert one(tmp_path, TIMESTAMPTZ, local, zone="Europe/Berlin") == ["2007-11-01 09:00:00"]
    assert one(tmp_path, berlin, local, moment, zone="Europe/Berlin") == ["2007-11-01 10:00:00"] * 2
    assert one(tmp_path, berlin, moment, mark=True, zone="UTC") == ["2007-11-01 10:00:00"]
    assert one(tmp_path, TIMESTAMP, local, zone="Europe/Berlin") == ["2007-11-01 10:00:00"]
    assert one(tmp_path, TIMESTAMPTZ, local, mark=True, zone="Europe/Berlin") == ["2007-11-01 10:00:00"]
    with pytest.raises(ValueRefusedError, match=r"4:2: table t: expected a time that clocks of Europe/Berlin"):
        one(tmp_path, TIMESTAMPTZ, "'2024-03-31 02:30:00'", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("type_", "literal", "problem"),
    [
        ("integer", "1.0", "4:2: table t: expected an integer"),
        ("integer", "'12abc'", "4: table t, column c, row (c='12abc'): '12abc' is not an integer from"),
        ("integer", "''", "4: table t, column c, row (c=''): '' is not an integer"),
        ("boolean", "2", "4: table t, column c, row (c='2'): '2' is not a boolean, 0 or 1"),
        ("decimal(10,2)", "12.345", "4: table t, column c, row (c='12.345'): '12.345' is not a decimal(10,2)"),
        ("decimal(10,2)", "1e999999", "4:2: table t: expected a number of at most"),
        ("decimal(10,2)", "0.12000000000000001", "is not a decimal(10,2)"),
        ("date", "'2024-02-30'", "'2024-02-30' is not a day of the calendar"),
        ("date", "'now'", "'now' is not a date YYYY-MM-DD"),
        ("date", "20240101", "4:2: table t: expected a value in quotes"),
        ("timestamp", "'2024-01-01 10:00:00+02:00'", "is not a timestamp"),
        ("timestamptz", "'2024-13-01 10:00:00+02:00'", "4:2: table t: expected a timestamp"),
        ("text", "True", "4:2: table t: expected a text in quotes"),
        ("varchar(2)", "'abc'", "'abc' is not at most 2 characters long"),
        ("text", r"'\xe9'", "4:3: table t: expected utf-8 in a string of bytes; put u before it"),
        ("uuid", "'x'", "is not a uuid"),
        ("text", "datetime.datetime(2007, 1, 1)", "4:2: table t: expected a value: None, True"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_by_its_place(tmp_path, type_, literal, problem):
    with pytest.raises(ValueRefusedError, match=re.escape(problem)) as caught:
        one(tmp_path, parse_type(type_), literal)
    assert "t.py:4" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("table = 'shop_order'\n", "", "expected a line table = '…' before the records"),
        ("fields = [", "#fields = [", "expected a line fields = […] before the records"),
        ("records = [\n", "", "expected table = '…', fields = […], default = {…} or records = ["),
        ("table = 'shop_order'", "import os", ":1:1: expected table = '…'"),
        ("table = 'shop_order'", "table = open('x')", ":1:9: expected a value"),
        ("table = 'shop_order'", "table = 5", ":1:9: expected a name in quotes"),
        ("table = 'shop_order'", "table = 'a'; x()", ":1:12: expected the end of the line"),
        ("table = 'shop_order'", "table = 'a'\ntable = 'b'", ":2:8: expected table once, not twice"),
        ("['id', ", "['id', 'id', ", ":2:17: expected field 'id' once, not twice"),
        ("['id', ", "[['id'], ", ":2:11: expected a value"),
        ("['id', ", "[" + "(" * 100_000 + "'id', ", ":2:11: expected a value"),
        ("default = {", "default = {**x, ", ":4:12: expected a value"),
        ("default = {", "default = {'a': {'b': 1}, ", ":4:17: expected '('"),
        ("('value', 'new')", "('values', 'new')", ":4: default of field 'status': unknown kind 'values', where value,"),
        ("('value', 'new')", "('sql', 'now()')", ":4: default of field 'status': unknown kind 'sql'"),
        ("('reference', 'note')", "('reference', 'nota')", ":4: default of field 'title': it refers to 'nota', which"),
        ("('datetime', 'now')", "('datetime', 'today')", "default of field 'updated': 'today' is neither 'now' nor a"),
        ("('datetime', 'now')", "('date', 1)", "default of field 'updated': kind date needs a text in quotes"),
        ("('datetime', 'now')", "('uuid', 'x')", "default of field 'updated': kind uuid takes no value"),
        ("('datetime', 'now')", "('value', now)", ":4:93: expected a value"),
        ("]\n", "", "is cut: no line ']' ends its records"),
        ("\n]\n", "\n]\nimport os\n", ":9: something follows the end of the records; remove it"),
        ("table = ", "# coding: utf-7\ntable = ", ":1: encoding 'utf-7' is not read here; save the file as UTF-8"),
        ("table = ", "# coding: gbk\ntable = ", ":1: encoding 'gbk' is not read here"),
        ("table = ", "# coding: rot13\ntable = ", ":1: encoding 'rot13' is not read here"),
    ],
)  # fmt: skip
def test_heads_and_ends_that_are_refused(tmp_path, old, new, problem):
    at = OLD.rindex(old) if old == "]\n" else OLD.index(old)
    with pytest.raises(DumpError, match=re.escape(problem)) as caught:
        load(source(tmp_path, OLD[:at] + new + OLD[at + len(old) :]))
    assert "shop_order.py" in str(caught.value)


def test_defaults_of_all_kinds(tmp_path):
    text = OLD.replace(
        "default = {",
        "default = {'a': ('value', 12.50), 'b': ('value', None), 'c': ('uuid',), 'd': ('null', None), 'e': ('date',"
        " '2007-11-01'), 'f': ('time', '10:00:00'), 'g': ('value', 17L), 'h': ('value', True), 'i': ('value', 1e3),"
        " 'NOTE': ('value', 'is there'), ",
    )
    opened = source(tmp_path, text)
    values = {name: (default.kind.value, default.value) for name, default in opened.defaults[ORDERS.key].items()}
    assert values == {
        "a": ("value", "12.50"), "b": ("null", None), "c": ("uuid", None), "d": ("null", None),
        "e": ("date", "2007-11-01"), "f": ("time", "10:00:00"), "g": ("value", 17), "h": ("value", True),
        "i": ("value", 1000.0), "status": ("value", "new"), "title": ("reference", "note"),
        "updated": ("datetime", "now"),
    }  # fmt: skip
    assert "field 'NOTE' is in the records; its default is not needed" in opened.notes[0]


BERLIN = Type(Kind.TIMESTAMP, precision=6, name="Europe/Berlin")
NEW_YORK = Type(Kind.TIMESTAMP, precision=6, name="America/New_York")


@pytest.mark.parametrize(
    ("type_", "mark", "default", "cell"),
    [
        (TIMESTAMPTZ, False, "('datetime', '2007-07-01 10:00:00')", "2007-07-01 08:00:00"),
        (TIMESTAMPTZ, False, "('value', '2007-07-01 10:00:00')", "2007-07-01 08:00:00"),
        (TIMESTAMPTZ, False, "('date', '2007-07-01')", "2007-06-30 22:00:00"),
        (NEW_YORK, False, "('datetime', '2007-07-01 10:00:00')", "2007-07-01 04:00:00"),
        (BERLIN, False, "('datetime', '2007-07-01 10:00:00')", "2007-07-01 10:00:00"),
        (TIMESTAMP, False, "('datetime', '2007-07-01 10:00:00')", "2007-07-01 10:00:00"),
        (TIMESTAMPTZ, True, "('datetime', '2007-07-01 10:00:00')", "2007-07-01 10:00:00"),
        (INTERVAL, False, "('value', 1500000)", "00:00:01.5"),
        (DURATION, False, "('value', 1500000)", "1500000"),
    ],
)
def test_times_of_defaults_are_meant_as_those_of_records_are(tmp_path, type_, mark, default, cell):
    assert filled(tmp_path, type_, default, mark=mark, zone="Europe/Berlin") == cell


@pytest.mark.parametrize(
    ("type_", "literal", "cell"),
    [
        (TIMESTAMPTZ, "'2007-07-01 10:00:00'", "2007-07-01 08:00:00"),
        (NEW_YORK, "'2007-07-01 10:00:00'", "2007-07-01 04:00:00"),
        (BOOLEAN, "True", "1"),
        (parse_type("decimal(10,2)"), "12.5", "12.50"),
        (parse_type("bytes"), r"b'\x00a'", r"\\x0061"),
        (UUID, "'00000000000000000000000000000001'", "00000000-0000-0000-0000-000000000001"),
        (INTERVAL, "1500000", "00:00:01.5"),
    ],
)
def test_a_renamed_column_is_read_as_what_it_is_now(tmp_path, type_, literal, cell):
    text = f"table = 't'\nfields = ['old']\ndefault = {{'New': ('reference', 'old')}}\nrecords = [\n[{literal}]\n]\n"
    table = Table("t", (Column("id", INTEGER), Column("new", type_, nullable=False)))
    opened = LegacySource(folder(tmp_path, text, "t.py"), Schema((table,)), engine="x", zone="Europe/Berlin")
    assert [(column.name, column.type) for column in opened.schema().by_key[table.key].columns] == [("old", type_)]
    assert load_stored(opened)[table.key].decode() == cell + "\n"


@pytest.mark.parametrize("mark", [False, True])
def test_the_present_day_is_that_of_the_zone(tmp_path, mark):
    """Somewhere it is another day than in UTC, at any time."""
    names = "Pacific/Kiritimati", "Pacific/Pago_Pago"
    days = [dt.datetime.now(ZoneInfo(name)).date().isoformat() for name in names]
    assert days[0] != days[1]
    assert [filled(tmp_path, DATE, "('date', 'now')", mark=mark, zone=name) for name in names] == days
    assert [filled(tmp_path, TEXT, "('date', 'now')", mark=mark, zone=name) for name in names] == days
    hours = {filled(tmp_path, Type(Kind.TIME, precision=0), "('time', 'now')", mark=mark, zone=name)[:2] for name in
             ("Asia/Tokyo", "Europe/Berlin")}  # fmt: skip
    assert len(hours) == 2


def test_a_default_that_no_clock_showed(tmp_path):
    with pytest.raises(DumpError, match=r"t\.py: default of field 'c': expected a time that clocks of Europe/Berlin"):
        filled(tmp_path, TIMESTAMPTZ, "('datetime', '2024-03-31 02:30:00')", mark=False, zone="Europe/Berlin")


def filled(tmp_path, type_, default, *, mark, zone):
    """The cell that a default fills a column with."""
    head = "# dbdump 1 -*- coding: utf-8 -*-\n" if mark else ""
    text = head + f"table = 't'\nfields = ['id']\ndefault = {{'c': {default}}}\nrecords = [\n[1]\n]\n"
    table = Table("t", (Column("id", INTEGER), Column("c", type_)))
    opened = LegacySource(folder(tmp_path, text, "t.py"), Schema((table,)), engine="x", zone=zone)
    found = opened.defaults[table.key]["c"]
    return maker(found, type_, where="t.c")(["id"])([b"1"]).decode()


def test_bytes_of_another_encoding(tmp_path):
    text = "# coding: cp1251\n" + OLD.replace("first", r"\xe9 й")
    opened = LegacySource(folder(tmp_path, text.encode("cp1251")), Schema((ORDERS,)), engine="x")
    assert load(opened)[ORDERS.key].startswith("1\t17\tй й\\norder".encode())
    with pytest.raises(DumpError, match=r"shop_order\.py:3: not valid utf-8; name the encoding of the file"):
        LegacySource(folder(tmp_path, OLD.encode().replace(b"'note'", b"'n\xe9te'", 1).replace(b"shop_order'\n",
            b"shop_order'\n\n", 1)), Schema((ORDERS,)), engine="x")  # fmt: skip
    with pytest.raises(ValueRefusedError, match=r"shop_order\.py:6:11: table shop_order: expected valid utf-8"):
        load(LegacySource(folder(tmp_path, OLD.encode().replace(b"first", b"f\xe9rst")), Schema((ORDERS,)), engine="x"))


def test_a_carriage_return_stays_out_of_values(tmp_path):
    with pytest.raises(ValueRefusedError, match=r":6:13: table shop_order: expected a carriage return as"):
        load(source(tmp_path, OLD.replace("first", "fir\rst")))


def test_errors_are_told_and_reading_goes_on(tmp_path):
    text = OLD.replace("[2,", "[x,\n['3', 1, 2],\n[4, 'y', None, None],\n[5, 1, 'a', '2024-02-30 00:00:00']\n[2,")
    opened, told, blocks = source(tmp_path, text), [], []
    (table,) = opened.schema()
    opened.read(ReadTask(table, table.columns, on_error=told.append), blocks.append)
    assert b"".join(block.data for block in blocks) == OLD_LINES
    places = [re.search(r"shop_order\.py:(\S+): table", str(error)).group(1) for error in told]
    assert places == ["7:2", "8:11", "9", "10"]


def test_the_first_error_is_told_first(tmp_path):
    with pytest.raises(ValueRefusedError, match=r":6: table shop_order, column created"):
        load(source(tmp_path, OLD.replace("11-01", "11-31").replace("[2,", "[x,\n[2,")))


def test_two_files_for_one_table(tmp_path):
    folder(tmp_path, OLD, "copy.py")
    with pytest.raises(DumpError, match=r"copy\.py and .*shop_order\.py both hold table 'shop_order'; remove one"):
        source(tmp_path)


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_only_regular_files_are_opened(tmp_path, kind):
    place = folder(tmp_path, OLD, "real")
    path = place / "shop_order.py"
    {"link": lambda: path.symlink_to(place / "real"), "fifo": lambda: os.mkfifo(path), "folder": path.mkdir}[kind]()
    with pytest.raises(DumpError, match="a dump is made of regular files only"):
        LegacySource(place, Schema((ORDERS,)), engine="x")


def test_a_folder_that_is_none(tmp_path):
    for path in (tmp_path / "missing", folder(tmp_path) / "shop_order.py"):
        with pytest.raises(DumpError, match="is not a folder; give the one that the data files are in"):
            LegacySource(path, Schema(), engine="x")


def test_a_file_that_changes_meanwhile(tmp_path):
    opened = source(tmp_path)
    folder(tmp_path, OLD.replace("'customer_id', 'note'", "'note', 'customer_id'"))
    with pytest.raises(DumpError, match="changed while it was read"):
        load(opened)


def test_nothing_is_imported_or_run(tmp_path):
    """H1: each piece of code in each place of a file."""
    pwned = tmp_path / "pwned"
    for call in ("open({}, 'w')", "__import__('os').mkdir({})", "[open({}, 'w')]"):
        code = call.format(repr(str(pwned)))
        for old in ("'shop_order'", "'id'", "'new'", "17", "None", "records", "default ="):
            with pytest.raises(DbdumpError):
                load(source(tmp_path, OLD.replace(old, code, 1)))
        for text in (f"{code}\n{OLD}", f"{OLD}{code}\n", OLD.replace("default", f"{code}\ndefault", 1)):
            with pytest.raises(DumpError):
                load(source(tmp_path, text))
    assert not pwned.exists()
    assert not (tmp_path / "datadir" / "__pycache__").exists()


def test_one_character_changed_in_2000_ways(tmp_path):
    """Equal values or an error that names the file and, for a record, the line; never another exception."""
    chance, outcomes = random.Random(2007), {"same": 0, "other": 0, "error": 0}
    for _ in range(2000):
        at = chance.randrange(len(OLD))
        other = chance.choice("'\"\\[](){},:=0x-. \n#uLé\0N")
        row = OLD.count("\n", 0, at) + 1
        try:
            found = load(source(tmp_path, OLD[:at] + other + OLD[at + 1 :]))
        except DbdumpError as error:
            outcomes["error"] += 1
            assert "shop_order.py" in str(error)
            if row > 5 and other != "\n" and OLD[at] != "\n" and row < 8:
                assert f"shop_order.py:{row}" in str(error) or "is cut" in str(error)
            continue
        lines = found.get(ORDERS.key, OLD_LINES)
        outcomes["same" if lines == OLD_LINES else "other"] += 1
        if lines != OLD_LINES:
            assert row in (2, 6, 7) or "records" not in OLD.split("\n")[row - 1]
    assert min(outcomes.values()) > 50


def test_memory_is_bounded(tmp_path):
    rows = "".join(f"[{n}, 17, '{'x' * 1000}', None],\n" for n in range(30_000))
    place = folder(tmp_path, OLD[: OLD.index("[1,")] + rows + "]\n")
    code = f"""
from pathlib import Path as Folder
from dbdump_core.dumps.legacy.source import LegacySource
from dbdump_core.model.schema import Schema
from tests.archive.test_legacy import ORDERS
from tests.peak import peak
source = LegacySource(Folder({str(place)!r}), Schema((ORDERS,)), engine="x")
before, count = peak(), 0
def take(block):
    global count
    count += block.rows
table, = source.schema()
source.read(ReadTask(table, table.columns), take)
print(count, peak() - before < 30_000)
"""
    done = child(code, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("30000 True\n", "")


# --- writing ----------------------------------------------------------------------------------


def write(place, tables, rows):
    target, plan = LegacyTarget(place), plan_of(tables)
    with target.writing(plan) as writer:
        writer.commit(write_all(writer, plan, rows), Snapshot.CONSISTENT)


def test_a_folder_that_was_written(tmp_path):
    place, odd = tmp_path / "datadir", Table("../Ü\n", (Column("id", INTEGER),))
    os.umask(0)
    write(place, (ORDERS, odd), {ORDERS.key: OLD_LINES})
    assert sorted(path.name for path in place.iterdir()) == ["%2E.%2F%C3%9C%0A.py", "shop_order.py"]
    assert (place / "shop_order.py").read_text() == (
        "# dbdump 1 -*- coding: utf-8 -*-\n"
        + re.sub(r"default = \{.*\}", "default = {}", OLD)
    )
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
    opened = LegacySource(place, Schema((ORDERS, odd)), engine="x")
    assert load(opened) == {ORDERS.key: OLD_LINES, odd.key: b""}


def test_what_a_dead_run_left_in_a_folder_is_removed(tmp_path):
    place = tmp_path / "datadir"
    code = f"""
from dbdump_core.dumps.legacy import targets
targets.close_synced = lambda *_: os.kill(os.getpid(), 9)
import pathlib
plan = plan_of((ORDERS,))
with targets.LegacyTarget(pathlib.Path({str(place)!r})).writing(plan) as writer:
    writer.commit(write_all(writer, plan, ROWS), Snapshot.CONSISTENT)
"""
    assert child(code).returncode == -signal.SIGKILL
    assert len(list(place.iterdir())) == 1
    write(place, (ORDERS,), {ORDERS.key: OLD_LINES})
    assert [path.name for path in place.iterdir()] == ["shop_order.py"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
def test_every_value_comes_back(tmp_path, sample):
    table = Table("t", (Column("id", INTEGER), Column("value", sample.type)), primary_key=("id",))
    rows = [(str(n), text) for n, text in enumerate(sample.values)]
    place = tmp_path / "d"
    transfer(MemorySource({table: rows}), LegacyTarget(place), Options(ordered=True))
    opened = LegacySource(place, Schema((table,)), engine="memory")
    assert load(opened) == {table.key: b"".join(map(line, rows))}


def test_files_of_an_earlier_dump_are_replaced_and_others_left(tmp_path):
    place = folder(tmp_path, "old")
    (place / "mine.txt").write_text("mine")
    write(place, (ORDERS,), {ORDERS.key: OLD_LINES})
    assert sorted(path.name for path in place.iterdir()) == ["mine.txt", "shop_order.py"]
    assert "first" in (place / "shop_order.py").read_text()


def test_what_fails_leaves_the_folder_as_it_was(tmp_path):
    class Failed(Exception):
        pass

    def fail(place):
        plan = plan_of((ORDERS,))
        with pytest.raises(Failed), LegacyTarget(place).writing(plan) as writer:
            write_all(writer, plan, {ORDERS.key: OLD_LINES})
            raise Failed

    fail(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    place = folder(tmp_path, "old")
    fail(place)
    assert [(path.name, path.read_text()) for path in place.iterdir()] == [("shop_order.py", "old")]


def test_a_place_that_is_taken_by_something_else(tmp_path):
    place = folder(tmp_path, "x", "other")
    (place / "shop_order.py").symlink_to(place / "other")
    with pytest.raises(RefusedError, match="is there and no regular file"):
        write(place, (ORDERS,), {})
    with pytest.raises(DbdumpError, match="cannot write"):
        write(place / "other", (ORDERS,), {})


def test_a_folder_onto_itself(tmp_path):
    with pytest.raises(UnsafeError, match="is what is being read; choose another folder"):
        transfer(source(tmp_path), LegacyTarget(tmp_path / "datadir"), Options())


def test_file_names_are_safe_and_differ():
    names = ["a", "A", "a/b", "a%2Fb", "..", ".x", "con", "NUL.x", "__init__", "é", "x" * 300, "x" * 301, "a b", "-v"]
    names.append("")
    files = file_names([TableKey(None, name) for name in names])
    assert len({file.casefold() for file in files.values()}) == len(names)
    for file in files.values():
        assert re.fullmatch(r"[A-Za-z0-9%][A-Za-z0-9_.%~-]*\.py", file)
        assert len(file) < 220
        assert file.lower() not in ("con.py", "nul.x.py", "__init__.py")
    assert files[TableKey(None, "a/b")] == "a%2Fb.py"


def test_a_console_gets_all_tables(tmp_path):
    stream = io.StringIO()
    other = Table("other", (Column("é", TEXT),))
    write(stream, (ORDERS, other), {ORDERS.key: OLD_LINES, other.key: "ü\n".encode()})
    first, second = stream.getvalue().split("# dbdump 1 -*- coding: utf-8 -*-\n")[1:]
    assert load(source(tmp_path, "# dbdump 1 -*- coding: utf-8 -*-\n" + first)) == {ORDERS.key: OLD_LINES}
    assert second.endswith("fields = ['é']\n#default item format: \"fieldname\":(\"type\", \"value\")\n"
                           "default = {}\nrecords = [\n['ü'],\n]\n")  # fmt: skip
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    write(narrow, (other,), {other.key: "ü☃\n".encode()})
    narrow.flush()
    place = folder(tmp_path, narrow.buffer.getvalue(), "other.py")
    assert rb"['\xfc\u2603']" in narrow.buffer.getvalue()
    assert load(LegacySource(place, Schema((other,)), engine="x")) == {other.key: "ü☃\n".encode()}


def test_local_times_are_written_as_moments(tmp_path):
    berlin = Type(Kind.TIMESTAMP, precision=6, name="Europe/Berlin")
    table = Table("t", (Column("at", berlin), Column("on", TIMESTAMPTZ)))
    rows = [("2007-11-01 10:00:00.5", "2007-11-01 10:00:00"), (None, None)]
    transfer(MemorySource({table: rows}), LegacyTarget(tmp_path / "d"), Options())
    assert "['2007-11-01 09:00:00.5+00:00', '2007-11-01 10:00:00+00:00']," in (tmp_path / "d" / "t.py").read_text()
    opened = LegacySource(tmp_path / "d", Schema((table,)), engine="x")
    assert load_stored(opened) == {table.key: b"".join(map(line, rows))}
    gap = [("2024-03-31 02:30:00", None)]
    with pytest.raises(ValueRefusedError, match=r"column at, row .*is not a time that clocks of Europe/Berlin ever"):
        transfer(MemorySource({table: gap}), LegacyTarget(tmp_path / "e"), Options())
    assert not (tmp_path / "e").exists()


def test_printing_what_would_be_inserted(tmp_path):
    stream = io.StringIO()
    there = Table("shop_order", (*ORDERS.columns[:3], Column("created", DATE)))
    transfer(source(tmp_path, OLD.replace(" 10:00:00", "").replace(" 11:30:00", ""), (there,)),
             PrintTarget(stream, Schema((there,))), Options(lenient=True))  # fmt: skip
    assert stream.getvalue() == (
        "shop_order: id=1, customer_id=17, note='first\\norder', created='2007-11-01'\n"
        "shop_order: id=2, customer_id=17, note=None, created='2007-11-02'\n"
    )


def test_what_is_printed_drives_no_terminal():
    stream, table = io.StringIO(), Table("\x1b[31m", (Column("\n", TEXT), Column("b", BIGINT)))
    plan = Plan((TablePlan(table, table, ReadTask(table, table.columns), WriteTask(table, table.columns, ())),))
    with PrintTarget(stream, Schema((table,))).writing(plan) as writer:
        writer.write(plan.tables[0].write, Block(b"\x1b[0m\t1\n", 1))
        writer.commit([], Snapshot.NONE)
    assert stream.getvalue() == "\\x1b[31m: \\n='\\x1b[0m', b=1\n"
