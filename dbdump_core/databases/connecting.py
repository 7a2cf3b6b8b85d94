"""How an engine is reached: its connections, the calls that wait on them, and how their errors are told."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import sqlalchemy as sa

from ..errors import (
    ROLLED_BACK,
    ConnectError,
    ConnectionLostError,
    DatabaseError,
    DbdumpError,
    PasswordMissingError,
    ProtocolError,
    mask_urls,
)
from ..model import interruption

MakeConnection = Callable[[], Any]
"""Opens a connection of the driver, as an engine of somebody else's program does."""


def reason(error: BaseException) -> str:
    """Return the first line of what the driver said, without SQL, parameters and links."""
    original = getattr(error, "orig", None) or error
    parts = original.args
    if len(parts) > 1 and isinstance(parts[0], int):
        return f"{' '.join(str(parts[1]).split())} (error {parts[0]})"
    text = str(original).partition("(Background on this error")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else type(original).__name__


class Connecting:
    """What every backend knows of its connections; the engines override what theirs do differently."""

    local: ClassVar[bool] = False
    """The database works in this very process, so it always answers."""
    connect_hint: ClassVar[str] = "check host, port, user, password and database name"
    advice: ClassVar[str] = "see whether the server runs, then run again"
    """What to do about a connection that broke."""
    odd_advice: ClassVar[str] = "no server should say that; see whether it is the one you mean, and not damaged"

    def __init__(self, url: sa.URL, *, make_connection: MakeConnection | None = None) -> None:
        self.url = self.spelled(url)
        self.make_connection = make_connection
        self.writing = False
        self.abandoned = False
        """A connection was cut because nobody answered: what the server does with it is not known."""

    @classmethod
    def spelled(cls, url: sa.URL) -> sa.URL:
        """Return a URL as it is understood: with the driver that is meant, and words that it knows."""
        return url

    def connect(self, *, writing: bool) -> sa.Connection:
        """Open a connection with every setting pinned that could change data.

        Raises ConnectError for a database that cannot be reached and a driver that is missing.
        """
        with interruption.waiting(_Call(self, None)):
            connection = self._try_open(writing=writing)
        try:
            with self.speaking(connection):
                self._reset(connection)
                self.pin(connection, writing=writing)
                self.probe(connection)
                connection.commit()
        except DatabaseError as error:
            self.close(connection)
            raise ConnectError(str(error)) from error
        except BaseException:
            self.close(connection)
            raise
        self.writing = writing
        return connection

    def _try_open(self, *, writing: bool) -> sa.Connection:
        try:
            return self.open(writing=writing)
        except ModuleNotFoundError as error:
            raise ConnectError(f"no driver for {self.shown()}: {error}; install it with pip") from None
        except sa.exc.NoSuchModuleError:
            raise ConnectError(
                f"nothing is known of {self.url.drivername!r} in {self.shown()}; begin the URL with postgresql://,"
                " mysql://, mariadb:// or sqlite:///, or install the SQLAlchemy dialect of that name"
            ) from None
        except DbdumpError:
            raise
        except Exception as error:
            text = f"cannot connect to {self.shown()}: {reason(error)}; {self.connect_hint}"
            if self.url.password is None and self.misses_password(error):
                raise PasswordMissingError(text, self.url) from error
            raise ConnectError(text) from error

    def _reset(self, connection: sa.Connection) -> None:
        """Let a connection that another program's engine made take part in transactions."""
        if self.make_connection is not None:
            dialect = connection.dialect
            raw: Any = connection.connection.dbapi_connection
            if dialect.default_isolation_level is not None:
                dialect.set_isolation_level(raw, dialect.default_isolation_level)

    def new_engine(self, **options: Any) -> sa.Engine:
        """Return an engine of our own, which pools nothing and resets nothing behind our back."""
        if self.make_connection is not None:
            options["creator"] = self.make_connection
        return sa.create_engine(self.url, poolclass=sa.pool.NullPool, pool_reset_on_return=None, **options)

    def open(self, *, writing: bool) -> sa.Connection:
        """Open the bare connection. Raises SQLAlchemy's errors."""
        return self.new_engine().connect()

    def pin(self, connection: sa.Connection, *, writing: bool) -> None:
        """Set what would change data if it were set otherwise (facts.md P1, P2)."""

    def probe(self, connection: sa.Connection) -> None:
        """Find out what works here."""

    def close(self, connection: sa.Connection) -> None:
        """Close a connection, whatever has become of it."""
        try:
            connection.close()
        except (sa.exc.SQLAlchemyError, OSError, self.driver_error(connection)):
            with suppress(sa.exc.SQLAlchemyError, OSError, self.driver_error(connection)):
                connection.invalidate()

    def shown(self) -> str:
        """Return the database's name for people, without its password."""
        return mask_urls(self.url.render_as_string(hide_password=True))

    def raw(self, connection: sa.Connection) -> Any:
        """Return the driver's own connection."""
        return connection.connection.driver_connection

    # --- errors -----------------------------------------------------------------------------------

    @contextmanager
    def speaking(self, connection: sa.Connection) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        with interruption.waiting(_Call(self, connection)):
            try:
                yield
            except (sa.exc.SQLAlchemyError, self.driver_error(connection), OSError, UnicodeError) as error:
                raise self.told(connection, error) from error
            except Exception as error:
                if isinstance(error, DbdumpError) or not self._is_drivers_own(connection, error):
                    raise
                raise self.told(connection, error) from error

    def told(self, connection: sa.Connection, error: Exception) -> DatabaseError:
        """Return what an error of the driver is to people."""
        lost = self.is_lost(connection, error)
        if self.is_odd(connection, error):
            # Nobody knows what the server will say next, so nothing more is asked.
            with suppress(sa.exc.SQLAlchemyError, OSError, self.driver_error(connection)):
                connection.invalidate()
        undone = f"; {ROLLED_BACK}" if self.writing else ""
        if not isinstance(error, OSError) and self.is_odd(connection, error):
            return ProtocolError(f"{self.shown()}: {reason(error)}{undone}; {self.odd_advice}")
        if lost:
            return ConnectionLostError(
                f"the connection to {self.shown()} broke: {reason(error)}{undone}; {self.advice}"
            )
        hint = self.hint(error)
        return DatabaseError(f"{self.shown()}: {reason(error)}{undone}{f'; {hint}' if hint else ''}")

    def hint(self, error: Exception) -> str:
        """Return what to do about an error, '' where its text says all that is known."""
        return ""

    def driver_error(self, connection: sa.Connection) -> type[Exception]:
        """Return the root of the driver's own exceptions."""
        error: type[Exception] = connection.dialect.loaded_dbapi.Error
        return error

    def _is_drivers_own(self, connection: sa.Connection, error: Exception) -> bool:
        """Tell whether the driver itself failed, as over an answer that no server should give."""
        driver = connection.dialect.loaded_dbapi.__name__.partition(".")[0]
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        return bool(str(frame.f_globals.get("__name__", "")).partition(".")[0] == driver)

    def is_lost(self, connection: sa.Connection, error: Exception) -> bool:
        """Tell whether an error means that the connection is gone."""
        if getattr(error, "connection_invalidated", False) or isinstance(error, OSError):
            return True
        if connection.invalidated or connection.closed:
            return not connection.closed
        return self.is_broken(self.raw(connection))

    def is_odd(self, connection: sa.Connection, error: Exception) -> bool:
        """Tell whether an error is no answer of a database that works."""
        if not isinstance(error, (sa.exc.SQLAlchemyError, self.driver_error(connection))):
            return True
        return self.error_code(getattr(error, "orig", None) or error) in self.odd_codes

    odd_codes: ClassVar[frozenset[object]] = frozenset()
    """Codes of errors that tell of answers which no server should give."""

    def error_code(self, error: BaseException) -> object:
        """Return the code of a driver's error, as `odd_codes` and `ends_run` have them."""
        return error.args[0] if error.args else None

    def is_broken(self, raw: Any) -> bool:
        """Tell whether the driver knows that its connection is gone."""
        return False

    def misses_password(self, error: Exception) -> bool:
        """Tell whether the server wants a password and was given none."""
        return False

    # --- ending a call ----------------------------------------------------------------------------

    def cancel(self, connection: sa.Connection) -> None:
        """Stop the statement that runs on `connection` in another thread, soon."""

    def is_working(self, connection: sa.Connection) -> bool:
        """Tell whether the database is at work for a connection that says nothing, asked on another one."""
        return self.local

    def descriptor(self, raw: Any) -> int | None:
        """Return the socket below a connection, None where there is none."""
        return None

    def give_up(self, connection: sa.Connection) -> bool:
        """Leave a connection that is of no use any more; tell whether the database has undone what was begun on it."""
        if not (connection.closed or connection.invalidated):
            self.cancel(connection)
        with suppress(sa.exc.SQLAlchemyError, OSError, self.driver_error(connection)):
            connection.invalidate()
        return self.local


class _Call:
    """A call that waits for a database, or for a connection to it, as a signal finds it."""

    def __init__(self, backend: Connecting, connection: sa.Connection | None) -> None:
        self._backend = backend
        self._connection = connection
        self.local = backend.local
        self.name = backend.shown()

    def _usable(self) -> sa.Connection | None:
        connection = self._connection
        return None if connection is None or connection.closed or connection.invalidated else connection

    def cancel(self) -> None:
        if connection := self._usable():
            self._backend.cancel(connection)

    def is_working(self) -> bool:
        connection = self._usable()
        return connection is not None and self._backend.is_working(connection)

    def abandon(self) -> bool:
        from . import sockets

        connection = self._usable()
        descriptor = self._backend.descriptor(self._backend.raw(connection)) if connection is not None else None
        if descriptor is None:
            return False
        self._backend.abandoned = True
        sockets.cut(descriptor)
        return True
