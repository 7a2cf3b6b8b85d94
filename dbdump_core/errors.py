"""Every error this package raises, drawn once.

DbdumpError                     exit 3  failed; what was begun was rolled back
├── RefusedError                exit 2  refused; the target is as it was
│   ├── UsageError                      an option or argument that makes no sense
│   ├── ConnectError                    a database that cannot be reached, a driver that is missing
│   │   └── PasswordMissingError        it wants a password, and none was given
│   ├── SchemaError                     a schema file that cannot be used (carries the YAML path)
│   ├── SelectionError                  a table that was named and is not there
│   ├── MismatchError                   source and target do not fit together
│   ├── DumpError                       a dump that is cut, altered or not one of ours
│   └── UnsafeError                     a step that would harm data nobody named
├── ValueRefusedError           exit 3  a value that its column cannot hold exactly
├── ManyErrorsError             exit 3  several of those, found in one run that went on to find them all
├── DatabaseError               exit 3  the database said no in the middle of the work
│   ├── ConnectionLostError             its server went away, or nobody answers any more
│   └── ProtocolError                   it said what no server should say
├── UnknownOutcomeError         exit 4  the commit was sent and its answer never came
├── StorageError                exit 3  a disk or pipe that failed
├── VerificationError           exit 3  what was written does not read back as it was read
└── InterruptedRunError         exit 130 / 143  stopped by a signal
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

ROLLED_BACK = "everything was rolled back"


class DbdumpError(Exception):
    """Root of all errors; its text is one line for people, its `exit_code` is for scripts."""

    exit_code: ClassVar[int] = 3


class RefusedError(DbdumpError):
    """Refused before anything changed: the target's content is equal before and after."""

    exit_code = 2


class UsageError(RefusedError):
    """An option or argument that cannot be meant."""


class ConnectError(RefusedError):
    """A database cannot be reached, a file is missing, or a driver is not installed."""


class PasswordMissingError(ConnectError):
    """A server wants a password, and none was given. `url`: the SQLAlchemy URL that lacks it."""

    def __init__(self, text: str, url: object = None) -> None:
        super().__init__(text)
        self.url = url


class SchemaError(RefusedError):
    """A schema description cannot be used; the text carries its file and YAML path."""


class SelectionError(RefusedError):
    """A table or column that was named does not exist; the text lists the close ones."""


class MismatchError(RefusedError):
    """Source and target do not fit together: a missing table or column, or types that cannot meet."""


class DumpError(RefusedError):
    """A dump is cut, altered, unfinished, newer than this program, or not a dump at all."""


class UnsafeError(RefusedError):
    """The step would harm data that nobody named: a copy onto itself, outside rows, triggers."""


Cells = tuple[tuple[str, str | None], ...]
"""Names of columns and what a row has there, cut; None for NULL."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused row. `columns`: those whose values are at fault, where that is known.

    `row`: its key; `values`: what it has in the columns at fault. `problem`: what is said of all rows
    that are refused alike; `alike`: what makes them so within the table and columns. `length` and
    `number`: what the value measures, where that is why it was refused. `place`: file and line.
    """

    table: str
    columns: tuple[str, ...]
    row: Cells
    values: Cells
    problem: str
    advice: str
    alike: str = ""
    length: int | None = None
    number: Decimal | None = None
    place: str = ""

    @property
    def kind(self) -> tuple[str, tuple[str, ...], str]:
        """What rows that are told together have in common."""
        return self.table, self.columns, self.alike or self.problem

    def example(self) -> str:
        """Return the row for a line about many."""
        found = ", ".join(_value(value) for _, value in self.values)
        place = f" at {self.place}" if self.place else ""
        return f"{f'{found} in ' if found else ''}row {row_text(self.row)}{place}"

    def measured(self) -> str:
        """Return what the value measures, after a word that says which of many it is."""
        return f"has {self.length:,}" if self.length is not None else f"is {self.number}"

    def fields(self) -> dict[str, object]:
        """Return the row as plain data."""
        length = {"length": self.length} if self.length is not None else {}
        place = {"place": self.place} if self.place else {}
        return {"row": dict(self.row), "values": dict(self.values), **length, **place}


