"""The benchmark's data beside the plain orders: SQLite files, the same for the same number of rows.

python bench/datasets.py NAME FILE --rows N
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

Rows = Iterator[tuple[object, ...]]

DJANGO_DDL = """
CREATE TABLE django_order (
    id integer NOT NULL PRIMARY KEY,
    token char(36) NOT NULL,
    paid bool NOT NULL,
    total decimal NOT NULL,
    document text NOT NULL,
    spent bigint NOT NULL,
    address char(39) NOT NULL,
    made datetime NOT NULL,
    note text NOT NULL
)
"""
DJANGO_POSTGRESQL = """
CREATE TABLE django_order (
    id bigint NOT NULL PRIMARY KEY, token uuid NOT NULL, paid boolean NOT NULL, total numeric(12,2) NOT NULL,
    document jsonb NOT NULL, spent bigint NOT NULL, address inet NOT NULL,
    made timestamp(6) NOT NULL, note text NOT NULL
)
"""
TABLES = 300
TABLE_ROWS = 100
WIDE_COLUMNS = 100
DOCUMENT_BYTES = 50_000


def django_rows(rows: int) -> Rows:
    """Yield orders with the columns that Django makes: uuid, boolean, decimals kept as REAL, JSON, an address."""
    draw = random.Random(2007)
    for number in range(1, rows + 1):
        digits = f"{draw.getrandbits(128):032x}"
        yield (
            number,
            f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}",
            number & 1,
            (1 + draw.getrandbits(24)) / 100 + 0.01 * (number % 7 == 0),
            json.dumps({"state": "new", "items": [number % 9, "größer"], "gift": number % 2 == 0}),
            draw.getrandbits(40),
            f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            f"2024-{1 + number % 12:02}-{1 + number % 28:02} {number % 24:02}:{number % 60:02}"
            f":07.{1 + number % 999_998:06}",
            f"a note of some words for order {number}, nothing more than that",
        )


def _fill(path: Path, statements: str, table: str, rows: Rows) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;" + statements)
        first = next(rows)
        connection.execute("BEGIN")
        insert = f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(first))})'
        connection.execute(insert, first)
        connection.executemany(insert, rows)


def make_django(path: Path, rows: int) -> None:
    """Orders as Django makes them."""
    cut = (tuple(round(cell, 2) if isinstance(cell, float) else cell for cell in row) for row in django_rows(rows))
    _fill(path, DJANGO_DDL, "django_order", cut)


def make_wide(path: Path, rows: int) -> None:
    """Rows of WIDE_COLUMNS columns: integers, texts and NULLs in turn."""
    kinds = ("bigint", "varchar(20)", "integer")
    columns = ", ".join(f"c{at} {kinds[at % 3]}" for at in range(1, WIDE_COLUMNS))
    made = (
        (number, *[number + at if at % 3 == 0 else f"v{number % 97}" if at % 3 == 1 else None
                   for at in range(1, WIDE_COLUMNS)])
        for number in range(rows)
    )  # fmt: skip
    _fill(path, f"CREATE TABLE wide (id integer NOT NULL PRIMARY KEY, {columns})", "wide", made)


def make_documents(path: Path, rows: int) -> None:
    """Texts of DOCUMENT_BYTES bytes, in several scripts."""
    draw = random.Random(2007)
    pool = "".join(draw.choices("abcdefghij   äé中\n", k=DOCUMENT_BYTES * 2))
    starts = (draw.randrange(len(pool) // 2) for _ in range(rows))
    made = ((number, pool[start : start + DOCUMENT_BYTES * 4 // 5]) for number, start in enumerate(starts))
    _fill(path, "CREATE TABLE document (id integer NOT NULL PRIMARY KEY, body text NOT NULL)", "document", made)


def make_tables(path: Path, rows: int) -> None:
    """TABLES small tables, each of which refers to another one; `rows` in all."""
    each = max(1, rows // TABLES)
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number in range(TABLES):
            connection.execute(
                f"CREATE TABLE part_{number} (id integer NOT NULL PRIMARY KEY, name varchar(40) NOT NULL,"
                f" parent_id integer REFERENCES part_{number // 2} (id))"
            )
            made = ((id_, f"part {id_}", id_) for id_ in range(each))
            connection.executemany(f"INSERT INTO part_{number} VALUES (?, ?, ?)", made)


def make_narrow(path: Path, rows: int) -> None:
    """Rows of three integers."""
    made = ((number, number * 7 % 1_000_003, number % 10) for number in range(rows))
    _fill(path, "CREATE TABLE narrow (id integer NOT NULL PRIMARY KEY, a bigint, b integer)", "narrow", made)


def make_empty(path: Path, rows: int) -> None:
    """A table without rows."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE empty_table (id integer NOT NULL PRIMARY KEY, name text)")


MAKERS: dict[str, Callable[[Path, int], None]] = {
    "django": make_django,
    "wide": make_wide,
    "documents": make_documents,
    "tables": make_tables,
    "narrow": make_narrow,
    "empty": make_empty,
}


def main() -> None:
    """Make the data that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=MAKERS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    MAKERS[options.name](options.file, options.rows)


if __name__ == "__main__":
    main()
