"""How MySQL and MariaDB are reached: the words of a URL, files that are not for the server, keepalives."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from ...errors import ConnectError, UnsafeError, UsageError, mask_urls, shown
from ...model.interruption import ANSWER_SECONDS
from .. import sockets
from ..base import Backend

_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql"}
_LOCAL_FILES = 128
"""The client flag CLIENT_LOCAL_FILES."""
_FILE_WORDS = ("local_infile", "allow_local_infile", "allow_local_infile_in_path")
"""Words by which drivers let a server ask for files; only the connection that loads allows it, in its own way."""
_NO_FILES: Mapping[str, dict[str, Any]] = {
    "mysqldb": {"local_infile": 0},
    "mysqlconnector": {"allow_local_infile": False},
    "mariadbconnector": {"local_infile": False},
}
"""What rules it out where a driver, or its option file, may allow it by itself."""
_FILES = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_capath", "read_default_file")
YES = frozenset({"1", "true", "yes", "on"})
_NO = {"0", "false", "no", "off"}
_TLS: Mapping[str, dict[str, str]] = {
    "disabled": {"ssl_disabled": "true"},
    "preferred": {},
    "required": {"ssl_check_hostname": "false"},
}
_GUARD = "SHOW SESSION VARIABLES WHERE variable_name IN ('transaction_read_only', 'tx_read_only') AND value = 'ON'"
_POLL_SECONDS = 0.1
_DENIED = (1045, 1698)
"""Access denied."""
_UNREACHED = (sa.exc.SQLAlchemyError, OSError)
"""No second connection is to be had, or the session has ended already."""


def spelled(url: sa.URL) -> sa.URL:
    """Return the URL with the driver that is meant where it names none, and nothing in it that allows files."""
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    allowing = [word for word in url.query if word.lower() in _FILE_WORDS]
    url = url.difference_update_query(allowing)
    flags = str(url.query.get("client_flag", ""))
    if flags.isdigit() and int(flags) & _LOCAL_FILES:
        url = url.update_query_dict({"client_flag": str(int(flags) & ~_LOCAL_FILES)})
    return _with_tls(url) if url.get_driver_name() == "pymysql" else url


def _with_tls(url: sa.URL) -> sa.URL:
    """Return the URL with `ssl=true` and `ssl_mode=…` in the words that PyMySQL has for them."""
    for word in ("ssl", "ssl_mode", "ssl-mode"):
        if word not in url.query:
            continue
        value = str(url.query[word]).lower()
        mode = "required" if value in YES else "disabled" if value in _NO else value
        if mode not in _TLS:
            raise UsageError(
                f"{mask_urls(url.render_as_string())}: {word} is one of {', '.join(_TLS)}, not {shown(value)};"
                " a certificate to trust is named by ssl_ca"
            )
        url = url.difference_update_query([word])
        more = {} if mode == "required" and "ssl_ca" in url.query else _TLS[mode]
        url = url.update_query_dict({name: said for name, said in more.items() if name not in url.query})
    if str(url.query.get("ssl_disabled", "")).lower() in _NO:
        url = url.difference_update_query(["ssl_disabled"])  # any text would do for a yes
    return url


def refuse_missing_files(url: sa.URL, name: str) -> None:
    """Raise ConnectError for a file that the URL names and that is not there; drivers do not say which it is."""
    for word in _FILES:
        path = url.query.get(word)
        if isinstance(path, str) and not Path(path).expanduser().exists():
            raise ConnectError(f"cannot connect to {name}: {word} names {shown(path, 500)}, which is not there")


def descriptor_of(raw: Any) -> int | None:
    """Return the socket of PyMySQL's connection, None where it has none."""
    peer = getattr(raw, "_sock", None)
    descriptor: int = -1 if peer is None else peer.fileno()
    return None if descriptor < 0 else descriptor


