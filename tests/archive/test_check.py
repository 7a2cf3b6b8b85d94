"""`check` tells whether a dump is whole, without a target."""

from __future__ import annotations

import json

import pytest

import dbdump_core
from dbdump_core import CheckedDump, DumpError, Snapshot, UsageError, ValueRefusedError
from dbdump_core.cli import main

from .helpers import TABLES, dump, packed, stdin

COUNTS = tuple((table.key, rows) for table, rows in zip(TABLES, (3, 0, 3, 1), strict=True))


@pytest.mark.parametrize("place", ["folder", "tar", "stream"])
def test_a_whole_dump_is_told_as_what_it_is(tmp_path, place):
    path = dump(tmp_path / ("dump" if place == "folder" else "dump.tar"), compress="zstd")
    with stdin(b"" if place == "folder" else path.read_bytes(), tmp_path):
        checked = dbdump_core.check("-" if place == "stream" else str(path))
    name = "standard input" if place == "stream" else str(path)
    assert checked == CheckedDump(name, 2, "sqlite", "tsv", "zstd", Snapshot.CONSISTENT, COUNTS)
    assert checked.rows == 7


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("old", "new", "error"),
    [(b"first", b"FIRST", None), (b"\n3\t", b"\nx\t", ValueRefusedError), (b"1999-12-31\n", b"1999-12-31", DumpError)],
)
def test_an_edited_dump_is_taken_only_with_the_flag(tmp_path, folder, stream, old, new, error):
    file = folder / "data/0001-shop_order.tsv"
    file.write_bytes(file.read_bytes().replace(old, new))
    data, place = packed(folder), "-" if stream else str(folder)
    with pytest.raises(DumpError), stdin(data, tmp_path):
        dbdump_core.check(place)
    with stdin(data, tmp_path):
        if error is None:
            checked = dbdump_core.check(place, allow_edited=True)
            assert (checked.edited, checked.tables) == (True, COUNTS)
            assert "0001-shop_order.tsv" in checked.notes[0]
        else:
            with pytest.raises(error, match=r"0001-shop_order\.tsv"):
                dbdump_core.check(place, allow_edited=True)


def test_what_is_marked_is_no_edit(folder):
    schema = folder / "schema.yaml"
    schema.write_text(schema.read_text().replace("{name: note, ", "{name: note, rename: remark, ", 1))
    checked = dbdump_core.check(str(folder))
    assert not checked.edited
    assert "column 'note' is renamed to 'remark'" in checked.notes[0]


def test_a_database_is_no_dump(tmp_path):
    with pytest.raises(UsageError, match="a URL names a database and no dump") as caught:
        dbdump_core.check("postgresql://me:secret@host/shop")
    assert "secret" not in str(caught.value)
    (tmp_path / "shop.db").write_bytes(b"SQLite format 3\0" + bytes(1000))
    for name in ("shop.db", "missing"):
        with pytest.raises(DumpError):
            dbdump_core.check(str(tmp_path / name))


def test_the_command_has_exit_codes_and_json(folder, capsys):
    assert main(["check", str(folder)]) == 0
    assert f"{folder} is whole: 4 tables, 7 rows, from sqlite, format version 2" in capsys.readouterr().err
    assert main(["check", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tables"][0] == {"table": "shop_order", "rows": 3}
    assert (told["ok"], told["snapshot"], told["edited"], told["compression"]) == (True, "consistent", False, None)
    (folder / "data/0004-second.tsv").unlink()
    assert main(["check", str(folder), "--json"]) == 2
    output = capsys.readouterr()
    assert json.loads(output.out)["type"] == "DumpError"
    assert "lacks 'data/0004-second.tsv'" in output.err
