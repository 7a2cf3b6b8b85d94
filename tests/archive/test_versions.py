"""Dumps of earlier versions load, and nothing passes for another version than it is."""

from __future__ import annotations

import pytest

from dbdump_core.dumps import open_source
from dbdump_core.errors import DumpError
from dbdump_core.model.schema import TableKey

from .helpers import ORDERS, ROWS, forge, load, load_stream, packed
from .version_1 import PY, TSV, write_version_1

KEPT = {TableKey(None, "shop_order"): ROWS[ORDERS.key], TableKey(None, "order_line"): "1\tünï ☃\n".encode()}


@pytest.mark.parametrize("members", [TSV, PY], ids=["tsv", "py"])
def test_a_dump_of_version_1_is_read(tmp_path, members):
    folder = write_version_1(tmp_path / "old", members)
    source = open_source(str(folder))
    assert (load(source), source.version, source.notes) == (KEPT, 1, [])
    assert load_stream(packed(folder), tmp_path) == KEPT


def test_the_first_line_and_the_manifest_of_a_stream_tell_one_version(tmp_path, folder):
    schema = folder / "schema.yaml"
    schema.write_bytes(schema.read_bytes().replace(b"# dbdump 2 ", b"# dbdump 1 "))
    with pytest.raises(DumpError, match=r"manifest and schema\.yaml are not of one dump"):
        load_stream(packed(folder), tmp_path)


def test_no_manifest_of_version_2_passes_for_one_of_version_1(folder):
    forge(folder, lambda manifest: manifest.update(version=1))
    with pytest.raises(DumpError, match="version 1 has neither a schema nor a seal"):
        open_source(str(folder))


@pytest.mark.parametrize("last", ["", "# end of schema.yam", "# end of schema.yaml\n- name: more"])
def test_a_schema_without_its_last_line_is_cut(tmp_path, folder, last):
    schema = folder / "schema.yaml"
    schema.write_text(schema.read_text().replace("# end of schema.yaml\n", last))
    with pytest.raises(DumpError, match=r"schema\.yaml is cut: its last line is not '# end of schema\.yaml'"):
        open_source(str(folder), allow_edited=True).schema()
    with pytest.raises(DumpError, match="is cut"):
        load_stream(packed(folder), tmp_path, allow_edited=True)
