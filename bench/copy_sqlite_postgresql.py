"""SQLite to PostgreSQL beside the floor: psql's \\copy of a file that is ready.

    python bench/copy_sqlite_postgresql.py --url postgresql://user@host/empty_database

The table is the same for all: plain, with its primary key, made anew before each run. After each
run the server's own COPY must give the ready file back, byte for byte. None of that is measured.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import measure
import orders

DDL = """
CREATE TABLE shop_order (
    id bigint NOT NULL PRIMARY KEY,
    customer_id bigint NOT NULL,
    status varchar(20) NOT NULL,
    note text NOT NULL,
    price numeric(10,2) NOT NULL,
    weight double precision NOT NULL,
    ordered_on date NOT NULL,
    created_at timestamp NOT NULL,
    is_paid boolean NOT NULL,
    coupon varchar(20),
    item_count bigint,
    reference char(36) NOT NULL
)
"""
_DROP = f"DROP TABLE IF EXISTS {orders.TABLE}"
_SETTINGS = "-c client_encoding=UTF8 -c datestyle=ISO -c extra_float_digits=1"


class Server:
    """One PostgreSQL database, spoken to by psql alone."""

    def __init__(self, url: str) -> None:
        # psql does not know the driver that SQLAlchemy's URLs may name.
        scheme, _, rest = url.partition("://")
        self._psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", f"{scheme.partition('+')[0]}://{rest}"]
        os.environ.setdefault("PGOPTIONS", _SETTINGS)

    def command(self, *statements: str) -> list[str]:
        """Return the command line that runs `statements`."""
        return [*self._psql, *(word for statement in statements for word in ("-c", statement))]

    def run(self, *statements: str) -> None:
        """Run `statements`."""
        subprocess.run(self.command("SET client_min_messages = warning", *statements), check=True)

    def is_taken(self) -> bool:
        """Tell whether the table is there already."""
        question = f"SELECT to_regclass('{orders.TABLE}') IS NOT NULL"
        return subprocess.check_output([*self._psql, "-A", "-t", "-c", question]).strip() == b"t"

    def renew(self) -> None:
        """Make the table anew and let the server write what it owes to its disk."""
        self.run(_DROP, DDL, "CHECKPOINT")

    def digest(self) -> str:
        """Return the md5 of the table as COPY writes it, in the order of the key."""
        columns = ", ".join(orders.COLUMNS).replace("is_paid", "is_paid::integer")
        query = rf"\copy (SELECT {columns} FROM {orders.TABLE} ORDER BY id) TO STDOUT"
        with subprocess.Popen(self.command(query), stdout=subprocess.PIPE) as process:
            if process.stdout is None:
                raise SystemExit("psql has no output")
            digest = _md5(process.stdout)
        if process.returncode:
            raise SystemExit("psql could not read the table back")
        return digest


def _md5(file: IO[bytes]) -> str:
    total = hashlib.md5(usedforsecurity=False)
    while piece := file.read(1 << 20):
        total.update(piece)
    return total.hexdigest()


def _check(server: Server, expected: str) -> None:
    if server.digest() != expected:
        raise SystemExit("the table does not hold the rows of the file")


def _contenders(server: Server, url: str, folder: Path) -> list[measure.Contender]:
    database, tsv = folder / "orders.db", folder / "orders.tsv"
    with tsv.open("rb") as file:
        check: Callable[[], None] = partial(_check, server, _md5(file))
    copy: list[str | Path] = [*measure.DBDUMP, "copy", database, url, "-y", "--quiet"]
    commands: dict[str, measure.Command] = {
        "psql \\copy of a ready file": server.command(rf"\copy {orders.TABLE} FROM '{tsv}'"),
        "dbdump copy --no-verify": [*copy, "--no-verify"],
        "dbdump copy, verified": copy,
    }
    return [measure.Contender(name, [command], server.renew, check) for name, command in commands.items()]


def main() -> None:
    """Run the benchmark that the arguments describe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--url", required=True, help="a database without a table shop_order; superuser, for CHECKPOINT"
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    options = parser.parse_args()
    if shutil.which("psql") is None:
        measure.stop("psql is not installed; it is what dbdump is measured against")
    server = Server(options.url)
    if server.is_taken():
        measure.stop(f"there is a table {orders.TABLE} already; name an empty database")
    with tempfile.TemporaryDirectory(prefix="dbdump-bench-") as name:
        folder = Path(name)
        measure.make_orders(folder / "orders.db", rows=options.rows, tsv=folder / "orders.tsv")
        try:
            measured = measure.alternate(_contenders(server, options.url, folder), options.runs)
        finally:
            server.run(_DROP)
    measure.report(measured, rows=options.rows, file=options.json)


if __name__ == "__main__":
    main()
