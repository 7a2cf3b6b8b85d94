"""Generated columns: values that the target would compute otherwise are never taken for those of the source."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from dbdump_core.databases.mysql.faults import are_rounded
from dbdump_core.databases.mysql.loading import Loaded
from dbdump_core.errors import MismatchError
from dbdump_core.model.abc import WriteTask
from dbdump_core.model.results import Loss
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.sql_text import same_expression
from dbdump_core.model.types import Kind, Type
from dbdump_core.operations import copy, dump, load
from tests.conftest import ENGINES
from tests.promises import MYSQLS, execute, query, refused

Make = Callable[[str], str]
DECIMAL = Type(Kind.DECIMAL, precision=10, scale=2)
PLAIN = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, g INTEGER)"
COMPUTED = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, g INTEGER GENERATED ALWAYS AS ({}) STORED)"


@pytest.mark.parametrize("dumped", [False, True], ids=["copied", "dumped"])
def test_plain_values_are_not_given_up_for_computed_ones(
    database_urls: tuple[str, str], tmp_path: Path, dumped: bool
) -> None:
    source, target = database_urls
    execute(source, PLAIN, "INSERT INTO t VALUES (1, 21, 5)")
    execute(target, COMPUTED.format("v*2"))
    if dumped:
        dump(source, str(tmp_path / "d"))
    move, given = (load, str(tmp_path / "d")) if dumped else (copy, source)
    with refused(target, MismatchError, "column t.g: the target computes it as", "--recompute"):
        move(given, target)
    report = move(given, target, recompute=True)
    assert query(target, "SELECT g FROM t") == [(42,)]
    assert [str(note) for note in report.tables[0].notes if isinstance(note, Loss)] != []


@pytest.mark.parametrize("dumped", [False, True], ids=["copied", "dumped"])
def test_other_expressions_are_a_question_and_the_same_one_is_not(
    database_urls: tuple[str, str], make_database: Make, tmp_path: Path, dumped: bool
) -> None:
    source, target = database_urls
    execute(source, COMPUTED.format("v * 2"), "INSERT INTO t (id, v) VALUES (1, 21)")
    execute(target, COMPUTED.format("(v*3)"))
    if dumped:
        dump(source, str(tmp_path / "d"))
    move, given = (load, str(tmp_path / "d")) if dumped else (copy, source)
    with refused(target, MismatchError, "column t.g: the source computes it as", "the target as", "--recompute"):
        move(given, target)
    (note,) = move(given, target, recompute=True).tables[0].notes
    assert "what the target computes is taken" in note
    assert query(target, "SELECT g FROM t") == [(63,)]
    execute(target, "DROP TABLE t", COMPUTED.format("V*2"))
    assert move(given, target).tables[0].notes == ()
    assert query(target, "SELECT g FROM t") == [(42,)]


HALVED = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, g {} GENERATED ALWAYS AS (v / 2) STORED)"


@pytest.mark.parametrize("dumped", [False, True], ids=["copied", "dumped"])
@pytest.mark.parametrize("engine", MYSQLS)
@pytest.mark.parametrize("other", ["sqlite", "postgresql"])
def test_the_same_words_may_mean_something_else_on_another_engine(
    make_database: Make, tmp_path: Path, engine: str, other: str, dumped: bool
) -> None:
    """Three halves are one here and two there."""
    source, target = make_database(engine), make_database(other)
    execute(source, HALVED.format("INTEGER"), "INSERT INTO t (id, v) VALUES (1, 3)")
    execute(target, HALVED.format("INTEGER"))
    if dumped:
        dump(source, str(tmp_path / "d"))
    move, given = (load, str(tmp_path / "d")) if dumped else (copy, source)
    with refused(target, MismatchError, "column t.g: the source computes it as", "may give other", "--recompute"):
        move(given, target)
    (note,) = move(given, target, recompute=True).tables[0].notes
    assert "what the target computes is taken" in note
    assert (query(source, "SELECT g FROM t"), query(target, "SELECT g FROM t")) == ([(2,)], [(1,)])


@pytest.mark.parametrize("engine", ["postgresql", *MYSQLS])
def test_the_same_words_are_a_question_where_the_column_rounds_otherwise(make_database: Make, engine: str) -> None:
    source, target = make_database(engine), make_database(engine)
    execute(source, HALVED.format("DECIMAL(9, 1)"), "INSERT INTO t (id, v) VALUES (1, 3)")
    execute(target, HALVED.format("DECIMAL(9, 0)"))
    with refused(target, MismatchError, "column t.g: the source computes it as", "may give other", "--recompute"):
        copy(source, target)
    execute(target, "DROP TABLE t", HALVED.format("DECIMAL(12, 1)"))
    assert copy(source, target).tables[0].notes == ()


def test_sqlite_keeps_fractions_in_any_computed_column(make_database: Make) -> None:
    source, target = make_database("sqlite"), make_database("sqlite")
    made = "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER, g INTEGER GENERATED ALWAYS AS (v * 1.5) STORED)"
    execute(source, made, "INSERT INTO t (id, v) VALUES (1, 3)")
    execute(target, made)
    assert copy(source, target).tables[0].notes == ()
    assert query(target, "SELECT g FROM t") == [(4.5,)]


@pytest.mark.parametrize("engine", MYSQLS)
@pytest.mark.parametrize("other", MYSQLS)
def test_mariadb_says_some_functions_otherwise_than_mysql(make_database: Make, engine: str, other: str) -> None:
    source, target = make_database(engine), make_database(other)
    made = "u VARCHAR(9) GENERATED ALWAYS AS (upper(v)) STORED, n INT GENERATED ALWAYS AS (length(lower(v))) STORED"
    execute(source, f"CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(9), {made})")
    execute(source, "INSERT INTO t (id, v) VALUES (1, 'aB')")
    copy(source, target, create=True)
    copy(source, target, replace=True)
    execute(target, "UPDATE t SET v = 'cdé'")
    assert query(target, "SELECT u, n FROM t") == [("CDÉ", 4)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dumped", [False, True], ids=["copied", "dumped"])
def test_what_only_sqlite_computes_so_is_created_plain(
    make_database: Make, tmp_path: Path, engine: str, dumped: bool
) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, g INTEGER GENERATED ALWAYS AS (a * 1.5))")
    execute(source, "INSERT INTO t (id, a) VALUES (1, 3), (2, 4)")
    if dumped:
        dump(source, str(tmp_path / "d"))
        load(str(tmp_path / "d"), target, create=True)
    else:
        notes = copy(source, target, create=True).tables[0].notes
        assert ["a plain column" in note for note in notes] == ([] if engine == "sqlite" else [True])
    assert query(target, "SELECT g FROM t ORDER BY id") == [(4.5,), (6,)]


@pytest.mark.parametrize(("engine", "other"), [(one, other) for one in MYSQLS for other in ENGINES])
def test_an_integer_that_is_rounded_is_created_plain_where_it_would_not_be(
    make_database: Make, engine: str, other: str
) -> None:
    source, target = make_database(engine), make_database(other)
    execute(source, "CREATE TABLE t (id INT PRIMARY KEY, a INT, g INT GENERATED ALWAYS AS (a * 1.5) STORED)")
    execute(source, "INSERT INTO t (id, a) VALUES (1, 3), (2, -3), (3, 5)")
    copy(source, target, create=True)
    assert query(target, "SELECT g FROM t ORDER BY id") == [(5,), (-5,), (8,)]


@pytest.mark.parametrize("engine", MYSQLS)
def test_a_computed_value_may_be_rounded(make_database: Make, engine: str) -> None:
    """The server warns of each; more rows than it can list warnings of come in one block."""
    source, target = make_database("sqlite"), make_database(engine)
    rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)"
    execute(source, "CREATE TABLE t (p DECIMAL(4, 2))", f"INSERT INTO t {rows} SELECT 10.01 FROM n")
    execute(target, "CREATE TABLE t (p DECIMAL(4, 2), g DECIMAL(10, 2) AS (p * 1.19) STORED)")
    assert copy(source, target).verified
    assert query(target, "SELECT g, count(*) FROM t GROUP BY g") == [(Decimal("11.91"), 70000)]


ROUNDED = (1265, "Data truncated for column 'g' at row 1")


@pytest.mark.parametrize(("warnings", "listed", "expected"), [
    ([ROUNDED], 1, True), ([ROUNDED], 2, False), ([(1264, ROUNDED[1])], 1, False),
    ([(1265, "Data truncated")], 1, False),
    ([ROUNDED, (1265, "Data truncated for column 'p' at row 1")], 2, False),
])  # fmt: skip
def test_nothing_else_may_be_rounded(warnings: list[tuple[int, str]], listed: int, expected: bool) -> None:
    columns = (Column("p", DECIMAL), Column("g", DECIMAL, generated="p * 1.19"))
    task = WriteTask(Table("t", columns), columns[:1], (DECIMAL,))
    loaded = Loaded(f"Records: 1  Deleted: 0  Skipped: 0  Warnings: {listed}")
    assert are_rounded(task, loaded, [("Note", *warning) for warning in warnings]) == expected


@pytest.mark.parametrize(("left", "right"), [
    ("price * quantity", "((price)::numeric * (quantity)::numeric)"), ("lower(name)", "lower((name)::text)"),
    ("a + b", "(`a` + `b`)"), ("concat(a,'x')", "concat(`a`,_utf8mb4'x')"), ("a - (b - c)", "(a - (b - c))"),
    ("-a", "(- a)"), ("a || 'X'", "(a || 'X'::text)"), ("A", '"a"'), ("a < b", "(A < b)"), ("f()", "F ( )"),
])  # fmt: skip
def test_expressions_that_are_one(left: str, right: str) -> None:
    assert same_expression(left, right)


@pytest.mark.parametrize(("left", "right"), [
    ("a - (b - c)", "a - b - c"), ("a / 2", "(a)::numeric / 2"), ("a", "(a)::integer"), ("'a'", "'A'"), ("'a'", "a"),
    ("a + b * c", "(a + b) * c"), ("a", "-a"), ("a * 2", "a * 2.5"), ("lower(a)", "upper(a)"), ("(a) < (b", "a < b"),
    ("a || b", "a + b"), ("a", "(a)::character varying(3)"), ("", "a"), ("1 2", "12"),
])  # fmt: skip
def test_expressions_that_are_two(left: str, right: str) -> None:
    assert not same_expression(left, right)
