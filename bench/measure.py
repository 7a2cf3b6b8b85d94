"""Running programs side by side: wall seconds, processor seconds and peak memory of each."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

HERE = Path(__file__).parent
DBDUMP = (sys.executable, "-m", "dbdump_core.cli")
# ru_maxrss counts kilobytes on Linux and bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024

Command = Sequence[str | Path]


class Run(NamedTuple):
    """One measured run. `peak`: bytes, of the largest process."""

    seconds: float
    processor: float
    peak: int


class Summary(NamedTuple):
    """What the runs of one contender come to: seconds; `ratio` is its median over that of the first."""

    name: str
    median: float
    least: float
    most: float
    ratio: float
    processor: float
    peak: int
    runs: list[Run]


class Contender(NamedTuple):
    """One way to do the job: `commands` are joined by pipes; the other two are not measured."""

    name: str
    commands: Sequence[Command]
    prepare: Callable[[], None]
    check: Callable[[], None]


def stop(message: str) -> NoReturn:
    """Leave with exit code 2 and a line on standard error: the benchmark cannot run here."""
    print(message, file=sys.stderr)
    raise SystemExit(2)


def measure(commands: Sequence[Command]) -> Run:
    """Run commands joined by pipes and measure them; their standard output is thrown away.

    A child's peak starts at what this process held when it forked, so this process stays small:
    the benchmark's data is made by another one. Raises SystemExit when a command fails.
    """
    began = time.perf_counter()
    ended = [_wait(process) for process in _started(commands)]
    seconds = time.perf_counter() - began
    for command, (code, _) in zip(commands, ended, strict=True):
        if code:
            raise SystemExit(f"exit code {code}: {' '.join(map(str, command))}")
    usages = [usage for _, usage in ended]
    processor = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Run(seconds, processor, max(usage.ru_maxrss for usage in usages) * _MAXRSS_UNIT)


def _started(commands: Sequence[Command]) -> list[subprocess.Popen[bytes]]:
    processes: list[subprocess.Popen[bytes]] = []
    for number, command in enumerate(commands, 1):
        source = processes[-1].stdout if processes else subprocess.DEVNULL
        sink = subprocess.DEVNULL if number == len(commands) else subprocess.PIPE
        processes.append(subprocess.Popen(list(command), stdin=source, stdout=sink))
        if not isinstance(source, int) and source is not None:
            source.close()
    return processes


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, Any]:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def alternate(contenders: Sequence[Contender], runs: int) -> dict[str, list[Run]]:
    """Run the contenders in turn, `runs` times, so that what else the machine does hits all alike."""
    measured: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for number in range(1, runs + 1):
        for contender in contenders:
            contender.prepare()
            run = measure(contender.commands)
            contender.check()
            measured[contender.name].append(run)
            print(f"run {number} of {runs}: {run.seconds:7.2f} s  {contender.name}", flush=True)
    return measured


def summaries(measured: Mapping[str, Sequence[Run]]) -> list[Summary]:
    """Return what the runs of each contender come to."""
    medians = {name: statistics.median(run.seconds for run in runs) for name, runs in measured.items()}
    floor = next(iter(medians.values()))
    return [
        Summary(
            name=name,
            median=medians[name],
            least=min(run.seconds for run in runs),
            most=max(run.seconds for run in runs),
            ratio=medians[name] / floor,
            processor=statistics.median(run.processor for run in runs),
            peak=max(run.peak for run in runs),
            runs=list(runs),
        )
        for name, runs in measured.items()
    ]


def report(measured: Mapping[str, Sequence[Run]], *, rows: int, file: Path | None) -> None:
    """Print the summary of runs over `rows` rows, and write it as JSON to `file` when there is one."""
    found = summaries(measured)
    machine = f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    print(f"\n{rows} rows; {machine}")
    print(f"{'':36} {'median':>8} {'min':>8} {'max':>8} {'ratio':>6} {'cpu s':>7} {'peak MB':>8}")
    for one in found:
        times = f"{one.median:8.2f} {one.least:8.2f} {one.most:8.2f} {one.ratio:6.2f} {one.processor:7.2f}"
        print(f"{one.name:36} {times} {one.peak / 1e6:8.0f}")
    if file:
        results = [one._asdict() | {"runs": [run._asdict() for run in one.runs]} for one in found]
        content = {"rows": rows, "machine": machine, "results": results}
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def make_orders(database: Path, *, rows: int, tsv: Path | None = None) -> None:
    """Make the benchmark's data in a process of its own."""
    command: list[str | Path] = [sys.executable, HERE / "orders.py", database, "--rows", str(rows)]
    subprocess.run(command + (["--tsv", tsv] if tsv else []), check=True)
