"""Run one command for a parent process and end it, and clear up after it, when that parent is gone.

Run as a script. The first line of standard input is the order, in JSON (see `Order`); after it the
parent keeps the pipe open for as long as the command shall live. The parent's end, however it comes,
closes the pipe. Standard library only: it starts in isolated mode, without the virtual environment.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, TypedDict

POLL_SECONDS = 0.2
PR_SET_PDEATHSIG = 1


class Order(TypedDict):
    """What to run and what to do afterwards."""

    argv: list[str]
    user: str | None  # account to run as; None: the present one
    folder: str  # private folder of this run: removed at the end
    log: str
    exited: str  # file written when the command ends by itself
    stop_signal: int
    grace: float  # seconds between the stop signal and SIGKILL
    afterwards: list[str]  # command run at the end; empty: none
    parent: int


def as_user(user: str | None) -> dict[str, Any]:
    """The arguments of `subprocess.Popen` that run a command as `user`; none when `user` is None."""
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def die_with_parent() -> None:
    """Ask Linux to kill this process when the supervisor dies; elsewhere do nothing.

    To be called after the change of user, which clears the request.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(order: Order) -> subprocess.Popen[bytes]:
    with Path(order["log"]).open("ab") as log:
        return subprocess.Popen(
            order["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=order["folder"],
            preexec_fn=die_with_parent,
            **as_user(order["user"]),
        )


def wait_for_end_of_parent(order: Order, child: subprocess.Popen[bytes]) -> None:
    """Return when the parent closed the pipe or died; tell it when the command ends before that."""
    reported = False
    while os.getppid() == order["parent"]:
        if select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
            return
        if not reported and child.poll() is not None:
            Path(order["exited"]).write_text(f"{child.returncode}\n")
            reported = True


def end(order: Order, child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(order["stop_signal"])
    try:
        child.wait(order["grace"])
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def clear_up(order: Order) -> None:
    if order["afterwards"]:
        subprocess.run(
            order["afterwards"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    shutil.rmtree(order["folder"], ignore_errors=True)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    order: Order = json.loads(sys.stdin.readline())
    try:
        child = start(order)
        try:
            wait_for_end_of_parent(order, child)
        finally:
            end(order, child)
    except OSError as error:
        with Path(order["log"]).open("a") as log:
            log.write(f"{error}\n")
        Path(order["exited"]).write_text("not started\n")
        sys.stdin.read()
    finally:
        clear_up(order)


if __name__ == "__main__":
    main()
