"""Dumps through standard input and output."""

from __future__ import annotations

import io
import os
import pathlib
import pty
import subprocess
import sys
import threading

import pytest

from dbdump_core.dumps import open_source
from dbdump_core.errors import DumpError, InterruptedRunError
from dbdump_core.model.abc import ReadTask

from .helpers import ORDERS, PRELUDE, REPOSITORY, child, dump, load, load_stream, whole


def test_standard_output_to_a_pipe(tmp_path, archive):
    done = child("dump('-')", capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == archive.read_bytes()
    assert load_stream(done.stdout, tmp_path) == whole()


def test_a_dump_through_a_pipe_while_it_is_made():
    code = "load_all = load(open_source('-'))\nassert load_all == whole(BIG), load_all.keys()\nprint('same')"
    writing = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + "dump('-', rows=BIG, part_bytes=40_000)"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    reading = child(code, stdin=writing.stdout, capture_output=True, text=True)
    writing.stdout.close()
    assert (reading.stdout, reading.stderr, writing.wait()) == ("same\n", "", 0)


def test_a_dump_that_fails_leaves_a_stream_that_no_load_takes(tmp_path):
    code = """
plan = plan_of(TABLES)
with make_target("-", source_engine="sqlite").writing(plan) as writer:
    write_all(writer, plan, ROWS)
    raise SystemExit(3)
"""
    done = child(code, capture_output=True)
    assert done.returncode == 3
    assert len(done.stdout) > 2000
    with pytest.raises(DumpError, match="standard input is cut"):
        load_stream(done.stdout, tmp_path)


def test_a_closed_pipe():
    code = """
try:
    dump("-", rows=BIG)
except StorageError as error:
    print(error, file=sys.stderr)
    raise SystemExit(3)
"""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = child(code, stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert done.returncode == 3
    assert done.stderr == "cannot write 'standard output': broken pipe; no dump was made\n"


def test_a_full_device():
    code = """
try:
    dump("-")
except StorageError as error:
    print(error, file=sys.stderr)
    raise SystemExit(3)
"""
    with pathlib.Path("/dev/full").open("wb") as full:
        done = child(code, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.stderr == "cannot write 'standard output': no space left on device; no dump was made\n"
    assert done.returncode == 3


def test_a_pipe_that_does_not_wait(tmp_path):
    """ssh leaves its pipes non-blocking; neither side may lose a byte or give up."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    os.set_blocking(read_end, False)
    code = "os.set_blocking(0, False)\nassert load(open_source('-')) == whole(BIG)\nprint('same')"
    writing = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + "dump('-', rows=BIG)"],
        cwd=REPOSITORY,
        stdout=write_end,
    )
    os.close(write_end)
    reading = child(code, stdin=read_end, capture_output=True, text=True)
    os.close(read_end)
    assert (reading.stdout, reading.stderr, writing.wait()) == ("same\n", "", 0)


def test_terminals_are_no_place_for_a_dump():
    code = """
for make in (lambda: make_target("-", source_engine="x"), lambda: open_source("-")):
    try:
        make()
    except UsageError as error:
        print(error, file=sys.stderr)
"""
    ours, theirs = pty.openpty()
    done = child(code, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True)
    os.close(ours)
    os.close(theirs)
    assert done.stderr == (
        "a dump is not written to a terminal; redirect it to a file or pipe, or give a path\n"
        "a dump is not read from a terminal; redirect a file or pipe to standard input\n"
    )


def test_a_waiting_read_can_be_cancelled(archive):
    read_end, write_end = os.pipe()
    kept = sys.stdin
    data = archive.read_bytes()
    os.write(write_end, data[:2048])
    with os.fdopen(read_end, "rb") as stream:
        sys.stdin = io.TextIOWrapper(stream)
        try:
            source = open_source("-")
            threading.Timer(0.3, source.cancel).start()
            # The other end stays open and says nothing: without the cancelling this would wait for ever.
            with pytest.raises(InterruptedRunError, match="reading 'standard input' was stopped"):
                load(source)
        finally:
            sys.stdin.detach()
            sys.stdin = kept
    os.close(write_end)


def test_a_cancelled_source_reads_no_more(folder):
    source = open_source(str(folder))
    source.schema()
    source.cancel()
    source.cancel()
    with pytest.raises(InterruptedRunError):
        source.read(ReadTask(ORDERS, ORDERS.columns), lambda block: None)
    source.close()
    source.close()


def test_members_of_any_size_stream_through(tmp_path):
    """A stream's members are bounded by whoever made it, our memory is not bounded by them."""
    data = b"".join(b"%d\t%s\t\\N\n" % (n, b"y" * 1000) for n in range(60_000))
    path = dump(tmp_path / "dump.tar", tables=(ORDERS,), rows={ORDERS.key: data}, part_bytes=1 << 30)
    code = """
from tests.peak import peak
source = open_source("-")
source.schema()
count = 0
def take(block):
    global count
    count += block.rows
before = peak()
source.read(ReadTask(ORDERS, ORDERS.columns), take)
source.finish()
print(count, peak() - before < 30_000)
"""
    with path.open("rb") as file:
        done = child(code, stdin=file, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("60000 True\n", "")
