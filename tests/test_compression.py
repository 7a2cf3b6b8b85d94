"""Compression: the same bytes for the same data, cut and damaged frames refused, bombs bounded."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib

import pytest
import zstandard

from dbdump_core.dumps.compression import (
    SUFFIXES,
    Compression,
    compression_named,
    compression_of,
    compressor,
    decompress,
)
from dbdump_core.errors import DumpError, UsageError

NAMES: list[Compression] = ["zstd", "gzip"]
LINES = b"".join(b"%d\tsome text %x\n" % (n, n * 7919) for n in range(20_000))


def compressed(name: Compression | None, data: bytes, steps: int = 1 << 30) -> bytes:
    machine = compressor(name)
    pieces = [machine.compress(data[at : at + steps]) for at in range(0, len(data), steps)]
    return b"".join([*pieces, machine.flush()])


def restored(name: Compression | None, stored: bytes, steps: int = 1 << 20) -> bytes:
    chunks = (stored[at : at + steps] for at in range(0, len(stored), steps))
    return b"".join(decompress(chunks, name, file="f"))


@pytest.mark.parametrize("name", [None, *NAMES])
@pytest.mark.parametrize("data", [b"", b"\n", LINES], ids=["empty", "one byte", "lines"])
def test_round_trip(name, data):
    assert restored(name, compressed(name, data)) == data
    assert restored(name, compressed(name, data), steps=7) == data


@pytest.mark.parametrize("name", NAMES)
def test_the_steps_in_which_data_comes_do_not_show(name):
    rng = random.Random(1)
    data = LINES + rng.randbytes(300_000) + LINES
    whole = compressed(name, data)
    for steps in (rng.randrange(1, 400_000) for _ in range(20)):
        assert compressed(name, data, steps) == whole


def test_other_programs_read_it():
    assert gzip.decompress(compressed("gzip", LINES)) == LINES
    assert zstandard.ZstdDecompressor().decompressobj().decompress(compressed("zstd", LINES)) == LINES


@pytest.mark.parametrize("name", NAMES)
def test_every_cut_is_refused(name):
    stored = compressed(name, LINES[:3000])
    for length in range(len(stored)):
        with pytest.raises(DumpError, match="f is cut"):
            restored(name, stored[:length])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("steps", [1, 5, 1 << 20])
def test_what_follows_the_end_is_refused(name, steps):
    stored = compressed(name, LINES[:3000])
    for rest in (b"\0", stored, b"x" * 5000):
        with pytest.raises(DumpError, match="f goes on after the end"):
            restored(name, stored + rest, steps)


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_is_refused_or_harmless(name):
    data = LINES[:600]
    stored = compressed(name, data)
    refused = 0
    for bit in range(len(stored) * 8):
        flipped = bytearray(stored)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert restored(name, bytes(flipped)) == data
        except DumpError:
            refused += 1
    # What may be harmless is the time, system and level in gzip's header.
    assert refused >= len(stored) * 8 - 8 * 8


@pytest.mark.parametrize("name", NAMES)
def test_a_bomb_is_opened_bit_by_bit(name):
    zeros = bytes(1 << 20)
    machine = compressor(name)
    bomb = b"".join([*(machine.compress(zeros) for _ in range(300)), machine.flush()])
    tracemalloc.start()
    total = 0
    for data in decompress([bomb], name, file="f"):
        total += len(data)
        if total > 10 << 20:
            break
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 10 << 20
    assert peak < 80 << 20


def test_a_window_too_large_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=False)
    machine = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(DumpError, match="cannot be decompressed as zstd"):
        restored("zstd", machine.compress(LINES) + machine.flush())


def test_the_end_of_gzip_that_falls_on_a_full_step_is_seen():
    data = bytes(1 << 20)
    machine = zlib.compressobj(9, zlib.DEFLATED, 31)
    assert restored("gzip", machine.compress(data) + machine.flush()) == data


def test_names():
    assert [compression_named(name) for name in (None, "zstd", "gzip")] == [None, "zstd", "gzip"]
    assert {compression_of("a.tsv" + suffix): suffix for suffix in SUFFIXES.values()} == {
        None: "",
        "zstd": ".zst",
        "gzip": ".gz",
    }
    with pytest.raises(UsageError, match="unknown compression 'lzma'; use zstd or gzip"):
        compression_named("lzma")
