"""What SQLite stores off its column's type or in another spelling: marked in a dump, and back as it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core.databases.sqlite import careful
from dbdump_core.databases.sqlite.backend import SqliteBackend
from dbdump_core.dumps import open_source
from dbdump_core.dumps.checks import checked
from dbdump_core.errors import DbdumpError, DumpError, ValueRefusedError
from dbdump_core.model.abc import Block, ReadTask
from dbdump_core.model.abc import Path as Way
from dbdump_core.model.selection import Selection
from dbdump_core.operations import copy, dump, load, verify
from dbdump_core.rows.fingerprint import canonical_decimals, canonical_floats, canonical_jsons
from dbdump_core.rows.lines import MARKS, Stored, count_marks, holds_marks, is_marked, mark, read_mark, unescape
from tests.promises import execute, query, refused
from tests.servers import SERVER_ENGINES

from .helpers import packed, stdin

Make = Callable[[str], str]

TYPES = (
    "INTEGER", "SMALLINT", "BIGINT UNSIGNED", "UNSIGNED_TEXT", "BOOLEAN", "DECIMAL(10,2)", "DECIMAL", "DECIMAL(20,2)",
    "NUMERIC(4,20)", "DECIMAL_TEXT", "DECIMAL_TEXT(10,2)", "DECIMAL_TEXT(20,2)", "REAL", "DOUBLE PRECISION", "TEXT",
    "VARCHAR(10)", "CHAR(3)", "LONGTEXT", "BLOB", "BINARY", "VARBINARY(4)", "DATE", "TIME", "DATETIME", "TIMESTAMPTZ",
    "UUID", "UUID_TEXT", "JSON", "JSON_TEXT", "BIT_TEXT(3)", "DURATION_TEXT", "", "STRING", "FLOATING POINT",
)  # fmt: skip
VALUES = (
    "NULL", "0", "1", "2", "-5", "9223372036854775807", "-9223372036854775808", "5.0", "1.5", "12.34", "1234.5", "-0.0",
    "0.30000000000000004", "1e17", "-9.223372036854775808e18", "123456789012345678.25", "1e300", "9e999", "-9e999",
    "''", "'5'", "'007'", "' 7'", "'1.50'", "'1e5'", "'18446744073709551615'", "'inf'", "'abc'", r"'\I5'", r"'\N'",
    r"'a\Tb'", "'\t\n\r'", "'a' || char(0) || 'b'", "x''", "x'00ff'", "x'35'", "CAST(x'ff41' AS TEXT)",
    "CAST(x'eda080' AS TEXT)", "'2024-01-02'", "'2024-02-30'", "'2024-01-02 03:04:05'", "'2024-01-02T03:04:05'",
    "'2024-01-02 03:04:05.5'", "'2024-01-02 03:04:05.500000'", "'2024-01-02 03:04:05.000000'",
    "'2024-01-02 03:04:05+02:00'", "'12:00'", "'12:00:00'", "'12:00:00.5'", "'12:00:00.250000'", "'12:00:00.000000'",
    "'0188d9a47d2c7cc398c4dc0c0c07398f'", "'0188d9a4-7d2c-7cc3-98c4-dc0c0c07398f'",
    "'0188D9A4-7D2C-7CC3-98C4-DC0C0C07398F'", "'{\"a\": 1}'", "'[1]'", "'101'",
)  # fmt: skip


def make(path: Path, *statements: str) -> str:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return str(path)


def content(path: Path | str) -> dict[str, list[Any]]:
    """Storage class, literal and bytes of every cell, row by row."""
    found = {}
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            table = name.decode()
            columns = [row[1].decode() for row in connection.execute(f"PRAGMA table_info({table})")]
            parts = ", ".join(f"typeof({column}), quote({column}), hex({column})" for column in columns)
            found[table] = sorted(connection.execute(f"SELECT {parts} FROM {table}").fetchall())
    return found


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every value in a column of every declared type, each type in a table of its own."""
    path = tmp_path_factory.mktemp("everything") / "s.db"
    statements = [f"CREATE TABLE t{at} (id INTEGER PRIMARY KEY, v {type_})" for at, type_ in enumerate(TYPES)]
    statements += [f"INSERT INTO t{at} (v) VALUES ({'), ('.join(VALUES)})" for at in range(len(TYPES))]
    statements += ["CREATE TABLE k (a NUMERIC, b INTEGER, PRIMARY KEY (a)) WITHOUT ROWID"]
    statements += ["INSERT INTO k VALUES ('a', 'x'), (1.5, 2.5), (x'00', 3), (7, 4)"]
    make(path, *statements, "CREATE TABLE untyped (v, w TEXT)", "INSERT INTO untyped VALUES (5.0, x'00'), (5, 'a')")
    return path