def row_text(row: Cells) -> str:
    """Return a row's key for a message: `(id='7')`."""
    return "(" + ", ".join(f"{name}={_value(value)}" for name, value in row) + ")"


def _value(value: str | None) -> str:
    return "NULL" if value is None else shown(value, 40)


class ValueRefusedError(DbdumpError):
    """A value cannot be stored exactly; the text names table, column, row and value, `refusal` has them as fields."""

    def __init__(self, text: str, refusal: Refusal | None = None) -> None:
        super().__init__(text)
        self.refusal = refusal


class ManyErrorsError(DbdumpError):
    """Rows were refused; all was rolled back.

    `errors`: a text for all rows that were refused alike; `refusals`: the same as plain data; `count`:
    the rows; `summary`: what is left to say once the texts have been shown.
    """

    def __init__(self, text: str, errors: Sequence[str] = (), count: int = 0) -> None:
        super().__init__(text)
        self.errors = tuple(errors)
        self.count = count
        self.refusals: Sequence[Mapping[str, object]] = ()
        self.summary = text

    @classmethod
    def of(
        cls, errors: Sequence[str], count: int, *, refusals: Sequence[Mapping[str, object]] = (), limit: str = ""
    ) -> ManyErrorsError:
        """Return the error for `count` errors of these kinds; `limit`: what is to be said of the number."""
        found = f"{count:,} errors found{limit}, rolled back"
        many = cls(f"{found}; first: {errors[0]}", errors, count)
        many.refusals, many.summary = tuple(refusals), found
        return many


class DatabaseError(DbdumpError):
    """A database refused a statement in the middle of the work; everything was rolled back."""


class ConnectionLostError(DatabaseError):
    """A server went away, or does not answer any more; it undoes what was begun."""


class ProtocolError(DatabaseError):
    """A server said what no server should say: it asks for files, or its words cannot be read."""


class UnknownOutcomeError(DbdumpError):
    """The commit was sent and its answer never came: all of it is there, or nothing; `verify` tells which."""

    exit_code = 4


class StorageError(DbdumpError):
    """A file, disk or pipe failed; no partial dump was left that could be taken for a whole one."""


class VerificationError(DbdumpError):
    """What the target holds is not what was read; everything was rolled back."""


class InterruptedRunError(DbdumpError):
    """The run was stopped by a signal; everything was rolled back."""

    exit_code = 130


URL_PASSWORD = re.compile(r"(://[^\s/:@]*):(\S*)@")
QUERY_PASSWORD = re.compile(r"([?&]\w*(?:pass|secret|token)\w*=)([^&\s]+)", re.IGNORECASE)


def mask_urls(text: str) -> str:
    """Return `text` with the passwords of each URL in it replaced by stars, those among its options too."""
    return QUERY_PASSWORD.sub(r"\1***", URL_PASSWORD.sub(r"\1:***@", text))


def shown(value: object, limit: int = 60) -> str:
    """Return `value` for a message: quoted, control characters escaped, cut to `limit` characters.

    Bytes are shown as the text they spell where they spell one. Names and values come from
    strangers: raw ones could drive a terminal (facts.md H9).
    """
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    cut = text if len(text) <= limit else text[:limit] + "…"
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + "'"


def holds_rows(target: str, tables: Sequence[object]) -> UnsafeError:
    """Return the error for tables of `target` that would have to be emptied."""
    named = ", ".join(map(str, tables[:3])) + (" …" if len(tables) > 3 else "")
    return UnsafeError(
        f"{target}: tables hold rows: {named}; give -y to empty and load them, or --append to keep their rows"
    )
