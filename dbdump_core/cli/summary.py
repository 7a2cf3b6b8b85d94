"""What a run did, as text: numbers for people, tables of cells, lines, and plain data for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import combining, east_asian_width

from ..errors import ManyErrorsError, ValueRefusedError, mask_urls
from ..model.results import Detail, Loss, Snapshot
from ..run.refusals import Alike
from .output import escaped

if TYPE_CHECKING:
    from ..model.abc import Comparison, Report, TableResult
    from ..model.schema import TableKey

LISTED = 50
"""Tables that a summary lists; of more, those with the most rows. `--json` lists all."""

NAMED = 3
"""Tables that a note shared by several names."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The few characters that not every screen can show."""

    yes: str
    equal: str
    different: str
    arrow: str


UNICODE = Marks(yes="✓", equal="✓ equal", different="✗ different", arrow="→")
ASCII = Marks(yes="yes", equal="equal", different="different", arrow="->")


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of text. `numeric`: columns that line up at the right; `optional`: to be given up first."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: frozenset[int]
    optional: tuple[int, ...] = ()


def size(count: float) -> str:
    """Return a number of bytes in decimal units: `1.2 MB`."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:,.1f} TB"


def duration(seconds: float) -> str:
    """Return a time for people: `0.83 s`, `12.3 s`, `4:05`, `1:02:03`."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def amount(count: int, noun: str) -> str:
    """Return `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def rates(rows: int, bytes_: int, seconds: float) -> str:
    """Return rows and, where they were counted, bytes a second; nothing where the time is too short."""
    if seconds < 0.01 or not rows:
        return ""
    flow = f", {size(bytes_ / seconds)}/s" if bytes_ else ""
    return f"{rows / seconds:,.0f} rows/s{flow}"


def report_grid(report: Report, marks: Marks) -> Grid:
    """Return the tables of a report, the largest where there are very many."""
    numeric, optional = frozenset((1, 2, 3)), (4, 3, 2)
    header = ("table", "rows", "bytes", "seconds", "path")
    rows = [_cells(table) for table in _largest(report.tables)]
    if not report.verified:
        return Grid(header, rows, numeric, optional)
    return Grid((*header, "verified"), [(*row, marks.yes) for row in rows], numeric, (*optional, 5))


def _cells(table: TableResult) -> tuple[str, ...]:
    seconds = f"{table.seconds:,.2f}"
    volume = size(table.bytes) if table.bytes or not table.rows else "-"  # a private path counts no bytes
    return escaped(table.key), f"{table.rows:,}", volume, seconds, str(table.path)


def _largest(tables: Sequence[TableResult]) -> Sequence[TableResult]:
    if len(tables) <= LISTED:
        return tables
    kept = {table.key for table in sorted(tables, key=lambda table: -table.rows)[:LISTED]}
    return [table for table in tables if table.key in kept]


def report_lines(report: Report, marks: Marks, *, proof: bool | None) -> Iterator[str]:
    """Yield what follows the tables of a report. `proof`: was it asked for (None: not a question here)?"""
    if len(report.tables) > LISTED:
        yield f"the {LISTED} largest of {len(report.tables):,} tables; --json lists all"
    yield f"{_name(report.source)} {marks.arrow} {_name(report.target)}: {_totals(report)}"
    if report.verified:
        yield "verified: every table was read back and is equal"
    elif proof is not None:
        yield "not verified" + (": the target cannot be read back" if proof else " (--no-verify)")
    if not report_warnings(report):
        yield f"snapshot: {report.snapshot}"
    yield from _grouped((table.key, table.notes) for table in report.tables)


def report_warnings(report: Report) -> list[str]:
    """Return what even a quiet run must say about how its rows were read."""
    if report.snapshot != Snapshot.NONE:
        return []
    return [
        "WARNING: no consistent snapshot: tables were read at different times, and rows that changed "
        "meanwhile may not fit together; run again while nobody writes"
    ]


def notes(texts: Iterable[str]) -> list[str]:
    """Return the notes of a whole run as lines."""
    return [f"note: {escaped(text)}" for text in texts]


def quiet_lines(report: Report) -> list[str]:
    """Return what a quiet run says: notes that are no details, what was lost of any table, and warnings."""
    lost = [note for table in report.tables for note in table.notes if isinstance(note, Loss)]
    told = [note for note in report.notes if not isinstance(note, Detail)]
    return [*notes([*told, *lost]), *report_warnings(report)]


def _totals(report: Report) -> str:
    what = f"{amount(len(report.tables), 'table')}, {amount(report.rows, 'row')}, {size(report.bytes)}"
    speed = rates(report.rows, report.bytes, report.seconds)
    return f"{what} in {duration(report.seconds)}" + (f" ({speed})" if speed else "")


def _name(text: str) -> str:
    return escaped(mask_urls(text))


def _grouped(noted: Iterable[tuple[TableKey, tuple[str, ...]]]) -> Iterator[str]:
    """Yield each note once, with the tables that it is about."""
    tables: dict[str, list[TableKey]] = {}
    for key, texts in noted:
        for text in texts:
            tables.setdefault(text, []).append(key)
    for text, keys in tables.items():
        named = ", ".join(escaped(key) for key in keys[:NAMED])
        more = f" and {len(keys) - NAMED:,} more" if len(keys) > NAMED else ""
        yield f"note: {named}{more}: {escaped(text)}"


def comparison_grid(comparison: Comparison, marks: Marks) -> Grid:
    """Return the tables of a comparison, those that differ first; of very many, not all of the equal ones."""
    tables = sorted(comparison.tables, key=lambda table: table.equal)
    differing = sum(not table.equal for table in tables)
    rows = [
        (
            escaped(table.key),
            f"{table.left.rows:,}",
            f"{table.right.rows:,}",
            marks.equal if table.equal else marks.different,
        )
        for table in tables[: max(LISTED, differing)]
    ]
    return Grid(("table", "left", "right", "result"), rows, frozenset((1, 2)))


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Yield what follows the tables of a comparison."""
    sides = f"left {_name(comparison.left)}, right {_name(comparison.right)}"
    yield f"{sides}: {duration(comparison.seconds)}"
    yield from _grouped((table.key, table.notes) for table in comparison.tables)
    yield from notes(comparison.notes)
    yield from structures(comparison)
    yield from missing(comparison)


