"""Whether two SQLite databases are the same, told without any part of dbdump."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

_BATCH = 5000

Row = tuple[object, ...]


class Comparison(NamedTuple):
    """What became of one table: `rows` on the left, `difference` None when the right is equal."""

    table: str
    rows: int
    difference: str | None


def compare(left: Path, right: Path) -> list[Comparison]:
    """Compare all tables of two SQLite files: columns, keys, and every cell by value and storage class.

    Text is compared as bytes. A table that only the right has is a difference as well.
    Raises sqlite3.Error where a file cannot be read.
    """
    with closing(_opened(left)) as ours, closing(_opened(right)) as theirs:
        here, there = _tables(ours), _tables(theirs)
        results = [_table(ours, theirs, table, table in there) for table in here]
        results += [Comparison(table, 0, "only on the right") for table in there if table not in here]
        return results


def damage(path: Path) -> str | None:
    """Return what SQLite's own checks say against a file: broken pages, rows without their parent."""
    with closing(sqlite3.connect(path)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
        orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    if verdict != "ok":
        return str(verdict)
    return f"row {orphan[1]} of {orphan[0]} refers to a missing row of {orphan[2]}" if orphan else None


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise sqlite3.OperationalError(f"no database at {path}")
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    return connection


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name.decode() for (name,) in found if not name.startswith(b"sqlite_")]


def _table(ours: sqlite3.Connection, theirs: sqlite3.Connection, table: str, there: bool) -> Comparison:
    rows = ours.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]
    if not there:
        return Comparison(table, rows, "missing on the right")
    for what, described in (("columns", _columns), ("foreign keys", _foreign_keys), ("indexes", _indexes)):
        if described(ours, table) != described(theirs, table):
            return Comparison(table, rows, f"other {what}")
    return Comparison(table, rows, _first_difference(ours, theirs, table))


def _first_difference(ours: sqlite3.Connection, theirs: sqlite3.Connection, table: str) -> str | None:
    query = _query(ours, table)
    nothing: list[Row] = []
    number = 0
    for left, right in zip_longest(_batches(ours, query), _batches(theirs, query), fillvalue=nothing):
        if left != right:
            pairs = zip_longest(left, right)
            at, one, other = next((at, a, b) for at, (a, b) in enumerate(pairs, number + 1) if a != b)
            return f"row {at}: {one!r:.200} is not {other!r:.200}"
        number += len(left)
    return None


def _batches(connection: sqlite3.Connection, query: str) -> Iterator[list[Row]]:
    cursor = connection.execute(query)
    while batch := cursor.fetchmany(_BATCH):
        yield batch


def _query(connection: sqlite3.Connection, table: str) -> str:
    columns = _columns(connection, table)
    names = [_quoted(name) for name, _, _ in columns]
    keys = [_quoted(name) for name, _, position in sorted(columns, key=lambda c: c[2]) if position]
    cells = ", ".join(f"{name}, typeof({name})" for name in names)
    return f"SELECT {cells} FROM {_quoted(table)} ORDER BY {', '.join(keys or names)}"


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, bool, int]]:
    """Return name, whether NULL is refused and place in the primary key of each column, in order."""
    found = connection.execute(f"PRAGMA table_info({_quoted(table)})").fetchall()
    return [(name.decode(), bool(required or place), place) for _, name, _, required, _, place in found]


def _foreign_keys(connection: sqlite3.Connection, table: str) -> list[Row]:
    return sorted(row[2:7] for row in connection.execute(f"PRAGMA foreign_key_list({_quoted(table)})"))


def _indexes(connection: sqlite3.Connection, table: str) -> list[tuple[bool, tuple[bytes, ...]]]:
    """Return uniqueness and columns of each index, the hidden ones of keys included; names may differ."""
    found = connection.execute(f"PRAGMA index_list({_quoted(table)})").fetchall()
    return sorted((bool(unique), _indexed(connection, name.decode())) for _, name, unique, *_ in found)


def _indexed(connection: sqlite3.Connection, index: str) -> tuple[bytes, ...]:
    return tuple(name for _, _, name in connection.execute(f"PRAGMA index_info({_quoted(index)})"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
