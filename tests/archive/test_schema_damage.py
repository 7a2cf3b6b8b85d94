"""Every cut and every flipped byte of schema.yaml and manifest.json: equal, refused, or told as an edit."""

from __future__ import annotations

import pytest

from dbdump_core.dumps import open_source
from dbdump_core.dumps.manifest import load_manifest
from dbdump_core.dumps.schema_file import SchemaFile
from dbdump_core.errors import DumpError, SchemaError
from dbdump_core.model.schema import Check, Column, Default, DefaultKind, ForeignKey, Identity, Index, Table, UniqueKey
from dbdump_core.model.types import DATE, INTEGER, TEXT, parse_type

from .helpers import dump, load, load_stream, packed

PARENT = Table(
    "a",
    (
        Column("id", INTEGER, nullable=False, identity=Identity.AUTO),
        Column("note", parse_type("varchar(20)"), default=Default(DefaultKind.VALUE, "new")),
        Column("ü", DATE, comment="a day"),
    ),
    primary_key=("id",),
    unique=(UniqueKey("one", ("note",)),),
    indexes=(Index("two", ("note", "ü")),),
    checks=(Check("three", "(id > 0)"),),
)
CHILD = Table(
    "b",
    (Column("a_id", INTEGER), Column("text", TEXT)),
    schema="s",
    foreign_keys=(ForeignKey("k", ("a_id",), PARENT.key, ("id",), on_delete="cascade"),),
)
ROWS = {PARENT.key: b"1\tx\t2024-02-29\n", CHILD.key: b"1\ty\n"}


@pytest.fixture
def folder(tmp_path):
    return dump(tmp_path / "dump", tables=(PARENT, CHILD), rows=ROWS)


def opened(folder, allow_edited=False):
    """Return schema and notes of the dump, or the text of its refusal."""
    source = open_source(str(folder), allow_edited=allow_edited)
    try:
        schema = source.schema()
        return schema.tables, [note for note in source.notes if "schema.yaml" in note]
    except (DumpError, SchemaError) as error:
        return str(error)
    finally:
        source.close()


def altered(data):
    """Yield the file cut after each of its bytes, and with each byte changed to some others."""
    for length in range(len(data)):
        yield data[:length]
    for at, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 4, 48} - {byte}:
            yield data[:at] + bytes([other]) + data[at + 1 :]


def test_no_cut_and_no_flipped_byte_of_the_schema_is_silent(folder):
    """What loads without the flag is equal, what loads with it is told."""
    place = folder / "schema.yaml"
    kept = place.read_bytes()
    whole = opened(folder)
    manifest = open_source(str(folder)).manifest
    told = 0
    for data in altered(kept):
        try:
            file = SchemaFile(data, file="schema.yaml", version=2)
            file.defaults({table.key: table.columns for table in manifest.tables})
        except (DumpError, SchemaError):
            continue
        if unknown := {table.key for table in file.described} - {PARENT.key, CHILD.key}:
            place.write_bytes(data)
            assert f"describes {str(unknown.pop())!r}, of which there is no data" in opened(folder, allow_edited=True)
            continue
        if edits := file.edits(manifest):
            told += 1
            if told % 10 == 0:  # the dump as a whole does as its parts do
                place.write_bytes(data)
                assert opened(folder).startswith(f"{place}: {edits[0].removeprefix('schema.yaml: ')}")
                assert len(opened(folder, allow_edited=True)[1]) == len(edits)
        else:
            assert file.schema.tables == whole[0]
    assert told > 50


def test_no_cut_and_no_flipped_byte_of_the_manifest_is_silent(folder):
    data = (folder / "manifest.json").read_bytes()
    kept = load_manifest(data, file="manifest.json")
    for other in altered(data):
        try:
            assert load_manifest(other, file="manifest.json") == kept
        except DumpError:
            continue


def test_no_cut_schema_of_a_stream_is_silent(tmp_path, folder):
    place = folder / "schema.yaml"
    kept = place.read_bytes()
    for length in range(0, len(kept) - 1, 7):
        place.write_bytes(kept[:length])
        with pytest.raises((DumpError, SchemaError)):
            load_stream(packed(folder), tmp_path, allow_edited=True)
    place.write_bytes(kept[:-1])
    assert load_stream(packed(folder), tmp_path) == load(open_source(str(folder))) == ROWS
