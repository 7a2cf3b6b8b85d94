"""What is shown of a run while it works and when it is done."""

from __future__ import annotations

import json
import os
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from ..model.abc import Event, Phase
from . import summary
from .output import escaped, is_terminal, say, takes_unicode, write_output

if TYPE_CHECKING:
    from ..model.abc import Comparison, Report
    from ..model.schema import TableKey

HEARTBEAT_SECONDS = 60
"""How often a run that is not watched on a terminal speaks of a table that takes long: build
servers end programs that say nothing for some minutes."""

TITLES = {
    Phase.DESCRIBE: "describing tables",
    Phase.EMPTY: "preparing the target",
    Phase.DATA: "transferring rows",
    Phase.FINISH: "finishing: indexes, foreign keys, sequences",
    Phase.VERIFY: "verifying",
    Phase.COMMIT: "committing",
}

Clock = Callable[[], float]


@dataclass(slots=True)
class Running:
    """A table at work in one phase. `last`: when it was last spoken of."""

    phase: Phase
    key: TableKey
    started: float
    last: float
    rows: int = 0
    bytes: int = 0
    total: int | None = None

    def seconds(self, now: float) -> float:
        return now - self.started


@dataclass(slots=True)
class Activity:
    """What the events so far add up to: the phase, the tables at work in it, those done.

    `expected`: how many tables the run has, once a phase has told. `heard`: when the last event came.
    """

    clock: Clock = time.monotonic
    phase: Phase | None = None
    since: float = 0.0
    running: dict[tuple[Phase, TableKey], Running] = field(default_factory=dict)
    finished: Counter[Phase] = field(default_factory=Counter)
    expected: int | None = None
    heard: float = 0.0

    def take(self, event: Event) -> Running | None:
        """Take an event in; return the table that it is about."""
        now = self.clock()
        if event.phase != self.phase:
            self.phase, self.since = event.phase, now
        if event.table is None and event.total is not None:
            self.expected = event.total
        running = None if event.table is None else self._take_table(event, event.table, now)
        self.heard = now
        return running

    def _take_table(self, event: Event, key: TableKey, now: float) -> Running:
        # A table heard of only when it is done has been at work since the event before.
        started = max(self.heard, self.since) if event.done else now
        running = self.running.setdefault((event.phase, key), Running(event.phase, key, started, started))
        running.rows, running.bytes = event.rows, event.bytes
        running.total = event.total if event.total is not None else running.total
        if event.done:
            del self.running[event.phase, key]
            self.finished[event.phase] += 1
        return running

    def count(self, phase: Phase) -> str:
        """Return how far `phase` is: `3 of 12 tables`, or nothing where nothing is known."""
        done = self.finished[phase]
        if self.expected is not None:
            return f"{done:,} of {summary.amount(self.expected, 'table')}"
        return f"{summary.amount(done, 'table')} done" if done else ""


class Display:
    """Takes the events of a run and shows its outcome; this one is quiet: warnings only.

    Entered while the operation runs; `paused` while a question is asked in between. `stream`: where
    it is shown, instead of standard error.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream

    def say(self, *lines: str) -> None:
        """Show lines for people."""
        say(*lines, stream=self.stream)

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, event: Event, /) -> None:
        return None

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()

    def show_report(self, report: Report, *, proof: bool | None = None) -> None:
        """Show what a run did. `proof`: was verification asked for (None: not a question here)?"""
        self.say(*summary.quiet_lines(report))

    def show_comparison(self, comparison: Comparison) -> None:
        """Show what a comparison found."""
        self.say(*summary.notes(comparison.notes), *summary.differences(comparison), *summary.missing(comparison))


class JsonDisplay(Display):
    """Says nothing until the end, then one JSON object on standard output, or on `stream`."""

    def show_report(self, report: Report, *, proof: bool | None = None) -> None:
        write_output(json.dumps(summary.report_json(report)) + "\n", self.stream)

    def show_comparison(self, comparison: Comparison) -> None:
        write_output(json.dumps(summary.comparison_json(comparison)) + "\n", self.stream)


class LinesDisplay(Display):
    """Plain lines: one a phase, one a finished table, one a minute of a long table."""

    def __init__(self, clock: Clock = time.monotonic, *, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._activity = Activity(clock)
        self._announced: set[Phase] = set()

    def __call__(self, event: Event, /) -> None:
        running = self._activity.take(event)
        if event.phase not in self._announced:
            self._announced.add(event.phase)
            self.say(TITLES[event.phase])
        if running is not None and event.phase in (Phase.DATA, Phase.VERIFY):
            self._speak_of(running, done=event.done)

    def _speak_of(self, running: Running, *, done: bool) -> None:
        now = self._activity.clock()
        if done or now - running.last >= HEARTBEAT_SECONDS:
            running.last = now
            self.say(self._line(running, running.seconds(now), done=done))

    def _line(self, running: Running, seconds: float, *, done: bool) -> str:
        parts = [
            summary.amount(running.rows, "row"),
            summary.size(running.bytes) if running.bytes else "",
            summary.duration(seconds),
            summary.rates(running.rows, running.bytes, seconds),
            self._activity.count(running.phase),
        ]
        so_far = "" if done else " so far"
        return f"  {escaped(running.key)}{so_far}: " + ", ".join(filter(None, parts))

    def show_report(self, report: Report, *, proof: bool | None = None) -> None:
        self.say(*summary.aligned(summary.report_grid(report, summary.ASCII)))
        self.say(*summary.report_lines(report, summary.ASCII, proof=proof))
        self.say(*summary.notes(report.notes), *summary.report_warnings(report))

    def show_comparison(self, comparison: Comparison) -> None:
        self.say(*summary.aligned(summary.comparison_grid(comparison, summary.ASCII)))
        self.say(*summary.comparison_lines(comparison), summary.verdict(comparison))


def open_display(options: Namespace, *, screen: TextIO | None = None, output: TextIO | None = None) -> Display:
    """Return the display that the options and the screen call for.

    `screen` and `output`: what stands for standard error and standard output.
    """
    if options.json:
        return JsonDisplay(output)
    if options.quiet:
        return Display(screen)
    there = screen or sys.stderr
    if is_terminal(there) and os.environ.get("TERM", "") not in ("dumb", "unknown"):
        from .terminal import TerminalDisplay, terminal_console

        return TerminalDisplay(terminal_console(there), unicode=takes_unicode(there))
    return LinesDisplay(stream=screen)
