"""PyMySQL's connections, and LOAD DATA LOCAL without a file: a handler that serves only our block.

With `local_infile` on, a rogue server can answer any statement with a request for any file of the
client (facts.md H10). Here the switch is on for the one writing connection, and whatever name the
server asks for, it gets the block of the statement that runs, or nothing.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

import pymysql
from pymysql import connections
from pymysql.constants import CLIENT

from ...model.schema import Column
from ...model.types import Kind
from .connecting import YES
from .reading import is_printable

# What the type stubs do not know: the parts of PyMySQL that carry out a LOAD DATA LOCAL. That they
# are still there is tried out on each writing connection before it is relied on.
_private: Any = connections

PACKET_BYTES = 1024 * 1024
"""Bytes of one packet sent to the server; the protocol's own limit is 16 MiB - 1."""

LONG_BYTES = 1024 * 1024
"""Bytes of a value beyond which it is not sent as hex digits."""

_COUNTS = re.compile(r"Records: (\d+)  Deleted: (\d+)  Skipped: (\d+)  Warnings: (\d+)")


class _Result(_private.MySQLResult):  # type: ignore[misc]
    """A statement's result, whose request for a file is answered from memory."""

    def _read_load_local_packet(self, first_packet: Any) -> None:
        connection: _Connection = self.connection
        asked = _private.LoadLocalPacketWrapper(first_packet).filename
        served = connection.offered is not None and asked == connection.offered[0]
        if served and connection.offered is not None:
            _send(connection, connection.offered[1])
        connection.write_packet(b"")
        answer = connection._read_packet()
        if not served:
            raise pymysql.OperationalError(2068, "the server asked for a file that nobody offered")
        if not answer.is_ok_packet():
            raise pymysql.OperationalError(2014, "commands out of sync")
        self._read_ok_packet(answer)


def _send(connection: _Connection, data: bytes) -> None:
    view = memoryview(data)
    for start in range(0, len(data), PACKET_BYTES):
        connection.write_packet(bytes(view[start : start + PACKET_BYTES]))


class _Connection(_private.Connection):  # type: ignore[misc]
    """PyMySQL's connection, which gives no file away, and knows when it is broken that no more rows will come.

    PyMySQL itself tries to read them when the cursor is closed, and fails so that the cause is hidden.
    `offered`: the name and bytes that the next LOAD DATA may ask for.
    """

    offered: tuple[bytes, bytes] | None = None

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        self._result = None
        result = _Result(self)
        if unbuffered:
            result.init_unbuffered_query()
        else:
            result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows

    packet: int | None = None
    """The server's max_allowed_packet: it hangs up while a longer statement is sent, which hides the cause."""

    def _execute_command(self, command: int, sql: Any) -> None:
        if self.packet is not None and len(sql) >= self.packet:
            raise pymysql.OperationalError(
                1153, f"a statement of {len(sql):,} bytes is longer than the max_allowed_packet of {self.packet:,}"
            )
        super()._execute_command(command, sql)

    def escape(self, obj: Any, mapping: Any = None) -> Any:
        """Spell long bytes in base 64: PyMySQL's hex digits take half as much again of a packet."""
        if isinstance(obj, bytes) and len(obj) > LONG_BYTES:
            return f"FROM_BASE64('{b64encode(obj).decode('ascii')}')"
        return super().escape(obj, mapping)

    def _force_close(self) -> None:
        super()._force_close()
        if self._result is not None:
            self._result.unbuffered_active = False


class LoadingConnection(_Connection):
    """A connection that may load."""


def connect(arguments: Sequence[Any], options: dict[str, Any], *, loads: bool) -> Any:
    """Open a connection, one that may load if `loads`. Raises PyMySQL's errors."""
    if isinstance(options.get("password"), str):
        # As servers and other clients spell it; PyMySQL itself takes Latin-1.
        options["password"] = options["password"].encode()
    options |= _tls(options)
    if not loads:
        return _Connection(*arguments, **{**options, "local_infile": False})
    flags = options.pop("client_flag", 0) | CLIENT.LOCAL_FILES
    return LoadingConnection(*arguments, **{**options, "local_infile": True, "client_flag": flags})


def _tls(options: dict[str, Any]) -> dict[str, Any]:
    """Return what a URL says of TLS as one option: PyMySQL forgets the certificates where checks are named apart."""
    checks = {"verify_mode": "ssl_verify_cert", "check_hostname": "ssl_verify_identity"}
    said = {name: str(options.pop(word)).lower() in YES for name, word in checks.items() if word in options}
    return {"ssl": {**options.get("ssl", {}), **said}} if said else {}


class Loaded:
    """The counts that the server returned: rows read, rows skipped, values it warned of."""

    def __init__(self, message: str) -> None:
        found = _COUNTS.search(message)
        self.records, self.deleted, self.skipped, self.warnings = (
            map(int, found.groups()) if found else (-1, -1, -1, -1)
        )

    def took_all(self, rows: int) -> bool:
        """Tell whether all rows went in, whatever was said about them."""
        return (self.records, self.deleted, self.skipped) == (rows, 0, 0)

    def is_exact(self, rows: int) -> bool:
        """Tell whether all rows went in and nothing was said about them."""
        return (self.records, self.deleted, self.skipped, self.warnings) == (rows, 0, 0, 0)


def load(raw: LoadingConnection, sql: Callable[[str], str], data: bytes) -> Loaded:
    """Run a LOAD DATA LOCAL statement over these lines; `sql` takes the name of the file to ask for."""
    name = f"dbdump-{secrets.token_hex(8)}"
    raw.offered = name.encode(), data
    try:
        with raw.cursor() as cursor:
            cursor.execute(sql(name))
            message = cursor._result.message
    finally:
        raw.offered = None
    return Loaded(message.decode() if isinstance(message, bytes) else str(message))


def _target(column: Column, name: str, variable: str) -> tuple[str, str | None]:
    """Return what LOAD fills for a column, and the SET that makes its value where that is a variable."""
    kind = column.type.kind
    if kind is Kind.BYTES or (kind is Kind.NATIVE and not is_printable(column.type)):
        return variable, f"{name} = UNHEX(SUBSTR({variable}, 3))"
    if kind is Kind.BIT:
        return variable, f"{name} = CAST(CONV({variable}, 2, 10) AS UNSIGNED)"
    if kind is Kind.YEAR:
        return variable, f"{name} = LPAD({variable}, 4, '0')"
    return name, None


def statement(table: str, columns: Sequence[Column], names: Sequence[str]) -> Callable[[str], str]:
    """Return the LOAD DATA statement of a table, waiting for the name of its file."""
    variables = [f"@c{at}" for at in range(len(columns))]
    targets = [_target(*triple) for triple in zip(columns, names, variables, strict=True)]
    if any(made for _, made in targets):
        # MariaDB takes a 0 for "number the row" in spite of NO_AUTO_VALUE_ON_ZERO as soon as there
        # is a SET, unless the number is set as well (seen on 10.11).
        targets = [
            (variable, f"{name} = {variable}") if column.identity else target
            for target, column, name, variable in zip(targets, columns, names, variables, strict=True)
        ]
    sets = [made for _, made in targets if made]
    tail = (
        f" INTO TABLE {table} CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\'"
        f" LINES TERMINATED BY '\\n' ({', '.join(filled for filled, _ in targets)})"
    )
    tail += f" SET {', '.join(sets)}" if sets else ""
    return lambda name: f"LOAD DATA LOCAL INFILE '{name}'{tail}"
