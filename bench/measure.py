"""Running programs side by side: wall seconds, processor seconds and peak memory of each."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
DBDUMP = (sys.executable, "-m", "dbdump_core.cli")
# ru_maxrss counts kilobytes on Linux and bytes on macOS.
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024

Command = Sequence[str | Path]
Pipeline = Sequence[Command]
"""Commands joined by pipes."""


class FailedError(Exception):
    """A measured command failed; the text says which and how it ended."""


class Run(NamedTuple):
    """One measured run. `processor`: seconds of the programs themselves; `peak`: bytes, of the largest process."""

    seconds: float
    processor: float
    peak: int


@dataclass(frozen=True)
class Contender:
    """One way to do a job: `steps` one after the other. What `prepare` and `check` do is not measured.

    `rows`: rows that it moves, fewer than the job's for those that are many times slower. `check`: says
    in a word what came of it.
    """

    name: str
    steps: Sequence[Pipeline]
    rows: int
    prepare: Callable[[], None] = lambda: None
    check: Callable[[], str] = lambda: ""
    environment: Mapping[str, str] = field(default_factory=dict)


class Summary(NamedTuple):
    """What the runs of one contender come to; `row` is the median in microseconds a row."""

    name: str
    rows: int
    median: float
    least: float
    most: float
    row: float
    processor: float
    peak: int
    result: str


def measure(contender: Contender) -> Run:
    """Run the contender's steps and measure them; what they print on standard output is thrown away.

    A child's peak starts at what this process held when it forked, so this process stays small:
    the benchmark's data is made by others. Raises FailedError.
    """
    environment = {**os.environ, **contender.environment}
    began = time.perf_counter()
    usages = [usage for pipeline in contender.steps for usage in _run(pipeline, environment)]
    seconds = time.perf_counter() - began
    processor = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Run(seconds, processor, max(usage.ru_maxrss for usage in usages) * _MAXRSS_UNIT)


def _run(pipeline: Pipeline, environment: Mapping[str, str]) -> list[Any]:
    ended = [_wait(process) for process in _started(pipeline, environment)]
    for command, (code, _) in zip(pipeline, ended, strict=True):
        if code:
            raise FailedError(f"exit code {code}: {' '.join(map(str, command))[:200]}")
    return [usage for _, usage in ended]


def _started(pipeline: Pipeline, environment: Mapping[str, str]) -> list[subprocess.Popen[bytes]]:
    processes: list[subprocess.Popen[bytes]] = []
    for number, command in enumerate(pipeline, 1):
        source = processes[-1].stdout if processes else subprocess.DEVNULL
        sink = subprocess.DEVNULL if number == len(pipeline) else subprocess.PIPE
        processes.append(subprocess.Popen(list(command), stdin=source, stdout=sink, env=dict(environment)))
        if not isinstance(source, int) and source is not None:
            source.close()
    return processes


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, Any]:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def alternate(contenders: Sequence[Contender], runs: int) -> list[Summary]:
    """Run the contenders in turn, so that what else the machine does hits all alike, after a run that is not counted.

    One that fails is left out of the rest and says why in its result.
    """
    measured: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    results: dict[str, str] = {}
    for number in range(runs + 1):
        for contender in contenders:
            if results.get(contender.name, "").startswith("failed"):
                continue
            contender.prepare()
            try:
                run = measure(contender)
                if not number:
                    results[contender.name] = contender.check()
            except FailedError as error:
                results[contender.name] = f"failed: {error}"
                print(f"  {contender.name}: {error}", file=sys.stderr, flush=True)
                continue
            if number:
                measured[contender.name].append(run)
            told = f"run {number} of {runs}" if number else "warm-up"
            print(f"  {told}: {run.seconds:7.2f} s  {contender.name}", flush=True)
    return [_summary(one, measured[one.name], results.get(one.name, "")) for one in contenders]


def _summary(contender: Contender, runs: Sequence[Run], result: str) -> Summary:
    seconds = [run.seconds for run in runs] or [float("nan")]
    median = statistics.median(seconds)
    return Summary(
        name=contender.name,
        rows=contender.rows,
        median=median,
        least=min(seconds),
        most=max(seconds),
        row=median / max(contender.rows, 1) * 1e6,
        processor=statistics.median([run.processor for run in runs] or [float("nan")]),
        peak=max((run.peak for run in runs), default=0),
        result=result,
    )
