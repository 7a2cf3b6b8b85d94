"""Ask a person before tables that hold rows are emptied."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from ..errors import mask_urls
from .output import escaped, is_terminal, resolved, say
from .summary import amount

if TYPE_CHECKING:
    from ..model.abc import Plan, TablePlan
    from ..model.schema import TableKey
    from ..operations import Confirm
    from .display import Display

WAKE_SECONDS = 0.2
"""How long a Ctrl-C may go unnoticed while a question waits."""
LISTED = 30
"""Tables of each kind that a question names; a list that scrolls away is not read."""


def confirmation(
    target: str, display: Display, *, yes: bool, screen: TextIO | None = None
) -> Confirm | None:
    """Return the function that asks; None where nobody can be asked, or where `yes` has answered.

    `target`: how the user named it. `screen`: where to ask, instead of on standard error.
    """
    if yes or not (is_terminal(sys.stdin) and is_terminal(screen or sys.stderr)):
        return None
    name = escaped(mask_urls(resolved(target)))

    def confirm(plan: Plan, occupied: Sequence[TableKey]) -> bool:
        with display.paused():
            return ask(plan, occupied, name, screen=screen)

    return confirm


def ask(
    plan: Plan, occupied: Sequence[TableKey], target: str, *, screen: TextIO | None = None
) -> bool:
    """Show the plan, ask, and return whether the answer was yes; the end of input is a no."""
    say(*plan_lines(plan, occupied), stream=screen)
    say(f"empty {amount(len(occupied), 'table')} in {target} and load? [y/N]", stream=screen)
    _wait_for_answer()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _wait_for_answer() -> None:
    """Wait until there is something to read, so that Ctrl-C is noticed meanwhile.

    The system may hand the signal to any thread; a main thread that is blocked in `read` would not
    know of it before the next key.
    """
    if os.name == "posix" and is_terminal(sys.stdin):
        while not select.select([sys.stdin], [], [], WAKE_SECONDS)[0]:
            pass


def plan_lines(plan: Plan, occupied: Sequence[TableKey]) -> Iterator[str]:
    """Yield what the plan does to the target, for people. `occupied`: the tables that hold rows."""
    full = set(occupied)
    there = [table for table in plan.tables if not table.creates]
    yield from _listed("empty, then load", [table for table in there if table.target.key in full])
    yield from _listed("load", [table for table in there if table.target.key not in full])
    yield from _listed("create, then load", [table for table in plan.tables if table.creates])
    yield from (f"note: {escaped(note)}" for note in plan.notes)


def _listed(heading: str, tables: list[TablePlan]) -> Iterator[str]:
    if not tables:
        return
    yield f"{heading}:"
    for table in tables[:LISTED]:
        yield f"  {escaped(table.target.key)}"
        yield from (f"    {escaped(note)}" for note in table.notes)
    if len(tables) > LISTED:
        yield f"  and {len(tables) - LISTED:,} more"
