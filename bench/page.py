"""The page of results: `docs/benchmarks.md` and a plot of dbdump's ratios as SVG."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from .measure import Summary
from .workshop import Goal, Job

BAR, LABEL, WIDTH, LINE = 420, 330, 860, 22


def ratio(goal: Goal, found: Sequence[Summary]) -> float | None:
    """Return what the goal's ratio came to, by the row; None where a side is missing or failed."""
    rows = {one.name: one.row for one in found}
    left, right = rows.get(goal.contender), rows.get(goal.peer)
    return left / right if left and right and left == left and right == right else None


def page(results: Sequence[tuple[Job, Sequence[Summary]]], versions: Mapping[str, str], command: str) -> str:
    """Return the page as Markdown."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    python = f"Python {platform.python_version()}"
    parts = [
        "# Benchmarks",
        f"Made by `{command}` on {machine}, {python}. The contenders of a job ran in turn; wall seconds from start"
        " to end, start-up included; the median of the runs with the least and the most. `cpu` are the seconds of the"
        " programs themselves, not of servers; `peak` is the resident memory of the largest process. Those many"
        " times slower moved fewer rows: compare µs a row.",
        "![dbdump beside its peers](benchmarks.svg)",
        "\n".join(f"- {name}: {version}" for name, version in versions.items()),
    ]
    for job, found in results:
        parts += [f"## {job.title}", _table(found), _goals(job, found)]
        if job.missing:
            parts.append("Missing here: " + ", ".join(sorted(set(job.missing))) + ".")
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(found: Sequence[Summary]) -> str:
    lines = ["| | rows | seconds | least–most | µs a row | cpu s | peak MB | result |", "|---" * 8 + "|"]
    for one in found:
        times = f"{one.median:.2f} | {one.least:.2f}–{one.most:.2f} | {one.row:.2f} | {one.processor:.2f}"
        lines.append(f"| {_plain(one.name)} | {one.rows:,} | {times} | {one.peak / 1e6:.0f} | {one.result[:60]} |")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _goals(job: Job, found: Sequence[Summary]) -> str:
    lines = []
    for goal in job.goals:
        value = ratio(goal, found)
        told = "not measured" if value is None else f"**{value:.2f}**"
        lines.append(f"- {goal.contender} / {_plain(goal.peer)}: {told} (wanted: {goal.most} at most)")
    return "\n".join(lines)


def plot(results: Sequence[tuple[Job, Sequence[Summary]]]) -> str:
    """Return an SVG with a bar for each ratio: dbdump's time over its peer's, and a mark where it is wanted."""
    bars = [(job.title, goal, value) for job, found in results for goal in job.goals if (value := ratio(goal, found))]
    most = max([2.0, *(value for _, _, value in bars)])
    height = 60 + LINE * 2 * len(bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        '<text x="10" y="22" font-size="15">dbdump’s time over its peer’s (shorter is better; the line: equal)</text>',
    ]
    for at, (title, goal, value) in enumerate(bars):
        top = 44 + LINE * 2 * at
        colour = "#2a9d5c" if value <= goal.most else "#d98324"
        wanted = LABEL + BAR * goal.most / most
        parts += [
            f'<text x="10" y="{top + 11}">{escape(title)}</text>',
            f'<text x="10" y="{top + 26}" fill="#666">{escape(goal.contender)} / {escape(goal.peer)}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{BAR * value / most:.1f}" height="20" fill="{colour}"/>',
            f'<line x1="{wanted:.1f}" x2="{wanted:.1f}" y1="{top - 2}" y2="{top + 22}"'
            ' stroke="black" stroke-dasharray="3 2"/>',
            f'<text x="{LABEL + BAR * value / most + 6:.1f}" y="{top + 15}">{value:.2f}</text>',
        ]
    one = LABEL + BAR / most
    parts += [f'<line x1="{one:.1f}" x2="{one:.1f}" y1="36" y2="{height - 10}" stroke="#999"/>', "</svg>"]
    return "\n".join(parts) + "\n"


def write(
    folder: Path, results: Sequence[tuple[Job, Sequence[Summary]]], versions: Mapping[str, str], command: str
) -> None:
    """Write `benchmarks.md` and `benchmarks.svg` into `folder`."""
    (folder / "benchmarks.md").write_text(page(results, versions, command), encoding="utf-8")
    (folder / "benchmarks.svg").write_text(plot(results), encoding="utf-8")