@pytest.fixture(scope="module")
def dumped(everything: Path) -> Path:
    path = everything.with_name("dumped")
    dump(str(everything), str(path))
    return path


def emptied(source: Path, path: Path) -> str:
    """The same tables without rows."""
    shutil.copy(source, path)
    return make(path, *[f"DELETE FROM {table}" for table in content(source)])


@pytest.mark.parametrize("proved", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_a_dump_gives_every_value_back_as_it_was(
    everything: Path, dumped: Path, tmp_path: Path, there: bool, proved: bool
) -> None:
    target = emptied(everything, tmp_path / "t.db") if there else str(tmp_path / "t.db")
    load(str(dumped), target, create=not there, verify=proved)
    assert content(target) == content(everything)
    assert verify(target, str(dumped)).equal
    assert verify(target, str(everything)).equal


@pytest.mark.parametrize("there", [True, False])
def test_so_does_a_copy(everything: Path, tmp_path: Path, there: bool) -> None:
    target = emptied(everything, tmp_path / "t.db") if there else str(tmp_path / "t.db")
    assert copy(str(everything), target, create=not there).verified
    assert content(target) == content(everything)


def test_so_does_a_copy_by_rows(everything: Path, tmp_path: Path) -> None:
    target = emptied(everything, tmp_path / "t.db")
    conditions = dict.fromkeys(content(everything), "1")  # what has a condition is not copied as a whole
    assert copy(str(everything), target, selection=Selection(where=conditions)).verified
    assert content(target) == content(everything)


def test_a_dump_of_what_was_loaded_has_the_same_rows(everything: Path, dumped: Path, tmp_path: Path) -> None:
    load(str(dumped), str(tmp_path / "t.db"), create=True)
    dump(str(tmp_path / "t.db"), str(tmp_path / "again"))
    for file in sorted((dumped / "data").iterdir()):
        assert (tmp_path / "again" / "data" / file.name).read_bytes() == file.read_bytes()


def test_broken_text_is_marked_beside_a_column_that_is_checked(tmp_path: Path) -> None:
    source = make(
        tmp_path / "s.db",
        "CREATE TABLE t (n TEXT, v TEXT)",
        "INSERT INTO t VALUES ('1', CAST(x'c341' AS TEXT)), ('2', 'a')",
    )
    target = make(tmp_path / "t.db", "CREATE TABLE t (n INTEGER, v TEXT)")
    assert copy(source, target).verified
    assert sorted(row[3:] for row in content(target)["t"]) == sorted(row[3:] for row in content(source)["t"])


@pytest.mark.parametrize("type_", ["DATE", "TIME", "DATETIME", "TIMESTAMPTZ", "UUID", "UUID_TEXT"])
def test_sql_marks_what_python_does(tmp_path: Path, type_: str) -> None:
    texts = [value for value in VALUES if value.startswith("'") and "char(0)" not in value]
    path = make(tmp_path / "s.db", f"CREATE TABLE t (v {type_})", f"INSERT INTO t VALUES ({'), ('.join(texts)})")
    make(tmp_path / "s.db", "DELETE FROM t WHERE typeof(v) <> 'text'")
    found = []
    for native in (True, False):
        backend = SqliteBackend(sa.make_url(f"sqlite:///{path}"), native=native)
        with closing(backend.connect(writing=False)) as connection:
            blocks: list[Block] = []
            (table,) = backend.reflect(connection)
            way = backend.read(connection, ReadTask(table, table.columns, marks=frozenset("v")), blocks.append)
        assert way is (Way.NATIVE if native else Way.PORTABLE)
        found.append(b"".join(block.data for block in blocks))
    assert found[0] == found[1]
    assert 0 < count_marks(found[0]) < found[0].count(b"\n")


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("DATETIME", "'2024-01-02T03:04:05.123Z'"),
        ("DATETIME", "'2024-01-02 03:04:05.5'"),
        ("TIME", "'12:00'"),
        ("DATE", "'2.1.2024'"),
        ("UUID", "'0188d9a47d2c7cc398c4dc0c0c07398f'"),
    ],
)
def test_texts_of_another_spelling_are_not_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, type_: str, value: str
) -> None:
    monkeypatch.setattr(careful, "read", lambda *_, **__: pytest.fail("rows were read value by value"))
    source = make(
        tmp_path / "s.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {type_} NOT NULL, w TEXT)",
        rf"INSERT INTO t VALUES (1, {value}, '\T'), (2, {value}, NULL)",
    )
    dump(source, str(tmp_path / "out"))
    text = value.strip("'")
    assert (tmp_path / "out" / "data" / "0001-t.tsv").read_text() == (
        f"id\tv\tw\n1\t\\T{text}\t\\\\T\n2\t\\T{text}\t\\N\n"
    )


