"""What jobs are put together from: goals, the data that they share, and those of their programs that are here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .measure import DBDUMP, HERE, Contender, Pipeline
from .places import Database, find, is_equal

ORDERS_POSTGRESQL = """
CREATE TABLE shop_order (
    id bigint NOT NULL PRIMARY KEY, customer_id bigint NOT NULL, status varchar(20) NOT NULL, note text NOT NULL,
    price numeric(10,2) NOT NULL, weight double precision NOT NULL, ordered_on date NOT NULL,
    created_at timestamp NOT NULL, is_paid boolean NOT NULL, coupon varchar(20), item_count bigint,
    reference {reference} NOT NULL
)
"""
ORDERS_MARIADB = """
CREATE TABLE shop_order (
    id bigint NOT NULL PRIMARY KEY, customer_id bigint NOT NULL, status varchar(20) NOT NULL, note longtext NOT NULL,
    price decimal(10,2) NOT NULL, weight double NOT NULL, ordered_on date NOT NULL,
    created_at datetime(6) NOT NULL, is_paid tinyint(1) NOT NULL, coupon varchar(20), item_count bigint,
    reference char(36) NOT NULL
)
"""
INDEXES = (
    "CREATE INDEX shop_order_customer ON shop_order (customer_id)",
    "CREATE INDEX shop_order_created ON shop_order (created_at)",
)
PACKAGES = {
    "pgloader": "pgloader", "mydumper": "mydumper", "myloader": "mydumper", "zstd": "zstd", "sqlite3": "sqlite3",
    "psql": "postgresql-client", "pg_dump": "postgresql-client", "pg_restore": "postgresql-client",
    "mariadb": "mariadb-client", "mariadb-dump": "mariadb-client", "mysql2sqlite": "mysql-to-sqlite3 (PyPI)",
    "sqlite3mysql": "sqlite3-to-mysql (PyPI)", "db-to-sqlite": "db-to-sqlite[postgresql] (PyPI)",
}  # fmt: skip
"""Program -> where it comes from, for who lacks it."""


@dataclass(frozen=True)
class Goal:
    """The median of `contender` over that of `peer`, by the row, is to be `most` at most."""

    contender: str
    peer: str
    most: float


@dataclass
class Job:
    """One comparison. `missing`: programs that would have taken part."""

    title: str
    rows: int
    contenders: list[Contender] = field(default_factory=list)
    goals: Sequence[Goal] = ()
    missing: list[str] = field(default_factory=list)


class Workshop:
    """The data that jobs share, each part made when it is first asked for."""

    def __init__(self, folder: Path, *, rows: int, slow_rows: int) -> None:
        self.folder = folder
        self.rows, self.slow_rows = rows, slow_rows
        self._made: dict[str, Path] = {}

    def orders(self, rows: int) -> Path:
        """The plain orders as an SQLite file; the same rows lie beside it as lines, `.tsv`."""
        path = self.folder / f"orders{rows}.db"
        if not path.exists():
            self._make(HERE / "orders.py", path, "--rows", str(rows), "--tsv", path.with_suffix(".tsv"))
        return path

    def dataset(self, name: str, rows: int) -> Path:
        """Another data set as an SQLite file."""
        path = self.folder / f"{name}{rows}.db"
        if not path.exists():
            self._make(HERE / "datasets.py", name, path, "--rows", str(rows))
        return path

    def database(self, engine: str, rows: int) -> Database:
        """A database of the engine with the orders and two indexes."""
        place = Database(engine, f"bench_source_{rows}")
        if place.name not in self._made or engine not in str(self._made[place.name]):
            ddl = ORDERS_POSTGRESQL.format(reference="char(36)") if engine == "postgresql" else ORDERS_MARIADB
            place.renew(ddl)
            subprocess.run([*DBDUMP, "copy", self.orders(rows), place.url, "-y", "--quiet"], check=True)
            place.run(*INDEXES)
            self._made[place.name] = Path(engine)
        return place

    def _make(self, *command: str | Path) -> None:
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)


class Builder:
    """Puts one job together."""

    def __init__(self, title: str, rows: int, *goals: Goal) -> None:
        self.job = Job(title, rows, goals=goals)

    def add(
        self,
        name: str,
        *steps: Pipeline,
        prepare: Callable[[], object],
        check: Callable[[], str] = lambda: "",
        rows: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Let a contender take part, if all of its programs are here."""
        found: list[list[list[str | Path]]] = []
        for pipeline in steps:
            found.append([])
            for command in pipeline:
                program = find(str(command[0]))
                if program is None:
                    self.job.missing.append(f"{command[0]} ({PACKAGES.get(str(command[0]), 'not installed')})")
                    return
                found[-1].append([program, *command[1:]])
        self.job.contenders.append(
            Contender(name, found, rows or self.job.rows, lambda: (prepare(), None)[1], check, environment or {})
        )


def dbdump(*arguments: str | Path) -> list[str | Path]:
    """Return a command line of dbdump that asks nothing and prints nothing."""
    return [*DBDUMP, *arguments, "--quiet"]


def copies(build: Builder, source: str | Path, target: str | Path, prepare: Callable[[], object], *more: str) -> None:
    """Add dbdump's copy without and with its proof."""
    check = partial(is_equal, source, target)
    copy = dbdump("copy", source, target, "-y", *more)
    build.add("dbdump --no-verify", [[*copy, "--no-verify"]], prepare=prepare, check=check)
    build.add("dbdump, verified", [copy], prepare=prepare, check=check)
