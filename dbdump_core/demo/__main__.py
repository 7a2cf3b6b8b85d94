"""Dump, load, copy and verify the shop with the real command line, then prove it without it."""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import shop
from .compare import Comparison, compare, damage

SOURCE = "shop.db"
DUMP = "shop-dump"
COPIES = ("second.db", "third.db")
STEPS = (
    f"dump {SOURCE} -o {DUMP}",
    f"load {DUMP} {COPIES[0]} --create",
    f"copy {SOURCE} {COPIES[1]} --create",
    f"verify {SOURCE} {COPIES[0]}",
    f"verify {SOURCE} {COPIES[1]}",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; return 0 when all three databases are equal, 1 when not.

    A step of the command line that fails ends the run with that step's own exit code; 2 means
    that nothing was begun.
    """
    options = _parser().parse_args(arguments)
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dbdump-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            sys.stderr.write(f"{folder} is not empty; name a new folder\n")
            return 2
        return _demonstrate(folder, options.rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dbdump_core.demo", description=__doc__)
    parser.add_argument("--rows", type=_rows, default=shop.ROWS, help="rows of all tables together")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this new folder and keep it")
    return parser


def _rows(text: str) -> int:
    rows = int(text)
    if rows < shop.LEAST_ROWS:
        raise argparse.ArgumentTypeError(f"{rows} rows are too few; ask for {shop.LEAST_ROWS} or more")
    return rows


def _demonstrate(folder: Path, rows: int) -> int:
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    began = time.monotonic()
    shop.make_shop(folder / SOURCE, rows=rows)
    before = _digest(folder / SOURCE)
    console.print(f"made {SOURCE}: {len(shop.TABLES)} tables, {rows} rows, {time.monotonic() - began:.1f} s")
    for step in STEPS:
        if code := _run(console, folder, step):
            console.print(f"dbdump {step}: exit code {code}")
            return code
    console.print("\ncomparing with sqlite3 alone ...")
    equal = _prove(console, folder)
    if before != _digest(folder / SOURCE):
        console.print(f"{SOURCE}: the file itself was changed")
        equal = False
    verdict = "all equal" if equal else "NOT EQUAL"
    console.print(f"{verdict}; {time.monotonic() - began:.1f} seconds in total")
    return 0 if equal else 1


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(console: Console, folder: Path, step: str) -> int:
    """Run one command line in `folder` as a user would, and return its exit code."""
    console.print(f"\n$ dbdump {step}")
    sys.stdout.flush()
    began = time.monotonic()
    command = [sys.executable, "-m", "dbdump_core.cli", *shlex.split(step)]
    code = subprocess.run(command, cwd=folder, env=_environment(), check=False).returncode
    console.print(f"({time.monotonic() - began:.1f} s)")
    return code


def _environment() -> dict[str, str]:
    # The steps run in another folder, where a package that is not installed would not be found.
    package = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([package, known] if known else [package])}


def _prove(console: Console, folder: Path) -> bool:
    """Compare the copies with the source, print the summary, and tell whether all is equal."""
    second, third = (compare(folder / SOURCE, folder / copy) for copy in COPIES)
    console.print(_summary(second, third, _dumped_bytes(folder / DUMP)))
    faults = [f"{copy}: {fault}" for copy in COPIES if (fault := damage(folder / copy))]
    for copy, results in zip(COPIES, (second, third), strict=True):
        faults += [f"{copy}: {result.table}: {result.difference}" for result in results if result.difference]
    for fault in faults:
        console.print(fault)
    return not faults


def _dumped_bytes(dump: Path) -> dict[str, int]:
    """Return the bytes of each table's data files; their names read `0001-country.tsv`."""
    sizes: dict[str, int] = {}
    for path in (dump / "data").iterdir():
        table = path.name.partition("-")[2].partition(".")[0]
        sizes[table] = sizes.get(table, 0) + path.stat().st_size
    return sizes


def _summary(second: list[Comparison], third: list[Comparison], dumped: dict[str, int]) -> Table:
    table = Table("table", title="three databases, compared cell by cell")
    table.add_column("rows", justify="right")
    table.add_column("dumped bytes", justify="right")
    for copy in COPIES:
        table.add_column(f"{copy} equal?")
    others = {result.table: result for result in third}
    for result in second:
        other = others.get(result.table)
        equal = [_word(result), _word(other)]
        table.add_row(result.table, str(result.rows), str(dumped.get(result.table, 0)), *equal)
    rows, size = sum(result.rows for result in second), sum(dumped.values())
    table.add_section()
    table.add_row("all", str(rows), str(size), "", "")
    return table


def _word(result: Comparison | None) -> str:
    return "yes" if result and result.difference is None else "NO"


if __name__ == "__main__":
    sys.exit(main())
