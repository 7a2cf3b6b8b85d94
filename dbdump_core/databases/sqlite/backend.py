"""SQLite as an engine: connections, snapshot, lock and the private path."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any, ClassVar

import sqlalchemy as sa

from ...errors import ConnectError, UnsafeError
from ...model.abc import Block, Emit, Path, ReadTask, Snapshot, WriteTask
from ...model.schema import Column, Numbering, Table, TableKey
from ...model.types import Type
from ...rows.checking import Checker, passed
from ..base import Backend, MakeConnection, reason
from ..probe import HARD_DOUBLES, all_come_back
from ..spelling import Spelling
from . import careful, catalog, connecting, files, snapshot
from .affinity import affinity
from .reading import SQLITE_LIMIT, bytes_out, read_by_key, read_by_row
from .rows import FLOAT_TEXT, Statement, statement
from .spelling import SqliteSpelling
from .statements import folded
from .triggers import firing
from .writing import BlockWriter, bind_for

BUSY_SECONDS = 10.0
"""How long to wait for another program's transaction."""
CACHE_KIBIBYTES = 16_000
"""SQLite's page cache: larger ones gain nothing here and count against the memory ceiling."""
MAIN = "main"
ADOPTED = "dbdump_source"
"""The schema name of the source when it is attached to the target's connection."""

_JSON_IS_SAFE = "SELECT min(flags & 0x200000) FROM pragma_function_list WHERE name = 'json_valid'"  # SQLITE_INNOCUOUS


