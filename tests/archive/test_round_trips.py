"""What goes into a dump comes out of it: folder, tar and stream."""

from __future__ import annotations

import subprocess
import tarfile
import time
from dataclasses import replace

import pytest

from dbdump_core.dumps import open_source
from dbdump_core.dumps.formats import FORMATS
from dbdump_core.errors import DumpError, UsageError, ValueRefusedError
from dbdump_core.model.abc import Block, Path, ReadTask, Snapshot
from dbdump_core.model.schema import Column, Schema, Table
from dbdump_core.model.types import TEXT

from .helpers import (
    BARE,
    COMPRESSIONS,
    EMPTY,
    ORDERS,
    SECOND,
    TABLES,
    dump,
    files_of,
    load,
    load_stream,
    stdin,
    whole,
)


@pytest.mark.parametrize("compress", COMPRESSIONS)
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_round_trip(tmp_path, name, format, compress):
    path = dump(tmp_path / name, format=format, compress=compress)
    source = open_source(str(path))
    assert source.schema() == Schema(TABLES)
    assert load(source) == whole()
    assert (source.engine, source.typed, source.order, source.notes) == ("sqlite", True, None, [])
    assert source.estimate([ORDERS, EMPTY]) == {ORDERS.key: 3, EMPTY.key: 0}
    assert source.path(ReadTask(ORDERS, ORDERS.columns)) is Path.NATIVE
    with source.snapshot([]) as level:
        assert level is Snapshot.CONSISTENT


@pytest.mark.parametrize("compress", COMPRESSIONS)
@pytest.mark.parametrize("format", FORMATS)
def test_round_trip_of_a_stream(tmp_path, format, compress):
    path = dump(tmp_path / "dump.tar", format=format, compress=compress, level=Snapshot.NONE)
    with stdin(path.read_bytes(), tmp_path):
        source = open_source("-")
        assert source.schema() == Schema(TABLES)
        assert source.order == [table.key for table in TABLES]
        assert (source.engine, source.typed, source.level) == ("sqlite", True, None)
        assert load(source) == whole()
        assert source.level is Snapshot.NONE
        source.finish()


@pytest.mark.parametrize("wanted", [(), (ORDERS,), (SECOND,), (EMPTY, SECOND), (BARE,)])
@pytest.mark.parametrize("format", FORMATS)
def test_tables_of_a_stream_that_nobody_reads_are_checked_too(tmp_path, format, wanted):
    data = dump(tmp_path / "dump.tar", format=format, part_bytes=30).read_bytes()
    assert load_stream(data, tmp_path, wanted) == whole(tables=wanted)
    at = data.index(b"first")
    with pytest.raises(DumpError, match=rf"0001-shop_order\.{format} was altered"):
        load_stream(data[:at] + b"thirs" + data[at + 5 :], tmp_path, wanted)


def test_a_stream_cannot_go_back(tmp_path, archive):
    with stdin(archive.read_bytes(), tmp_path):
        source = open_source("-")
        source.read(ReadTask(BARE, ()), lambda block: None)
        for table in (ORDERS, BARE):
            with pytest.raises(UsageError, match=f"table '{table.name}' has passed"):
                source.read(ReadTask(table, table.columns), lambda block: None)


def test_a_stream_read_that_was_given_up_still_ends_well(tmp_path):
    class Enough(Exception):
        pass

    def stop(block):
        raise Enough

    data = dump(tmp_path / "dump.tar", part_bytes=30).read_bytes()
    with stdin(data, tmp_path):
        source = open_source("-")
        with pytest.raises(Enough):
            source.read(ReadTask(ORDERS, ORDERS.columns), stop)
        assert load(source, [SECOND]) == whole(tables=[SECOND])


