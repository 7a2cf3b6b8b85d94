"""A TCP proxy in front of a real server: it passes bytes on, until a test lets the network fail."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa

Hook = Callable[[bytes], None]
"""Called with what the client says, before it is passed on."""
COMMITS = (b"COMMIT", b"commit")


class Proxy:
    """The proxy of one server; `url` reaches it."""

    def __init__(self, server: str) -> None:
        url = sa.make_url(server)
        self._address = (url.host or "127.0.0.1", url.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._ended = False
        self.stalled = threading.Event()
        """Something waits for the network since `stall`."""
        self.sent = 0
        """Bytes that came from the server."""
        self.cut_at: int | None = None
        """Cut everything, and refuse what is new, when so many bytes have come from the server."""
        self.before: Hook = lambda data: None
        port = self._listener.getsockname()[1]
        self.url = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        self._start(self._accept)

    def stall(self) -> None:
        """Pass nothing on any more; connections stay open, and new ones are accepted."""
        self._flowing.clear()

    def cut(self, *, refuse: bool = False) -> None:
        """Reset all connections; `refuse` new ones from now on."""
        if refuse:
            self._ended = True
            self._close_listener()
        for one in self._sockets:
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
        for one in self._sockets:
            with suppress(OSError):
                one.close()
        self._sockets.clear()

    def close(self) -> None:
        """End all of it."""
        self._ended = True
        self._flowing.set()
        self._close_listener()
        self.cut()

    def _close_listener(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def _accept(self) -> None:
        while not self._ended:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._address)
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [client, server]
            self._start(self._pass, client, server, True)
            self._start(self._pass, server, client, False)

    def _pass(self, one: socket.socket, other: socket.socket, from_client: bool) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                if from_client:
                    self.before(data)
                if not self._flowing.is_set():
                    self.stalled.set()
                    self._flowing.wait()
                if not from_client:
                    self.sent += len(data)
                    if self.cut_at is not None and self.sent >= self.cut_at:
                        self.cut(refuse=True)
                        return
                other.sendall(data)
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)


@contextmanager
def proxy(server: str) -> Iterator[Proxy]:
    """A proxy in front of the server at a URL."""
    made = Proxy(server)
    try:
        yield made
    finally:
        made.close()


def commits(data: bytes) -> bool:
    """Tell whether a client sends a COMMIT."""
    return any(word in data for word in COMMITS)
