"""One table of nasty values per type, as canonical texts; every engine, format and path is run through it.

A bug becomes one more row here. `only`: the engines that can hold the values exactly; elsewhere they
must be refused, never changed. The rows of `docs/facts.md` they come from are named beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

from dbdump_core.model.types import Type, parse_type

ALL = frozenset({"sqlite", "postgresql", "mariadb", "mysql"})
MYSQL_LIKE = frozenset({"mariadb", "mysql"})


@dataclass(frozen=True)
class Sample:
    """Texts of one neutral type, and the engines that hold them."""

    type: Type
    values: tuple[str | None, ...]
    only: frozenset[str] = ALL

    @property
    def id(self) -> str:
        return str(self.type)


def _of(spelling: str, *values: str | None, only: frozenset[str] = ALL) -> Sample:
    return Sample(parse_type(spelling), values, only)


TEXTS = (
    "", " ", "a ", " a", "abc", "\\N", "NULL", "\\.", "\\", "\\\\", "\t", "\n", "\r", "\r\n", "a\tb\nc\\d\re",
    "\x01\x08\x0b\x0c\x1a\x1b\x1c\x1d\x1e\x1f\x7f", "\\b\\f\\v", "'", '"', "`", "''", "%", "%s",
    "%(x)s", ":x", "?", "$1", "é", "e\u0301", "ß", "ﬀ", "日本 €", "ελληνικά", "русский", "العربية", "עברית",
    "हिन्दी", "ไทย", "한국어", "🍣🍺", "👩‍👩‍👧",
    "\u00ad", "\u200b", "\u202e", "\ufeff", "\ufffd", "\U0010ffff", "007", "1e5", "12abc", "true", "now", "2024-01-01",
    "=cmd()", "\x1b]0;x\x07", "x" * 300, "é" * 255,
)  # fmt: skip
"""S6, S7, S11, S12, S14, S15, S20, H9: what escapes, separators, affinities and terminals trip over."""

SAMPLES = (
    _of("boolean", "0", "1", None),
    _of("smallint", "0", "1", "-1", "32767", "-32768", None),
    _of("integer", "0", "2147483647", "-2147483648", None),
    # I1 - I3
    _of("bigint", "0", "9223372036854775807", "-9223372036854775808", "3000000000", "10010000000000001", None),
    _of("bigint unsigned", "0", "18446744073709551615", "9223372036854775808", None),
    # D1 - D3
    _of("decimal(10,2)", "0.00", "12.34", "-12.34", "0.01", "-0.01", "99999999.99", "-99999999.99", "1.10", None),
    _of("decimal(15,5)", "0.00001", "9999999999.99999", "-1234567890.12345", None),
    _of("decimal(38,10)", "1234567890123456789012345678.0123456789", "-0.0000000001", "0.1000000000", None),
    _of("decimal(65,30)", "1" * 35 + "." + "9" * 30, "-" + "9" * 35 + "." + "0" * 29 + "1", None),
    _of("decimal(20,0)", "12345678901234567890", "-99999999999999999999", "0", None),
    _of("decimal", "1", "1.10", "-0.000000000000000000000000000001", "1" * 60, "1" * 40 + "." + "2" * 40, None,
        only=frozenset({"postgresql", "sqlite"})),
    _of("decimal", "NaN", "inf", "-inf", only=frozenset({"postgresql"})),
    # F1 - F5
    _of("float", "0.0", "1.0", "-1.5", "0.1", "0.30000000000000004", "5e-324", "2.2250738585072014e-308",
        "1.7976931348623157e+308", "1e+15", "123456789012345680.0", "1e-07", "3.141592653589793",
        "2.718281828459045e-200", "-9007199254740993.0", "0.1234567890123456", None),
    _of("float", "inf", "-inf", only=frozenset({"postgresql", "sqlite"})),
    _of("float", "NaN", only=frozenset({"postgresql"})),
    _of("real", "0.0", "16777216.0", "0.10000000149011612", "1.2345678806304932", "3.4028234663852886e+38",
        "1.401298464324817e-45", None, only=frozenset({"postgresql", "mariadb", "mysql"})),
    # S rows
    _of("text", *TEXTS, None),
    _of("text", "a\0b", "\0", only=ALL - {"postgresql"}),
    _of("varchar(300)", *TEXTS, None),
    _of("char(5)", "", "a", "abc", "é日本", "日本語文字", None),
    # S17, S18
    _of("bytes", "\\x", "\\x00", "\\xff", "\\x5c", "\\x090a0d00ff", "\\x" + "ab" * 700, "\\x68656c6c6f", "\\xc3a9",
        None),
    _of("varbinary(16)", "\\x", "\\x00", "\\x0001", "\\x" + "ff" * 16, None),
    _of("binary(4)", "\\x00000000", "\\x61620000", "\\xffffffff", None),
    # T rows
    _of("date", "2024-02-29", "1970-01-01", "0001-01-01", "9999-12-31", "1900-01-01", None),
    _of("date", "infinity", "-infinity", "0044-03-15 BC", "5874897-12-31", "10000-01-01",
        only=frozenset({"postgresql"})),
    _of("date", "0000-00-00", "2024-00-00", "2024-02-00", only=MYSQL_LIKE),
    _of("time", "00:00:00", "23:59:59", "23:59:59.999999", "12:34:56.5", "10:20:30", "01:02:03.000001", None),
    _of("time", "24:00:00", only=ALL - {"sqlite"}),
    _of("time", "838:59:59", "-838:59:59", "-00:00:00.5", "100:00:00.25", only=MYSQL_LIKE),
    _of("time(0)", "00:00:00", "23:59:59", None),
    _of("timestamp", "2024-02-29 12:34:56", "2024-12-31 23:59:59.999999", "1970-01-01 00:00:00",
        "2024-01-01 00:00:00.000001", "2024-01-01 00:00:00.5", "9999-12-31 23:59:59", "1000-01-01 00:00:00", None),
    _of("timestamp(0)", "2024-02-29 12:34:56", "2024-10-10 10:10:10", None),
    _of("timestamp(3)", "2024-02-29 12:34:56.789", "2024-02-29 12:34:50", None),
    _of("timestamp", "infinity", "-infinity", "0044-03-15 10:00:00 BC", "20000-01-01 00:00:00",
        only=frozenset({"postgresql"})),
    _of("timestamp", "0000-00-00 00:00:00", only=MYSQL_LIKE),
    # T9 - T11: two instants of one local hour, the edges of 32 bits
    _of("timestamptz", "2024-10-27 00:30:00", "2024-10-27 01:30:00", "1970-01-01 00:00:01", "2038-01-19 03:14:07",
        "2024-03-31 02:30:00.123456", None),
    _of("uuid", "00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "1e5e1e50-0000-8000-0123-456789abcdef", "12345678-9012-8345-6789-012345678901", None),
    # J rows
    _of("json", "null", "{}", "[]", '"x"', "1", "true", '{"b": 1, "a": [1, 2, {"c": null}]}', '"é日本🍣"',
        '{"a\\"b": "\\\\ \\n \\t"}', "1.5", "12345678901234", '{"k": 0.1}', None),
    _of("jsonb", "null", '{"a": 2, "b": 1}', "[1.10, 100]", "123456789012345678901234567890", None,
        only=frozenset({"postgresql"})),
    # I9
    _of("bit(10)", "1000000001", "0000000000", "1111111111", None),
    _of("bit(1)", "0", "1", None),
    _of("varbit(12)", "", "101", None, only=frozenset({"postgresql"})),
    # I12, I13, U2
    _of("enum('a', 'b', '1', '0', 'it''s', 'é,x')", "a", "b", "1", "0", "it's", "é,x", None),
    _of("set('a', 'b', 'c')", "", "a", "a,c", "a,b,c", None),
    _of("year", "2024", "1901", "2155", "1970", "0", None),
    # U4 - U6
    _of("interval", "1 mon", "30 days", "-1 years -2 mons +3 days -04:05:06.789", "00:00:00", None),
    _of("native('inet')", "10.0.0.1", "10.0.0.0/8", "::1", None, only=frozenset({"postgresql"})),
    _of("native('integer[]')", "{1,NULL,3}", "{}", "[2:3]={5,6}", "{{1,2},{3,4}}", None,
        only=frozenset({"postgresql"})),
    _of("native('text[]')", '{a,NULL,"NULL",""}', '{"a\\\\b","c\\"d"}', None, only=frozenset({"postgresql"})),
    _of("native('money')", "12.34", "-0.01", None, only=frozenset({"postgresql"})),
    _of("native('int4range')", "[1,10)", "empty", "(,5)", None, only=frozenset({"postgresql"})),
    _of("native('time with time zone')", "10:00:00+02", None, only=frozenset({"postgresql"})),
)  # fmt: skip


def samples_for(engine: str) -> list[Sample]:
    """The samples that an engine holds exactly."""
    return [sample for sample in SAMPLES if engine in sample.only]
