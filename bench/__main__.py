"""python -m bench [--quick] [--only GROUP …]: measure dbdump beside its peers and write docs/benchmarks.md.

Servers are those of the tests (DBDUMP_TEST_URLS, docker compose, or the machine's own programs). A peer
that is not installed is named on the page; `BENCH_PATH` may name a folder where more of them are.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.servers import the_fleet

from . import page
from .jobs import GROUPS
from .measure import Summary, alternate
from .places import environment, find
from .workshop import Job, Workshop

QUICK_ROWS, QUICK_SLOW_ROWS = 50_000, 5_000
VERSIONS = {
    "psql": "psql", "pgloader": "pgloader", "mydumper": "mydumper", "mariadb client": "mariadb", "sqlite3": "sqlite3",
    "zstd": "zstd", "mysql2sqlite": "mysql2sqlite", "sqlite3mysql": "sqlite3mysql", "db-to-sqlite": "db-to-sqlite",
}  # fmt: skip


def main() -> None:
    """Run the benchmark that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS} rows and one run: does it all work?")
    parser.add_argument("--rows", type=int, help="rows of most jobs (1,000,000)")
    parser.add_argument("--runs", type=int, help="counted runs of each (5), after one that is not counted")
    parser.add_argument("--only", action="append", choices=GROUPS, help="one group of jobs; may be given again")
    parser.add_argument("--output", type=Path, default=Path("docs"), help="the folder of the page (docs)")
    options = parser.parse_args()
    rows = options.rows or (QUICK_ROWS if options.quick else 1_000_000)
    runs = options.runs or (1 if options.quick else 5)
    environment()
    the_fleet().start(["postgresql", "mariadb"])
    try:
        slow_rows = QUICK_SLOW_ROWS if options.quick else max(rows // 10, 1)
        results = measured(options.only or list(GROUPS), runs, rows=rows, slow_rows=slow_rows)
    finally:
        the_fleet().stop()
    words = ["python -m bench", *(["--quick"] if options.quick else []), f"--rows {rows} --runs {runs}"]
    words += [f"--only {group}" for group in options.only or ()]
    page.write(options.output, results, versions(), " ".join(words))
    print(f"written: {options.output / 'benchmarks.md'}")


def measured(groups: Sequence[str], runs: int, *, rows: int, slow_rows: int) -> list[tuple[Job, list[Summary]]]:
    """Run the jobs of these groups and return what they came to."""
    results = []
    with tempfile.TemporaryDirectory(prefix="dbdump-bench-") as name:
        shop = Workshop(Path(name), rows=rows, slow_rows=slow_rows)
        for group in groups:
            for job in GROUPS[group](shop):
                print(f"{job.title}, {job.rows:,} rows", flush=True)
                results.append((job, alternate(job.contenders, runs)))
    return results


def versions() -> dict[str, str]:
    """Return the version of each server and program that is here: what looks like one in what it says."""
    told = {engine: text.partition(",")[0] for engine, text in the_fleet().versions.items()}
    for name, program in VERSIONS.items():
        path = find(program)
        if path is not None:
            option = "-version" if program == "sqlite3" else "--version"
            done = subprocess.run([path, option], check=False, capture_output=True, text=True)
            numbers = re.findall(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
            told[name] = numbers[0] if numbers else "unknown"
    return told


if __name__ == "__main__":
    main()
