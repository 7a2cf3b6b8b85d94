"""What a signal finds: calls that wait for a database, and a run that may or may not be stopped any more.

Whoever waits for a database says so here (`waiting`); whoever handles signals (the command line) looks
here, from another thread: a driver's call into C hears no signal, so it is the call that must be ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Protocol

ANSWER_SECONDS = 3.0
"""How long a server may stay silent once a signal wants to end the run."""


class Call(Protocol):
    """Something that waits for a database. Its methods are called from another thread, and may wait themselves."""

    name: str
    """Of the database, for people."""
    local: bool
    """It works in this very process (SQLite), so it never stalls."""

    def cancel(self) -> None:
        """Ask the database to stop."""

    def is_working(self) -> bool:
        """Tell whether the database, asked on another way, is still at work for this call."""
        ...

    def abandon(self) -> bool:
        """Cut the connection, so that the call ends with an error; False where there is nothing to cut yet."""
        ...


_lock = Lock()
_calls: dict[object, Call] = {}
_held = False
_late = False


@contextmanager
def waiting(call: Call) -> Iterator[None]:
    """Say, while inside, that this thread waits for a database."""
    key = object()
    with _lock:
        _calls[key] = call
    try:
        yield
    finally:
        with _lock:
            del _calls[key]


def calls() -> dict[object, Call]:
    """Return the calls under way; the keys tell one from another."""
    with _lock:
        return dict(_calls)


def hold() -> None:
    """From here on a signal does not stop the run: the commit is sent, and only its answer counts."""
    global _held
    _held = True


def release() -> None:
    """From here on a signal stops the run again. Raises KeyboardInterrupt for one that came meanwhile."""
    global _held, _late
    late, _held, _late = _late, False, False
    if late:
        raise KeyboardInterrupt


@contextmanager
def held() -> Iterator[None]:
    """Do what must not be stopped half-way, nor afterwards: from its success on, the run ends as done."""
    hold()
    try:
        yield
    except BaseException:
        release()
        raise


def reset() -> None:
    """Begin anew, as a program does that is just starting."""
    global _held, _late
    _held = _late = False


def stops() -> bool:
    """Tell whether a signal that has come stops the run; where it does not yet, `release` will."""
    global _late
    _late = _held
    return not _held


def is_held() -> bool:
    """Tell whether a signal does not stop the run."""
    return _held
