"""Hostile dumps are refused in little memory, and long lines take a few times their length."""

from __future__ import annotations

import json
import re

import pytest

from dbdump_core.dumps.compression import compressor
from dbdump_core.dumps.json_size import check_json
from dbdump_core.dumps.manifest import load_manifest
from dbdump_core.errors import DumpError
from dbdump_core.model.schema_yaml import loads

from .helpers import ORDERS, child, dump

MEGABYTE = 1_000_000
ROW = b"1\tfirst\t2024-02-29\n"
PEAK = """
from dbdump_core import check
from tests.peak import peak
try:
    check({path!r}, allow_edited=True)
    print("whole")
except DbdumpError as error:
    print(type(error).__name__, error)
print(peak())
"""


def checked(path):
    """What a check of the dump says, and the most memory that its process took, in MB."""
    done = child(PEAK.format(path=str(path)), capture_output=True, text=True)
    said, _, peak = done.stdout.rstrip("\n").rpartition("\n")
    assert said, done.stderr
    return said, int(peak) * 1024 / MEGABYTE


def with_manifest(tmp_path, **fields):
    folder = dump(tmp_path / "dump", tables=(ORDERS,), rows={ORDERS.key: ROW})
    place = folder / "manifest.json"
    texts = {**{name: json.dumps(value) for name, value in json.loads(place.read_text()).items()}, **fields}
    place.write_text("{" + ",".join(f'"{name}":{text}' for name, text in texts.items()) + "}")
    return folder


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tables": "[" + ",".join(["{}"] * 300_000) + "]"}, r"tables\.0\.schema: field required"),
        ({"tables": "[" + ",".join(["{}"] * 9_000_000) + "]"}, "more values than any dump has"),
        ({"extra": '{"a":[' + ",".join(["[]"] * 9_000_000) + "]}"}, "more values than any dump has"),
        ({f"k{number}": "1" for number in range(200_000)}, "more fields than there are"),
        ({"engine": '"' + "x" * 30_000_000 + '\\ud83d\\ude00"'}, "a text of more than 131072 bytes"),
        ({"extra": '{"a":"' + "x" * 40_000_000 + '"}'}, "has more than 33554432 bytes"),
    ],
    ids=["empty tables", "many empty tables", "lists", "fields", "wide text", "size"],
)
def test_a_hostile_manifest_takes_little_memory(tmp_path, fields, message):
    said, peak = checked(with_manifest(tmp_path, **fields))
    assert re.search(message, said), said
    assert peak < 256


@pytest.mark.parametrize("compress", ["gzip", "zstd"])
def test_a_compressed_endless_line_takes_little_memory(tmp_path, compress):
    folder = dump(tmp_path / "dump", tables=(ORDERS,), rows={ORDERS.key: ROW}, compress=compress)
    (file,) = (folder / "data").iterdir()
    machine = compressor(compress)
    parts = [machine.compress(b"id\tnote\tday\n1\t"), *(machine.compress(bytes(MEGABYTE)) for _ in range(500))]
    file.write_bytes(b"".join([*parts, machine.flush()]))
    said, peak = checked(folder)
    assert ":2: a line of more than 33554463 bytes; shorten it" in said
    assert peak < 256


@pytest.mark.parametrize(("format_", "unit"), [("tsv", "😀"), ("py", "x")])
def test_a_long_line_takes_a_few_times_its_length(tmp_path, format_, unit):
    data = unit.encode()
    length = 50 * MEGABYTE
    rows = {ORDERS.key: b"1\t" + data * (length // len(data)) + b"\t\\N\n"}
    folder = dump(tmp_path / "dump", tables=(ORDERS,), rows=rows, format=format_)
    schema = folder / "schema.yaml"  # every value is looked at then
    schema.write_text(schema.read_text().replace("nullable: false", "nullable: true"))
    said, peak = checked(folder)
    assert said == "whole"
    assert peak < 150 + 4 * length / MEGABYTE


def test_a_compressed_long_line_has_a_header_before_it(tmp_path):
    rows = {ORDERS.key: b"1\t" + b"x" * (40 * MEGABYTE) + b"\t\\N\n"}
    assert checked(dump(tmp_path / "dump", tables=(ORDERS,), rows=rows, compress="zstd"))[0] == "whole"


@pytest.mark.parametrize("text", ["{},", '{"name": t},', "a,", "[],"])
def test_a_hostile_schema_is_refused_at_its_first_table(text):
    with pytest.raises(Exception, match=r"tables\[0\]"):
        loads(f"tables: [{text * 200_000}]")


def test_texts_are_no_values_wherever_they_are_cut():
    for length in range(262_140, 262_150):
        check_json(b'["' + b"{" * 5 + b"x" * 100 + b'","' * ((length - 107) // 3) + b'\\"{{{{{"]', 10_000_000)
    with pytest.raises(ValueError, match="more values"):
        check_json(b'["\\\\",' + b"{}," * 100, 10_000)


def test_a_manifest_is_ascii():
    with pytest.raises(DumpError, match="is not valid JSON"):
        load_manifest('{"format": "dbdump", "engine": "é"}'.encode(), file="manifest.json")
