"""Conversions between flavours of types: exact both ways, or refused; alone and from engine to engine."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbdump_core.dumps import make_target
from dbdump_core.endpoints import open_source, open_target
from dbdump_core.errors import MismatchError, ValueRefusedError
from dbdump_core.model.schema import Schema
from dbdump_core.model.selection import Selection
from dbdump_core.model.types import (
    BIGINT,
    DURATION,
    INTEGER,
    INTERVAL,
    JSON,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID,
    UUID_HEX,
    Kind,
    Type,
    parse_type,
    stored,
)  # fmt: skip
from dbdump_core.operations import copy, dump, load
from dbdump_core.rows.conversions import conversion, convert_column
from dbdump_core.rows.lines import NULL
from dbdump_core.run.comparison import compare
from dbdump_core.run.transfer import Options, transfer
from tests.promises import execute, query, refused
from tests.servers import ENGINES

Make = Callable[[str], str]
BERLIN = replace(TIMESTAMP, name="Europe/Berlin")
NEW_YORK = replace(TIMESTAMP, name="America/New_York")


def converted(source: Type, target: Type, cell: bytes) -> bytes:
    convert = conversion(source, target)
    assert convert is not None
    return convert(cell)


@pytest.mark.parametrize("type_", [UUID_HEX, DURATION, BERLIN, replace(BERLIN, precision=3)])
def test_flavours_are_spelled_and_read_back(type_: Type) -> None:
    assert parse_type(str(type_)) == type_
    assert stored(type_) == stored(stored(type_))
    assert conversion(type_, type_) is None


def test_what_engines_have() -> None:
    assert [str(stored(type_)) for type_ in (UUID_HEX, DURATION, replace(BERLIN, precision=3))] == [
        "char(32)", "bigint", "timestamp(3)",
    ]  # fmt: skip
    assert all(stored(type_) is type_ for type_ in (UUID, INTERVAL, TIMESTAMPTZ, TEXT, JSON))


@pytest.mark.parametrize(
    ("source", "target"),
    [(UUID, UUID), (UUID_HEX, TEXT), (TEXT, UUID), (DURATION, INTEGER), (BIGINT, DURATION), (TIMESTAMP, TIMESTAMPTZ),
     (TIMESTAMP, BERLIN), (replace(TIMESTAMP, name="UTC"), TIMESTAMPTZ)],
)  # fmt: skip
def test_other_cells_are_taken_as_they_are(source: Type, target: Type) -> None:
    assert conversion(source, target) is None


@given(st.uuids())
def test_uuids(value: uuid.UUID) -> None:
    text, digits = str(value).encode(), value.hex.encode()
    assert converted(UUID, UUID_HEX, text) == digits
    assert converted(UUID_HEX, UUID, digits) == text
    assert converted(TEXT, UUID_HEX, text.upper()) == digits == converted(TEXT, UUID_HEX, digits)


@given(st.integers(-(2**63), 2**63 - 1))
def test_durations(microseconds: int) -> None:
    cell = b"%d" % microseconds
    assert converted(INTERVAL, DURATION, converted(DURATION, INTERVAL, cell)) == cell


@pytest.mark.parametrize(
    ("interval", "span"),
    [
        (b"00:00:00", dt.timedelta()),
        (b"1 day", dt.timedelta(days=1)),
        (b"-1 days +23:59:59.999999", dt.timedelta(microseconds=-1)),
        (b"-3 days", dt.timedelta(days=-3)),
        (b"2 days 03:04:05.5", dt.timedelta(days=2, hours=3, minutes=4, seconds=5.5)),
    ],
)
def test_intervals_are_whole_days_and_a_time(interval: bytes, span: dt.timedelta) -> None:
    cell = b"%d" % (span // dt.timedelta(microseconds=1))
    assert converted(DURATION, INTERVAL, cell) == interval
    assert converted(INTERVAL, DURATION, interval) == cell


@pytest.mark.parametrize(
    ("interval", "cell"),
    [
        (b"-24:00:00", b"-86400000000"),
        (b"1 day -00:00:01", b"86399000000"),
        (b"-1 days -00:00:01", b"-86401000000"),
    ],
)
def test_intervals_that_python_spells_otherwise(interval: bytes, cell: bytes) -> None:
    assert converted(INTERVAL, DURATION, interval) == cell


def test_times_of_a_zone() -> None:
    assert converted(BERLIN, TIMESTAMPTZ, b"2024-01-15 12:00:00.25") == b"2024-01-15 11:00:00.25"
    assert converted(TIMESTAMPTZ, BERLIN, b"2024-07-15 12:00:00") == b"2024-07-15 14:00:00"
    assert converted(BERLIN, NEW_YORK, b"2024-01-15 12:00:00") == b"2024-01-15 06:00:00"
    # Doubled: the first of both, as Django takes it.
    assert converted(BERLIN, TIMESTAMPTZ, b"2024-10-27 02:30:00") == b"2024-10-27 00:30:00"
    assert converted(TIMESTAMPTZ, BERLIN, b"2024-10-27 00:30:00") == b"2024-10-27 02:30:00"
    assert converted(BERLIN, TIMESTAMPTZ, b"infinity") == b"infinity"


@pytest.mark.parametrize(
    ("source", "target", "cell", "expected"),
    [
        (UUID_HEX, UUID, b"0123", "32 hex digits"),
        (UUID_HEX, UUID, b"A" * 32, "lower case"),
        (TEXT, UUID_HEX, b"0123456-789abcdef0123456789abcdef", "a uuid"),
        (INTERVAL, DURATION, b"1 mon", "without months"),
        (INTERVAL, DURATION, b"1 year 00:00:01", "without months"),
        (INTERVAL, DURATION, b"", "an interval"),
        (INTERVAL, DURATION, b"soon", "an interval"),
        (INTERVAL, DURATION, b"200000000 days", "64 bits"),
        (DURATION, INTERVAL, b"1.5", "whole microseconds"),
        (BERLIN, TIMESTAMPTZ, b"2024-03-31 02:30:00", "set forward"),
        (TIMESTAMPTZ, BERLIN, b"2024-10-27 01:30:00", "tell apart"),
        (BERLIN, TIMESTAMPTZ, b"0000-00-00 00:00:00", "of the calendar"),
        (BERLIN, TIMESTAMPTZ, b"0001-01-01 00:00:00", "of the calendar"),
        (BERLIN, TIMESTAMPTZ, b"yesterday", "a timestamp"),
    ],
)
def test_what_does_not_convert_is_refused(source: Type, target: Type, cell: bytes, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        converted(source, target, cell)


@pytest.mark.parametrize(("source", "target"), [(UUID, UUID_HEX), (INTERVAL, DURATION), (BERLIN, TIMESTAMPTZ)])
def test_null_stays_null(source: Type, target: Type) -> None:
    assert converted(source, target, rb"\N") == converted(target, source, rb"\N") == rb"\N"


def test_a_zone_that_nobody_knows() -> None:
    with pytest.raises(MismatchError, match="no time zone 'Mars/Olympus' here; correct the name"):
        conversion(parse_type("timestamp in 'Mars/Olympus'"), TIMESTAMPTZ)


# From engine to engine


FLAVOURS = {"token": UUID_HEX, "took": DURATION, "made": BERLIN}
TOKENS = ["0123456789abcdef0123456789abcdef", "ffffffffffff4fff8fffffffffffffff"]


def describe(schema: Schema) -> Schema:
    """What a project knows of a table beyond the catalog."""

    def described(name: str, type_: Type) -> Type:
        plain = type_.kind in (Kind.TEXT, Kind.INTEGER, Kind.TIMESTAMP) and not type_.zoned
        return FLAVOURS[name] if name in FLAVOURS and plain else type_

    return Schema(
        tuple(
            table.with_columns(tuple(replace(c, type=described(c.name, c.type)) for c in table.columns))
            for table in schema
        )
    )


def jobs(make: Make, engine: str, *, rows: bool) -> str:
    """A table in the flavours of an engine: its own types on PostgreSQL, plain ones elsewhere."""
    url = make(engine)
    types = ("uuid", "interval", "timestamptz") if engine == "postgresql" else ("char(32)", "bigint", "datetime(6)")
    if engine == "sqlite":
        types = ("char(32)", "bigint", "datetime")
    token, took, made = types
    execute(url, f"CREATE TABLE job (id INTEGER PRIMARY KEY, token {token} NOT NULL, took {took}, made {made})")
    if rows:
        # The same moments: Berlin is one hour ahead of UTC in winter, two in summer.
        spelled = [
            ("'-1 days +23:59:59.5'", "'2024-01-15 11:00:00.123456+00'"),
            ("'2 days'", "'2024-07-15 12:00:00+00'"),
        ]
        if engine != "postgresql":
            spelled = [("-500000", "'2024-01-15 12:00:00.123456'"), ("172800000000", "'2024-07-15 14:00:00'")]
        for number, (token, (took, made)) in enumerate(zip(TOKENS, spelled, strict=True)):
            execute(url, f"INSERT INTO job VALUES ({number}, '{token}', {took}, {made})")
        execute(url, f"INSERT INTO job VALUES (2, '{TOKENS[0]}', NULL, NULL)")
    return url


def moved(source: str, target: str, **options: object) -> None:
    with (
        closing(open_source(source, describe=describe)) as opened,
        closing(open_target(target, create=False, describe=describe)) as written,
    ):
        assert transfer(opened, written, Options(**options)).verified  # type: ignore[arg-type]


def differences(left: str, right: str) -> bool:
    with (
        closing(open_source(left, describe=describe)) as ours,
        closing(open_source(right, describe=describe)) as theirs,
    ):
        return not compare(ours, theirs, selection=Selection()).equal


PAIRS = [(left, right) for left in ENGINES for right in ENGINES]


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_values_cross_engines(make_database: Make, left: str, right: str) -> None:
    source, target = jobs(make_database, left, rows=True), jobs(make_database, right, rows=False)
    moved(source, target)
    expected = jobs(make_database, right, rows=True)
    sql = "SELECT * FROM job ORDER BY id"
    assert query(target, sql) == query(expected, sql)
    assert not differences(source, target)
    assert not differences(target, source)
    execute(target, "UPDATE job SET took = NULL WHERE id = 1")
    assert differences(source, target)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_dump_keeps_the_flavours(make_database: Make, tmp_path: Path, engine: str) -> None:
    source = jobs(make_database, "sqlite", rows=True)
    folder = str(tmp_path / "jobs-dump")
    with closing(open_source(source, describe=describe)) as opened:
        transfer(opened, make_target(folder, source_engine="sqlite"), Options(ordered=True))
    text = (tmp_path / "jobs-dump" / "schema.yaml").read_text()
    assert all(word in text for word in ("uuid_hex", "duration", "timestamp in 'Europe/Berlin'"))
    target = jobs(make_database, engine, rows=False)
    moved(folder, target)
    assert not differences(folder, target)
    created = make_database(engine)
    assert load(folder, created, create=True).verified
    assert query(created, "SELECT count(*) FROM job") == [(3,)]
    if engine == "postgresql":
        columns = "information_schema.columns WHERE table_name = 'job' ORDER BY ordinal_position"
        types = query(created, f"SELECT data_type FROM {columns}")
        assert [one for (one,) in types] == ["bigint", "uuid", "interval", "timestamp without time zone"]
    again = str(tmp_path / "again")
    dump(created, again)
    assert load(again, make_database("sqlite"), create=True).verified


def test_a_value_that_does_not_convert_names_its_row(make_database: Make) -> None:
    source, target = jobs(make_database, "postgresql", rows=True), jobs(make_database, "mariadb", rows=True)
    execute(source, "UPDATE job SET took = '1 month' WHERE id = 1")
    with refused(target, ValueRefusedError, "table job, column took, row (id='1')", "'1 mon'", "without months"):
        moved(source, target, replace=True)
    assert differences(source, target)


def test_flavours_do_not_bother_who_does_not_know_them(make_database: Make) -> None:
    source, target = jobs(make_database, "sqlite", rows=True), jobs(make_database, "mysql", rows=False)
    assert copy(source, target).verified
    assert query(target, "SELECT token FROM job WHERE id = 0") == [(TOKENS[0],)]


DASHED = b"0188d9a4-7d2c-7cc3-98c4-dc0c0c07398f"
DIGITS = DASHED.replace(b"-", b"")
UUIDS = [
    DIGITS,
    DASHED,
    DIGITS.upper(),
    DIGITS[1:],
    b"-" + DIGITS[1:],
    DASHED.replace(b"-", b"a", 1),
    NULL,
    b"",
    b"g" * 32,
]


@pytest.mark.parametrize("types", [(UUID_HEX, UUID), (UUID, UUID_HEX), (TEXT, UUID_HEX)], ids=str)
@given(cells=st.lists(st.sampled_from(UUIDS), max_size=6))
def test_a_column_is_converted_as_each_of_its_cells(types: tuple[Type, Type], cells: list[bytes]) -> None:
    convert = conversion(*types)
    assert convert is not None
    try:
        expected = list(map(convert, cells))
    except ValueError:
        with pytest.raises(ValueError):
            convert_column(convert, cells)
    else:
        assert convert_column(convert, cells) == expected
