"""What is shown of a run, driven by events alone: bars, plain lines, summaries, JSON."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from dbdump_core.cli import summary
from dbdump_core.cli.display import HEARTBEAT_SECONDS, Display, JsonDisplay, LinesDisplay
from dbdump_core.cli.terminal import BARS, TerminalDisplay
from dbdump_core.model.abc import (
    Comparison,
    Event,
    Fingerprint,
    Path,
    Phase,
    Report,
    Snapshot,
    TableComparison,
    TableResult,
)
from dbdump_core.model.schema import TableKey

ORDER = TableKey(None, "shop_order")
EVIL = TableKey("sales\n", "\x1b]0;owned\x07")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def result(name: str, rows: int = 10, *notes: str) -> TableResult:
    return TableResult(TableKey(None, name), rows, rows * 100, 0.5, Path.NATIVE, Fingerprint(rows, 7), notes)


def report(*tables: TableResult, **changes: object) -> Report:
    whole = Report("shop.db", "postgresql://me@db/shop", Snapshot.CONSISTENT, tables, 2.0, verified=True)
    return replace(whole, **changes)  # type: ignore[arg-type]


def compared(name: str, left: Fingerprint, right: Fingerprint, *notes: str) -> TableComparison:
    return TableComparison(TableKey(None, name), left, right, notes)


SAME = compared("city", Fingerprint(3, 1), Fingerprint(3, 1))
FEWER = compared("shop", Fingerprint(3, 1), Fingerprint(2, 1))
CHANGED = compared("note", Fingerprint(3, 1), Fingerprint(3, 2))


def console(width: int = 120, *, encoding: str = "utf-8", color: str | None = None) -> Console:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)
    return Console(
        file=stream,
        force_terminal=True,
        width=width,
        height=30,
        color_system=color,  # type: ignore[arg-type]
        markup=False,
        highlight=False,
        legacy_windows=False,
    )


def written(target: Console) -> str:
    buffer = target.file.buffer  # type: ignore[attr-defined]
    return str(buffer.getvalue().decode(target.encoding))


def frame(display: TerminalDisplay, width: int = 120, encoding: str = "utf-8") -> list[str]:
    """Draw the display once and return its lines."""
    target = console(width, encoding=encoding)
    target.print(display)
    return written(target).splitlines()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def terminal(clock: Clock, *events: Event) -> TerminalDisplay:
    display = TerminalDisplay(console(), unicode=True, clock=clock)
    for event in events:
        display(event)
    return display


# A terminal while the run is at work


def test_bar_shows_rows_bytes_rates_and_time_left(clock: Clock) -> None:
    display = terminal(clock, Event(Phase.DATA, total=3), Event(Phase.DATA, ORDER))
    clock.now += 10
    display(Event(Phase.DATA, ORDER, rows=250_000, bytes=50_000_000, total=1_000_000))
    heading, bar = frame(display)
    assert heading == "10.0 s  transferring rows  0 of 3 tables"
    assert bar.startswith("shop_order")
    for part in ("25%", "250,000 rows", "50.0 MB", "25,000 rows/s", "5.0 MB/s", "ETA 30.0 s", "━"):
        assert part in bar


def test_bar_without_a_total_promises_nothing(clock: Clock) -> None:
    display = terminal(clock, Event(Phase.DATA, ORDER, rows=5))
    clock.now += 1
    bar = frame(display)[1]
    assert "ETA" not in bar
    assert "%" not in bar


def test_an_estimate_that_was_too_low_is_not_believed(clock: Clock) -> None:
    display = terminal(clock, Event(Phase.DATA, ORDER, rows=1))
    clock.now += 1
    display(Event(Phase.DATA, ORDER, rows=500, total=100))
    bar = frame(display)[1]
    assert "100%" in bar
    assert "ETA" not in bar


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_has_a_name_and_a_running_clock(phase: Phase, clock: Clock) -> None:
    display = terminal(clock, Event(phase))
    first = frame(display)
    clock.now += 75
    assert frame(display) != first
    assert frame(display)[0].startswith("1:15  ")


def test_finished_tables_leave_the_screen_and_are_counted(clock: Clock) -> None:
    display = terminal(clock, Event(Phase.DATA, total=2), Event(Phase.DATA, ORDER, rows=9, done=True))
    assert frame(display) == ["0.00 s  transferring rows  1 of 2 tables"]


def test_a_thousand_tables_stay_on_one_screen(clock: Clock) -> None:
    keys = [TableKey(None, f"t{number:04}") for number in range(1000)]
    display = terminal(
        clock, Event(Phase.DATA, total=1000), *(Event(Phase.DATA, key, rows=1) for key in keys)
    )
    lines = frame(display)
    assert len(lines) == BARS + 2
    assert lines[-1] == f"and {1000 - BARS} more tables at work"
    for key in keys:
        display(Event(Phase.DATA, key, rows=1, done=True))
    assert frame(display) == ["0.00 s  transferring rows  1,000 of 1,000 tables"]


def test_the_live_display_is_gone_after_success_and_kept_after_failure() -> None:
    for failing in (False, True):
        target = console()
        display = TerminalDisplay(target, unicode=True)
        try:
            with display:
                display(Event(Phase.COMMIT))
                raise_if(failing)
        except KeyError:
            pass
        screen = emulated(written(target))
        assert ("committing" in screen) == failing


def raise_if(failing: bool) -> None:
    if failing:
        raise KeyError


def emulated(text: str) -> str:
    """Return what is left on a screen after the few controls that a live display uses: CR, up, erase."""
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\n|\r|[^\x1b\n\r]+", text):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece.endswith("A") and piece.startswith("\x1b"):
            row -= int(piece[2:-1] or 1)
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif not piece.startswith(("\x1b", "\r")):
            lines[row] += piece
    return "\n".join(lines)


def test_the_display_steps_aside_for_a_question() -> None:
    target = console()
    display = TerminalDisplay(target, unicode=True)
    with display:
        display(Event(Phase.DESCRIBE))
        with display.paused():
            before = len(written(target))
            display(Event(Phase.EMPTY))
            assert len(written(target)) == before
        display(Event(Phase.COMMIT))
    assert "committing" in written(target)


@pytest.mark.parametrize("width", [1, 10, 20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_width_or_encoding_is_too_small(width: int, encoding: str, clock: Clock) -> None:
    display = TerminalDisplay(console(), unicode=encoding == "utf-8", clock=clock)
    long = TableKey("a_schema", "a_name_that_is_as_long_as_postgresql_lets_it_be_63_characters_")
    display(Event(Phase.DATA, long, rows=10**12, bytes=10**15, total=10**13))
    display(Event(Phase.DATA, ORDER))
    lines = frame(display, width, encoding)
    assert all(len(line) <= width for line in lines)
    assert len(lines) == 3


def test_forty_columns_still_show_the_rows(clock: Clock) -> None:
    display = terminal(clock, Event(Phase.DATA, ORDER, rows=1234, total=10_000))
    assert "1,234 rows" in frame(display, 40)[1]


def test_names_cannot_drive_the_terminal(clock: Clock) -> None:
    display = terminal(clock, Event(Phase.DATA, EVIL, rows=1), Event(Phase.DATA, TableKey(None, "[red]x[/]")))
    text = "\n".join(frame(display))
    assert not CONTROL.search(text)
    assert "\\x1b]0;owned\\x07" in text
    assert "[red]x[/]" in text


# A terminal when the run is done


def shown_report(whole: Report, *, width: int = 120, unicode: bool = True, proof: bool | None = True) -> str:
    target = console(width, encoding="utf-8" if unicode else "ascii")
    TerminalDisplay(target, unicode=unicode).show_report(whole, proof=proof)
    return written(target)


def test_summary_lists_tables_totals_and_proof() -> None:
    text = shown_report(report(result("shop_order", 1234), result("shop_item", 6)))
    rows = [line.split() for line in text.splitlines() if "shop_" in line]
    assert ["shop_order", "1,234", "123.4", "kB", "0.50", "native", "✓"] in rows
    assert "2 tables, 1,240 rows, 124.0 kB in 2.00 s (620 rows/s, 62.0 kB/s)" in text
    assert "shop.db → postgresql://me@db/shop" in text
    assert "verified: every table was read back and is equal" in text
    assert "snapshot: consistent" in text


def test_summary_of_an_ascii_terminal_is_ascii() -> None:
    text = shown_report(report(result("shop_order", 1234)), unicode=False)
    assert text.isascii()
    assert "shop.db -> " in text


@pytest.mark.parametrize("width", [1, 5, 20, 40])
@pytest.mark.parametrize("unicode", [True, False])
def test_summary_of_a_narrow_terminal_fits(width: int, unicode: bool) -> None:
    text = shown_report(
        report(result("a_rather_long_name_of_a_table", 1_234_567)), width=width, unicode=unicode
    )
    grid = text.partition("shop.db")[0].splitlines()
    assert all(len(line) <= width for line in grid)


def test_forty_columns_keep_every_letter_and_digit() -> None:
    name = "a_rather_long_name_of_a_table"
    text = shown_report(report(result(name, 1_234_567)), width=40)
    body = text.partition("shop.db")[0].splitlines()[2:]
    assert "".join(line.split()[0] for line in body) == name
    assert "1,234,567" in text
    target = console(40)
    TerminalDisplay(target, unicode=True).show_comparison(comparison(CHANGED))
    assert "✗ different" in written(target)


@pytest.mark.parametrize("display", [Display(), LinesDisplay()])
def test_a_missing_snapshot_is_said_loudly_even_by_a_quiet_run(
    display: Display, capsys: pytest.CaptureFixture[str]
) -> None:
    display.show_report(report(result("a"), snapshot=Snapshot.NONE))
    assert "WARNING: no consistent snapshot" in capsys.readouterr().err


def test_a_missing_snapshot_is_said_loudly_on_a_terminal() -> None:
    text = shown_report(report(result("a"), snapshot=Snapshot.NONE))
    assert "WARNING: no consistent snapshot" in text
    assert "snapshot: none" not in text


@pytest.mark.parametrize(
    ("proof", "line"),
    [
        (None, None),
        (False, "not verified (--no-verify)"),
        (True, "not verified: the target cannot be read back"),
    ],
)
def test_a_run_without_proof_says_why(proof: bool | None, line: str | None) -> None:
    text = shown_report(report(result("a"), verified=False), proof=proof)
    assert "✓" not in text
    assert (line in text) if line else ("verified" not in text)


def test_notes_are_grouped_by_text() -> None:
    tables = [result(f"t{number}", 1, "real becomes double") for number in range(5)]
    lines = shown_report(report(*tables, result("u", 1, "other\x1b[2J"), notes=("of the run",))).splitlines()
    assert [line for line in lines if line.startswith("note:")] == [
        "note: t0, t1, t2 and 2 more: real becomes double",
        "note: u: other\\x1b[2J",
        "note: of the run",
    ]


def test_the_summary_of_a_thousand_tables_lists_the_largest() -> None:
    text = shown_report(report(*(result(f"t{number:04}", number) for number in range(1000))))
    listed = re.findall(r"^t(\d{4})", text, re.MULTILINE)
    assert listed == [f"{number:04}" for number in range(1000 - summary.LISTED, 1000)]
    assert "the 50 largest of 1,000 tables; --json lists all" in text


def test_a_url_in_a_report_shows_no_password() -> None:
    assert "hunter2" not in shown_report(report(result("a"), target="mysql://me:hunter2@db/shop"))


# Comparisons


def comparison(*tables: TableComparison, **changes: object) -> Comparison:
    whole = Comparison("a.db", "b-dump", tables, seconds=0.5)
    return replace(whole, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (comparison(SAME), "equal: 1 table, 3 rows"),
        (comparison(SAME, FEWER, CHANGED), "different: 2 of 3 tables"),
        (comparison(SAME, only_left=(ORDER,)), "different: 0 of 1 table, 1 only left"),
        (comparison(FEWER, only_left=(ORDER,), only_right=(EVIL,)),
         "different: 1 of 1 table, 1 only left, 1 only right"),
    ],
)  # fmt: skip
def test_the_verdict_is_the_last_line(
    found: Comparison, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = console()
    TerminalDisplay(target, unicode=True).show_comparison(found)
    LinesDisplay().show_comparison(found)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == verdict
    assert written(target).splitlines()[-1] == verdict
    assert not any(CONTROL.search(line) for line in lines)


def test_tables_that_differ_come_first() -> None:
    target = console()
    TerminalDisplay(target, unicode=True).show_comparison(comparison(SAME, CHANGED))
    text = written(target)
    assert text.index("✗ different") < text.index("✓ equal")


def test_a_quiet_comparison_tells_the_differences_only(capsys: pytest.CaptureFixture[str]) -> None:
    Display().show_comparison(comparison(SAME, FEWER, CHANGED, only_right=(ORDER,)))
    assert capsys.readouterr().err.splitlines() == [
        "different: shop: 3 rows left, 2 right",
        "different: note: same count, other values",
        "only right: shop_order",
    ]


# Plain lines


def test_plain_lines_one_a_phase_and_one_a_finished_table(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = LinesDisplay(clock)
    display(Event(Phase.DESCRIBE))
    display(Event(Phase.EMPTY, ORDER, done=True))
    display(Event(Phase.DATA, total=2))
    for rows in range(0, 1000, 100):
        display(Event(Phase.DATA, ORDER, rows=rows))
    clock.now += 2
    display(Event(Phase.DATA, ORDER, rows=1000, bytes=10_000, done=True))
    display(Event(Phase.DATA, EVIL, done=True))
    display(Event(Phase.DATA, done=True))
    display(Event(Phase.VERIFY))
    clock.now += 4
    display(Event(Phase.VERIFY, ORDER, rows=1000, done=True))
    display(Event(Phase.COMMIT))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "describing tables",
        "preparing the target",
        "transferring rows",
        "  shop_order: 1,000 rows, 10.0 kB, 2.00 s, 500 rows/s, 5.0 kB/s, 1 of 2 tables",
        "  sales\\n.\\x1b]0;owned\\x07: 0 rows, 0.00 s, 2 of 2 tables",
        "verifying",
        "  shop_order: 1,000 rows, 4.00 s, 250 rows/s, 1 of 2 tables",
        "committing",
    ]


def test_plain_lines_of_a_long_table_beat_once_a_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    display = LinesDisplay(clock)
    for second in range(HEARTBEAT_SECONDS * 2 + 2):
        display(Event(Phase.DATA, ORDER, rows=second))
        clock.now += 1
    beats = [line for line in capsys.readouterr().err.splitlines() if "so far" in line]
    assert [beat.partition(",")[0] for beat in beats] == [
        "  shop_order so far: 60 rows",
        "  shop_order so far: 120 rows",
    ]


def test_interleaved_phases_are_named_once_each(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    display = LinesDisplay(clock)
    for number in range(3):
        key = TableKey(None, f"t{number}")
        display(Event(Phase.DATA, key, done=True))
        display(Event(Phase.VERIFY, key, done=True))
    err = capsys.readouterr().err
    assert err.count("transferring rows") == err.count("verifying") == 1
    assert err.count("3 tables done") == 2


def test_the_plain_summary_lines_up(capsys: pytest.CaptureFixture[str]) -> None:
    LinesDisplay().show_report(report(result("注文", 1_000_000), result("b", 6)), proof=True)
    head, wide, narrow = capsys.readouterr().err.splitlines()[:3]
    assert head == "table       rows     bytes  seconds  path    verified"
    assert wide == "注文   1,000,000  100.0 MB     0.50  native  yes"
    assert narrow == "b              6     600 B     0.50  native  yes"


def test_a_closed_screen_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    LinesDisplay()(Event(Phase.DATA, ORDER, done=True))
    monkeypatch.setattr("sys.stderr", None)
    LinesDisplay().show_report(report(result("a")))


# JSON


def test_report_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    display = JsonDisplay()
    display(Event(Phase.DATA, ORDER, rows=1, done=True))
    display.show_report(report(result("a", 2, "a note"), replace(result("é\x1b"), fingerprint=None)))
    captured = capsys.readouterr()
    assert captured.err == ""
    assert json.loads(captured.out) == {
        "ok": True,
        "source": "shop.db",
        "target": "postgresql://me@db/shop",
        "tables": [
            {
                "table": "a",
                "rows": 2,
                "bytes": 200,
                "seconds": 0.5,
                "path": "native",
                "fingerprint": "00000000000000000000000000000007",
                "notes": ["a note"],
            },
            {
                "table": "é\x1b",
                "rows": 10,
                "bytes": 1000,
                "seconds": 0.5,
                "path": "native",
                "fingerprint": None,
                "notes": [],
            },
        ],
        "totals": {"tables": 2, "rows": 12, "bytes": 1200, "seconds": 2.0},
        "snapshot": "consistent",
        "verified": True,
        "notes": [],
    }


def test_comparison_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    JsonDisplay().show_comparison(comparison(FEWER, only_left=(ORDER,), notes=("n",)))
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "equal": False,
        "left": "a.db",
        "right": "b-dump",
        "tables": [
            {
                "table": "shop",
                "equal": False,
                "left": {"rows": 3, "fingerprint": "00000000000000000000000000000001"},
                "right": {"rows": 2, "fingerprint": "00000000000000000000000000000001"},
                "notes": [],
                "differences": [],
            }
        ],
        "only_left": ["shop_order"],
        "only_right": [],
        "seconds": 0.5,
        "notes": ["n"],
    }


# Numbers for people


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_999, "1.0 MB"),
     (2_500_000_000, "2.5 GB"), (10**16, "10,000.0 TB")],
)  # fmt: skip
def test_size(count: int, text: str) -> None:
    assert summary.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.00 s"), (9.99, "9.99 s"), (59.94, "59.9 s"), (60, "1:00"), (3599.4, "59:59"), (3723, "1:02:03")],
)
def test_duration(seconds: float, text: str) -> None:
    assert summary.duration(seconds) == text
