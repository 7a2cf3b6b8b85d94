"""What is no dump, or one put together by somebody else."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import tarfile

import pytest

from dbdump_core.dumps import open_source
from dbdump_core.dumps.manifest import sealed
from dbdump_core.errors import DumpError, RefusedError

from .helpers import load_stream, tar_of, whole


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


def test_paths_that_are_no_dumps(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "shop.py").write_text("table = 'shop'\n")
    (tmp_path / "file").write_bytes(b"hello\n" * 1000)
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / "shop.db").write_bytes(b"SQLite format 3\0" + bytes(4080))
    (tmp_path / "shop.tar.gz").write_bytes(gzip.compress(bytes(2000)))
    (tmp_path / "other.tar").write_bytes(tar_of(("README", b"x")))
    os.mkfifo(tmp_path / "fifo")
    for name, message in {
        "empty": "is not a dump: it has no manifest.json; give a folder or .tar that dbdump made",
        "old": "if its .py files are tables dumped as in 2007, load them in their Django project with python -m",
        "file": "is not a tar archive: give a folder or .tar that dbdump made",
        "nothing": "is empty: what should have written it failed",
        "missing": "no such file or directory; give a folder, a .tar or -",
        "shop.db": "is an SQLite database, which needs no load",
        "shop.tar.gz": "is compressed with gzip as a whole: decompress it first",
        "other.tar": "'README' is not a part of a dump; pack with tar -C FOLDER -cf FILE.tar",
        "fifo": "is neither a folder nor a file; to read a stream give - and redirect it",
        "a\0b": "embedded null byte",
    }.items():
        with pytest.raises(DumpError, match=re.escape(message)):
            open_source(str(tmp_path / name))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "standard input is empty: what should have written it failed"),
        (b"hello", "standard input is not a tar archive"),
        (bytes(5000), "standard input is not a tar archive"),
        (b"SQLite format 3\0" + bytes(4080), "standard input is an SQLite database"),
        (tar_of(), "standard input is not a tar archive"),
        (tar_of(("README", b"x")), "'README' is not a part of a dump"),
        (tar_of(("manifest.json", b"{}")), "'manifest.json' comes where schema.yaml belongs"),
        (tar_of(("schema.yaml", b"tables: []")), "does not begin with the line that names its dump"),
        (
            tar_of(("schema.yaml", b"# dbdump 9 tsv from x\n")),
            "is of format version 9, this program reads up to 2",
        ),
        (
            tar_of(("schema.yaml", b"# dbdump 1 odd from x\n")),
            "standard input is in a format unknown here, 'odd'; update dbdump",
        ),
        (tar_of(("schema.yaml", b"# dbdump 1 tsv from x\ntables: []\n")), "it has no manifest.json"),
        (
            tar_of((special("schema.yaml", tarfile.SYMTYPE, "/etc/passwd"), b"")),
            "'schema.yaml' is a symbolic link",
        ),
        (
            tar_of((special("schema.yaml", tarfile.LNKTYPE, "/etc/passwd"), b"")),
            "'schema.yaml' is a hard link",
        ),
        (tar_of((special("schema.yaml", tarfile.FIFOTYPE), b"")), "'schema.yaml' is a FIFO"),
        (tar_of((special("schema.yaml", tarfile.CHRTYPE), b"")), "'schema.yaml' is a device"),
        (tar_of((special("x", tarfile.GNUTYPE_LONGNAME), b"y" * 200)), "'x' is of a kind that no dump has"),
        (tar_of((special("x", tarfile.XHDTYPE), b"20 path=../../x\n")), "'x' is of a kind that no dump has"),
        (tar_of((special("x", tarfile.XHDTYPE), b"9" * 70_000)), "'x' is of a kind that no dump has"),
    ],
)
def test_streams_that_are_no_dumps(tmp_path, data, message):
    with pytest.raises(RefusedError, match=re.escape(message)):
        load_stream(data, tmp_path)


def members_of(archive):
    with tarfile.open(archive) as file:
        return [(info.name, file.extractfile(info).read()) for info in file]


def test_streams_in_another_order(tmp_path, archive):
    schema, first, empty, bare, second, manifest = members_of(archive)
    for members, message in (
        (
            (schema, first, bare, empty, second, manifest),
            "'data/0003-bare.tsv' comes where the next data file",
        ),
        (
            (schema, empty, first, bare, second, manifest),
            "comes where the next data file or the manifest belongs",
        ),
        ((schema, first, empty, bare, manifest, second), "comes after the manifest"),
        ((schema, first, empty, bare, manifest), "data and manifest differ in 'data/0004-second.tsv'"),
        (
            (schema, first, empty, bare, second, second, manifest),
            "data and manifest differ in 'data/0004-second.tsv'",
        ),
        ((schema, first, empty, bare, second, manifest, manifest), "comes after the manifest"),
        (
            (schema, first, empty, bare, second, ("data/0004-other.tsv", second[1]), manifest),
            "data and manifest differ",
        ),
        (
            (schema, first, empty, bare, second, ("data/0005-x.tsv", second[1]), manifest),
            "comes where the next",
        ),
        ((schema, first, empty, bare, second, ("data/x", b""), manifest), "'data/x' is not a part of a dump"),
        (
            (schema, first, schema, empty, bare, second, manifest),
            "'schema.yaml' comes where the next data file",
        ),
        (
            (schema, (first[0], second[1]), empty, bare, (second[0], first[1]), manifest),
            "shop_order.tsv is cut",
        ),
        ((schema, (first[0], empty[1]), empty, bare, second, manifest), "was it swapped with another file?"),
        ((first, schema, empty, bare, second, manifest), "comes where schema.yaml belongs"),
    ):
        with pytest.raises(DumpError, match=message):
            load_stream(tar_of(*members), tmp_path)


def test_members_that_stand_twice_in_a_tar(tmp_path, archive):
    members = members_of(archive)
    archive.write_bytes(tar_of(*members, members[1]))
    with pytest.raises(DumpError, match=r"member 'data/0001-shop_order\.tsv' is there twice"):
        open_source(str(archive))
    archive.write_bytes(tar_of(*members, ("../../x", b"")))
    with pytest.raises(DumpError, match=r"'../../x' is not a part of a dump"):
        open_source(str(archive))
    archive.write_bytes(tar_of(*members, ("data/\x1b[31m.tsv", b"")))
    with pytest.raises(DumpError, match=r"holds 'data/\\x1b\[31m\.tsv', not in its manifest"):
        open_source(str(archive)).schema()


def test_bytes_hidden_behind_a_member(tmp_path, archive):
    data = archive.read_bytes()
    at = data.index(b"\0", 512)
    with pytest.raises(DumpError, match=r"standard input is damaged after 'schema\.yaml'"):
        load_stream(data[:at] + b"x" + data[at + 1 :], tmp_path)


def test_a_member_whose_size_lies(tmp_path, archive):
    data = bytearray(archive.read_bytes())
    size = b"%011o\0" % (1 << 32)
    data[124:136] = size
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 256 + sum(data[156:512]))
    with pytest.raises(DumpError, match=r"schema\.yaml has more than 33554432 bytes"):
        load_stream(bytes(data), tmp_path)
    archive.write_bytes(data)
    with pytest.raises(DumpError, match="is cut: it ends in the middle"):
        open_source(str(archive))


def forged(members, edit):
    """Return a stream whose manifest was edited, and agrees with its data files again."""
    *others, (name, data) = members
    manifest = json.loads(data)
    contents = dict(others)
    edit(manifest)
    for file in manifest["files"]:
        content = contents[file["path"]]
        file.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    return tar_of(*others, (name, json.dumps(sealed(manifest)).encode()))


def test_a_stream_whose_manifest_agrees_with_its_files_alone(tmp_path, archive):
    schema, first, *others = members_of(archive)
    assert load_stream(forged([schema, first, *others], lambda manifest: None), tmp_path) == whole()
    for members, edit, message in (
        (
            [schema, first, *others],
            lambda manifest: manifest.update(engine="mysql"),
            "manifest and schema.yaml are not of one dump",
        ),
        (
            [schema, first, *others],
            lambda manifest: manifest["tables"][0].update(name="other"),
            "manifest and schema.yaml are not of one dump",
        ),
        (
            [schema, first, *others],
            lambda manifest: manifest["tables"][0].update(columns=["id", "day", "note"]),
            "name 'id', 'note', 'day' where the manifest says 'id', 'day', 'note'",
        ),
        (
            [schema, (first[0], first[1] + b"4"), *others],
            lambda manifest: None,
            "0001-shop_order.tsv: the last line has no line end",
        ),
        (
            [schema, (first[0], first[1] + b"4\n"), *others],
            lambda manifest: None,
            "0001-shop_order.tsv has 4 rows where the manifest says 3",
        ),
    ):
        with pytest.raises(DumpError, match=re.escape(message)):
            load_stream(forged(members, edit), tmp_path)


@pytest.mark.parametrize("at", [105, 120, 140, 157, 265, 300])
def test_a_header_of_a_tar_that_changed(tmp_path, archive, at):
    """Even where it says nothing of the data, such as mode, owner and time."""
    data = bytearray(archive.read_bytes())
    data[data.index(b"data/0001-shop_order.tsv\0") + at] ^= 1
    archive.write_bytes(data)
    with pytest.raises(DumpError, match="is damaged: it has an unreadable header; copy it anew"):
        open_source(str(archive))
