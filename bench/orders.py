"""The benchmark's data: one table of orders, the same for the same number of rows.

    python bench/orders.py orders.db --rows 1000000 [--tsv orders.tsv]

Twelve columns of usual kinds, about 230 bytes of text a row: 1,000,000 rows are about 230 MB.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

TABLE = "shop_order"
COLUMNS = (
    "id", "customer_id", "status", "note", "price", "weight",
    "ordered_on", "created_at", "is_paid", "coupon", "item_count", "reference",
)  # fmt: skip
SQLITE_DDL = """
CREATE TABLE shop_order (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id INTEGER NOT NULL,
    status VARCHAR(20) NOT NULL,
    note TEXT NOT NULL,
    price DECIMAL(10,2) NOT NULL,
    weight REAL NOT NULL,
    ordered_on DATE NOT NULL,
    created_at DATETIME NOT NULL,
    is_paid BOOLEAN NOT NULL,
    coupon VARCHAR(20),
    item_count INTEGER,
    reference CHAR(36) NOT NULL
)
"""

NULL = "\\N"

Row = tuple[object, ...]

_WORDS = (
    "parcel", "leave", "with", "the", "neighbour", "second", "floor", "ring", "twice", "fragile", "gift",
    "please", "größer", "déjà", "płatność", "Ελλάδα", "заказ", "東京", "서울", "مرحبا",
    "שלום", "नमस्ते", "🚲", "☕", "naïve",
)  # fmt: skip
_HARD_WORDS = ("tab\there", "line\nbreak", "back\\slash", "carriage\r\n", "\\N", "it's", '"quoted"', "100 %")
_STATES = ("new", "paid", "packed", "shipped", "delivered", "returned", "cancelled")
_POOL = 4096


def _notes(draw: random.Random) -> list[str]:
    """Return a pool of texts of about 50 to 120 characters; one in eight needs escapes."""
    notes = []
    for _ in range(_POOL):
        words = draw.choices(_WORDS, k=draw.randint(9, 16))
        if draw.random() < 0.125:
            words[draw.randrange(len(words))] = draw.choice(_HARD_WORDS)
        notes.append(" ".join(words))
    return notes


def order_rows(rows: int, seed: int = 2007) -> Iterator[Row]:
    """Yield `rows` orders in the order of COLUMNS."""
    draw = random.Random(seed)
    chance, bits, notes = draw.random, draw.getrandbits, _notes(draw)
    days = [(date(2012, 1, 1) + timedelta(days=day)).isoformat() for day in range(_POOL)]
    clocks = [f"{bits(5) % 24:02}:{bits(6) % 60:02}:{bits(6) % 60:02}" for _ in range(_POOL)]
    for id_ in range(1, rows + 1):
        mix = bits(64)
        digits = f"{bits(128):032x}"
        # A last digit other than zero: the fraction is then spelled the same everywhere.
        microsecond = (mix & 0xFFFF) % 100_000 * 10 + 1 + (mix >> 16) % 9
        day = days[mix >> 20 & 0xFFF]
        yield (
            id_,
            1 + (mix >> 32) % 200_000,
            _STATES[(mix >> 50) % 7],
            notes[mix >> 4 & 0xFFF],
            (100 + (mix >> 24) % 9_999_900) / 100,
            chance() * 100,
            day,
            f"{day} {clocks[mix >> 40 & 0xFFF]}.{microsecond:06}",
            mix >> 52 & 1,
            f"SAVE{mix >> 54 & 0x3FF:04}" if mix & 3 == 0 else None,
            (mix >> 8) % 100 if mix & 7 else None,
            f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}",
        )


def make_orders(path: Path, rows: int) -> None:
    """Make the SQLite file `path`, new, with `rows` orders."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;" + SQLITE_DDL)
        connection.execute("BEGIN")
        slots = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO {TABLE} VALUES ({slots})", order_rows(rows))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _line(row: tuple[Any, ...]) -> str:
    (id_, customer, status, note, price, weight, day, created, paid, coupon, items, reference) = row
    return (
        f"{id_}\t{customer}\t{status}\t{_escaped(note)}\t{price:.2f}\t{weight!r}\t{day}\t{created}\t{paid}"
        f"\t{coupon or NULL}\t{NULL if items is None else items}\t{reference}\n"
    )


def write_tsv(database: Path, tsv: Path) -> None:
    """Write the orders as lines that PostgreSQL's COPY takes and gives, in the order of the key."""
    query = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY id"
    with (
        closing(sqlite3.connect(database)) as connection,
        tsv.open("w", encoding="utf-8", newline="") as file,
    ):
        file.writelines(map(_line, connection.execute(query)))


def main() -> None:
    """Make the data that the arguments name and say how long it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("database", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tsv", type=Path, help="write the rows as a text file too")
    options = parser.parse_args()
    began = time.perf_counter()
    make_orders(options.database, options.rows)
    print(f"{options.database}: {options.rows} rows, {time.perf_counter() - began:.1f} s")
    if options.tsv:
        began = time.perf_counter()
        write_tsv(options.database, options.tsv)
        size = options.tsv.stat().st_size / 1e6
        print(f"{options.tsv}: {size:.0f} MB, {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
