"""Signals become an exception in the main thread, so that transactions and half-written files are undone.

A driver that waits in C for a server hears no signal, so a thread of its own listens as well: it asks
the server to stop, and cuts the connection where nobody answers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any

from ..model import interruption
from ..model.interruption import ANSWER_SECONDS, Call

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
WAKE_SECONDS = 0.1
PROBE_SECONDS = 0.5
"""How often a server that is silent is asked whether it is at work."""


class Interruptions:
    """While inside, the first of SIGINT, SIGTERM and SIGHUP raises KeyboardInterrupt.

    `exit_code` is then 128 + the signal's number. Later ones are ignored while the work is undone
    (a closing terminal sends two), but a second SIGINT ends the program at once: the servers then
    roll back by themselves. A signal that was ignored from the start (nohup) stays ignored.
    From the commit on nothing is raised: the run ends as done.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self._previous: dict[int, Any] = {}
        self._listener: _Listener | None = None

    def __enter__(self) -> Interruptions:
        if threading.current_thread() is threading.main_thread():
            interruption.reset()
            for number in _numbers():
                previous = signal.getsignal(number)
                if previous not in (signal.SIG_IGN, None):
                    self._previous[number] = previous
                    signal.signal(number, self._interrupt)
            self._listener = _Listener(list(self._previous))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.close()
        for number, previous in self._previous.items():
            signal.signal(number, previous)
        self._previous.clear()
        interruption.reset()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        for other in self._previous:
            signal.signal(other, signal.SIG_DFL if other == signal.SIGINT else signal.SIG_IGN)
        if interruption.stops():
            self.exit_code = 128 + number
            raise KeyboardInterrupt


def ignore_late_signals() -> None:
    """Let the program end as it is about to: its exit code is known."""
    for number in _numbers():
        if signal.getsignal(number) is not None:
            signal.signal(number, signal.SIG_IGN)


class _Listener:
    """A thread that hears of signals at once, while the main thread may wait in C."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = set(numbers)
        self._heard, self._told = socket.socketpair()
        self._told.setblocking(False)
        self._previous = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        self._ended = threading.Event()
        self._first: int | None = None
        self._thread = threading.Thread(target=self._listen, name="dbdump-signals", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        signal.set_wakeup_fd(self._previous)
        self._ended.set()
        with contextlib.suppress(OSError):
            self._told.send(b"\0")  # wakes the thread
        self._thread.join()
        self._told.close()
        self._heard.close()

    def _listen(self) -> None:
        while not self._ended.is_set():
            for number in self._heard.recv(64):
                if number not in self._numbers:
                    continue
                if self._first is None:
                    self._first = number
                    threading.Thread(target=self._watch, args=(number,), name="dbdump-watch", daemon=True).start()
                elif number == signal.SIGINT:
                    _leave(number)

    def _watch(self, number: int) -> None:
        """End the calls that nobody answers, until the run has ended."""
        watched: dict[object, _Watched] = {}
        first = True
        while not self._ended.wait(0 if first else WAKE_SECONDS):
            for key, call in interruption.calls().items():
                if key not in watched:
                    watched[key] = _Watched(call, key, cancels=first and not interruption.is_held())
                if watched[key].end() is None:
                    _leave(number, call.name)
            first = False


class _Watched:
    """A call that a signal wants to end: cancelled, then asked after, then cut."""

    def __init__(self, call: Call, key: object, *, cancels: bool) -> None:
        self._call = call
        self._key = key
        self._cancels = cancels
        self._deadline = time.monotonic() + ANSWER_SECONDS
        self._cut = False
        threading.Thread(target=self._ask, name="dbdump-cancel", daemon=True).start()

    def end(self) -> bool | None:
        """Cut the call if its time is up; None where that is of no use."""
        if self._call.local or time.monotonic() < self._deadline:
            return False
        if self._cut or not self._call.abandon():
            return None
        self._cut = True
        self._deadline = time.monotonic() + ANSWER_SECONDS
        return True

    def _ask(self) -> None:
        with contextlib.suppress(Exception):  # the call has ended meanwhile, and its connection with it
            if self._cancels:
                self._call.cancel()
            while self._key in interruption.calls() and not self._cut:
                if self._call.is_working():
                    self._deadline = time.monotonic() + ANSWER_SECONDS
                time.sleep(PROBE_SECONDS)


def _leave(number: int, name: str = "") -> None:
    """End the program here and now: the main thread cannot."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h")  # a bar may have hidden the cursor
        waited = f": {name} does not answer; what was begun there is undone when it notices that nobody is left"
        sys.stderr.write(f"dbdump: error: interrupted{waited if name else ''}\n")
        sys.stderr.flush()
    os._exit(128 + number)


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
