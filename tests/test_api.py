"""The library as its users call it: the five verbs on SQLite files, without the command line."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import dbdump_core
from dbdump_core import (
    DbdumpError,
    Event,
    Phase,
    Plan,
    RefusedError,
    Selection,
    SelectionError,
    Snapshot,
    TableKey,
    UnsafeError,
    copy,
    describe,
    dump,
    load,
    verify,
)

ROWS = [
    (1, "one", 0.1, b"\x00\xff", "2024-02-29 12:34:56.500000"),
    (2, "tab\there\nand\\there", None, b"", "2024-02-29 12:34:56"),
    (3, "日本 €", -1e300, None, None),
]
SCHEMA = """
CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, score REAL, photo BLOB, seen DATETIME);
CREATE TABLE purchase (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    price DECIMAL(10,2) NOT NULL
);
"""


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        connection.executemany("INSERT INTO customer VALUES (?, ?, ?, ?, ?)", ROWS)
        connection.executemany("INSERT INTO purchase VALUES (?, ?, ?)", [(7, 1, 9.99), (8, 3, 12.5)])
    return str(path)


def contents(path: str | Path) -> Iterator[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        for table in ("customer", "purchase"):
            yield connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall()


def test_dump_load_and_verify_make_a_round_trip(shop: str, tmp_path: Path) -> None:
    folder, second = str(tmp_path / "shop-dump"), str(tmp_path / "second.db")
    dumped = dump(shop, folder, compress="zstd")
    loaded = load(folder, second, create=True)
    assert dumped.rows == loaded.rows == 5
    assert loaded.verified
    assert list(contents(second)) == list(contents(shop))
    compared = verify(shop, second)
    assert compared.equal
    assert {one.left for one in compared.tables} == {one.fingerprint for one in loaded.tables}
    assert verify(folder, second).equal


def test_copy_is_all_that_and_tells_how(shop: str, tmp_path: Path) -> None:
    target = str(tmp_path / "copy.db")
    report = copy(shop, target, create=True)
    assert report.verified and report.snapshot is Snapshot.CONSISTENT
    assert {table.key: table.rows for table in report.tables} == {
        TableKey(None, "customer"): 3,
        TableKey(None, "purchase"): 2,
    }
    assert list(contents(target)) == list(contents(shop))


def test_rows_that_are_there_are_not_replaced_unasked(shop: str, tmp_path: Path) -> None:
    target = str(tmp_path / "copy.db")
    copy(shop, target, create=True)
    before = Path(target).read_bytes()
    with pytest.raises(UnsafeError, match="hold rows"):
        copy(shop, target)
    assert Path(target).read_bytes() == before
    assert copy(shop, target, replace=True).verified


def test_the_plan_is_shown_to_whom_is_asked(shop: str, tmp_path: Path) -> None:
    target, asked = str(tmp_path / "copy.db"), list[list[str]]()
    copy(shop, target, create=True)

    def refuse(plan: Plan, occupied: object) -> bool:
        asked.append([str(table.target.key) for table in plan.tables])
        return False

    with pytest.raises(RefusedError):
        copy(shop, target, confirm=refuse)
    assert asked == [["customer", "purchase"]]
    assert verify(shop, target).equal


def test_a_difference_is_found_where_it_is(shop: str, tmp_path: Path) -> None:
    target = str(tmp_path / "copy.db")
    copy(shop, target, create=True)
    with closing(sqlite3.connect(target)) as connection, connection:
        connection.execute("UPDATE customer SET name = name || ' ' WHERE id = 2")
    found = verify(shop, target)
    assert not found.equal
    assert {str(table.key): table.equal for table in found.tables} == {"customer": False, "purchase": True}


def test_a_selection_takes_tables_and_rows(shop: str, tmp_path: Path) -> None:
    target = str(tmp_path / "copy.db")
    report = copy(shop, target, create=True, selection=Selection(tables=("cust*",), where={"customer": "id < 3"}))
    assert [(str(table.key), table.rows) for table in report.tables] == [("customer", 2)]
    with pytest.raises(SelectionError, match="customer"):
        copy(shop, target, selection=Selection(tables=("customr",)))


def test_describe_speaks_neutral_types(shop: str) -> None:
    schema = describe(shop)
    assert [table.name for table in schema] == ["customer", "purchase"]
    types = {column.name: str(column.type) for column in schema.by_key[TableKey(None, "purchase")].columns}
    assert types["price"] == "decimal(10,2)"
    (key,) = schema.by_key[TableKey(None, "purchase")].foreign_keys
    assert (key.columns, key.table.name) == (("customer_id",), "customer")


def test_progress_is_told_in_the_thread_that_asked(shop: str, tmp_path: Path) -> None:
    import threading

    events: list[Event] = []
    threads = set()

    def progress(event: Event, /) -> None:
        events.append(event)
        threads.add(threading.get_ident())

    copy(shop, str(tmp_path / "copy.db"), create=True, progress=progress)
    assert threads == {threading.get_ident()}
    phases = list(dict.fromkeys(event.phase for event in events))
    assert phases[0] is Phase.DESCRIBE
    assert phases[-1] is Phase.COMMIT
    assert {Phase.DATA, Phase.VERIFY} < set(phases)


def test_nothing_is_printed(shop: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    copy(shop, str(tmp_path / "copy.db"), create=True)
    with pytest.raises(DbdumpError):
        copy(str(tmp_path / "missing.db"), str(tmp_path / "other.db"), create=True)
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "missing.db").exists()


def test_names_stay_what_they_are_when_every_module_is_imported() -> None:
    before = {name: getattr(dbdump_core, name) for name in dbdump_core.__all__}
    for module in pkgutil.walk_packages(dbdump_core.__path__, "dbdump_core."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert {name: getattr(dbdump_core, name) for name in dbdump_core.__all__} == before