def test_a_stream_carries_marks(everything: Path, dumped: Path, tmp_path: Path) -> None:
    with stdin(packed(dumped), tmp_path):
        load("-", str(tmp_path / "t.db"), create=True)
    assert content(tmp_path / "t.db") == content(everything)


def test_the_manifest_counts_marks_where_there_are_any(tmp_path: Path) -> None:
    source = make(
        tmp_path / "s.db",
        "CREATE TABLE odd (id INTEGER PRIMARY KEY, n INTEGER, t TEXT)",
        r"INSERT INTO odd VALUES (1, 'x', x'00'), (2, 2.5, '\I5'), (3, 3, 'c:\Temp\Rest')",
        "CREATE TABLE clean (id INTEGER PRIMARY KEY, n INTEGER, at DATETIME, price DECIMAL(10,2), t TEXT)",
        r"INSERT INTO clean VALUES (1, 5, '2024-01-02 03:04:05.500000', 1.5, '\T'), (2, NULL, NULL, NULL, NULL)",
    )
    dump(source, str(tmp_path / "out"))
    files = json.loads((tmp_path / "out" / "manifest.json").read_text())["files"]
    assert {file["path"]: file.get("marked") for file in files} == {
        "data/0001-clean.tsv": None,
        "data/0002-odd.tsv": 3,
    }
    text = (tmp_path / "out" / "data" / "0001-clean.tsv").read_bytes()
    assert text == b"id\tn\tat\tprice\tt\n1\t5\t2024-01-02 03:04:05.5\t1.50\t\\\\T\n2\t\\N\t\\N\t\\N\t\\N\n"
    text = (tmp_path / "out" / "data" / "0002-odd.tsv").read_bytes()
    assert text == b"id\tn\tt\n1\t\\Tx\t\\B00\n2\t\\R2.5\t\\\\I5\n3\t3\tc:\\\\Temp\\\\Rest\n"


# --- towards what keeps to its types ----------------------------------------------------------------

COLUMNS = "n INTEGER, t TEXT, at DATETIME, u UUID"
ODD = [
    ("n", "'abc'", "the text 'abc'"),
    ("n", "2.5", "the real '2.5'"),
    ("t", "x'00ff'", "the blob"),
    ("t", "CAST(x'ff41' AS TEXT)", "the text '\\xffA'"),
    ("at", "7", "the integer '7'"),
    ("u", "'no'", "the text 'no'"),
]


@pytest.mark.parametrize("engine", SERVER_ENGINES)
@pytest.mark.parametrize("fail_fast", [True, False])
def test_a_server_sees_no_mark(engine: str, fail_fast: bool, make_database: Make, tmp_path: Path) -> None:
    url = make_database(engine)
    execute(url, "CREATE TABLE t (id integer PRIMARY KEY, n integer, t varchar(40), at timestamp NULL, u char(36))")
    execute(url, "INSERT INTO t (id) VALUES (99)")
    for number, (column, value, said) in enumerate(ODD):
        source = make(
            tmp_path / f"{number}.db",
            f"CREATE TABLE t (id INTEGER PRIMARY KEY, {COLUMNS})",
            f"INSERT INTO t (id, {column}) VALUES (41, NULL), (42, {value}), (43, NULL)",
        )
        dump(source, str(tmp_path / f"{number}"))
        with refused(url, ValueRefusedError, "0001-t.tsv:3", f"table t, column {column} (", "row (id='42')", said):
            load(str(tmp_path / f"{number}"), url, replace=True, verify=False, fail_fast=fail_fast)


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_what_a_mark_plainly_means_is_loaded_as_a_copy_does(engine: str, make_database: Make, tmp_path: Path) -> None:
    source = make(
        tmp_path / "s.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, u UUID, price DECIMAL(10,2), v)",
        "INSERT INTO t VALUES (1, '2024-01-02T03:04:05', '0188d9a47d2c7cc398c4dc0c0c07398f', 1.5, 5.0),"
        " (2, '2024-01-02', NULL, '1e1', 5)",
    )
    dump(source, str(tmp_path / "out"))
    rows = []
    for way in (copy, load):
        url = make_database(engine)
        assert way(source if way is copy else str(tmp_path / "out"), url, create=True).verified
        rows.append(query(url, "SELECT * FROM t ORDER BY id"))
        execute(url, "DROP TABLE t")
    assert rows[0] == rows[1]
    assert [str(row[1]) for row in rows[0]] == ["2024-01-02 03:04:05", "2024-01-02 00:00:00"]