class MysqlConnecting(Backend):
    """The part of the backend that is about connections."""

    odd_codes: ClassVar[frozenset[object]] = frozenset({2014, 2027, 2068})
    """Commands out of sync, a malformed packet, a file is asked for."""

    @classmethod
    def spelled(cls, url: sa.URL) -> sa.URL:
        return spelled(url)

    def __init__(self, url: sa.URL, **options: Any) -> None:
        if not url.database:
            raise UsageError(f"no database named in {mask_urls(url.render_as_string())}; add it after the last slash")
        if "charset" not in url.query:
            url = url.update_query_dict({"charset": "utf8mb4"})
        super().__init__(url, **options)
        self._numbers: WeakKeyDictionary[sa.Connection, int] = WeakKeyDictionary()

    def shown(self) -> str:
        return mask_urls(self.url.difference_update_query(["charset"]).render_as_string(hide_password=True))

    def open(self, *, writing: bool) -> sa.Connection:
        refuse_missing_files(self.url, self.shown())
        connection = self.new_engine(loads=writing and self.native).connect()
        raw = self.raw(connection)
        self._numbers[connection] = getattr(raw, "thread_id", int)()
        if self.make_connection is not None:
            _take_over(raw)
        if (descriptor := descriptor_of(raw)) is not None:
            sockets.keep_alive(descriptor)
        return connection

    def new_engine(self, *, loads: bool = False, **options: Any) -> sa.Engine:
        engine = super().new_engine(**options)
        driver = engine.dialect.driver

        @sa.event.listens_for(engine, "do_connect")
        def do_connect(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
            if driver == "pymysql":
                from . import loading

                return loading.connect(arguments, options, loads=loads)
            options.update(_NO_FILES.get(driver, {}))
            return None

        return engine

    def refuse_guard(self, connection: sa.Connection) -> None:
        """Raise UnsafeError where somebody has decided that this account does not write."""
        if self.run(connection, _GUARD).first():
            raise UnsafeError(
                f"{self.shown()} is guarded against writing: transaction_read_only is on for its sessions; name another"
                " target, or have it switched off there"
            )

    def is_broken(self, raw: Any) -> bool:
        return not getattr(raw, "open", True)

    def misses_password(self, error: BaseException) -> bool:
        original: BaseException = getattr(error, "orig", None) or error
        return self.error_code(original) in _DENIED and "using password: NO" in str(original)

    def descriptor(self, raw: Any) -> int | None:
        return descriptor_of(raw)

    @contextmanager
    def _beside(self, connection: sa.Connection) -> Iterator[tuple[sa.Connection, int]]:
        """Open a second connection, and give the number of the first one: it cannot speak for itself now."""
        seconds = int(ANSWER_SECONDS)
        limits = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), seconds)
        with self.new_engine(connect_args=limits).connect() as second:
            yield second, self._numbers.get(connection, 0)

    def cancel(self, connection: sa.Connection) -> None:
        # A server that writes to a closed socket notices late, so the session is ended from another one.
        with suppress(*_UNREACHED), self._beside(connection) as (second, number):
            self.run(second, f"KILL {number}")

    def is_working(self, connection: sa.Connection) -> bool:
        with suppress(*_UNREACHED), self._beside(connection) as (second, number):
            return self._command(second, number) not in (None, "Sleep")
        return False

    def _command(self, second: sa.Connection, number: int) -> str | None:
        """Return what a session is at, None where it has ended.

        Not from information_schema: on MySQL that fails while anybody's statement has a character of four bytes.
        """
        commands = {int(row[0]): str(row[4]) for row in self.run(second, "SHOW PROCESSLIST")}
        return commands.get(number)

    def give_up(self, connection: sa.Connection) -> bool:
        """Leave a connection that is of no use any more; return when its session has ended, or nobody answers."""
        with suppress(*_UNREACHED):
            connection.invalidate()
        with suppress(*_UNREACHED), self._beside(connection) as (second, number):
            with suppress(sa.exc.DBAPIError):  # it has ended already
                self.run(second, f"KILL {number}")
            while self._command(second, number) is not None:
                time.sleep(_POLL_SECONDS)
            return True
        return False


def _take_over(raw: Any) -> None:
    """Let a connection that another program has opened speak UTF-8, and give no file away."""
    raw.set_character_set("utf8mb4")
    if hasattr(raw, "_local_infile"):  # PyMySQL asks it before it sends a file
        raw._local_infile = False
