"""The socket below a server's connection: kept alive, and cut when nobody answers any more."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

KEEPALIVE = {"SO_KEEPALIVE": 1, "TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6, "TCP_USER_TIMEOUT": 120_000}
"""A peer that is gone is noticed within two minutes; a statement that runs may be silent for as long as it likes."""


def keep_alive(descriptor: int, options: Mapping[str, int] = KEEPALIVE) -> None:
    """Let the system ask the peer whether it is still there; nothing where this is no TCP socket."""
    with socket.socket(fileno=os.dup(descriptor)) as peer:
        if peer.family not in (socket.AF_INET, socket.AF_INET6):
            return
        for name, value in options.items():
            number = getattr(socket, name, None)  # not every system has them all
            level = socket.SOL_SOCKET if name.startswith("SO_") else socket.IPPROTO_TCP
            if number is not None:
                with suppress(OSError):
                    peer.setsockopt(level, number, value)


def cut(descriptor: int) -> None:
    """End a connection both ways: whoever waits for its peer gets an error at once."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as peer:
        peer.shutdown(socket.SHUT_RDWR)
