"""The manifest says what is there, and one that anyone may have written harms nobody."""

from __future__ import annotations

import hashlib
import json
import os
import re

import pytest

from dbdump_core.dumps import make_target, open_source
from dbdump_core.errors import DbdumpError, DumpError
from dbdump_core.model.abc import Snapshot

from .helpers import load, plan_of, whole


def test_the_manifest_says_what_is_there(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    for file in manifest["files"]:
        data = (folder / file["path"]).read_bytes()
        assert file["sha256"] == hashlib.sha256(data).hexdigest()
        assert file["bytes"] == len(data)
        assert file["rows"] == data.count(b"\n") - 1
    assert manifest["schema_sha256"] == hashlib.sha256((folder / "schema.yaml").read_bytes()).hexdigest()
    assert "".join(manifest["schema"]) == (folder / "schema.yaml").read_text()
    assert [table["rows"] for table in manifest["tables"]] == [3, 0, 3, 1]
    assert set(manifest) == {
        "format", "version", "engine", "snapshot", "data_format", "compression", "schema_sha256",
        "schema", "tables", "files", "extra", "seal",
    }  # fmt: skip


def test_facts_of_others_travel_in_the_manifest(tmp_path):
    target = make_target(str(tmp_path / "dump"), source_engine="postgresql")
    target.extra["django"] = {"migrations": ["app.0001"]}
    with target.writing(plan_of(())) as writer:
        writer.commit([], Snapshot.NONE)
    assert json.loads((tmp_path / "dump/manifest.json").read_text())["extra"] == target.extra
    source = open_source(str(tmp_path / "dump"))
    assert source.extra == target.extra
    assert source.level is Snapshot.NONE


def change(**values):
    return lambda manifest: manifest.update(values)


def change_file(**values):
    return lambda manifest: manifest["files"][0].update(values)


def change_table(**values):
    return lambda manifest: manifest["tables"][0].update(values)


BAD_MANIFESTS = [
    (change(version=3), "is of format version 3, this program reads up to 2; update dbdump"),
    (change(version="2"), "version: input should be 1 or 2"),
    (change(version=0), "is of format version 0, which there never was"),
    (change(version=1), "version 1 has neither a schema nor a seal"),
    (change(seal=None), "its values are not those that were sealed"),
    (change(engine="sqlitf"), "its values are not those that were sealed"),
    (change(extra={"django": {}}), "its values are not those that were sealed"),
    (change(schema=["tables: []"]), "schema and schema_sha256 do not agree"),
    (change(schema=None), "schema and schema_sha256 do not agree"),
    (change(format="other"), "is not the manifest of a dump"),
    (change(more=1), "more: extra inputs are not permitted"),
    (change(engine="\ud800"), "is not valid JSON ('utf-8' codec can't encode"),
    (change(engine="a b"), "engine: string should match pattern"),
    (change(engine=None), "engine: input should be a valid string"),
    (change(compression="lzma"), "compression: input should be 'zstd' or 'gzip'"),
    (change(compression="gzip"), "'data/0001-shop_order.tsv' is not the name of a data file"),
    (change(snapshot="maybe"), "snapshot: input should be 'consistent' or 'none'"),
    (change(schema_sha256="0"), "schema_sha256: string should match pattern"),
    (change(tables=[]), "the files do not belong to the tables"),
    (change(files=[]), "the files do not belong to the tables"),
    (change(files={}), "files: input should be a valid list"),
    (change_file(path="../0001-shop_order.tsv"), "is not the name of a data file"),
    (change_file(path="/etc/passwd"), "'/etc/passwd' is not the name of a data file"),
    (change_file(path="data/../../0001-x.tsv"), "is not the name of a data file"),
    (change_file(path="data/0001-x/y.tsv"), "is not the name of a data file"),
    (change_file(path="data/0001-x.tsv\n"), "is not the name of a data file"),
    (change_file(path="data/0001-\0.tsv"), "is not the name of a data file"),
    (change_file(path="data/0001-X.tsv"), "is not the name of a data file"),
    (change_file(path="data/00٣1-x.tsv"), "is not the name of a data file"),
    (change_file(path="data/0004-second.tsv"), "stands twice, out of order or for another table"),
    (change_file(table=3), "the files do not belong to the tables"),
    (change_file(rows=4), "'shop_order' has 3 rows and its files 4"),
    (change_file(rows=-1), "files.0.rows: input should be greater than or equal to 0"),
    (change_file(rows=True), "files.0.rows: input should be a valid integer"),
    (change_file(bytes=1.0), "files.0.bytes: input should be a valid integer"),
    (change_file(sha256="A" * 64), "files.0.sha256: string should match pattern"),
    (change_table(name="second"), "a table stands twice"),
    (change_table(columns=["id", "id", "day"]), "has a column twice"),
    (change_table(columns="id"), "tables.0.columns: input should be a valid list"),
    (
        lambda manifest: manifest["files"].append(dict(manifest["files"][-1])),
        "'second' has 1 rows and its files 2",
    ),
    (lambda manifest: manifest["files"].reverse(), "stands twice, out of order or for another table"),
    (lambda manifest: manifest.pop("engine"), "engine: field required"),
]


@pytest.mark.parametrize(
    ("edit", "message"), BAD_MANIFESTS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_manifest_that_cannot_be_ours(folder, edit, message):
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    edit(manifest)
    file.write_text(json.dumps(manifest))
    with pytest.raises(DumpError, match=re.escape(message)):
        open_source(str(folder))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON"),
        ("[]", "is not the manifest of a dump"),
        ("{}", "is not the manifest of a dump"),
        ('{"format": "dbdump"}', "field required"),
        ('{"format": "dbdump", "version": 1, "version": 1}', "key 'version' stands twice"),
        ('{"format": "dbdump", "extra": {"a": NaN}}', "NaN is not a number"),
        ('{"format": "dbdump", "version": -Infinity}', "-Infinity is not a number"),
        ("[" * 100_000, "is not valid JSON (nested too deeply)"),
        ("[" * 50 + "]" * 50, "is not valid JSON (nested too deeply)"),
        ('{"format": "dbdump", "version": ' + "9" * 5000 + "}", "is not valid JSON"),
        ("\N{BYTE ORDER MARK}{}", "is not valid JSON"),
    ],
)
def test_json_that_is_no_manifest(folder, text, message):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(DumpError, match=re.escape(message)):
        open_source(str(folder))


def test_a_manifest_of_any_size_is_not_read(folder):
    os.truncate(folder / "manifest.json", 32 * 1024 * 1024 + 1)
    with pytest.raises(DumpError, match="has more than 33554432 bytes"):
        open_source(str(folder))


def test_every_byte_of_a_manifest_matters_or_is_refused(folder):
    """No flip of a bit makes other rows come out."""
    file = folder / "manifest.json"
    data = file.read_bytes()
    for at in range(0, len(data), 3):
        file.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        try:
            source = open_source(str(folder))
            found = load(source)
        except DbdumpError:
            continue
        assert found == whole()
