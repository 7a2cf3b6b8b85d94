"""A dump edited by hand: said, allowed by a flag, and looked at value by value."""

from __future__ import annotations

import re

import pytest

from dbdump_core.dumps import open_source
from dbdump_core.dumps.manifest import SCHEMA_END
from dbdump_core.errors import DumpError, SchemaError, ValueRefusedError
from dbdump_core.model.abc import ReadTask
from dbdump_core.model.schema import Column, ForeignKey, Index, Table, TableKey, UniqueKey
from dbdump_core.model.types import INTEGER, TEXT

from .helpers import BARE, EMPTY, ORDERS, ROWS, dump, forge, load, load_stream, packed, stdin, whole
from .version_1 import write_version_1

WITHOUT_DAY = b"1\tfirst\n2\t\\N\n3\ttab \\t and \\\\ and \\n\n"


def edit(folder, old, new, name="data/0001-shop_order.tsv"):
    file = folder / name
    data = file.read_bytes()
    assert old in data
    file.write_bytes(data.replace(old, new, 1))


def test_an_edited_file_needs_a_flag(folder):
    edit(folder, b"first", b"1\\tst")
    with pytest.raises(
        DumpError,
        match=r"was altered: its length is right.*if it was edited on purpose, load it with --allow-edited",
    ):
        open_source(str(folder)).schema()
    source = open_source(str(folder), allow_edited=True)
    assert load(source)[ORDERS.key] == ROWS[ORDERS.key].replace(b"first", b"1\\tst")
    assert not source.typed
    assert source.schema().notes == tuple(source.notes)
    assert [note.split("/")[-1] for note in source.notes] == [
        "0001-shop_order.tsv was edited: 3 rows when dumped, 3 now"
    ]


def test_rows_may_be_added_and_taken_out(folder):
    edit(folder, b"2\t\\N\t\\N\n", b"2\t\\N\t\\N\n7\tnew\t\\N\n8\tnew\t\\N\n")
    source = open_source(str(folder), allow_edited=True)
    assert load(source)[ORDERS.key].count(b"\n") == 5
    assert "3 rows when dumped, 5 now" in source.notes[0]


def test_an_edited_dump_that_changes_again_is_refused(folder):
    edit(folder, b"first", b"First")
    source = open_source(str(folder), allow_edited=True)
    source.schema()
    edit(folder, b"First", b"FIRST")
    with pytest.raises(DumpError, match=r"it changed while it was read, load it again"):
        source.read(ReadTask(ORDERS, ORDERS.columns), lambda block: None)


def test_the_flag_changes_nothing_where_nothing_was_edited(folder):
    source = open_source(str(folder), allow_edited=True)
    assert load(source) == whole()
    assert source.typed
    assert source.notes == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            b"2024-02-29",
            b"2024-02-30",
            r":2: table shop_order, column day, row (id='1'): '2024-02-30' is not",
        ),
        (b"2\t", b"2x\t", r":3: table shop_order, column id, row (id='2x'): '2x' is not an integer"),
        (b"2\t\\N\t", b"2\t\\N", r":3: table shop_order: a line of 2 fields where 3 belong"),
        (b"first\t", b"first    ", r":2: table shop_order: a line of 2 fields where 3 belong"),
        (b"first", b"fir\\qst", r":2: table shop_order, column note: 'fir\qst' has an escape other than"),
        (
            b"first",
            b"fir\xffst",
            r":2: table shop_order, column note, row (id='1'): 'fir\xffst' is not valid UTF-8",
        ),
        (b"\n2\t", b"\n\n2\t", r":3: table shop_order: a line of 1 fields where 3 belong"),
    ],
)
def test_edits_are_looked_at_line_by_line(folder, old, new, message):
    edit(folder, old, new)
    source = open_source(str(folder), allow_edited=True)
    source.schema()
    with pytest.raises(ValueRefusedError, match=re.escape("0001-shop_order.tsv" + message)):
        source.read(ReadTask(ORDERS, ORDERS.columns), lambda block: None)