def test_another_column_of_sqlite_gets_what_is_plainly_meant(tmp_path: Path) -> None:
    source = make(
        tmp_path / "s.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME)",
        "INSERT INTO t VALUES (1, '2024-01-02T03:04:05')",
    )
    dump(source, str(tmp_path / "out"))
    for way, taken in ((load, str(tmp_path / "out")), (copy, source)):
        target = make(tmp_path / f"{way.__name__}.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT)")
        assert way(taken, target).verified
        assert content(target)["t"][0][4] == b"'2024-01-02 03:04:05'"
    make(tmp_path / "s.db", "UPDATE t SET at = 7")
    dump(source, str(tmp_path / "other"))
    with refused(None, ValueRefusedError, "column at", "the integer '7'"):
        load(str(tmp_path / "other"), str(tmp_path / "load.db"), replace=True)


def test_the_format_of_2007_has_no_marks(everything: Path, tmp_path: Path) -> None:
    with refused(None, ValueRefusedError, "column"):
        dump(str(everything), str(tmp_path / "out"), format="py")
    assert not (tmp_path / "out").exists()


# --- comparing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    [
        ("DATETIME", "'2024-01-02T03:04:05'", "'2024-01-02 03:04:05'"),
        ("DATETIME", "'2024-01-02 03:04:05.5'", "'2024-01-02 03:04:05.500000'"),
        ("DECIMAL_TEXT", "'007'", "'7'"),
        ("DECIMAL_TEXT(20,2)", "'1.5'", "'1.50'"),
        ("BLOB", "'a'", "x'61'"),
        ("", "5", "5.0"),
    ],
)
def test_another_spelling_is_a_difference(tmp_path: Path, type_: str, before: str, after: str) -> None:
    source = make(
        tmp_path / "s.db",
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, v {type_})",
        f"INSERT INTO t VALUES (1, {before}), (2, 1.5)",
    )
    dump(source, str(tmp_path / "out"))
    assert verify(source, str(tmp_path / "out")).equal
    make(tmp_path / "s.db", f"UPDATE t SET v = {after} WHERE id = 1")
    assert not verify(source, str(tmp_path / "out")).equal


def test_fingerprints_take_marked_cells_as_they_are() -> None:
    cells = [b"\\T1.50", b"\\T1.5", b"\\R1.5", b"1.50", b"\\N", b"\\I1"]
    assert canonical_decimals(cells) == [b"\\T1.50", b"\\T1.5", b"\\R1.5", b"1.5", b"\\N", b"\\I1"]
    assert len(set(canonical_floats([*cells, b"\\I23456", b"-0.0", b"0"]))) == 8
    assert len(set(canonical_jsons([b"[1]", b"\\T[1]", b"[1.0]"]))) == 2


# --- edited by hand ---------------------------------------------------------------------------------


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str], Path]:
    """Make a dump whose only cell, in a column of TEXT affinity and one of INTEGER, is put there by hand."""

    def edit(cell: str) -> Path:
        source = make(tmp_path / "s.db", "CREATE TABLE t (n INTEGER, v TEXT)", "INSERT INTO t VALUES (1, 'cell')")
        dump(source, str(tmp_path / "out"))
        file = tmp_path / "out" / "data" / "0001-t.tsv"
        file.write_text(file.read_text().replace("cell", cell))
        return tmp_path / "out"

    return edit


