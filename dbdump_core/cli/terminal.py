"""The display for a terminal: bars while tables move, a table of results at the end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..abc import Event
from . import summary
from .display import TITLES, Activity, Clock, Display, Running
from .output import escaped

if TYPE_CHECKING:
    from ..abc import Comparison, Report

BARS = 8
"""Running tables that have a bar; more would push the rest off a small screen."""

BAR_WIDTH = 24
"""Columns of a bar: enough to see it move."""

REFRESHES_PER_SECOND = 8
"""Fast enough to look alive, slow enough to cost nothing."""


class TerminalDisplay(Display):
    """Bars of the running tables under a line on the phase, drawn in place and gone at the end.

    The clock of the phase ticks between events too, so that a long step never looks like a hang.
    A run that fails leaves its last state on the screen.
    """

    def __init__(self, console: Console, *, unicode: bool, clock: Clock = time.monotonic) -> None:
        self._console = console
        self._marks = summary.UNICODE if unicode else summary.ASCII
        self._activity = Activity(clock)
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> TerminalDisplay:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop(keep=error is not None)

    def __call__(self, event: Event, /) -> None:
        with self._lock:
            self._activity.take(event)

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._stop(keep=False)
        try:
            yield
        finally:
            self._start()

    def _start(self) -> None:
        self._live = Live(
            console=self._console,
            get_renderable=lambda: self,
            refresh_per_second=REFRESHES_PER_SECOND,
            redirect_stdout=False,  # standard output carries data
        )
        self._live.start()

    def _stop(self, *, keep: bool) -> None:
        if self._live is not None:
            self._live.transient = not keep
            self._live.stop()
            self._live = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        with self._lock:
            lines = list(self._lines(options.max_width))
        yield from lines

    def _lines(self, width: int) -> Iterator[RenderableType]:
        activity = self._activity
        if activity.phase is None:
            return
        now = activity.clock()
        heading = [TITLES[activity.phase], activity.count(activity.phase)]
        heading.append(summary.duration(now - activity.since))
        yield _text("  ".join(filter(None, heading)), "bold")
        running = list(activity.running.values())
        if running:
            yield _bars(running[:BARS], now, width)
        if len(running) > BARS:
            yield _text(f"and {len(running) - BARS:,} more tables at work")

    def show_report(self, report: Report, *, proof: bool | None = None) -> None:
        self._print_grid(summary.report_grid(report, self._marks))
        self._print_lines(summary.report_lines(report, self._marks, proof=proof))
        self._print_lines(summary.notes(report.notes))
        self._print_lines(summary.report_warnings(report), "bold red")

    def show_comparison(self, comparison: Comparison) -> None:
        self._print_grid(summary.comparison_grid(comparison, self._marks))
        self._print_lines(summary.comparison_lines(comparison))
        self._print_lines([summary.verdict(comparison)], "bold green" if comparison.equal else "bold red")

    def _print_grid(self, grid: summary.Grid) -> None:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for at, title in enumerate(grid.header):
            right = at in grid.numeric
            table.add_column(title, justify="right" if right else "left", no_wrap=right, overflow="fold")
        for row in grid.rows:
            table.add_row(*map(Text, row))
        self._console.print(table)

    def _print_lines(self, lines: Iterator[str] | list[str], style: str = "") -> None:
        for line in lines:
            self._console.print(Text(line, style), soft_wrap=True)


def _text(line: str, style: str = "") -> Text:
    return Text(line, style, no_wrap=True, overflow="ellipsis")


def _bars(tables: list[Running], now: float, width: int) -> Table:
    """Return a line for each table, with as much of it as `width` has room for."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    cells = [_cells(table, now, width) for table in tables]
    for _ in cells[0]:
        grid.add_column(no_wrap=True, justify="right")
    for table, numbers in zip(tables, cells, strict=True):
        grid.add_row(_text(escaped(table.key)), *numbers)
    return grid


def _cells(table: Running, now: float, width: int) -> list[RenderableType]:
    seconds = max(table.seconds(now), 0.001)
    speed, flow = table.rows / seconds, table.bytes / seconds
    cells: list[tuple[int, RenderableType]] = [
        (70, _bar(table, now)),
        (50, _share(table)),
        (0, f"{table.rows:,} rows"),
        (90, summary.size(table.bytes)),
        (110, f"{speed:,.0f} rows/s"),
        (100, f"{summary.size(flow)}/s"),
        (40, _remaining(table, speed)),
    ]
    return [Text(cell) if isinstance(cell, str) else cell for least, cell in cells if width >= least]


def _bar(table: Running, now: float) -> ProgressBar:
    return ProgressBar(
        total=table.total or None,
        completed=min(table.rows, table.total or 0),
        width=BAR_WIDTH,
        animation_time=now,
    )


def _share(table: Running) -> str:
    return f"{min(table.rows / table.total, 1):4.0%}" if table.total else ""


def _remaining(table: Running, speed: float) -> str:
    """Return the time left, while the estimate of the rows still holds."""
    if not table.total or not speed or table.rows >= table.total:
        return ""
    return f"ETA {summary.duration((table.total - table.rows) / speed)}"


def terminal_console() -> Console:
    """Return a console on standard error that takes text as it is: no markup, no highlighting."""
    return Console(file=sys.stderr, markup=False, highlight=False, emoji=False)