class SqliteBackend(Backend):
    """One SQLite file."""

    name: ClassVar[str] = "sqlite"
    typed: ClassVar[bool] = False
    marks: ClassVar[bool] = True
    local: ClassVar[bool] = True
    ends_run: ClassVar[frozenset[object]] = frozenset(
        {
            sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL,
        }
    )  # fmt: skip
    connect_hint: ClassVar[str] = "check the path and its permissions"
    catalog = catalog

    def __init__(self, url: sa.URL, *, make_connection: MakeConnection | None = None, **options: Any) -> None:
        if make_connection is not None and not url.database:
            url = url.set(database=connecting.file_of(make_connection()))
        super().__init__(url, **options)
        if make_connection is None:
            connecting.refuse_strange(url)
        if not url.database or url.database == ":memory:":
            raise ConnectError("an in-memory SQLite database cannot be shared; name a file")
        self.path = self._named = FilePath(url.database)
        self._new: files.NewFile | None = None
        self._second: sqlite3.Connection | None = None
        self._opened: str | None = None
        self._rowids: dict[str, str | None] = {}
        self._writers: dict[int, tuple[WriteTask, BlockWriter]] = {}

    # --- connections ----------------------------------------------------------------------------

    def open(self, *, writing: bool) -> sa.Connection:
        if self.path.exists():
            files.refuse_strange(self.path)
        elif writing and self.create:
            if not self.path.absolute().parent.is_dir():
                raise ConnectError(f"no folder for {self.shown()}; make its parent folder first")
            self._new = files.NewFile(self.path)
            self.path = self._new.path
        else:
            hint = "; check the path, or let --create make it" if writing else "; check the path"
            raise ConnectError(f"no SQLite file {self.shown()}{hint}")
        creator = partial(self._open, "rw" if writing else "ro", BUSY_SECONDS)
        before = self._file()
        connection = self.new_engine(creator=creator).connect()
        self._opened = before if before == self._file() else None
        return connection

    def _file(self) -> str | None:
        """Return what tells the file at the path from any other one; None where there is none."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return f"sqlite:{status.st_dev}:{status.st_ino}"

    def _open(self, mode: str, timeout: float) -> sqlite3.Connection:
        return sqlite3.connect(
            self.uri(mode), uri=True, timeout=timeout, isolation_level=None, check_same_thread=False
        )

    def uri(self, mode: str) -> str:
        """Return the file as an SQLite URI."""
        return files.uri(self.path, mode)

    def pin(self, connection: sa.Connection, *, writing: bool) -> None:
        access = "foreign_keys = OFF" if writing else "query_only = ON"
        _pin(self.raw(connection), f"cache_size = -{CACHE_KIBIBYTES}", access)

    def probe_doubles(self, connection: sa.Connection) -> bool:
        raw = self.raw(connection)
        return all_come_back(
            raw.execute(f"SELECT {FLOAT_TEXT.format('?')}", (one,)).fetchone()[0] for one in HARD_DOUBLES
        )

    def shown(self) -> str:
        return str(self._named)

    def publish(self) -> None:
        if self._new is not None:
            self._new.publish()

    def discard(self) -> None:
        if self._new is not None:
            self._new.discard()

    def close(self, connection: sa.Connection) -> None:
        super().close(connection)
        if self.writing:
            connecting.recover(self.uri("rw"), self.path)

    def hint(self, error: Exception) -> str:
        return connecting.HINTS.get(self.error_code(getattr(error, "orig", None) or error), "")

    def cancel(self, connection: sa.Connection) -> None:
        for raw in self._readers(connection):
            raw.interrupt()

    def spelling(self, connection: sa.Connection) -> Spelling:
        return SqliteSpelling()

    # --- reading --------------------------------------------------------------------------------

    def estimate(self, connection: sa.Connection, tables: Sequence[Table]) -> Mapping[TableKey, int]:
        found = {}
        for table in tables:
            rowid = self._rowid(connection, MAIN, table)
            if rowid:
                sql = f"SELECT coalesce(max({rowid}) - min({rowid}) + 1, 0) FROM {self.qualified(connection, table)}"
                found[table.key] = int(self.run(connection, sql).scalar_one())
        return found

    def hold_snapshot(self, connection: sa.Connection, tables: Sequence[Table]) -> Snapshot:
        def connect() -> sqlite3.Connection:
            raw = self._open("ro", 0)
            _pin(raw, "query_only = ON")
            return raw

        if not connection.in_transaction():
            connection.begin()  # else the connection's rollback would not end what is begun below it
        self._second = snapshot.begin_two(self.raw(connection), connect)
        if self._opened is None or self._file() != self._opened:
            self.release_snapshot(connection)  # another file has that path by now
        return Snapshot.CONSISTENT

    def release_snapshot(self, connection: sa.Connection) -> None:
        second, self._second = self._second, None
        if second is not None:
            second.close()

    def _readers(self, connection: sa.Connection) -> list[sqlite3.Connection]:
        """Return the connections that see the same: within a snapshot two where that could be had."""
        return [self.raw(connection), *([self._second] if self._second else [])]

    def read(self, connection: sa.Connection, task: ReadTask, emit: Emit) -> Path:
        return self._read(connection, task, MAIN, emit)

    def _read(self, connection: sa.Connection, task: ReadTask, schema: str, emit: Emit) -> Path:
        raw = self.raw(connection)
        place = self._place(connection, schema, task.table)
        declared = self._declared(connection, schema, task.table)
        affinities = {name: affinity(type_) for name, type_ in declared.items()}
        sql = statement(task, place, lambda name: self.quote(connection, name), affinities)
        rowid = self._rowid(connection, schema, task.table)
        key = self._own_key(connection, schema, task.table)
        order = self._order(connection, task, key)
        if not (self.may_read_natively(task) and self._is_utf8(connection) and (rowid or key)):
            with bytes_out(raw):
                raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_LIMIT)
                careful.read(raw, sql, emit, tail=f"WHERE {sql.where} ORDER BY {order or rowid or 1}")
            return Path.PORTABLE
        checked = _checking(sql, emit)
        if rowid and not order:
            read_by_key(self._readers(connection), sql, rowid, checked)
        else:
            read_by_row(raw, sql, order or key, checked)
        return Path.NATIVE

    def _order(self, connection: sa.Connection, task: ReadTask, key: str) -> str:
        """Return the ORDER BY that the task asks for, '' where the order of rowids is that already."""
        declared = [column.name for column in task.table.columns if column.identity is not None]
        return key if task.ordered and list(task.table.primary_key) != declared else ""

    def _own_key(self, connection: sa.Connection, schema: str, table: Table) -> str:
        """Return the primary key that the file says, which orders rows without doubt; '' where there is none.

        A schema file may name another, and one that allows NULLs needs the rowid beside it.
        """
        bare, rowid = self.quote(connection, table.name), self._rowid(connection, schema, table)
        rows = self.run(connection, f"PRAGMA {self.quote(connection, schema)}.table_xinfo({bare})").all()
        names = [self.quote(connection, row[1]) for row in sorted(rows, key=lambda row: int(row[5])) if row[5]]
        if names and rowid:
            names.append(rowid)
        return ", ".join(f"t.{name}" for name in names)

    def _is_utf8(self, connection: sa.Connection) -> bool:
        """Tell whether texts are kept as UTF-8: in another encoding the marks between cells are letters."""
        return str(self.run(connection, "PRAGMA encoding").scalar_one()) == "UTF-8"

    def _rowid(self, connection: sa.Connection, schema: str, table: Table) -> str | None:
        """Return a name of the rowid that no column hides, None for tables without one."""
        place = self._place(connection, schema, table)
        if place not in self._rowids:
            hidden = {folded(name) for name in self._declared(connection, schema, table)}
            free = [name for name in ("rowid", "_rowid_", "oid") if name not in hidden]
            self._rowids[place] = next((name for name in free if self._selects(connection, place, name)), None)
        return self._rowids[place]

    def _selects(self, connection: sa.Connection, place: str, name: str) -> bool:
        try:
            self.run(connection, f"SELECT {name} FROM {place} LIMIT 0")
        except sa.exc.OperationalError:
            return False
        return True

    def _place(self, connection: sa.Connection, schema: str, table: Table) -> str:
        return f"{self.quote(connection, schema)}.{self.quote(connection, table.name)}"

    def _declared(self, connection: sa.Connection, schema: str, table: Table) -> dict[str, str]:
        """Return the declared type of each column."""
        bare = self.quote(connection, table.name)
        rows = self.run(connection, f"PRAGMA {self.quote(connection, schema)}.table_xinfo({bare})")
        return {row[1]: row[2] or "" for row in rows}

    # --- writing --------------------------------------------------------------------------------

    def begin_writing(self, connection: sa.Connection) -> None:
        # SQLite says so only at the first change; beside the file it keeps its journal.
        if not all(os.access(place, os.W_OK) for place in (self.path, self.path.absolute().parent)):
            raise UnsafeError(
                f"cannot write to {self.shown()}; check the permissions of the file and its folder"
            )
        try:
            self.run(connection, "BEGIN IMMEDIATE")
        except sa.exc.OperationalError as error:
            raise UnsafeError(
                f"cannot write to {self.shown()}: {reason(error)}; wait for the program that writes to it,"
                " or check the permissions of the file and its folder"
            ) from None

    def write(self, connection: sa.Connection, task: WriteTask, block: Block) -> Path:
        if not self.native:
            return super().write(connection, task, block)
        self._writer(connection, task).write(block)
        return Path.NATIVE

    def _writer(self, connection: sa.Connection, task: WriteTask) -> BlockWriter:
        if id(task) not in self._writers:
            table = self._place(connection, MAIN, task.table)
            declared = self._declared(connection, MAIN, task.table)
            names = ", ".join(self.quote(connection, column.name) for column in task.columns)
            into = f"INSERT OR ABORT INTO {table} ({names}) VALUES"
            stored = [affinity(declared[column.name]) for column in task.columns]
            self._writers[id(task)] = task, BlockWriter(self.raw(connection), task, into, stored)
        return self._writers[id(task)][1]

    def portable_value(self, column: Column, type_: Type, text: str) -> object:
        bind = bind_for(column.type, None)
        return bind([text])[0] if bind else text

    def firing_triggers(self, connection: sa.Connection, tables: Sequence[Table], *, emptied: bool) -> list[str]:
        return firing(
            connection, [table.name for table in tables], ["INSERT", "DELETE"] if emptied else ["INSERT"]
        )

    def move_sequences(
        self, connection: sa.Connection, table: Table, wanted: Mapping[str, Numbering]
    ) -> None:
        """Move an AUTOINCREMENT table, whose counter follows the highest key by itself, as far as its source was."""
        goals = [numbering.next for numbering in wanted.values() if numbering.next is not None]
        counts = any(column.native.numbering is not None for column in table.columns)
        if not goals or not counts or (last := max(goals) - 1) < 1:
            return
        moved = "UPDATE main.sqlite_sequence SET seq = max(seq, ?) WHERE name = ?"
        if not self.run(connection, moved, (last, table.name)).rowcount:
            self.run(connection, "INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, last))

    # --- one database ---------------------------------------------------------------------------

    def error_code(self, error: BaseException) -> object:
        """Return the primary result code."""
        return getattr(error, "sqlite_errorcode", 0) & 0xFF

    def claim(self, connection: sa.Connection) -> str:
        return self._file() or ""

    def recognises(self, connection: sa.Connection, mark: str) -> bool:
        return self._file() == mark

    # --- the private path -----------------------------------------------------------------------

    def adopt(self, connection: sa.Connection, source: Backend) -> bool:
        if not (self.native and source.native and isinstance(source, SqliteBackend)):
            return False
        with sqlite3.connect(source.uri("ro"), uri=True) as other:
            (encoding,) = other.execute("PRAGMA encoding").fetchone()
        other.close()
        if encoding != "UTF-8" or not self._is_utf8(connection):
            return False
        self.run(connection, f"ATTACH ? AS {ADOPTED}", (source.uri("ro"),))
        return True

    def insert_adopted(self, connection: sa.Connection, read: ReadTask, write: WriteTask) -> int | None:
        if not self._identical(connection, read, write):
            return None
        raw = self.raw(connection)
        raw.execute("SAVEPOINT adopted")
        try:
            rows = raw.execute(self._insert_select(connection, read, write)).rowcount
        except sqlite3.Error:
            if not raw.in_transaction:  # SQLite has rolled all of it back itself: a full disk
                raise
            # The way by rows will fail as well, and name the row.
            raw.execute("ROLLBACK TO adopted")
            return None
        raw.execute("RELEASE adopted")
        return int(rows)

    def _insert_select(self, connection: sa.Connection, read: ReadTask, write: WriteTask) -> str:
        target, source = (
            self._place(connection, MAIN, write.table),
            self._place(connection, ADOPTED, read.table),
        )
        filled = [column.name for column in write.columns]
        whole = [list(self._declared(connection, *of)) for of in ((ADOPTED, read.table), (MAIN, write.table))]
        if whole == [filled, filled]:
            # Only this bare form lets SQLite hand over whole records (its transfer optimisation).
            return f"INSERT OR ABORT INTO {target} SELECT * FROM {source}"
        names = ", ".join(self.quote(connection, column.name) for column in write.columns)
        columns = ", ".join(f"t.{self.quote(connection, column.name)}" for column in read.columns)
        return f"INSERT OR ABORT INTO {target} ({names}) SELECT {columns} FROM {source} AS t"

    def read_adopted(self, connection: sa.Connection, task: ReadTask, emit: Emit) -> None:
        self._read(connection, task, ADOPTED, emit)

    def _identical(self, connection: sa.Connection, read: ReadTask, write: WriteTask) -> bool:
        """Tell whether each value goes over as it is: the same columns, of the same affinity."""
        names = [column.name for column in read.columns]
        if read.checks or not names or names != [column.name for column in write.columns]:
            return False
        if read.where:  # tables that the condition names would be those of the target
            return False
        theirs = self._declared(connection, ADOPTED, read.table)
        ours = self._declared(connection, MAIN, write.table)
        return [affinity(theirs[name]) for name in names] == [affinity(ours[name]) for name in names]


def _checking(sql: Statement, emit: Emit) -> Emit:
    """Return what looks at the columns of each block that SQL could not check, and hands it on to `emit`."""
    if not sql.unchecked:
        return emit
    checks = {name: type_ for name, type_ in sql.task.checks.items() if name in sql.unchecked}
    checkers = [Checker(replace(sql.task, checks=checks))]
    return lambda block: emit(passed(block, checkers, None, sql.task.on_error))


def _pin(raw: sqlite3.Connection, *pragmas: str) -> None:
    # SQLite 3.40 takes its own JSON functions for unsafe, without which a table that checks JSON cannot be used.
    trusted = ["trusted_schema = OFF"] if raw.execute(_JSON_IS_SAFE).fetchone()[0] else []
    for pragma in ("cell_size_check = ON", *trusted, *pragmas):
        raw.execute(f"PRAGMA {pragma}")
