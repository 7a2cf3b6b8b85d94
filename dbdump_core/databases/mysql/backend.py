"""MySQL and MariaDB as one engine with two names."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import sqlalchemy as sa

from ...errors import DatabaseError, RefusedError, UnsafeError
from ...model.abc import Block, Emit, Limit, ReadTask, Snapshot, WriteTask
from ...model.schema import Column, ForeignKey, Schema, Table, TableKey
from ...model.types import FLOAT, Kind, Type
from .. import portable
from ..base import reason
from ..holding import Held
from ..probe import HARD_DOUBLES, all_come_back
from ..spelling import Spelling
from . import catalog, collations, faults, harm, limits, locking, reading, rights
from .connecting import MysqlConnecting
from .spelling import MysqlSpelling

# facts.md P2. Empty for reading, so that zero dates are shown; strict for writing.
_READ_MODE = ""
_WRITE_MODE = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO"
_SETTINGS = {
    "time_zone": "+00:00",
    "net_write_timeout": 3600,
    "net_read_timeout": 3600,
    "wait_timeout": 28800,
    "idle_transaction_timeout": 0,
    "idle_readonly_transaction_timeout": 0,
    "idle_write_transaction_timeout": 0,
    "max_execution_time": 0,
    "max_statement_time": 0,
    "transaction_isolation": "REPEATABLE-READ",
    "tx_isolation": "REPEATABLE-READ",
}
_ALL_ROWS = f"SET SESSION sql_select_limit = {2**64 - 1}, sql_big_selects = 1"
"""Else a SELECT is cut without a word, or refused; SHOW is one too."""
_WRITE_SETTINGS = {
    "sql_safe_updates": 0,
    "check_constraint_checks": 1,
    "explicit_defaults_for_timestamp": 1,
    "innodb_strict_mode": 1,
    "max_error_count": faults.MOST_WARNINGS,
    "foreign_key_checks": 0,
    "unique_checks": 1,
}
_MUST = {
    "time_zone",
    "sql_mode",
    "transaction_isolation",
    "tx_isolation",
    "foreign_key_checks",
    "unique_checks",
    "check_constraint_checks",
}
"""Settings whose wrong value would change data; the others only make errors likelier."""

LOCK_SECONDS = 60
"""How long to wait for a lock on a row or a table before giving up."""


class MysqlBackend(MysqlConnecting):
    """One MySQL or MariaDB database."""

    name: ClassVar[str] = "mysql"
    ddl_commits: ClassVar[bool] = True
    ends_run: ClassVar[frozenset[object]] = faults.ENDS_RUN
    lock_errors: ClassVar[frozenset[object]] = faults.LOCK_ERRORS
    catalog = catalog

    def __init__(self, url: sa.URL, **options: Any) -> None:
        super().__init__(url, **options)
        self._loads: bool | None = None
        self._packet = 0

    def engine(self, connection: sa.Connection) -> str:
        return "mariadb" if getattr(connection.dialect, "is_mariadb", False) else "mysql"

    # --- connections ----------------------------------------------------------------------------

    def pin(self, connection: sa.Connection, *, writing: bool) -> None:
        self.run(connection, _ALL_ROWS)
        if writing:
            self.refuse_guard(connection)
        wanted: dict[str, object] = dict(_SETTINGS, sql_mode=_WRITE_MODE if writing else _READ_MODE)
        # A lock on a table is waited for a day or a year unless told otherwise.
        wanted |= {"lock_wait_timeout": LOCK_SECONDS, "innodb_lock_wait_timeout": LOCK_SECONDS}
        if writing:
            wanted |= _WRITE_SETTINGS
        now = {
            str(name).lower(): value
            for name, value in self.run(connection, "SHOW SESSION VARIABLES").all()
            if str(name).lower() in wanted
        }
        self._packet = int(self.run(connection, "SELECT @@max_allowed_packet").scalar_one())
        if connection.dialect.driver == "pymysql":
            self.raw(connection).packet = self._packet
        for name, value in now.items():
            if not _same(value, wanted[name]):
                self._set(connection, name, wanted[name])
        # The dialect saw the server's own sql_mode: ANSI_QUOTES there must not decide the quotes here.
        dialect: Any = connection.dialect
        dialect._server_ansiquotes, dialect._backslash_escapes = False, True
        dialect.identifier_preparer = dialect.preparer(dialect, server_ansiquotes=False)

    def _set(self, connection: sa.Connection, name: str, value: object) -> None:
        try:
            self.run(connection, f"SET SESSION {name} = %s", (value,))
        except sa.exc.DBAPIError as error:
            if name in _MUST:
                raise RefusedError(
                    f"{self.shown()}: {name} must be {value!r} so that no value changes: {reason(error)}"
                ) from None

    def probe_doubles(self, connection: sa.Connection) -> bool:
        rows = " UNION ALL ".join(
            f"SELECT {number} AS n, {_literal(value)} AS v" for number, value in enumerate(HARD_DOUBLES)
        )
        text = reading.cell(Column("v", FLOAT), "v")
        return all_come_back(self.run(connection, f"SELECT CONCAT({text}, '') FROM ({rows}) AS t ORDER BY n").scalars())

    def spelling(self, connection: sa.Connection) -> Spelling:
        return MysqlSpelling(collations.there(connection), folds_tables=self._folds_tables(connection))

    def reflect(self, connection: sa.Connection) -> Schema:
        """Describe the tables, and say what this account cannot see."""
        schema = super().reflect(connection)
        return replace(schema, notes=(*schema.notes, *rights.hidden(partial(self.run, connection), schema)))

    def reflect_target(self, connection: sa.Connection) -> Schema:
        """Describe the tables; a tinyint(1) takes more than the 0 and 1 that it may hold now (facts.md I6)."""
        schema = self.reflect(connection)
        return replace(schema, tables=tuple(map(_with_tinyints, schema.tables)))

    # --- reading --------------------------------------------------------------------------------

    def limit(self, connection: sa.Connection, type_: Type) -> Limit | None:
        return limits.limit(type_, self.engine(connection))

    def estimate(self, connection: sa.Connection, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        rows = self.run(
            connection,
            "SELECT table_name, table_rows FROM information_schema.tables WHERE table_schema = DATABASE()",
        )
        found = {str(name): int(count or 0) for name, count in rows}
        return {table.key: found[table.name] for table in tables if found.get(table.name)}

    def hold_snapshot(self, connection: sa.Connection, tables: Sequence[Table]) -> Snapshot:
        self.run(connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        rows = self.run(
            connection,
            "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()",
        )
        engines = {str(name): str(engine).lower() for name, engine in rows}
        frozen = all(engines.get(table.name) == "innodb" for table in tables)
        return Snapshot.CONSISTENT if frozen else Snapshot.NONE

    def read_natively(self, connection: sa.Connection, task: ReadTask, emit: Emit) -> bool:
        if connection.dialect.driver != "pymysql":
            return False
        from pymysql.cursors import SSCursor

        names = [f"t.{self.quote(connection, column.name)}" for column in task.columns]
        line = reading.line(task.columns, names)
        with self.raw(connection).cursor(SSCursor) as cursor:
            cursor.execute(self._select(connection, task, line))
            oversize = reading.read_lines(cursor, task, emit)
        if oversize:
            self._read_oversize(connection, task, emit, oversize)
        return True

    def _select(self, connection: sa.Connection, task: ReadTask, line: str) -> str:
        sql = f"SELECT {line} FROM {self.qualified(connection, task.table)} AS t"
        if task.where:
            sql += f" WHERE ({task.where})"
        if task.ordered and task.table.primary_key:
            sql += " ORDER BY " + ", ".join(f"t.{self.quote(connection, name)}" for name in task.table.primary_key)
        return sql

    def _read_oversize(self, connection: sa.Connection, task: ReadTask, emit: Emit, expected: int) -> None:
        """Read the rows that are too long for one text, which the same expression finds again."""
        found = 0

        def counted(block: Block) -> None:
            nonlocal found
            found += block.rows
            emit(block)

        names = [f"{self.qualified(connection, task.table)}.{self.quote(connection, c.name)}" for c in task.columns]
        condition = f"{reading.line(task.columns, names)} IS NULL"
        portable.read(self, connection, task, counted, condition=condition)
        if found != expected:
            raise DatabaseError(
                f"table {task.table.key}: {expected} rows are longer than max_allowed_packet and {found} of them"
                " could be read; raise max_allowed_packet on the server"
            )

    def portable_expression(self, column: Column, element: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        kind = column.type.kind
        if kind is Kind.FLOAT:
            return sa.literal_column("0e0") + element
        if kind is Kind.BIT:
            return sa.func.lpad(sa.func.bin(element + sa.literal_column("0")), column.type.length or 1, "0")
        if kind is Kind.YEAR:
            return element + sa.literal_column("0")
        if kind in (Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.UUID, Kind.JSON, Kind.ENUM, Kind.SET):
            return sa.cast(self._fraction(column.type, element), sa.CHAR)
        if kind is Kind.NATIVE:
            if reading.is_printable(column.type):
                return sa.cast(element, sa.CHAR)
            return sa.func.concat("\\x", sa.func.lower(sa.func.hex(element)))
        return element

    def _fraction(self, type_: Type, element: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        if type_.kind not in (Kind.TIME, Kind.TIMESTAMP) or type_.precision == 0:
            return element
        whole = sa.func.substring_index(element, ".", 1)
        trimmed = sa.func.trim(sa.literal_column("TRAILING '0' FROM ").op("")(element))
        return sa.case((sa.func.microsecond(element) == 0, whole), else_=trimmed)

    # --- writing --------------------------------------------------------------------------------

    def begin_writing(self, connection: sa.Connection) -> None:
        lock = f"dbdump:{self.url.database}"[:64]
        if self.run(connection, "SELECT GET_LOCK(%s, 0)", (lock,)).scalar_one() != 1:
            raise UnsafeError(f"another run is loading into {self.shown()}; wait for it to end")
        if self.run(connection, "SELECT @@read_only").scalar_one() and not self._may_write(connection):
            raise UnsafeError(f"{self.shown()} is read-only (a replica?); name its primary server")
        if self._loads is None:
            self._loads = self._probe(connection)
        connection.commit()

    def hold(self, connection: sa.Connection, held: Held) -> None:
        referred = held.referred | {TableKey(None, name) for _, _, name in harm.far_children(connection)}
        connection.commit()
        self.run(connection, "START TRANSACTION")
        for table in held.tables:
            with self.waiting(connection, f"table {table.key}"):
                name = self.qualified(connection, table)
                self.run(connection, locking.statement(table, held, referred).format(name)).all()

    def current(self, statement: sa.Select[Any]) -> sa.Select[Any]:
        return statement.with_for_update(read=True)

    def drop_new(self, connection: sa.Connection, tables: Sequence[Table]) -> list[TableKey]:
        names = [(table.key, self.qualified(connection, table)) for table in tables]
        return [key for key, name in names if not locking.drop_empty(partial(self.run, connection), name)]

    def _may_write(self, connection: sa.Connection) -> bool:
        grants = " ".join(str(row[0]) for row in self.run(connection, "SHOW GRANTS FOR CURRENT_USER"))
        return any(word in grants for word in ("ALL PRIVILEGES ON *.*", "SUPER", "READ_ONLY ADMIN", "CONNECTION_ADMIN"))

    def _probe(self, connection: sa.Connection) -> bool:
        """Tell whether LOAD DATA LOCAL works here, by loading one row into a temporary table."""
        if not self.native or connection.dialect.driver != "pymysql":
            return False
        from . import loading

        if not isinstance(self.raw(connection), loading.LoadingConnection):
            return False
        name = f"dbdump_probe_{secrets.token_hex(4)}"
        try:
            self.run(connection, f"CREATE TEMPORARY TABLE {name} (a int)")
            column = Column("a", Type(Kind.INTEGER, bits=32))
            loaded = loading.load(self.raw(connection), loading.statement(name, [column], ["a"]), b"7\n")
            self.run(connection, f"DROP TEMPORARY TABLE {name}")
        except (sa.exc.DBAPIError, self.driver_error(connection)):
            return False
        return loaded.is_exact(1)

    def write_natively(self, connection: sa.Connection, task: WriteTask, block: Block) -> bool:
        if not self._loads or not task.columns or self._has_huge_cells(block):
            return False
        from . import loading

        names = [self.quote(connection, column.name) for column in task.columns]
        sql = loading.statement(self.qualified(connection, task.table), task.columns, names)
        for part in faults.parts(task, block):
            self._load(connection, task, part, sql)
        return True

    def _load(self, connection: sa.Connection, task: WriteTask, block: Block, sql: Callable[[str], str]) -> None:
        from . import loading

        try:
            loaded = loading.load(self.raw(connection), sql, block.data)
        except self.driver_error(connection) as error:
            if not self.raw(connection).open:
                raise
            raise portable.refused_block(task, block, reason(error), code=self.refusal_code(error)) from error
        if not loaded.is_exact(block.rows):
            warnings = self.run(connection, "SHOW WARNINGS").all()
            if loaded.took_all(block.rows) and faults.are_rounded(task, loaded, warnings):
                return
            raise faults.warned(task, block, loaded, warnings)

    def _has_huge_cells(self, block: Block) -> bool:
        """A function of a value beyond max_allowed_packet is NULL, with only a warning (facts.md S19)."""
        limit = self._packet // 2
        return len(block.data) > limit and max(map(len, block.data.split(b"\n"))) > limit

    def portable_value(self, column: Column, type_: Type, text: str) -> object:
        if column.type.kind is Kind.BIT:
            return int(text, 2)
        if column.type.kind is Kind.YEAR:
            return text.zfill(4)
        if column.type.kind is Kind.NATIVE and not reading.is_printable(column.type):
            return bytes.fromhex(text[2:])
        if type_.kind in (Kind.BOOLEAN, Kind.INTEGER, Kind.BYTES, Kind.FLOAT):
            return super().portable_value(column, type_, text)
        return text

    def refusal_code(self, error: BaseException) -> str | None:
        return str(self.error_code(getattr(error, "orig", None) or error))

    def empty(self, connection: sa.Connection, tables: Sequence[Table], outside: Sequence[ForeignKey]) -> None:
        # Not TRUNCATE: it commits. Foreign keys are off, so nothing cascades.
        for table in tables:
            with self.waiting(connection, f"table {table.key}"):
                self.run(connection, f"DELETE FROM {self.qualified(connection, table)}")

    def refuse_harm(self, connection: sa.Connection, tables: Sequence[Table], *, emptied: bool) -> None:
        harm.refuse(self, connection, {table.name for table in tables}, emptied=emptied)

    def firing_triggers(self, connection: sa.Connection, tables: Sequence[Table], *, emptied: bool) -> list[str]:
        events = ("INSERT", "DELETE") if emptied else ("INSERT",)
        names = {table.name for table in tables}
        found = harm.triggers(connection)
        return [f"{table}.{name}" for table, name, event in found if table in names and event in events]

    # --- one database ---------------------------------------------------------------------------

    def claim(self, connection: sa.Connection) -> str:
        name = f"dbdump-{secrets.token_hex(8)}"
        self.run(connection, "SELECT GET_LOCK(%s, 0)", (name,))
        return f"mysql:{name}:{self._database(connection)}"

    def _database(self, connection: sa.Connection) -> str:
        name = str(self.run(connection, "SELECT DATABASE()").scalar_one())
        return name.lower() if self._folds_tables(connection) else name

    def _folds_tables(self, connection: sa.Connection) -> bool:
        return bool(self.run(connection, "SELECT @@lower_case_table_names").scalar_one())

    def recognises(self, connection: sa.Connection, mark: str) -> bool:
        engine, _, rest = mark.partition(":")
        name, _, database = rest.partition(":")
        if engine != "mysql" or database != self._database(connection):
            return False
        return self.run(connection, "SELECT IS_USED_LOCK(%s)", (name,)).scalar_one() is not None


def _with_tinyints(table: Table) -> Table:
    tiny = Type(Kind.INTEGER, bits=8)
    return table.with_columns(
        tuple(replace(one, type=tiny) if one.type.kind is Kind.BOOLEAN else one for one in table.columns)
    )


def _literal(value: float) -> str:
    """Return a double as SQL: with an exponent, or MySQL takes it for a decimal."""
    text = repr(value)
    return text if "e" in text else text + "e0"


def _same(now: object, wanted: object) -> bool:
    switched = {"ON": "1", "OFF": "0"}
    text = switched.get(str(now), str(now))
    try:
        return float(text) == float(str(wanted))
    except ValueError:
        return text == str(wanted)
