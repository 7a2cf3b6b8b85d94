"""Django's orders: dbdump beside dumpdata, dbload into PostgreSQL beside loaddata.

    python bench/django_orders.py --url postgresql://user@host/empty_database

dumpdata and loaddata are so slow that they get fewer rows (--slow-rows); all are compared by the
time of one row. Start of Python and Django included, for each.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import django_project
import measure


class Step(NamedTuple):
    """One thing to measure, over `rows` rows; `prepare` is not measured."""

    name: str
    rows: int
    command: measure.Command
    prepare: Callable[[], None]


class Bench:
    """Two SQLite files of orders, one with many rows and one with few, and a PostgreSQL database."""

    def __init__(self, folder: Path, url: str, *, rows: int, slow_rows: int) -> None:
        self.folder = folder
        self.rows, self.slow_rows = rows, slow_rows
        urls = {"default": str(folder / "many.db"), "few": str(folder / "few.db"), "postgresql": url}
        self.project = django_project.orders_project(folder / "project", urls)
        for alias in urls:
            self.project.manage("migrate", "--database", alias)
        django_project.fill_orders(folder / "many.db", rows)
        django_project.fill_orders(folder / "few.db", slow_rows)

    def dumps(self) -> list[Step]:
        """Return the steps of dumping, the slow peer first."""
        fixture, dump = self.folder / "few.jsonl", self.folder / "dump"
        slow = ["dumpdata", "shop.Order", "--format", "jsonl", "--database", "few", "-o", str(fixture)]
        fast = ["dbdump", "shop", "-o", str(dump), "-v", "0"]
        return [
            Step("dumpdata --format jsonl", self.slow_rows, self.project.command(*slow), partial(_remove, fixture)),
            Step("dbdump", self.rows, self.project.command(*fast), partial(_remove, dump)),
        ]

    def loads(self) -> list[Step]:
        """Return the steps of loading into PostgreSQL, the slow peer first."""
        slow = ["loaddata", str(self.folder / "few.jsonl"), "--database", "postgresql", "-v", "0"]
        fast = ["dbload", str(self.folder / "dump"), "--database", "postgresql", "--noinput", "-v", "0"]
        return [
            Step("loaddata", self.slow_rows, self.project.command(*slow), self.empty),
            Step("dbload --no-verify", self.rows, self.project.command(*fast, "--no-verify"), self.empty),
            Step("dbload, verified", self.rows, self.project.command(*fast), self.empty),
        ]

    def empty(self) -> None:
        """Empty the PostgreSQL database, content types and all, as a fresh migrate leaves it."""
        self.project.manage("flush", "--database", "postgresql", "--noinput", "-v", "0")

    def check(self) -> None:
        """Let dbverify compare what was loaded with the source; raises CalledProcessError where it differs."""
        self.project.manage("dbverify", "shop", "--from", "default", "--to", "postgresql", "-v", "0")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def _measured(steps: Sequence[Step], runs: int) -> dict[str, float]:
    """Run the steps in turn; return the median microseconds a row of each."""
    costs: dict[str, list[float]] = {step.name: [] for step in steps}
    for number in range(1, runs + 1):
        for step in steps:
            step.prepare()
            run = measure.measure([step.command])
            costs[step.name].append(run.seconds / step.rows * 1e6)
            peak = f"{run.peak / 1e6:.0f} MB"
            print(f"run {number} of {runs}: {run.seconds:7.2f} s  {step.name}, {step.rows} rows, {peak}", flush=True)
    return {name: statistics.median(values) for name, values in costs.items()}


def _report(costs: dict[str, float]) -> None:
    slowest = next(iter(costs.values()))
    print(f"\n{'':28} {'µs a row':>9} {'times faster':>13}")
    for name, cost in costs.items():
        print(f"{name:28} {cost:9.2f} {slowest / cost:13.1f}")
    print()


def main() -> None:
    """Run the benchmark that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="an empty PostgreSQL database; its tables are made and left")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--slow-rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    django_project.environment()
    with tempfile.TemporaryDirectory(prefix="dbdump-bench-") as name:
        bench = Bench(Path(name), options.url, rows=options.rows, slow_rows=options.slow_rows)
        _report(_measured(bench.dumps(), options.runs))
        _report(_measured(bench.loads(), options.runs))
        bench.check()


if __name__ == "__main__":
    main()
