"""Small dumps for the tests of the archive, and ways to read them back."""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager

from dbdump_core.dumps import make_target, open_source
from dbdump_core.dumps.manifest import sealed
from dbdump_core.model.abc import Block, Fingerprint, Path, Plan, ReadTask, Snapshot, TablePlan, TableResult, WriteTask
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import DATE, INTEGER, TEXT

COMPRESSIONS = [None, "zstd", "gzip"]
ORDERS = Table(
    "shop_order",
    (Column("id", INTEGER, nullable=False), Column("note", TEXT), Column("day", DATE)),
    primary_key=("id",),
)
EMPTY = Table("../Ünter\tleer", (Column("id", INTEGER), Column("a\tb\\", TEXT)), schema="Pub")
BARE = Table("bare", ())
SECOND = Table("second", (Column("id", INTEGER, nullable=False), Column("note", TEXT), Column("day", DATE)))
ROWS = {
    ORDERS.key: b"1\tfirst\t2024-02-29\n2\t\\N\t\\N\n3\ttab \\t and \\\\ and \\n\t1999-12-31\n",
    BARE.key: b"\n\n\n",
    SECOND.key: "1\tünï ☃\t2020-01-01\n".encode(),
}
TABLES = (ORDERS, EMPTY, BARE, SECOND)
BIG = {ORDERS.key: b"".join(b"%d\t%s\t\\N\n" % (n, b"x" * 100) for n in range(10_000))}
REPOSITORY = pathlib.Path(__file__).parent.parent.parent
PRELUDE = """
import os, resource, signal, sys, threading
from dbdump_core.model.abc import *
from dbdump_core.dumps import *
from dbdump_core.errors import *
from tests.archive.helpers import *
"""


def plan_of(tables):
    return Plan(
        tuple(
            TablePlan(
                table,
                table,
                ReadTask(table, table.columns),
                WriteTask(table, table.columns, tuple(column.type for column in table.columns)),
                creates=True,
            )
            for table in tables
        )
    )


def write_all(writer, plan, rows, block_bytes=1 << 20):
    results = []
    for planned in plan.tables:
        data = rows.get(planned.target.key, b"")
        lines = data.splitlines(keepends=True)[::-1]
        while lines:
            block, size = [], 0
            while lines and (not block or size < block_bytes):
                block.append(lines.pop())
                size += len(block[-1])
            writer.write(planned.write, Block(b"".join(block), len(block)))
        total = Fingerprint(data.count(b"\n"), int(hashlib.md5(data).hexdigest(), 16))  # noqa: S324
        results.append(TableResult(planned.target.key, total.rows, len(data), 0.0, Path.NATIVE, total))
    writer.finish()
    return results


def dump(path, *, tables=TABLES, rows=ROWS, block_bytes=1 << 20, level=Snapshot.CONSISTENT, **options):
    plan = plan_of(tables)
    target = make_target(str(path), source_engine="sqlite", **options)
    with target.writing(plan) as writer:
        results = write_all(writer, plan, rows, block_bytes)
        writer.commit(results, level)
    target.close()
    return path


def load(source, tables=None):
    """Read tables as a transfer does, and return their lines."""
    schema = source.schema()
    found = {}
    with source.snapshot(schema.tables):
        for table in schema if tables is None else tables:
            blocks = []
            source.read(ReadTask(table, table.columns), blocks.append)
            assert all(block.data.count(b"\n") == block.rows for block in blocks)
            found[table.key] = b"".join(block.data for block in blocks)
        source.finish()
    source.close()
    return found


def whole(rows=ROWS, tables=TABLES):
    return {table.key: rows.get(table.key, b"") for table in tables}


@contextmanager
def stdin(data, tmp_path):
    """Make `data` what standard input holds."""
    file = tmp_path / f"stdin-{time.monotonic_ns()}"
    file.write_bytes(data)
    kept = sys.stdin
    with file.open("rb") as stream:
        sys.stdin = io.TextIOWrapper(stream)
        try:
            yield
        finally:
            sys.stdin.detach()
            sys.stdin = kept
    file.unlink()


def load_stream(data, tmp_path, tables=None, **options):
    with stdin(data, tmp_path):
        return load(open_source("-", **options), tables)


def forge(folder, edit=lambda manifest: None):
    """Edit the manifest and make it agree with the files, as somebody who means harm would."""
    place = folder / "manifest.json"
    manifest = json.loads(place.read_text())
    edit(manifest)
    for file in manifest["files"]:
        data = (folder / file["path"]).read_bytes()
        file.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    place.write_text(json.dumps(sealed(manifest)))


def tar_of(*members):
    """Pack (name or TarInfo, bytes) with Python's own tarfile."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def packed(folder):
    """Return the stream of a folder."""
    names = ["schema.yaml", *sorted(f"data/{path.name}" for path in (folder / "data").iterdir()), "manifest.json"]
    return tar_of(*((name, (folder / name).read_bytes()) for name in names))


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def child(code, **options):
    """Run code in another process, with the helpers of this file."""
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        cwd=REPOSITORY,
        timeout=60,
        check=False,
        **options,
    )
