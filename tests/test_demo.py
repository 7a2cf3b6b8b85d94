"""The demo: its data, its independent comparison, and the whole of it through the real command line."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dbdump_core.demo import shop, texts
from dbdump_core.demo.compare import compare, damage


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small shop."""
    path = tmp_path_factory.mktemp("demo") / "shop.db"
    shop.make_shop(path, rows=2000)
    return path


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the shop that a test may harm."""
    path = tmp_path / "copy.db"
    path.write_bytes(made.read_bytes())
    return path


def _column(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute(query)]


def _change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement


def _differences(left: Path, right: Path) -> dict[str, str]:
    return {found.table: found.difference for found in compare(left, right) if found.difference}


def test_the_shop_has_exactly_the_rows_asked_for(made: Path) -> None:
    rows = {name: _column(made, f"SELECT count(*) FROM {name}")[0] for name in shop.TABLES}
    assert sum(rows.values()) == 2000
    assert [name for name, count in rows.items() if count == 0] == ["gift_card"]
    assert len(rows) == 13


def test_the_shop_is_sound_and_the_same_each_time(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.db"
    shop.make_shop(again, rows=2000)
    assert damage(made) is None
    assert _differences(made, again) == {}
    other = tmp_path / "other.db"
    shop.make_shop(other, rows=2000, seed=2008)
    assert "customer" in _differences(made, other)


def test_the_shop_holds_every_hard_value(tmp_path: Path) -> None:
    least = tmp_path / "least.db"
    shop.make_shop(least, rows=shop.LEAST_ROWS)
    assert set(texts.TROUBLE) <= set(_column(least, "SELECT remarks FROM customer"))
    assert set(texts.HARD_DOUBLES) <= set(_column(least, "SELECT weight FROM product"))
    assert set(texts.HARD_INTEGERS) <= set(_column(least, "SELECT checksum FROM product_image"))


def test_the_shop_holds_a_cycle_and_children_before_parents(made: Path) -> None:
    assert _column(made, "SELECT count(*) FROM category WHERE parent_id > id") > [10]
    assert _column(made, "SELECT count(*) FROM warehouse w JOIN employee e ON e.id = w.manager_id") == [7]
    assert _column(made, "SELECT count(*) FROM employee e JOIN warehouse w ON w.id = e.warehouse_id") == [8]


def test_moments_are_spelled_in_one_way(made: Path) -> None:
    moments = _column(made, "SELECT placed_at FROM shop_order UNION SELECT joined_at FROM customer")
    times = _column(made, "SELECT opens_at FROM warehouse UNION SELECT shift_starts_at FROM employee")
    spelled = [str(value) for value in moments + times if value is not None]
    fractions = [value.partition(".")[2] for value in spelled if "." in value]
    assert {len(fraction) for fraction in fractions} == {6}
    assert any(fraction.endswith("0") for fraction in fractions)
    assert not all("." in value for value in spelled)


def test_too_few_rows_and_a_file_that_is_there_are_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too few"):
        shop.make_shop(tmp_path / "new.db", rows=999)
    with pytest.raises(FileExistsError):
        shop.make_shop(made, rows=2000)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("customer", "UPDATE customer SET name = name || ' ' WHERE id = 77"),
        ("customer", "UPDATE customer SET remarks = NULL WHERE remarks = ''"),
        ("product", "UPDATE product SET weight = weight + 1e-13 WHERE abs(weight) < 500"),
        ("product_image", "UPDATE product_image SET content = CAST(content AS TEXT) WHERE id = 3"),
        ("product", "UPDATE product SET price = CAST(price AS INTEGER) WHERE id = 1"),
        ("product_tag", "DELETE FROM product_tag WHERE product_id = 5"),
        ("gift_card", "INSERT INTO gift_card VALUES ('x', NULL, 1, NULL)"),
        ("country", "DROP TABLE country"),
        ("stranger", "CREATE TABLE stranger (id INTEGER)"),
        ("payment", "DROP INDEX payment_order"),
        ("tag", "ALTER TABLE tag DROP COLUMN colour"),
    ],
)
def test_the_comparison_finds(made: Path, copied: Path, table: str, change: str) -> None:
    _change(copied, change)
    assert list(_differences(made, copied)) == [table]


def test_the_comparison_sees_storage_classes(tmp_path: Path) -> None:
    # To Python 1 == 1.0, and a column without a type keeps what it gets.
    left, right = tmp_path / "left.db", tmp_path / "right.db"
    for path, value in ((left, "1"), (right, "1.0")):
        _change(path, "CREATE TABLE loose (cell)", f"INSERT INTO loose VALUES ({value})")
    assert "row 1" in _differences(left, right)["loose"]


def test_the_comparison_sees_a_lost_foreign_key(tmp_path: Path) -> None:
    left, right = tmp_path / "left.db", tmp_path / "right.db"
    _change(left, "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES a (id) ON DELETE CASCADE)")
    _change(right, "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES a (id))")
    assert _differences(left, right) == {"a": "other foreign keys"}


def test_the_comparison_does_not_make_a_missing_file(made: Path, tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no database"):
        compare(made, tmp_path / "absent.db")
    assert not (tmp_path / "absent.db").exists()


def test_orphans_are_damage(copied: Path) -> None:
    _change(copied, "DELETE FROM country WHERE code = 'FR'")
    assert "missing row of country" in str(damage(copied))


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dbdump_core.demo", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=200, check=False)


def test_the_demo_moves_the_shop_and_proves_it(tmp_path: Path) -> None:
    done = _demo("--rows", "5000", "--keep", str(tmp_path / "kept"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all equal" in done.stdout
    for command in ("load shop-dump second.db --create", "verify shop.db third.db"):
        assert f"$ dbdump {command}\n" in done.stdout
    for copy in ("second.db", "third.db"):
        assert _differences(tmp_path / "kept" / "shop.db", tmp_path / "kept" / copy) == {}


def test_the_demo_does_not_touch_a_folder_in_use(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = _demo("--rows", "5000", "--keep", str(tmp_path))
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