def test_an_unpacked_tar_is_a_folder_and_a_packed_folder_is_a_tar(tmp_path, folder, archive):
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-xf", str(archive), "-C", str(unpacked)], check=True)
    assert files_of(unpacked) == files_of(folder)
    assert load(open_source(str(unpacked))) == whole()
    for program in (["tar", "--format=gnu"], ["tar", "--format=pax"], ["tar", "--format=ustar"]):
        for members in (["."], ["schema.yaml", "data", "manifest.json"]):
            packed = tmp_path / "packed.tar"
            subprocess.run([*program, "-cf", str(packed), "-C", str(folder), *members], check=True)
            assert load(open_source(str(packed))) == whole()
    with tarfile.open(packed, "w") as pax:
        pax.add(folder, arcname="")
    assert load(open_source(str(packed))) == whole()


def test_a_stream_packed_by_another_program(tmp_path, folder):
    packed = tmp_path / "packed.tar"
    members = ["schema.yaml", "data", "manifest.json"]
    subprocess.run(["tar", "--sort=name", "-cf", str(packed), "-C", str(folder), *members], check=True)
    assert load_stream(packed.read_bytes(), tmp_path) == whole()


def test_what_lies_beside_a_dump_is_left_alone(folder):
    (folder / "README").write_text("mine")
    assert load(open_source(str(folder))) == whole()


@pytest.mark.parametrize("part_bytes", [1, 20, 45, 1000])
@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_parts(tmp_path, name, part_bytes):
    path = dump(tmp_path / name, part_bytes=part_bytes)
    assert load(open_source(str(path))) == whole()
    if name == "dump":
        files = files_of(path / "data")
        assert next(iter(files)) == "0001-shop_order.tsv"
        for file, data in files.items():
            header, *lines = data.splitlines(keepends=True)
            assert len(data) <= part_bytes or len(lines) <= 1
            assert (
                header
                == {"1": b"id\tnote\tday\n", "2": b"id\ta\\tb\\\\\n", "3": b"\n", "4": b"id\tnote\tday\n"}[
                    file[3]
                ]
            )
        assert (
            len([file for file in files if file.startswith("0001")])
            == {1: 3, 20: 3, 45: 2, 1000: 1}[part_bytes]
        )
    else:
        assert load_stream(path.read_bytes(), tmp_path) == whole()


def test_names_in_data_are_for_people_and_harmless(folder):
    assert sorted(files_of(folder / "data")) == [
        "0001-shop_order.tsv",
        "0002-pub...__nter_leer.tsv",
        "0003-bare.tsv",
        "0004-second.tsv",
    ]


@pytest.mark.parametrize("compress", COMPRESSIONS)
@pytest.mark.parametrize(("name", "format"), [("dump", "tsv"), ("dump.tar", "tsv"), ("dump", "py")])
def test_two_dumps_of_the_same_data_are_the_same_bytes(tmp_path, name, format, compress):
    rows = {ORDERS.key: b"".join(b"%d\tsome note %d\t\\N\n" % (n, n * n) for n in range(5000))}
    found = []
    for block_bytes in (1, 999, 50_000, 1 << 20):
        place = tmp_path / str(block_bytes)
        place.mkdir()
        options = {"format": format, "compress": compress, "part_bytes": 40_000}
        path = dump(place / name, rows=rows, block_bytes=block_bytes, **options)
        found.append(files_of(place / name) if path.is_dir() else path.read_bytes())
        time.sleep(0.01)
    assert all(one == found[0] for one in found)


def test_a_dump_tells_nothing_of_its_machine(tmp_path, archive):
    import getpass
    import socket

    data = archive.read_bytes()
    for secret in (socket.gethostname(), getpass.getuser(), str(tmp_path), time.strftime("%Y-%m")):
        assert secret.encode() not in data


def test_a_dump_without_tables(tmp_path):
    for name in ("dump", "dump.tar"):
        assert load(open_source(str(dump(tmp_path / name, tables=(), rows={})))) == {}
    assert load_stream((tmp_path / "dump.tar").read_bytes(), tmp_path) == {}