@pytest.mark.parametrize("allow_edited", [False, True])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), ":1: CRLF line ends; save the file with LF line ends"),
        (
            lambda data: data.replace(b"\n3\t", b"\r\n3\t"),
            ":3: CRLF line ends; save the file with LF line ends",
        ),
        (lambda data: data.replace(b"first", b"fir\rt"), r":2: a raw carriage return; write it as \r"),
        (lambda data: b"\xef\xbb\xbf" + data, ":1: a byte order mark; save the file as UTF-8 without BOM"),
        (
            lambda data: data.replace(b"note", b"Note"),
            r":1: the header is 'id\tNote\tday' where the manifest says",
        ),
        (lambda data: b"", ":1: there is no header line of column names; put it back"),
    ],
)
def test_what_editors_do_to_files(folder, damage, message, allow_edited):
    file = folder / "data/0001-shop_order.tsv"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DumpError) as caught:
        open_source(str(folder), allow_edited=allow_edited).schema()
    if allow_edited or "longer" not in str(caught.value):
        assert f"0001-shop_order.tsv{message}" in str(caught.value)


def test_a_last_line_without_end(folder):
    file = folder / "data/0001-shop_order.tsv"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DumpError, match="is cut: it has 72 bytes where the manifest says 73"):
        open_source(str(folder)).schema()
    with pytest.raises(DumpError, match="the last line has no line end; put a line feed"):
        open_source(str(folder), allow_edited=True).schema()


def test_a_forged_manifest_cannot_hide_lines(folder):
    file = folder / "data/0001-shop_order.tsv"
    data = file.read_bytes()
    file.write_bytes(data[:-1])
    forge(folder)
    with pytest.raises(DumpError, match="has 2 rows where the manifest says 3"):
        open_source(str(folder)).schema()
    file.write_bytes(data + b"4\tx\t\\N\n")
    forge(folder)
    with pytest.raises(DumpError, match="has 4 rows where the manifest says 3"):
        open_source(str(folder)).schema()
    file.write_bytes(data + b"4")
    forge(folder)
    with pytest.raises(DumpError, match="the last line has no line end"):
        open_source(str(folder)).schema()


def test_an_edited_schema_needs_a_flag_is_said_and_makes_values_looked_at(folder):
    edit(folder, b"{name: note, type: text}", b"{name: note, type: integer}", "schema.yaml")
    told = "schema.yaml: table 'shop_order': column 'note': type 'text' became 'integer'"
    with pytest.raises(DumpError, match=rf"{told}; if it was edited on purpose, load it with --allow-edited, or"):
        open_source(str(folder)).schema()
    source = open_source(str(folder), allow_edited=True)
    schema = source.schema()
    assert schema.by_key[ORDERS.key].by_name["note"].type == INTEGER
    assert not source.typed
    assert [note.split("/")[-1] for note in source.notes] == [told]
    table = schema.by_key[ORDERS.key]
    with pytest.raises(
        ValueRefusedError, match=r"0001-shop_order\.tsv:2: .*column note.*'first' is not an integer"
    ):
        source.read(ReadTask(table, table.columns), lambda block: None)


def test_tables_and_columns_that_are_absent_are_listed(folder):
    text = (folder / "schema.yaml").read_text()
    text = text.replace("  - {name: day, type: date}\n", "", 1)
    (folder / "schema.yaml").write_text(text[: text.index("- name: second")] + SCHEMA_END)
    with pytest.raises(DumpError, match=r"column 'day' is not described; not loaded \(and 1 more\); if it was"):
        open_source(str(folder)).schema()
    source = open_source(str(folder), allow_edited=True)
    assert load(source) == {ORDERS.key: WITHOUT_DAY, EMPTY.key: b"", BARE.key: b"\n\n\n"}
    assert [note.split("/")[-1] for note in source.notes] == [
        "schema.yaml: table 'shop_order': column 'day' is not described; not loaded",
        "schema.yaml: table 'second' is not described; not loaded",
    ]


