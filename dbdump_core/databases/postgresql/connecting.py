"""How PostgreSQL is reached: the words of a URL, keepalives, and a server that may not answer any more."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from ...errors import UnsafeError
from ...model.interruption import ANSWER_SECONDS
from .. import sockets
from ..base import Backend

CONNECT_SECONDS = 30
"""How long to wait for a connection where nothing else says how long; libpq itself would wait for ever."""

_DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}
_SSL_MODES = {"true": "require", "1": "require", "false": "disable", "0": "disable"}
"""`ssl=true`, as the URLs of other drivers have it."""
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""What a client asks first (protocol, SSLRequest): every server and pooler answers it with one byte."""
_KEEPALIVES = {
    "SO_KEEPALIVE": "keepalives",
    "TCP_KEEPIDLE": "keepalives_idle",
    "TCP_KEEPINTVL": "keepalives_interval",
    "TCP_KEEPCNT": "keepalives_count",
    "TCP_USER_TIMEOUT": "tcp_user_timeout",
}
_WORKS = "SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE pid = %s AND state = 'active'"


def spelled(url: sa.URL) -> sa.URL:
    """Return the URL with the driver that is meant where it names none, and TLS in libpq's words."""
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    mode = _SSL_MODES.get(str(url.query.get("ssl", "")).lower())
    if mode is None or "sslmode" in url.query:
        return url
    return url.difference_update_query(["ssl"]).update_query_dict({"sslmode": mode})


def limits(url: sa.URL) -> dict[str, Any]:
    """Return a limit on connecting, where neither the URL nor a service file nor the environment has one."""
    if url.get_driver_name() not in ("psycopg2", "psycopg") or url.query.keys() & {"connect_timeout", "service"}:
        return {}
    return {} if os.environ.keys() & {"PGCONNECT_TIMEOUT", "PGSERVICE"} else {"connect_timeout": CONNECT_SECONDS}


def keep_alive(raw: Any) -> None:
    """Have a peer noticed that is gone, by whatever the URL or a service file does not set itself."""
    if not hasattr(raw, "fileno"):
        return
    info = raw.info
    said = info.get_parameters() if hasattr(info, "get_parameters") else info.dsn_parameters
    if said.get("keepalives") == "0":
        return
    ours = {name: value for name, value in sockets.KEEPALIVE.items() if _KEEPALIVES[name] not in said}
    sockets.keep_alive(raw.fileno(), ours)


def answers(raw: Any) -> bool:
    """Tell whether the server of a connection answers, within a time that can be waited."""
    if raw.closed:
        return False
    try:
        with socket.socket(fileno=os.dup(raw.fileno())) as known:
            family, address = known.family, known.getpeername()
        with socket.socket(family) as asking:
            asking.settimeout(ANSWER_SECONDS)
            asking.connect(address)
            asking.sendall(_SSL_REQUEST)
            return bool(asking.recv(1))
    except (OSError, AttributeError):
        return False


class PostgresqlConnecting(Backend):
    """The part of the backend that is about connections."""

    @classmethod
    def spelled(cls, url: sa.URL) -> sa.URL:
        return spelled(url)

    def open(self, *, writing: bool) -> sa.Connection:
        connection = self.new_engine().connect()
        keep_alive(self.raw(connection))
        return connection

    def new_engine(self, **options: Any) -> sa.Engine:
        if self.make_connection is None:
            options["connect_args"] = {**limits(self.url), **options.get("connect_args", {})}
        return super().new_engine(**options)

    def refuse_guard(self, connection: sa.Connection) -> None:
        """Raise UnsafeError where somebody has decided that this role or database is not written to."""
        if self.run(connection, "SHOW default_transaction_read_only").scalar_one() == "on":
            raise UnsafeError(
                f"{self.shown()} is guarded against writing: default_transaction_read_only is on for this role or"
                " database; name another target, or have it switched off there"
            )

    def is_broken(self, raw: Any) -> bool:
        return bool(raw.closed)

    def misses_password(self, error: BaseException) -> bool:
        return "no password supplied" in str(error)

    def descriptor(self, raw: Any) -> int | None:
        return raw.fileno() if hasattr(raw, "fileno") and not raw.closed else None

    def cancel(self, connection: sa.Connection) -> None:
        raw = self.raw(connection)
        # psycopg2 asks while it holds the interpreter's lock: a silent server would stop every thread.
        if answers(raw):
            with suppress(self.driver_error(connection)):  # it may have ended already
                raw.cancel()

    def is_working(self, connection: sa.Connection) -> bool:
        raw = self.raw(connection)
        if not answers(raw):
            return False
        try:
            with self.new_engine(connect_args={"connect_timeout": int(ANSWER_SECONDS)}).connect() as second:
                return bool(self.run(second, _WORKS, (raw.info.backend_pid,)).scalar_one())
        except (sa.exc.SQLAlchemyError, OSError):
            return False
