"""The display for a terminal: bars while tables move, a table of results at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, OverflowMethod, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..model.abc import Event
from . import summary
from .display import TITLES, Activity, Clock, Display, Running
from .output import escaped

if TYPE_CHECKING:
    from ..model.abc import Comparison, Report

BARS = 8
"""Running tables that have a bar; more would push the rest off a small screen."""

BAR_WIDTH = 24
"""Columns of a bar: enough to see it move."""

NAME_WIDTH = 8
"""Columns that a table's name has at least, on the narrowest screen."""

COLUMN_GAP = 3
"""Columns between two columns of a summary."""

REFRESHES_PER_SECOND = 8
"""Fast enough to look alive, slow enough to cost nothing."""


class TerminalDisplay(Display):
    """Bars of the running tables under a line on the phase, drawn in place and gone at the end.

    The clock of the phase ticks between events too, so that a long step never looks like a hang.
    A run that fails leaves its last state on the screen.
    """

    def __init__(self, console: Console, *, unicode: bool, clock: Clock = time.monotonic) -> None:
        super().__init__(console.file)  # type: ignore[arg-type]
        self._console = console
        self._marks = summary.UNICODE if unicode else summary.ASCII
        self._overflow: OverflowMethod = "ellipsis" if unicode else "crop"
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
        # The clock comes first: it is what moves in a long step, and the end of a line may be cut.
        heading = [summary.duration(now - activity.since), TITLES[activity.phase]]
        heading.append(activity.count(activity.phase))
        yield Text("  ".join(filter(None, heading)), "bold", no_wrap=True, overflow=self._overflow)
        running = list(activity.running.values())
        if running:
            yield self._bars(running[:BARS], now, width)
        if len(running) > BARS:
            more = f"and {len(running) - BARS:,} more tables at work"
            yield Text(more, no_wrap=True, overflow=self._overflow)

    def _bars(self, tables: list[Running], now: float, width: int) -> Table:
        """Return a line for each table: its name and what else there is room for."""
        lines = [_cells(table, now) for table in tables]
        names = [escaped(table.key) for table in tables]
        widths = [max(_width(line[at]) for line in lines) + 1 for at in range(len(lines[0]))]
        longest = max(map(cell_len, names))
        shown = _fitting(widths, width - min(longest, width // 3))
        room = width - sum(widths[at] for at in shown)
        grid = Table.grid()
        grid.add_column(no_wrap=True, overflow=self._overflow, width=min(longest, room))
        for at in shown:
            grid.add_column(no_wrap=True, justify="right", width=widths[at])
        for name, line in zip(names, lines, strict=True):
            grid.add_row(Text(name), *(line[at] for at in shown))
        return grid

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
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        kept = _kept_columns(grid, self._console.width)
        for at in kept:
            right = at in grid.numeric
            table.add_column(
                grid.header[at],
                justify="right" if right else "left",
                overflow="fold",  # a cut number would be a wrong number
                min_width=NAME_WIDTH if at == 0 else None,
            )
        for row in grid.rows:
            table.add_row(*(Text(row[at]) for at in kept))
        self._console.print(table)

    def _print_lines(self, lines: Iterator[str] | list[str], style: str = "") -> None:
        for line in lines:
            self._console.print(Text(line, style), soft_wrap=True)


def _cells(table: Running, now: float) -> list[Text | ProgressBar]:
    """Return what can be said of a running table, in the order of the screen."""
    seconds = max(table.seconds(now), 0.001)
    speed, flow = table.rows / seconds, table.bytes / seconds
    return [
        _bar(table, now),
        Text(_share(table)),
        Text(f"{table.rows:,} rows"),
        Text(summary.size(table.bytes) if table.bytes else ""),
        Text(f"{speed:,.0f} rows/s"),
        Text(f"{summary.size(flow)}/s" if flow else ""),
        Text(_remaining(table, speed)),
    ]


IMPORTANCE = (2, 6, 1, 0, 3, 5, 4)
"""Which of the `_cells` a narrow screen keeps: rows before the time left before the share …"""


def _fitting(widths: list[int], room: int) -> list[int]:
    """Return the cells that fit into `room` columns, most important ones first served, in screen order."""
    shown: list[int] = []
    for at in IMPORTANCE:
        if widths[at] > room:
            break
        room -= widths[at]
        shown.append(at)
    return sorted(shown)


def _width(cell: Text | ProgressBar) -> int:
    return cell.cell_len if isinstance(cell, Text) else BAR_WIDTH


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


def _kept_columns(grid: summary.Grid, width: int) -> list[int]:
    """Return the columns of `grid` that fit, its optional ones given up first; the first column may fold."""
    cells = [grid.header, *grid.rows]
    widths = [max(map(cell_len, column)) + COLUMN_GAP for column in zip(*cells, strict=True)]
    kept = list(range(len(widths)))
    for at in grid.optional:
        if sum(widths[index] for index in kept) <= width:
            break
        kept.remove(at)
    return kept


def terminal_console(stream: TextIO) -> Console:
    """Return a console that takes text as it is: no markup, no highlighting."""
    return Console(file=stream, markup=False, highlight=False, emoji=False)
