"""What `settings.DATABASES` says of an alias, as the URL that the core connects by."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.utils import ConnectionDoesNotExist

from dbdump_core.errors import ConnectError, UsageError, shown
from dbdump_core.model.selection import close


def database_url(alias: str) -> sa.URL:
    """Return the URL of an alias's database, by the settings that its connection has now.

    Raises UsageError for an alias that does not exist, an engine that cannot be served and settings
    that no URL can carry.
    """
    connection = connection_of(alias)
    settings = connection.settings_dict
    for module, make in _ENGINES.items():
        # The vendor alone would take in databases that only speak like one of these.
        if _VENDORS[module] == connection.vendor and _is_made_from(connection, module):
            return make(alias, {**settings, "OPTIONS": settings.get("OPTIONS") or {}})
    raise UsageError(
        f"database alias {shown(alias)}: the engine {shown(settings['ENGINE'])} cannot be served; it is to be one of"
        " Django's own for SQLite, PostgreSQL and MySQL, or be made from one"
    )


def existing_url(alias: str) -> sa.URL:
    """Return the URL of an alias's database, which `migrate` has made where it is a file.

    Raises ConnectError where that file is not there, and what `database_url` raises.
    """
    url = database_url(alias)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise ConnectError(
            f"database alias {shown(alias)}: no SQLite file {shown(url.database, 500)}; run migrate first"
        )
    return url


def connection_of(alias: str) -> Any:
    """Return Django's connection of an alias, not yet opened.

    Raises UsageError for an alias that does not exist and for settings that Django refuses.
    """
    try:
        return connections[alias]
    except ConnectionDoesNotExist:
        advice = close(alias, [name for name in connections if isinstance(name, str)])
        raise UsageError(f"no database alias {shown(alias)}; {advice}") from None
    except (ImproperlyConfigured, ImportError) as error:
        engine = connections.settings[alias].get("ENGINE")
        raise UsageError(
            f"database alias {shown(alias)}: the engine {shown(engine)} cannot be used: {first_line(error)}; correct"
            " settings.DATABASES or install its driver"
        ) from None


@contextmanager
def asking(alias: str) -> Iterator[Any]:
    """Give Django's connection of an alias for questions that change nothing, closed again if it was closed.

    Raises ConnectError where the database cannot be reached or does not answer. A missing SQLite file
    is one, as connecting would make it.
    """
    connection = connection_of(alias)
    if connection.vendor == "sqlite":
        existing_url(alias)
    was_closed = connection.connection is None
    try:
        yield connection
    except ImproperlyConfigured as error:
        raise UsageError(f"database alias {shown(alias)}: {first_line(error)}; correct settings.DATABASES") from None
    except DatabaseError as error:
        raise ConnectError(
            f"database alias {shown(alias)}: {first_line(error)}; check its entry in settings.DATABASES"
        ) from error
    finally:
        if was_closed:
            connection.close()


def first_line(error: Exception) -> str:
    """Return the first line of what Django or a driver says, without its final dot."""
    parts = error.args
    text = str(parts[1] if len(parts) > 1 and isinstance(parts[0], int) else error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__


def _is_made_from(connection: Any, module: str) -> bool:
    return any(base.__module__ == module for base in type(connection).__mro__)


# --- SQLite -------------------------------------------------------------------------------------


def _sqlite(alias: str, settings: Mapping[str, Any]) -> sa.URL:
    name = os.fspath(settings["NAME"] or "")
    in_memory = name in ("", ":memory:")
    if isinstance(settings["NAME"], str) and name.startswith("file:"):
        # Django opens every name as a URI where it begins like one.
        parts = urlsplit(name)
        name = _file_path(parts.path)
        in_memory = name in ("", ":memory:") or "mode=memory" in parts.query.split("&")
    if in_memory:
        raise UsageError(
            f"database alias {shown(alias)} is an SQLite database in memory, which no other connection can see; give it"
            " a file: NAME, or TEST NAME for the database of tests"
        )
    return sa.URL.create("sqlite", database=name)


def _file_path(path: str) -> str:
    """Return the path of a `file:` URI; a drive letter has no slash before it (sqlite.org, URI Filenames)."""
    path = unquote(path)
    return path[1:] if re.match(r"/[A-Za-z]:", path) and os.name == "nt" else path


# --- PostgreSQL ---------------------------------------------------------------------------------

_NOT_FOR_LIBPQ = {
    "assume_role", "isolation_level", "pool", "server_side_binding", "client_encoding", "connection_factory",
    "cursor_factory", "row_factory", "context", "prepare_threshold", "autocommit", "async", "async_", "replication",
}  # fmt: skip
"""What Django and psycopg take for themselves, and what the core sets."""


def _postgresql(alias: str, settings: Mapping[str, Any]) -> sa.URL:
    options = {key: value for key, value in settings["OPTIONS"].items() if value is not None}
    known = {"dbname": "postgres"} if settings["NAME"] is None else _given(dbname=settings["NAME"])
    # Django's order: options go before the name, the other entries before the options.
    known |= {key: value for key, value in options.items() if key not in _NOT_FOR_LIBPQ}
    known |= _given(user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"], port=settings["PORT"])
    if settings["NAME"] is None:
        known.pop("service", None)
    if role := options.get("assume_role"):
        escaped = re.sub(r"([\\\s])", r"\\\1", str(role))
        known["options"] = f"{known.get('options', '')} -c role={escaped}".strip()
    _refuse_hidden(alias, known, "sslpassword")
    host, port = str(known.pop("host", "")), str(known.pop("port", ""))
    parts: dict[str, Any] = {name: str(known.pop(key)) for name, key in _POSTGRESQL_PARTS.items() if key in known}
    query = {key: _text(value) for key, value in known.items()}
    if host.startswith(("/", "@")) or "," in host + port:
        # A folder of sockets and a list of hosts have no other place in a URL.
        return sa.URL.create("postgresql+psycopg2", **parts, query={**query, **_given(host=host, port=port)})
    return sa.URL.create("postgresql+psycopg2", **parts, host=host or None, port=_port(alias, port), query=query)


_POSTGRESQL_PARTS = {"username": "user", "password": "password", "database": "dbname"}


# --- MySQL and MariaDB --------------------------------------------------------------------------

_MYSQL_PARTS = {"username": "user", "password": "password", "host": "host", "database": "database"}
_FOR_PYMYSQL = {"unix_socket", "read_default_file", "read_default_group", "connect_timeout", "bind_address"}
_SSL_KEYS = ("ca", "capath", "cert", "key", "cipher")
_SET_ROLE = re.compile(r"\s*SET\s+ROLE\s[^;]*;?\s*", re.IGNORECASE)


def _mysql(alias: str, settings: Mapping[str, Any]) -> sa.URL:
    host = str(settings["HOST"] or "")
    known = _given(user=settings["USER"], database=settings["NAME"], password=settings["PASSWORD"])
    known |= _given(port=settings["PORT"], **{"unix_socket" if host.startswith("/") else "host": host})
    names = {"db": "database", "passwd": "password"}
    known |= {names.get(key, key): value for key, value in settings["OPTIONS"].items() if value is not None}
    query = {key: _text(value) for key, value in known.items() if key in _FOR_PYMYSQL}
    query |= _mysql_tls(alias, known)
    # Settings of the session are the core's, which pins them all; rights are the project's.
    if _SET_ROLE.fullmatch(role := str(known.get("init_command", ""))):
        query["init_command"] = role.strip().rstrip(";")
    if "database" not in known and query.keys() & {"read_default_file", "read_default_group"}:
        known["database"] = _current_database(alias)
    parts: dict[str, Any] = {name: str(known[key]) for name, key in _MYSQL_PARTS.items() if key in known}
    if not (parts.get("host") or query.keys() & {"unix_socket", "read_default_file", "read_default_group"}):
        parts["host"] = "localhost"
    return sa.URL.create("mysql+pymysql", **parts, port=_port(alias, str(known.get("port", ""))), query=query)


def _current_database(alias: str) -> str:
    """Return the database that an option file of the driver names."""
    with asking(alias) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        return str(cursor.fetchone()[0] or "")


def _mysql_tls(alias: str, known: Mapping[str, Any]) -> dict[str, str]:
    """Return TLS as SQLAlchemy hands it to PyMySQL, checking of the server what the project's driver checks."""
    said, mode = known.get("ssl"), str(known.get("ssl_mode", "")).upper()
    if mode == "DISABLED" or known.get("ssl_disabled"):
        return {"ssl_disabled": "1"}
    if isinstance(said, ssl.SSLContext):
        raise UsageError(
            f"database alias {shown(alias)}: an SSLContext cannot be carried in a URL; give OPTIONS ssl as a dict of"
            " ca, cert and key"
        )
    given = dict(said) if isinstance(said, Mapping) else {}
    given |= {key[4:]: value for key, value in known.items() if key.startswith("ssl_") and value is not None}
    _refuse_hidden(alias, given, "password", "key_password")
    query = {f"ssl_{key}": str(given[key]) for key in _SSL_KEYS if given.get(key)}
    if not (said or query or mode in ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY") or given.get("verify_cert")):
        return {}
    verified = mode.startswith("VERIFY") or given.get("verify_cert") or given.get("verify_identity")
    if verified and not query.keys() & {"ssl_ca", "ssl_capath"}:
        paths = ssl.get_default_verify_paths()
        query |= _given(ssl_ca=paths.cafile) or _given(ssl_capath=paths.capath)
    query["ssl_check_hostname"] = _text(_checks_host_name(alias, given, mode))
    return query


def _checks_host_name(alias: str, given: Mapping[str, Any], mode: str) -> bool:
    """Tell whether the server's certificate must bear the host's name.

    PyMySQL checks it unless told otherwise, the C libraries where they are told so.
    """
    if mode:
        return mode == "VERIFY_IDENTITY"
    if "verify_identity" in given or "verify_cert" in given:
        return bool(given.get("verify_identity"))
    by_default = connection_of(alias).Database.__name__ == "pymysql"
    return bool(given.get("check_hostname", by_default))


# --- all ----------------------------------------------------------------------------------------


def _given(**settings: Any) -> dict[str, Any]:
    """Return the settings that say something."""
    return {key: str(value) for key, value in settings.items() if value not in (None, "")}


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else os.fspath(value) if isinstance(value, Path) else str(value)


def _port(alias: str, text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit()):
        raise UsageError(f"database alias {shown(alias)}: the port {shown(text)} is not a number; correct PORT")
    return int(text) if text else None


def _refuse_hidden(alias: str, options: Mapping[str, Any], *names: str) -> None:
    """A URL shows everything but the password, and URLs are shown."""
    for name in names:
        if options.get(name):
            raise UsageError(
                f"database alias {shown(alias)}: the passphrase of a TLS key cannot be kept secret in a URL;"
                " name it in a service or option file of the driver, or use a key without one"
            )


_ENGINES: Mapping[str, Callable[[str, Mapping[str, Any]], sa.URL]] = {
    "django.db.backends.sqlite3.base": _sqlite,
    "django.db.backends.postgresql.base": _postgresql,
    "django.db.backends.mysql.base": _mysql,
}
_VENDORS = {
    "django.db.backends.sqlite3.base": "sqlite",
    "django.db.backends.postgresql.base": "postgresql",
    "django.db.backends.mysql.base": "mysql",
}
