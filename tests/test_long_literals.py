"""A long string is read in pieces as a short one is read at once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dbdump_core.dumps.formats import py
from dbdump_core.dumps.formats.long_literals import read_long_record
from dbdump_core.dumps.formats.py import NULL, PY, canonical, read_record, reader, writer
from dbdump_core.model.schema import Column
from dbdump_core.model.types import BYTES, INTEGER, TEXT

NASTY = st.text(st.sampled_from("\\'\"\n\tanux0dD8😀é\x00\x85 "), max_size=90)
READERS = [reader(INTEGER), reader(TEXT), reader(BYTES), reader(TEXT)]


def in_pieces(line: str) -> bytes:
    before, data = b"[1, 'before'],\n", line.encode()
    span = len(before), len(before) + len(data)
    return read_long_record(before + data + b"\n[2, 'after'],", READERS, NULL, span) + b"\n"


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbdump_core.dumps.formats.long_literals.LONG", 24)


@given(NASTY, st.binary(max_size=60), NASTY)
@example("long", b"", "long" * 20)
@example("\\" * 61, b"\\" * 41, "'" * 50)
@example("é" * 60, b"\xff" * 60, "x" * 23 + "😀" * 30)
def test_both_ways_read_the_same(text: str, data: bytes, other: str) -> None:
    cells = (py.cell_of(text), "\\\\x" + data.hex(), py.cell_of(other))
    literals = [writer(type_)(cell) for type_, cell in zip((TEXT, BYTES, TEXT), cells, strict=True)]
    line = f"[7, {', '.join(literals)}],"
    assert in_pieces(line) == canonical([read_record(line, READERS)])


@given(st.text(st.sampled_from("\\ux0dD8aAbc'n7N"), max_size=90))
@example("\\ud83d\\ude00" * 8)
@example("x" * 17 + "\\ud83d\\ude00" * 8)
@example("x" * 18 + "\\\\ud83d\\ude00" * 8)
def test_both_ways_refuse_the_same(body: str) -> None:
    line = f"[1, '{body}', b'', '']"
    try:
        expected: bytes | None = canonical([read_record(line, READERS)])
    except ValueError:
        expected = None
    try:
        found: bytes | None = in_pieces(line)
    except ValueError:
        found = None
    assert found == expected


def test_long_rows_are_read_among_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(py, "LONG", 40)
    columns = [Column("id", INTEGER), Column("note", TEXT)]
    lines = b"1\t" + b"x\\ty" * 40 + b"\n2\t\\N\n3\t" + "é".encode() * 80 + b"\n"
    written = PY.encode(lines, columns)
    refused: list[tuple[int, int, str]] = []
    assert PY.decode(written, columns, lambda *what: refused.append(what)) == lines
    broken = written.replace(b"2, None", b"2, Nine")
    assert PY.decode(broken, columns, lambda *what: refused.append(what)).count(b"\n") == 2
    assert [row for row, *_ in refused] == [1]
