"""Dumps of format py that were edited or damaged: told by line and character, never half taken."""

from __future__ import annotations

import re

import pytest

from dbdump_core.dumps import open_source
from dbdump_core.errors import DumpError, ValueRefusedError
from dbdump_core.model.abc import Block, ReadTask

from .helpers import BIG, ORDERS, ROWS, SECOND, dump, files_of, load, load_stream, whole

NAME = "data/0001-shop_order.py"


@pytest.fixture
def folder(tmp_path):
    return dump(tmp_path / "shop-dump", format="py")


def edit(folder, old, new, name=NAME):
    data = (folder / name).read_bytes()
    assert old in data
    (folder / name).write_bytes(data.replace(old, new, 1))


def edited(folder, old, new):
    edit(folder, old, new)
    return open_source(str(folder), allow_edited=True)


def test_an_edited_file_needs_a_flag(folder):
    edit(folder, b"'first'", b"'thirst'")
    with pytest.raises(DumpError, match=r"0001-shop_order\.py is longer.*load it with --allow-edited"):
        open_source(str(folder)).schema()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"[1, 'first', '2024-02-29'],", b"  [ 1L , u\"first\" ,'2024-02-29' ,]  # was edited"),
        (b"'first'", b"'\\x66\\151\\u0072st'"),
        (b"[1,", b"['1',"),
    ],
)
def test_spellings_by_hand(folder, old, new):
    source = edited(folder, old, new)
    assert load(source)[ORDERS.key] == ROWS[ORDERS.key]
    assert source.notes[0].endswith("0001-shop_order.py was edited: 3 rows when dumped, 3 now")


def test_rows_may_be_added_and_taken_out(folder):
    assert load(edited(folder, b"[2,", b"[9, None, None],\n[8, None, None]\n[2,"))[ORDERS.key].count(b"\n") == 5
    assert load(edited(folder, b"[9, None, None],\n", b""))[ORDERS.key].count(b"\n") == 4


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"'first'", b"first", ":7:5: table shop_order: expected a value: None, True, False"),
        (b"'first'", b"'fir\\st'", ":7:9: table shop_order: expected an escape"),
        (b"'first'", b"b'first", ":7:15: table shop_order: expected a comma or the closing"),
        (b"'first'", b"'\xff'", ":7:6: table shop_order: expected valid UTF-8"),
        (b"[2, None", b"[2.5, None", ":8:2: table shop_order: expected an integer"),
        (b"[2, None, None]", b"[2, None]", ":8:9: table shop_order: expected 3 values, one for each field (it has 2)"),
        (b"[2, None", b"\n[2, None", ":8:1: table shop_order: expected a record in brackets"),
        (b"[2, None", b"]\n[2, None", ":8:1: table shop_order: expected a record in brackets"),
        (b"'2024-02-29'", b"'2024-02-30'", ":7: table shop_order, column day, row (id='1'): '2024-02-30' is not"),
        (b"'2024-02-29'", b"20240229", ":7:14: table shop_order: expected a value in quotes"),
        (b"[2,", b"[2, 1 if True else", ":8:7: table shop_order: expected a comma"),
    ],
)  # fmt: skip
def test_edits_are_looked_at_character_by_character(folder, old, new, problem):
    source = edited(folder, old, new)
    source.schema()
    with pytest.raises((ValueRefusedError, DumpError), match=re.escape("0001-shop_order.py" + problem)):
        source.read(ReadTask(ORDERS, ORDERS.columns), lambda block: None)


def test_bad_lines_are_told_of_and_the_others_read(folder):
    good = b"[1, 'first', '2024-02-29'],"
    source = edited(folder, good, b"[x],\n" + good + b"\n[7, 'a', '2024-02-30'],")
    source.schema()
    told, blocks = [], []
    source.read(ReadTask(ORDERS, ORDERS.columns, on_error=told.append), blocks.append)
    assert blocks == [Block(ROWS[ORDERS.key], 3)]
    assert [re.search(r"\.py:(\S+): table", str(error)).group(1) for error in told] == ["7:2", "9"]


def test_the_first_error_is_told_first(folder):
    source = edited(folder, b"[1, 'first', '2024-02-29'],", b"[1, 'first', '2024-02-30'],\n[x],")
    source.schema()
    with pytest.raises(ValueRefusedError, match=r"\.py:7: table shop_order, column day"):
        source.read(ReadTask(ORDERS, ORDERS.columns), lambda block: None)


@pytest.mark.parametrize("allow_edited", [False, True])
@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), ":1: CRLF line ends"),
        (lambda data: data.replace(b"'],\n", b"'],\r\n", 1), ":7: CRLF line ends"),
        (lambda data: b"\xef\xbb\xbf" + data, ":1: a byte order mark"),
        (lambda data: data[:-2], " is cut: "),
        (lambda data: data[:-1], " is cut: "),
        (lambda data: data[: len(data) // 2], ""),
        (lambda data: data + b"import os\n", " is "),
        (lambda data: data.replace(b"'note'", b"'Note'"), ":3: the header is 'fields = [\\'id\\', \\'Note\\'"[:28]),
        (lambda data: data.replace(b"{}", b"{'a': ('value', 1)}"), ":5: the header is 'default = {"),
        (lambda data: data.replace(b"# dbdump", b"# dbdamp"), ":1: the header is '# dbdamp"),
        (lambda data: data.replace(b"records", b"record"), ":1: there is no header line"),
        (lambda data: b"", ":1: there is no header line"),
    ],
)  # fmt: skip
def test_damage(folder, damage, problem, allow_edited):
    (folder / NAME).write_bytes(damage((folder / NAME).read_bytes()))
    with pytest.raises(DumpError) as caught:
        open_source(str(folder), allow_edited=allow_edited).schema()
    assert "0001-shop_order.py" in str(caught.value)
    if allow_edited or "longer" not in str(caught.value):
        assert f"0001-shop_order.py{problem}" in str(caught.value)


def test_a_swapped_file_is_seen_in_a_stream_too(tmp_path):
    """Both tables have the same fields: only the line that names the table tells them apart."""
    archive = dump(tmp_path / "d.tar", tables=(ORDERS, SECOND), rows={}, format="py", part_bytes=1 << 20)
    data = archive.read_bytes()
    assert load_stream(data, tmp_path) == whole({}, (ORDERS, SECOND))
    swapped = data.replace(b"table = 'second'", b"table = 'sacond'")
    with pytest.raises(DumpError, match=r"which is not of table 'second'; was it swapped"):
        load_stream(swapped, tmp_path)


def test_every_cut_of_a_file_is_seen(tmp_path):
    folder = dump(tmp_path / "d", format="py")
    data = (folder / NAME).read_bytes()
    for size in range(len(data)):
        (folder / NAME).write_bytes(data[:size])
        with pytest.raises(DumpError, match=r"0001-shop_order\.py"):
            open_source(str(folder)).schema()


def test_large_files_are_read_in_blocks(tmp_path):
    folder = dump(tmp_path / "d", tables=(ORDERS,), rows=BIG, format="py", compress="zstd")
    assert load(open_source(str(folder))) == BIG
    assert list(files_of(folder / "data")) == ["0001-shop_order.py.zst"]
