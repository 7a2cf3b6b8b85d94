"""Cut, flipped, swapped, missing, linked: nothing that happens to files is silent."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time

import pytest

from dbdump_core.dumps import open_source, reader
from dbdump_core.dumps.inputs import FolderInput
from dbdump_core.errors import DbdumpError, DumpError, InterruptedRunError
from dbdump_core.model.abc import ReadTask

from .helpers import COMPRESSIONS, ORDERS, SECOND, dump, load, load_stream, whole


def altered(path, data):
    """Yield ways in which storage or people alter a file."""
    for length in range(len(data)):
        yield f"cut to {length}", data[:length]
    for bit in range(len(data) * 8):
        yield f"bit {bit}", data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]
    yield "one byte more", data + b"\n"
    yield "twice", data + data


@pytest.mark.parametrize("compress", COMPRESSIONS)
def test_no_cut_and_no_flipped_bit_of_a_data_file_is_silent(tmp_path, compress):
    folder = dump(tmp_path / "dump", tables=(ORDERS,), compress=compress)
    (file,) = (folder / "data").iterdir()
    data = file.read_bytes()
    silent = []
    for what, other in altered(file, data):
        file.write_bytes(other)
        source = open_source(str(folder))
        try:
            source.schema()
        except DumpError as error:
            assert file.name in str(error)
        else:
            # Some bits of a compressed frame mean nothing: the rows are proved, not the frame.
            assert load(source) == whole(tables=(ORDERS,))
            silent.append(what)
    assert len(silent) < (100 if compress else 1)
    assert not [what for what in silent if not what.startswith("bit")]


def test_no_cut_of_a_tar_is_silent(tmp_path):
    path = dump(tmp_path / "dump.tar", tables=(ORDERS, SECOND))
    data = path.read_bytes()
    cut = tmp_path / "cut.tar"
    for length in [*range(0, len(data), 5), *range(len(data) - 1030, len(data))]:
        cut.write_bytes(data[:length])
        with pytest.raises(DumpError):
            open_source(str(cut)).schema()


def test_no_cut_of_a_stream_is_silent(tmp_path):
    data = dump(tmp_path / "dump.tar", tables=(ORDERS, SECOND), compress="zstd").read_bytes()
    for length in range(0, len(data), 11):
        with pytest.raises(DumpError):
            load_stream(data[:length], tmp_path)
    for length in range(len(data) - 1030, len(data), 3):
        with pytest.raises(DumpError, match="is cut"):
            load_stream(data[:length], tmp_path)


def test_no_flipped_bit_of_a_stream_is_silent(tmp_path):
    data = dump(tmp_path / "dump.tar", tables=(ORDERS,)).read_bytes()
    for bit in range(0, len(data) * 8, 13):
        other = data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]
        try:
            found = load_stream(other, tmp_path)
        except DbdumpError:
            continue
        # A few bits of a tar header mean nothing, such as what fills up a number.
        assert found == whole(tables=(ORDERS,))


@pytest.mark.parametrize("garbage", [b"x", b"\0" * 511 + b"x", b"\0" * 2000 + b"x", "again"])
def test_nothing_may_follow_the_end_of_a_tar(tmp_path, archive, garbage):
    data = archive.read_bytes()
    longer = data + (data if garbage == "again" else garbage)
    with pytest.raises(DumpError, match="standard input goes on after its end"):
        load_stream(longer, tmp_path)
    archive.write_bytes(longer)
    with pytest.raises(DumpError, match=r"shop\.tar' goes on after its end"):
        open_source(str(archive))
    archive.write_bytes(data + bytes(9000))
    assert load(open_source(str(archive))) == whole()


def test_endless_zeros_after_the_end_are_not_read_for_ever(tmp_path, archive):
    with pytest.raises(DumpError, match="goes on after its end"):
        load_stream(archive.read_bytes() + bytes(17 * 1024 * 1024), tmp_path)


def test_swapped_files(tmp_path, folder):
    first, second = folder / "data/0001-shop_order.tsv", folder / "data/0004-second.tsv"
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    with pytest.raises(DumpError, match=r"0001-shop_order\.tsv is cut: it has"):
        open_source(str(folder)).schema()
    shutil.copy(folder / "data/0002-pub...__nter_leer.tsv", first)
    with pytest.raises(DumpError, match=r"0001-shop_order\.tsv:1: the header is .* was it swapped"):
        open_source(str(folder), allow_edited=True).schema()


def test_missing_and_extra_files(folder):
    file = folder / "data/0003-bare.tsv"
    kept = file.read_bytes()
    file.unlink()
    with pytest.raises(DumpError, match=r"lacks 'data/0003-bare\.tsv'; copy the whole dump anew"):
        open_source(str(folder)).schema()
    file.write_bytes(kept)
    for name in ("0003-bare.tsv~", ".DS_Store", "0099-x.tsv"):
        (folder / "data" / name).write_bytes(b"")
        with pytest.raises(
            DumpError, match=rf"holds 'data/{re.escape(name)}', not in its manifest; remove it"
        ):
            open_source(str(folder)).schema()
        (folder / "data" / name).unlink()
    assert load(open_source(str(folder))) == whole()


@pytest.mark.parametrize("name", ["manifest.json", "schema.yaml", "data"])
def test_an_unfinished_dump(folder, name):
    place = folder / name
    place.unlink() if place.is_file() else shutil.rmtree(place)
    with pytest.raises(DumpError, match=f"is an unfinished or cut dump: it has no {name}; take it again"):
        open_source(str(folder)).schema()


def test_files_that_are_no_files(tmp_path, folder):
    file = folder / "data/0001-shop_order.tsv"
    kept = tmp_path / "kept"
    file.rename(kept)
    for make, message in (
        (lambda: file.symlink_to(kept), "is a symbolic link; a dump is made of regular files only"),
        (lambda: file.symlink_to("/dev/zero"), "is a symbolic link"),
        (lambda: os.mkfifo(file), "is not a regular file"),
        (lambda: file.mkdir(), "is not a regular file"),
    ):
        make()
        with pytest.raises(DumpError, match=message):
            open_source(str(folder)).schema()
        file.rmdir() if file.is_dir() and not file.is_symlink() else file.unlink()
    os.link(kept, file)
    assert load(open_source(str(folder))) == whole()


@pytest.mark.parametrize("name", ["manifest.json", "schema.yaml"])
def test_links_and_fifos_in_the_place_of_manifest_and_schema(tmp_path, folder, name):
    kept = tmp_path / "kept"
    (folder / name).rename(kept)
    (folder / name).symlink_to(kept)
    with pytest.raises(DumpError, match=f"{name}' is a symbolic link"):
        open_source(str(folder)).schema()
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(DumpError, match=f"{name}' is not a regular file"):
        open_source(str(folder)).schema()


def test_a_data_folder_elsewhere(tmp_path, folder):
    (folder / "data").rename(tmp_path / "data")
    (folder / "data").symlink_to(tmp_path / "data")
    with pytest.raises(DumpError, match="it has no data"):
        open_source(str(folder))


def test_a_file_that_changes_after_it_was_checked(folder):
    for data in (b"id\tnote\tday\n1\tfirsT\t2024-02-29\n2\t\\N\t\\N\n3\tx\t1999-12-31\n", b"id\tnote\tday\n"):
        source = open_source(str(folder))
        source.schema()
        file = folder / "data/0001-shop_order.tsv"
        kept = file.read_bytes()
        file.write_bytes(data)
        with pytest.raises(DumpError, match="it changed while it was read, load it again"):
            source.read(ReadTask(ORDERS, ORDERS.columns), lambda block: None)
        file.write_bytes(kept * 2)
        with pytest.raises(DumpError, match="is longer than the"):
            source.read(ReadTask(ORDERS, ORDERS.columns), lambda block: None)
        file.write_bytes(kept)


def test_a_proof_ends_when_nobody_waits_for_it(tmp_path, monkeypatch):
    rows = b"".join(b"%d\tnote\t\\N\n" % number for number in range(500_000))
    folder = dump(tmp_path / "dump", tables=(ORDERS,), rows={ORDERS.key: rows})
    begun = threading.Event()
    read = 0

    def chunks(self, member, plain=FolderInput.chunks):
        nonlocal read
        for chunk in plain(self, member):
            yield chunk
            read += len(chunk)
            if member.startswith("data/"):
                begun.set()
                time.sleep(0.05)

    monkeypatch.setattr(FolderInput, "chunks", chunks)
    source = open_source(str(folder))
    assert begun.wait(10)
    source.close()
    assert read < len(rows)
    with pytest.raises(InterruptedRunError, match="was stopped"):
        source.schema()


@pytest.mark.parametrize("compress", ["zstd", "gzip"])
def test_a_bomb_is_stopped_where_the_manifest_ends_it(tmp_path, compress, monkeypatch):
    from dbdump_core.dumps.compression import compressor

    folder = dump(tmp_path / "dump", tables=(ORDERS,), compress=compress)
    (file,) = (folder / "data").iterdir()
    machine = compressor(compress)
    zeros = bytes(1 << 20)
    header = machine.compress(b"id\tnote\tday\n")
    file.write_bytes(b"".join([header, *(machine.compress(zeros) for _ in range(500)), machine.flush()]))
    made = 0

    def counted(chunks, *arguments, plain=reader.decompress, **more):
        nonlocal made
        for piece in plain(chunks, *arguments, **more):
            made += len(piece)
            yield piece

    monkeypatch.setattr(reader, "decompress", counted)
    with pytest.raises(DumpError, match="is longer than the 73 bytes of the manifest"):
        open_source(str(folder)).schema()
    assert made < 64 << 20


def test_a_line_without_end_is_not_held_in_memory(folder, monkeypatch):
    from dbdump_core.dumps import parts

    monkeypatch.setattr(parts, "LINE_LIMIT", 3_000_000)
    file = folder / "data/0001-shop_order.tsv"
    file.write_bytes(file.read_bytes() + b"9\t" + b"x" * 5_000_000)
    with pytest.raises(DumpError, match=r"0001-shop_order\.tsv:5: a line of more than 3000000 bytes"):
        open_source(str(folder), allow_edited=True).schema()


def test_a_header_without_end(folder):
    (folder / "data/0001-shop_order.tsv").write_bytes(b"x" * 5_000_000)
    with pytest.raises(DumpError, match=r":1: there is no header line"):
        open_source(str(folder), allow_edited=True).schema()