def verdict(comparison: Comparison) -> str:
    """Return the outcome of a comparison as one line."""
    compared = amount(len(comparison.tables), "table")
    if comparison.equal:
        return f"equal: {compared}, {amount(sum(table.left.rows for table in comparison.tables), 'row')}"
    parts = [f"{sum(not table.equal for table in comparison.tables):,} of {compared}"]
    parts += [f"{len(comparison.only_left):,} only left"] if comparison.only_left else []
    parts += [f"{len(comparison.only_right):,} only right"] if comparison.only_right else []
    return "different: " + ", ".join(parts)


def differences(comparison: Comparison) -> Iterator[str]:
    """Yield what each table that differs differs in."""
    for table in comparison.tables:
        if table.left != table.right:
            left, right = table.left.rows, table.right.rows
            counts = f"{left:,} rows left, {right:,} right" if left != right else "same count, other values"
            yield f"different: {escaped(table.key)}: {counts}"
    yield from structures(comparison)


def structures(comparison: Comparison) -> Iterator[str]:
    """Yield a line on each difference beside the rows."""
    for table in comparison.tables:
        yield from (f"different: {escaped(table.key)}: {escaped(mask_urls(text))}" for text in table.differences)


def missing(comparison: Comparison) -> Iterator[str]:
    """Yield one line for each table that only one side has."""
    yield from (f"only left: {escaped(key)}" for key in comparison.only_left)
    yield from (f"only right: {escaped(key)}" for key in comparison.only_right)


def aligned(grid: Grid) -> Iterator[str]:
    """Yield a grid as lines of plain text."""
    table = [grid.header, *grid.rows]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    for row in table:
        padded = (_padded(cell, widths[at], at in grid.numeric) for at, cell in enumerate(row))
        yield "  ".join(padded).rstrip()


def _padded(cell: str, width: int, right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if right else cell + space


def _width(text: str) -> int:
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def report_json(report: Report) -> dict[str, object]:
    """Return a report as plain data."""
    return {
        "ok": True,
        "source": mask_urls(report.source),
        "target": mask_urls(report.target),
        "tables": [_table_json(table) for table in report.tables],
        "totals": {
            "tables": len(report.tables),
            "rows": report.rows,
            "bytes": report.bytes,
            "seconds": round(report.seconds, 3),
        },
        "snapshot": str(report.snapshot),
        "verified": report.verified,
        "notes": list(report.notes),
    }


def _table_json(table: TableResult) -> dict[str, object]:
    return {
        "table": str(table.key),
        "rows": table.rows,
        "bytes": table.bytes,
        "seconds": round(table.seconds, 3),
        "path": str(table.path),
        "fingerprint": None if table.fingerprint is None else str(table.fingerprint),
        "notes": list(table.notes),
    }


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """Return a comparison as plain data."""
    return {
        "ok": True,
        "equal": comparison.equal,
        "left": mask_urls(comparison.left),
        "right": mask_urls(comparison.right),
        "tables": [
            {
                "table": str(table.key),
                "equal": table.equal,
                "left": {"rows": table.left.rows, "fingerprint": str(table.left)},
                "right": {"rows": table.right.rows, "fingerprint": str(table.right)},
                "notes": list(table.notes),
                "differences": [mask_urls(text) for text in table.differences],
            }
            for table in comparison.tables
        ],
        "only_left": [str(key) for key in comparison.only_left],
        "only_right": [str(key) for key in comparison.only_right],
        "seconds": round(comparison.seconds, 3),
        "notes": list(comparison.notes),
    }


def refusals_json(error: BaseException, mask: Callable[[str], str]) -> dict[str, object]:
    """Return what is known of the rows that an error is about, as plain data; nothing for other errors."""
    if isinstance(error, ManyErrorsError) and error.errors:
        return {"errors": list(map(mask, error.errors)), "refusals": _masked(list(error.refusals), mask)}
    if isinstance(error, ValueRefusedError) and error.refusal is not None:
        return {"refusals": _masked([Alike.of(error).fields()], mask)}
    return {}


def _masked(data: object, mask: Callable[[str], str]) -> object:
    if isinstance(data, dict):
        return {key: _masked(value, mask) for key, value in data.items()}
    if isinstance(data, list):
        return [_masked(value, mask) for value in data]
    return mask(data) if isinstance(data, str) else data