def test_comments_and_blanks_are_no_edit(tmp_path, folder):
    edit(folder, b"tables:", b"# mine\n\ntables:   # all", "schema.yaml")
    source = open_source(str(folder))
    assert (load(source), source.typed, source.notes) == (whole(), True, [])
    assert load_stream(packed(folder), tmp_path) == whole()


MARKED = (
    (b"- name: shop_order\n", b"- name: shop_order\n  rename: orders\n"),
    (b"{name: note, type: text}", b"{name: note, rename: remark, type: text}"),
    (b"{name: day, type: date}", b"{name: day, type: date, drop: true}"),
)


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_marked_is_done_and_said_without_a_flag(tmp_path, folder, stream):
    for old, new in MARKED:
        edit(folder, old, new, "schema.yaml")
    edit(folder, b"- name: second\n", b"- name: second\n  drop: true\n", "schema.yaml")
    edit(folder, b"- name: bare\n", b"- name: bare\n  rename: {schema: shop, name: bare}\n", "schema.yaml")
    with stdin(packed(folder), tmp_path):
        source = open_source("-" if stream else str(folder))
        schema = source.schema()
        found = load(source)
    orders = TableKey(None, "orders")
    assert found == {orders: WITHOUT_DAY, EMPTY.key: b"", TableKey("shop", "bare"): b"\n\n\n"}
    assert [column.name for column in schema.by_key[orders].columns] == ["id", "remark"]
    assert source.typed
    assert [note.split("schema.yaml: ")[-1] for note in source.notes] == [
        "table 'shop_order' is renamed to 'orders'",
        "table 'bare' is renamed to 'shop.bare'",
        "table 'second' is left out (drop: true)",
        "table 'shop_order': column 'note' is renamed to 'remark'",
        "table 'shop_order': column 'day' is left out (drop: true)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"{name: note, ", b"{name: note, rename: id, ", r"columns\[1\]: two columns would be called 'id'"),
        (b"- name: second\n", b"- name: second\n  rename: bare\n", r"tables\[3\]: two tables would be called 'bare'"),
        (b"{name: note, ", b"{name: note, rename: x, drop: true, ", "drop and rename together; keep one"),
        (b"{name: note, ", b"{name: note, rename: 1, ", "'1' is not text to YAML; put it in quotes"),
        (b"{name: note, ", b"{name: note, drop: 1, ", "'1' where true or false is expected"),
        (b"- name: second\n", b"- name: second\n  rename: [x]\n", "a list where text is expected"),
    ],
)
def test_marks_that_cannot_be(folder, old, new, message):
    edit(folder, old, new, "schema.yaml")
    with pytest.raises(SchemaError, match=message):
        open_source(str(folder)).schema()


def test_columns_may_change_names_with_each_other_and_with_a_dropped_one(folder):
    edit(folder, b"{name: note, ", b"{name: note, rename: day, ", "schema.yaml")
    edit(folder, b"{name: day, ", b"{name: day, rename: note, ", "schema.yaml")
    source = open_source(str(folder))
    table = source.schema().by_key[ORDERS.key]
    assert [column.name for column in table.columns] == ["id", "day", "note"]
    assert load(source)[ORDERS.key] == ROWS[ORDERS.key]
    edit(folder, b"{name: day, rename: note, ", b"{name: day, drop: true, ", "schema.yaml")
    source = open_source(str(folder))
    assert [column.name for column in source.schema().by_key[ORDERS.key].columns] == ["id", "day"]
    assert load(source)[ORDERS.key] == WITHOUT_DAY


def test_keys_follow_their_columns(tmp_path):
    text = Column("id", TEXT)
    parent = Table("parent", (text, Column("b", TEXT)), primary_key=("id",), unique=(UniqueKey("u", ("b",)),))
    keys = (
        ForeignKey("kept", ("a",), parent.key, ("id",)),
        ForeignKey("own", ("b",), parent.key, ("id",)),
        ForeignKey("other", ("a",), parent.key, ("b",)),
    )
    columns = (Column("a", TEXT), Column("b", TEXT), Column("c", TEXT))
    child = Table("child", columns, primary_key=("a",), foreign_keys=keys, indexes=(Index("i", ("a", "c")),))
    folder = dump(tmp_path / "dump", tables=(parent, child), rows={})
    schema = (folder / "schema.yaml").read_text()
    for old, new in (
        ("- name: parent\n", "- name: parent\n  rename: mother\n"),
        ("{name: id, ", "{name: id, rename: key, "),
        ("{name: b, type: text}", "{name: b, type: text, drop: true}"),
        ("{name: a, ", "{name: a, rename: parent_key, "),
    ):
        schema = schema.replace(old, new)
    (folder / "schema.yaml").write_text(schema)
    source = open_source(str(folder))
    mother, child = source.schema()
    assert (mother.primary_key, mother.unique) == (("key",), ())
    assert child.primary_key == ("parent_key",)
    assert child.foreign_keys == (ForeignKey("kept", ("parent_key",), mother.key, ("key",)),)
    assert child.indexes == (Index("i", ("parent_key", "c")),)
    assert "table 'child': foreign_keys of columns that are dropped are left out" in source.schema().notes


def test_a_table_without_data_in_the_schema(folder):
    edit(folder, b"# end", b"- name: more\n  columns:\n  - {name: id, type: integer}\n# end", "schema.yaml")
    with pytest.raises(
        DumpError, match=r"schema\.yaml describes 'more', of which there is no data; take it out"
    ):
        open_source(str(folder)).schema()


def test_a_schema_that_is_not_text(folder):
    (folder / "schema.yaml").write_bytes(b"\xff")
    with pytest.raises(DumpError, match=r"schema\.yaml is not valid UTF-8"):
        open_source(str(folder)).schema()


def test_an_edited_stream(tmp_path, folder):
    edit(folder, b"first", b"First")
    edit(folder, b"{name: id, type: integer, nullable: false}", b"{name: id, type: integer}", "schema.yaml")
    told = "standard input: schema.yaml: table 'shop_order': column 'id': nullable 'False' became 'True'"
    with pytest.raises(DumpError, match=f"{told}; if it was edited on purpose, load it with"):
        load_stream(packed(folder), tmp_path)
    with stdin(packed(folder), tmp_path):
        source = open_source("-", allow_edited=True)
        assert not source.typed
        assert load(source)[ORDERS.key] == ROWS[ORDERS.key].replace(b"first", b"First")
        assert source.schema().notes == tuple(source.notes)
        assert source.notes == [
            told,
            "standard input: data/0001-shop_order.tsv was altered: its length is right,"
            " its content is not (sha256)",
        ]


@pytest.mark.parametrize("stream", [False, True])
def test_an_edit_of_version_1_needs_the_flag_too(tmp_path, stream):
    folder = write_version_1(tmp_path / "old")
    schema = (folder / "schema.yaml").read_text()
    (folder / "schema.yaml").write_text(schema.replace("type: integer", "type: bigint"))
    told = "schema.yaml: it was edited; what in it cannot be told, as format version 1 keeps no copy"
    with pytest.raises(DumpError, match=f"{told}; if it was edited on purpose"), stdin(packed(folder), tmp_path):
        load(open_source("-" if stream else str(folder)))
    with stdin(packed(folder), tmp_path):
        source = open_source("-" if stream else str(folder), allow_edited=True)
        assert len(load(source)) == 2
        assert told in source.notes[0]


def test_writable_by_others_is_said(folder):
    folder.chmod(0o770)
    source = open_source(str(folder))
    source.schema()
    assert source.notes == [f"'{folder}' can be written by others than its owner"]