@pytest.mark.parametrize(
    "cell",
    [
        r"\I", r"\Iabc", r"\I007", r"\I+5", r"\I1_0", r"\I 5", r"\I9223372036854775808", r"\R", r"\R1.50", r"\Rnan",
        r"\R1e5", r"\RInfinity", r"\Ta\Ib", r"\T\N", r"\Ta\x", r"\B0", r"\BFF", r"\Bxy", r"\U", r"\U6869", r"\Uff0",
        r"\X5", r"a\I5", r"\i5",
    ],
)  # fmt: skip
def test_a_mark_is_strictly_read(edited: Callable[[str], Path], cell: str, tmp_path: Path) -> None:
    target = make(tmp_path / "t.db", "CREATE TABLE t (n INTEGER, v TEXT)")
    with refused(f"sqlite:///{target}", ValueRefusedError, "0001-t.tsv:2", "column v"):
        load(str(edited(cell)), target, allow_edited=True)
    with pytest.raises(ValueRefusedError, match="column v"):
        checked(str(tmp_path / "out"), allow_edited=True)


@pytest.mark.parametrize(("cell", "stored"), [(r"\B00ff", b"X'00FF'"), (r"\Uff", b"'\xff'")])
def test_a_mark_may_be_put_there_by_hand(
    edited: Callable[[str], Path], cell: str, stored: bytes, tmp_path: Path
) -> None:
    dumped = str(edited(cell))
    assert checked(dumped, allow_edited=True).edited
    assert load(dumped, str(tmp_path / "t.db"), create=True, allow_edited=True).verified
    assert content(tmp_path / "t.db")["t"][0][4] == stored
    with pytest.raises(DumpError):
        load(dumped, str(tmp_path / "other.db"), create=True)


def test_a_mark_that_says_nothing_is_refused(edited: Callable[[str], Path], tmp_path: Path) -> None:
    with refused(None, ValueRefusedError, "column v", "the text 'x' needs no mark; write 'x'"):
        load(str(edited(r"\Tx")), str(tmp_path / "t.db"), create=True, allow_edited=True, verify=False)


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("cell", [r"\I5", r"\R2.5"])
def test_what_the_column_would_eat_is_refused(
    edited: Callable[[str], Path], cell: str, verified: bool, tmp_path: Path
) -> None:
    with refused(None, ValueRefusedError, "table t", "column v", "text affinity"):
        load(str(edited(cell)), str(tmp_path / "t.db"), create=True, allow_edited=True, verify=verified)


def test_bytes_that_are_no_text_do_not_go_into_another_encoding(edited: Callable[[str], Path], tmp_path: Path) -> None:
    target = make(tmp_path / "t.db", "PRAGMA encoding = 'UTF-16'", "CREATE TABLE t (n INTEGER, v TEXT)")
    with refused(None, ValueRefusedError, "column v", "another encoding"):
        load(str(edited(r"\Uff41")), target, allow_edited=True, verify=False)
    assert content(target) == {"t": []}


# --- the mark itself --------------------------------------------------------------------------------

STORED = [
    Stored("integer", -5), Stored("real", 1e16), Stored("real", float("-inf")), Stored("text", "a\tb\\\n\r"),
    Stored("text", ""), Stored("text", b"\xff"), Stored("blob", b""), Stored("blob", b"hi"),
]  # fmt: skip


@pytest.mark.parametrize("stored", STORED, ids=str)
def test_a_mark_reads_back(stored: Stored) -> None:
    cell = mark(stored)
    assert is_marked(cell)
    assert cell.startswith(MARKS)
    assert read_mark(cell) == stored
    with pytest.raises(ValueError, match="of its column's type"):
        unescape(cell)


def test_only_the_beginning_of_a_cell_is_a_mark() -> None:
    plain = rb"c:\\Temp" + b"\tx\\\\Ink\n\\\\I5\t\\N\n"
    assert not holds_marks(plain)
    assert count_marks(plain) == 0
    assert holds_marks(b"\\I5\n")
    assert count_marks(b"\\I5\t\\Ta\n1\t\\B\n" + plain) == 3


def test_a_dump_of_version_1_has_no_marks(tmp_path: Path) -> None:
    dump(make(tmp_path / "s.db", "CREATE TABLE t (v TEXT)", "INSERT INTO t VALUES (x'00')"), str(tmp_path / "out"))
    place = tmp_path / "out" / "manifest.json"
    values = json.loads(place.read_text())
    del values["seal"], values["schema"]
    place.write_text(json.dumps({**values, "version": 1}))
    with pytest.raises(DbdumpError, match="version 1"):
        open_source(str(tmp_path / "out"))
