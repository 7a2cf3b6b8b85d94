"""Lines rewritten on their way: by columns where all is well, by rows where something is refused."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dbdump_core.errors import SchemaError, ValueRefusedError
from dbdump_core.model.abc import Block, Make, ReadTask
from dbdump_core.model.schema import Column, Default, DefaultKind, Table
from dbdump_core.model.types import (
    BOOLEAN,
    DATE,
    DURATION,
    INTEGER,
    JSON,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    UUID_HEX,
    Kind,
    Type,
    parse_type,
)  # fmt: skip
from dbdump_core.rows.column_checks import column_check
from dbdump_core.rows.conversions import conversion
from dbdump_core.rows.fills import maker
from dbdump_core.rows.lexers import lexer
from dbdump_core.rows.rewriting import Cell, LineRewrite

ID, NAME, TOKEN = Column("id", INTEGER), Column("name", TEXT), Column("token", UUID_HEX)
TABLE = Table("thing", (ID, NAME, TOKEN), primary_key=("id",))
DIGITS = b"0123456789abcdef0123456789abcdef"
DASHED = b"01234567-89ab-cdef-0123-456789abcdef"


def task(on_error: object = None, table: Table = TABLE) -> ReadTask:
    return ReadTask(table, table.columns, on_error=on_error)  # type: ignore[arg-type]


def block(*lines: bytes) -> Block:
    return Block(b"".join(line + b"\n" for line in lines), len(lines))


def shout(cells: Sequence[bytes]) -> bytes:
    if cells[1] == b"bad":
        raise ValueError("a good name")
    return cells[1].upper()


CELLS = [
    Cell(Column("token", UUID), at=2, convert=conversion(UUID_HEX, UUID)),
    Cell(Column("id", SMALLINT), at=0, check=column_check(SMALLINT)),
    Cell(Column("name", TEXT), make=shout),
]


def test_lines_are_made_of_cells() -> None:
    rewrite = LineRewrite(task(), CELLS)
    read = block(b"1\tone\t" + DIGITS, rb"2	t\two	\N")
    assert rewrite.block(read) == block(DASHED + b"\t1\tONE", rb"\N	2	T\TWO")
    assert rewrite.block(Block(b"", 0)) == Block(b"", 0)
    assert rewrite.rest() is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"1\tone\t0123", "column token, row (id='1'): '0123' is not a uuid as 32 hex digits"),
        (b"70000\tone\t" + DIGITS, "column id, row (id='70000'): '70000' is not an integer from -32768 to 32767"),
        (b"3\tbad\t" + DIGITS, "column name, row (id='3'): 'bad' is not a good name"),
        (b"4\tone", "row (id='4'): a line of 2 fields where 3 belong"),
        (b"5\tone\ttwo\tthree", "a line of 4 fields where 3 belong"),
    ],
)
def test_a_refused_row_is_named(line: bytes, words: str) -> None:
    good = b"1\tone\t" + DIGITS
    with pytest.raises(ValueRefusedError) as caught:
        LineRewrite(task(), CELLS).block(block(good, line, good))
    assert words in str(caught.value)
    assert str(caught.value).startswith("table thing, ")


def test_refused_rows_are_left_out_where_errors_are_collected() -> None:
    errors: list[ValueRefusedError] = []
    rewrite = LineRewrite(task(errors.append), CELLS)
    lines = [b"%d\t%s\t%s" % (n, b"bad" if n % 3 == 0 else b"fine", DIGITS) for n in range(10)]
    done = rewrite.block(block(*lines))
    assert done.rows == 6 == done.data.count(b"\n")
    assert len(errors) == 4
    assert "(id='9')" in str(errors[-1])


def test_text_that_is_not_utf_8_is_refused() -> None:
    cells = [Cell(NAME, at=1, check=column_check(Type(Kind.TEXT, length=3)))]
    with pytest.raises(ValueRefusedError, match="is not valid UTF-8"):
        LineRewrite(task(), cells).block(block(b"1\t\xff\t" + DIGITS))
    with pytest.raises(ValueRefusedError, match="at most 3 characters"):
        LineRewrite(task(), cells).block(block("1\täöüß\t".encode() + DIGITS))
    assert LineRewrite(task(), cells).block(block("1\täöü\t".encode() + DIGITS)) == block("äöü".encode())


def test_lines_without_fields() -> None:
    empty = Table("empty", ())
    seven = Cell(ID, make=lambda cells: b"7")
    assert LineRewrite(task(table=empty), [seven]).block(block(b"", b"")) == block(b"7", b"7")
    assert LineRewrite(task(), []).block(block(b"1\t2\t3")) == block(b"")


class Doubling:
    """Rows that double, and one more at the end."""

    def block(self, block: Block) -> Block:
        return Block(block.data * 2, block.rows * 2)

    def rest(self) -> Block:
        return block(b"end")


def test_rows_are_worked_on_last() -> None:
    rewrite = LineRewrite(task(), [Cell(ID, at=0)], Doubling())
    assert rewrite.block(block(b"1\ta\tb")) == block(b"1", b"1")
    assert rewrite.rest() == block(b"end")
    as_read = LineRewrite(task(), [Cell(column, at=at) for at, column in enumerate(TABLE.columns)], Doubling())
    assert as_read.block(block(b"1\ta\tb")) == block(b"1\ta\tb", b"1\ta\tb")


# Fills


def made(default: Default, type_: Type, count: int = 1) -> list[bytes]:
    make: Make = maker(default, type_, where="here")(["id", "name"])
    return [make([b"7", rb"t\tab"]) for _ in range(count)]


def value(literal: str | int | float | bool | None) -> Default:
    return Default(DefaultKind.VALUE, literal)


@pytest.mark.parametrize(
    ("default", "type_", "cell"),
    [
        (value(3), INTEGER, b"3"),
        (value("3"), INTEGER, b"3"),
        (value(True), BOOLEAN, b"1"),
        (value(0), BOOLEAN, b"0"),
        (value("a\tb"), TEXT, rb"a\tb"),
        (value(""), TEXT, b""),
        (value(1.5), Type(Kind.DECIMAL, precision=6, scale=2), b"1.50"),
        (value('{"a": 1}'), JSON, b'{"a": 1}'),
        (value(7), JSON, b"7"),
        (value(7), DURATION, b"7"),
        (value(DASHED.decode()), UUID_HEX, DIGITS),
        (value(DASHED.decode()), UUID, DASHED),
        (Default(DefaultKind.NULL), INTEGER, rb"\N"),
        (Default(DefaultKind.REFERENCE, "name"), TEXT, rb"t\tab"),
        (Default(DefaultKind.DATE, "2024-02-29"), DATE, b"2024-02-29"),
        (Default(DefaultKind.DATE, "2024-02-29"), TIMESTAMP, b"2024-02-29 00:00:00"),
        (Default(DefaultKind.TIME, "12:30:00"), TIME, b"12:30:00"),
        (Default(DefaultKind.DATETIME, "2024-02-29 12:30:00"), TIMESTAMPTZ, b"2024-02-29 12:30:00"),
    ],
)
def test_fills(default: Default, type_: Type, cell: bytes) -> None:
    assert made(default, type_, 2) == [cell, cell]


@pytest.mark.parametrize(
    ("default", "type_", "words"),
    [
        (value("x"), INTEGER, "here: the default 'x' is not an integer"),
        (value(3_000_000_000), INTEGER, "an integer from"),
        (value(5), TEXT, "the default '5' is not text"),
        (value("four"), Type(Kind.TEXT, length=3), "at most 3 characters"),
        (value("x"), UUID_HEX, "is not a uuid"),
        (value("{"), JSON, "valid JSON"),
        (Default(DefaultKind.DATE, "2024-02-30"), DATE, "a day of the calendar"),
        (Default(DefaultKind.SQL, "nextval('x')"), INTEGER, "here: a default of kind sql is never run"),
        (Default(DefaultKind.UUID), INTEGER, "cannot hold a uuid"),
        (Default(DefaultKind.DATETIME, "now"), INTEGER, "cannot hold a datetime"),
        (Default(DefaultKind.TIME, "now"), TIMESTAMP, "cannot hold a time"),
    ],
)
def test_fills_that_do_not_fit(default: Default, type_: Type, words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        made(default, type_)
    assert words in str(caught.value)


@pytest.mark.parametrize("type_", [UUID, UUID_HEX, TEXT, Type(Kind.TEXT, length=32, fixed=True)])
def test_uuids_never_repeat(type_: Type) -> None:
    cells = made(Default(DefaultKind.UUID), type_, 1000)
    assert len(set(cells)) == 1000
    if type_ in (UUID, TEXT):
        lexer(UUID)(cells[0].decode())
    else:
        assert len(cells[0]) == 32


TOKYO = parse_type("timestamp(3) in 'Asia/Tokyo'")
MOMENTS = (DATE, TIME, TIMESTAMP, TIMESTAMPTZ, Type(Kind.TIMESTAMP, precision=0), TOKYO)
PRESENT = [
    (kind, type_)
    for kind in (DefaultKind.DATE, DefaultKind.TIME, DefaultKind.DATETIME)
    for type_ in MOMENTS
    if (kind, type_.kind) != (DefaultKind.TIME, Kind.TIMESTAMP)
]


@pytest.mark.parametrize(("kind", "type_"), PRESENT)
def test_the_present_moment(kind: DefaultKind, type_: Type) -> None:
    (cell,) = made(Default(kind, "now"), type_)
    lexer(type_)(cell.decode())
    if kind is DefaultKind.DATE and type_.kind is Kind.TIMESTAMP:
        assert cell.endswith(b" 00:00:00")
