"""SQLite to SQLite beside SQLite's own way: sqlite3 orders.db .dump | sqlite3 new.db.

    python bench/copy_sqlite_sqlite.py [--rows 1000000]

After each run every cell of the copy is compared with the source, which is not measured. The
shell's way is not held to that: its SQL text may not bring each double back; the run says so.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

import measure
import orders

_BATCH = 500


def digest(database: Path) -> tuple[int, str]:
    """Return the count of the orders and the md5 of all their cells, values and storage classes."""
    total, rows = hashlib.md5(usedforsecurity=False), 0
    query = f"SELECT {', '.join(orders.COLUMNS)} FROM {orders.TABLE} ORDER BY id"
    with closing(sqlite3.connect(database)) as connection:
        cursor = connection.execute(query)
        while batch := cursor.fetchmany(_BATCH):
            rows += len(batch)
            total.update(repr(batch).encode())
    return rows, total.hexdigest()


def _clear(database: Path) -> None:
    """Remove a database with its journals, and let the system write what it owes to its disk."""
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
    os.sync()


def _check(database: Path, expected: tuple[int, str], exact: bool) -> None:
    found = digest(database)
    if found == expected:
        return
    if exact or found[0] != expected[0]:
        raise SystemExit(f"{database.name} does not hold the rows of the source")
    print("    (some cells of this copy differ from the source)")


def _contenders(folder: Path) -> list[measure.Contender]:
    source, target = folder / "orders.db", folder / "new.db"
    expected = digest(source)
    copy: list[str | Path] = [*measure.DBDUMP, "copy", source, target, "--create", "-y", "--quiet"]
    ways: dict[str, list[measure.Command]] = {
        "sqlite3 .dump | sqlite3": [["sqlite3", source, ".dump"], ["sqlite3", target]],
        "dbdump copy --no-verify": [[*copy, "--no-verify"]],
        "dbdump copy, verified": [copy],
    }
    return [
        measure.Contender(
            name,
            commands,
            partial(_clear, target),
            partial(_check, target, expected, exact=len(commands) == 1),
        )
        for name, commands in ways.items()
    ]


def main() -> None:
    """Run the benchmark that the arguments describe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    options = parser.parse_args()
    if shutil.which("sqlite3") is None:
        measure.stop("sqlite3 is not installed; it is what dbdump is measured against")
    with tempfile.TemporaryDirectory(prefix="dbdump-bench-") as name:
        folder = Path(name)
        measure.make_orders(folder / "orders.db", rows=options.rows)
        measured = measure.alternate(_contenders(folder), options.runs)
    measure.report(measured, rows=options.rows, file=options.json)


if __name__ == "__main__":
    main()
