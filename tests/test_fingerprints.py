"""Which spellings are one value and which are two: tables written by hand, for each kind that has several spellings.

The rest of the suite compares what the program says with what the program says. These tables are the judge of that.
"""

from __future__ import annotations

from itertools import combinations

import pytest

from dbdump_core.model.abc import Block, Fingerprint
from dbdump_core.model.types import FLOAT, JSON, TEXT, Kind, Type
from dbdump_core.rows.fingerprint import Hasher, canonical, canonical_decimals

DECIMAL = Type(Kind.DECIMAL)
NULL = r"\N"


def decimal(precision: int, scale: int) -> Type:
    return Type(Kind.DECIMAL, precision=precision, scale=scale)


FLOATS = [
    ["0", "-0", "0.0", "-0.0", "0e5", "-0e-3", "1e-400"],
    ["1", "1.0", "1.000", "1e0", "1E+0", "10e-1", "0.1e1"],
    ["-1", "-1.0", "-1e0"],
    ["10", "1e1", "10.0"],
    ["0.1", "1e-1", "0.10", "0.1000000000000000055511151231257827"],
    ["0.10000000000000002"],
    ["0.09999999999999999"],
    ["1e15", "1000000000000000", "1000000000000000.0", "1e+15", "1E15"],
    ["9007199254740992", "9007199254740993", "9.007199254740992e15"],
    ["9007199254740994"],
    ["5e-324", "4.9406564584124654e-324", "3e-324"],
    ["2.2250738585072014e-308"],
    ["2.225073858507201e-308"],
    ["1.7976931348623157e308", "1.7976931348623157e+308"],
    ["inf", "Infinity"],
    ["-inf", "-Infinity"],
    ["NaN", "nan"],
    [NULL],
]
"""Lists of spellings of one double; two lists are two values."""

DECIMALS = [
    ["0", "0.0", "0.000", "-0", "-0.0", "-0.00"],
    ["1", "1.0", "1.00"],
    ["-1", "-1.0"],
    ["10", "10.0"],
    ["100", "100.000"],
    ["0.1", "0.10", "0.100"],
    ["0.01", "0.010"],
    ["1.5", "1.50"],
    ["15", "15.0"],
    ["0.15", "0.150"],
    ["1.05", "1.050"],
    ["12345678901234567890.1", "12345678901234567890.10"],
    ["12345678901234567890.2"],
    ["123456789012345678901"],
    ["0.1000000000000000055511151231257827"],
    ["NaN"],
    [NULL],
]

JSONS = [
    ["null", " null "],
    [NULL],
    ["0", "-0", "0.0", "-0.0", "0e9", "0E-9"],
    ["1", "1.0", "1.00", "1e0", "10e-1", "0.1E+1"],
    ["1.5", "15e-1"],
    ['"1"'],
    ["true"],
    ['"true"'],
    ["false"],
    ["-1", "-1.0"],
    ["10", "1e1", "1.0e1"],
    ["0.1", "0.10", "1e-1"],
    ["0.10000000000000000001"],
    ["9007199254740992", "9007199254740992.0"],
    ["9007199254740993"],
    ["100000000000000000000", "1e20", "1E+20", "10e19"],
    ["100000000000000000001"],
    ['"1e20"'],
    [r'"\\u00001e20"'],
    ["1e400", "10e399"],
    ["1e401"],
    ["1e99999999999999999999"],
    ["1e99999999999999999998"],
    ["-1e20"],
    ["[]", "[ ]"],
    ["{}", "{ }"],
    ["[1,2]", "[1, 2]", "[1.0,2e0]", r"[1,\n2]"],
    ["[2,1]"],
    ["[12]"],
    ["[[1],2]"],
    ["[1,[2]]"],
    ['{"a":1,"b":2}', '{"b":2,"a":1}', '{"b": 2.0, "a": 1}', '{"a":3,"b":2,"a":1}'],
    ['{"a":2,"b":1}'],
    ['{"a":1}'],
    ['{"A":1}'],
    ['{"a":"1"}'],
    ['{"a":null}'],
    ['{"a":{"b":1,"c":2}}', '{"a":{"c":2,"b":1}}', '{"a":{"c":2,"b":1.0}}'],
    ['""'],
    ['" "'],
    ['"é"', r'"\\u00e9"', r'"\\u00E9"'],
    ['"e\u0301"'],
    ['"A"', r'"\\u0041"'],
    ['"a"'],
    ['"😀"', r'"\\ud83d\\ude00"'],
    [r'"\\ud83d"', r'"\\uD83D"'],
    [r'"\\ude00"'],
    [r'["\\ud83d",1e20,null]', r'["\\uD83D", 10e19, null]'],
    [r'["\\ud83d",1e21,null]'],
    [r'["\\ud83d",null,1e20]'],
    [r'["\\ud83d","NaN",null]'],
    ['"/"', r'"\\/"'],
    [r'"\\n"', r'"\\u000a"'],
    [r'"\\\\n"'],
    [r'"\n"'],
    # What is no JSON is compared as the text it is.
    ["NaN"],
    ["[NaN,1.5]"],
    ["[null,1.5]", "[null, 1.50]"],
    ["[Infinity,1.5]"],
    ["[-Infinity,1.5]"],
    ["[1.5"],
    ["[1.50"],
    ["01"],
    ["01.5"],
    ["\ufeff1"],
    ["\ufeff1.5"],
    ["nothing"],
    ["{'a':1}"],
    [r"\\N"],
]
"""As cells of a canonical line, in which a backslash of the JSON is two."""