@pytest.mark.parametrize("format", FORMATS)
def test_a_column_without_a_name(tmp_path, format):
    table = Table("odd", (Column("", TEXT),))
    path = dump(tmp_path / "dump.tar", tables=(table,), rows={table.key: b"x\n\n"}, format=format)
    assert load(open_source(str(path))) == {table.key: b"x\n\n"}
    assert load_stream(path.read_bytes(), tmp_path) == {table.key: b"x\n\n"}


@pytest.mark.parametrize("format", FORMATS)
def test_many_blocks_and_a_long_line(tmp_path, format):
    lines = [b"%d\t%s\t\\N\n" % (n, b"x" * 700) for n in range(10_000)]
    lines.insert(5000, b"5\t" + b"y" * 9_000_000 + b"\t\\N\n")
    rows = {ORDERS.key: b"".join(lines)}
    path = dump(tmp_path / "dump", tables=(ORDERS,), rows=rows, format=format, compress="zstd")
    source, blocks = open_source(str(path)), []
    source.schema()
    source.read(ReadTask(ORDERS, ORDERS.columns), blocks.append)
    assert b"".join(block.data for block in blocks) == rows[ORDERS.key]
    assert sum(block.rows for block in blocks) == 10_001
    assert len(blocks) > 3
    assert sorted(len(block.data) for block in blocks)[-2] < 5_000_000


@pytest.mark.parametrize("format", FORMATS)
def test_columns_can_be_picked(tmp_path, format):
    source, blocks = open_source(str(dump(tmp_path / "dump", format=format))), []
    source.schema()
    source.read(ReadTask(ORDERS, (ORDERS.columns[2], ORDERS.columns[0])), blocks.append)
    assert blocks == [Block(b"2024-02-29\t1\n\\N\t2\n1999-12-31\t3\n", 3)]
    with pytest.raises(
        DumpError, match="'shop_order': the dump has no column 'x'; its columns are 'id', 'note', 'day'"
    ):
        source.read(ReadTask(ORDERS, (Column("x", TEXT),)), blocks.append)


@pytest.mark.parametrize("part_bytes", [1, 20, 220, 1000])
@pytest.mark.parametrize("name", ["dump", "dump.tar"])
def test_parts_with_a_header_of_many_lines_and_a_footer(tmp_path, name, part_bytes):
    path = dump(tmp_path / name, format="py", part_bytes=part_bytes)
    assert load(open_source(str(path))) == whole()
    if name == "dump.tar":
        assert load_stream(path.read_bytes(), tmp_path) == whole()
        return
    files = files_of(path / "data")
    assert len([file for file in files if file.startswith("0001")]) == {1: 3, 20: 3, 220: 2, 1000: 1}[part_bytes]
    for data in files.values():
        assert data.endswith(b"\n]\n")
        assert len(data) <= part_bytes or data.count(b"\n") <= 8


@pytest.mark.parametrize(("format", "line"), [("tsv", 4), ("py", 9)])
def test_values_are_checked_where_the_task_asks(tmp_path, format, line):
    source = open_source(str(dump(tmp_path / "dump", format=format)))
    source.schema()
    task = ReadTask(ORDERS, ORDERS.columns, checks={"note": replace(TEXT, length=5)})
    with pytest.raises(
        ValueRefusedError,
        match=rf"0001-shop_order\.{format}:{line}: table shop_order, column note, row \(id='3'\)",
    ):
        source.read(task, lambda block: None)


def test_conditions_need_a_database(folder, archive, tmp_path):
    task = ReadTask(ORDERS, ORDERS.columns, where="id > 1")
    with pytest.raises(UsageError, match="a dump cannot be filtered by an SQL condition"):
        open_source(str(folder)).read(task, lambda block: None)
    with stdin(archive.read_bytes(), tmp_path), pytest.raises(UsageError):
        open_source("-").read(task, lambda block: None)