TABLES = [
    ("floats", FLOAT, FLOAT, FLOATS),
    ("float-to-decimal", FLOAT, DECIMAL, FLOATS),
    ("decimals", DECIMAL, DECIMAL, DECIMALS),
    ("decimal-to-scale", DECIMAL, decimal(40, 30), DECIMALS),
    ("decimals-of-two-scales", decimal(30, 2), decimal(30, 1), DECIMALS),
    ("jsons", JSON, JSON, JSONS),
    ("json-to-text", JSON, TEXT, JSONS),
    ("text-to-json", TEXT, JSON, JSONS),
]


def print_of(cell: str, source: Type, target: Type) -> int:
    """The fingerprint of a row of this cell between two texts."""
    hasher = Hasher([None, canonical(source, target), None])
    hasher.add(Block(f"left\t{cell}\tright\n".encode(), 1))
    assert hasher.fingerprint.rows == 1
    return hasher.fingerprint.total


@pytest.mark.parametrize(("source", "target", "values"), [table[1:] for table in TABLES], ids=[t[0] for t in TABLES])
def test_spellings_of_one_value_have_one_fingerprint(source: Type, target: Type, values: list[list[str]]) -> None:
    for spellings in values:
        prints = {spelling: print_of(spelling, source, target) for spelling in spellings}
        assert len(set(prints.values())) == 1, prints


@pytest.mark.parametrize(("source", "target", "values"), [table[1:] for table in TABLES], ids=[t[0] for t in TABLES])
def test_two_values_have_two_fingerprints(source: Type, target: Type, values: list[list[str]]) -> None:
    prints = {spelling: print_of(spelling, source, target) for spellings in values for spelling in spellings}
    for ours, theirs in combinations(values, 2):
        for left in ours:
            for right in theirs:
                assert prints[left] != prints[right], (left, right)


@pytest.mark.parametrize(("kind", "type_"), [("text", TEXT), ("decimal", decimal(10, 2)), ("uuid", Type(Kind.UUID))])
def test_what_has_one_spelling_is_compared_as_it_is(kind: str, type_: Type) -> None:
    cells = ["1", "1.0", "1.00", "01", " 1", "-0", "0", "A", "a", NULL, "", r"\\N"]
    assert len({print_of(cell, type_, type_) for cell in cells}) == len(cells)


@pytest.mark.parametrize("levels", [254, 255, 900, 100_000])
@pytest.mark.parametrize("inner", ["1", "1.5", r'"\\ud800"'])
def test_json_of_many_levels_is_told_apart(levels: int, inner: str) -> None:
    def nested(cell: str) -> int:
        return print_of("[" * levels + cell + "]" * levels, JSON, JSON)

    assert nested(inner) == nested(inner)
    assert nested(inner) != nested("2")
    if levels < 900:
        assert nested(f" {inner} ") == nested(inner)


def hashed(*lines: str) -> Hasher:
    hasher = Hasher([canonical(FLOAT, FLOAT), None])
    for line in lines:
        hasher.add(Block(line.encode(), line.count("\n")))
    return hasher


def test_the_order_of_rows_and_blocks_does_not_matter() -> None:
    assert hashed("1\ta\n2\tb\n").fingerprint == hashed("2.0\tb\n", "1\ta\n").fingerprint


@pytest.mark.parametrize(
    "other",
    [
        ["1\ta\n1\ta\n"],  # one more of a row
        ["1\ta\n", "2\tb\n", "2\tb\n"],
        ["1\tb\n2\ta\n"],  # cells of two rows changed places
        ["1\ta\n"],
        [],
        ["2\tb\n2\tb\n"],
    ],
)  # fmt: skip
def test_rows_that_are_doubled_dropped_or_mixed_show(other: list[str]) -> None:
    assert hashed(*other).fingerprint != hashed("1\ta\n2\tb\n").fingerprint


def test_which_of_two_rows_is_doubled_shows() -> None:
    assert hashed("1\ta\n1\ta\n2\tb\n").fingerprint != hashed("1\ta\n2\tb\n2\tb\n").fingerprint


def test_cells_do_not_run_into_each_other() -> None:
    def of(line: str) -> Fingerprint:
        hasher = Hasher([None, canonical_decimals])
        hasher.add(Block(line.encode(), 1))
        return hasher.fingerprint

    assert len({of("ab\tc\n"), of("a\tbc\n"), of("\tabc\n"), of("abc\t\n")}) == 4
