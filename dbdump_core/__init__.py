"""Dump, load, copy and verify SQLite, MySQL/MariaDB and PostgreSQL databases, exactly.

The six verbs and the words they speak in. Everything is imported when it is first used: a program
that only wants `DbdumpError` does not pay for SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import (
        ConnectError,
        ConnectionLostError,
        DatabaseError,
        DbdumpError,
        DumpError,
        InterruptedRunError,
        ManyErrorsError,
        MismatchError,
        PasswordMissingError,
        ProtocolError,
        RefusedError,
        SchemaError,
        SelectionError,
        StorageError,
        UnknownOutcomeError,
        UnsafeError,
        UsageError,
        ValueRefusedError,
        VerificationError,
    )
    from .model.abc import (
        Comparison,
        Event,
        Fingerprint,
        Path,
        Phase,
        Plan,
        Progress,
        Report,
        Snapshot,
        TableComparison,
        TablePlan,
        TableResult,
    )
    from .model.results import CheckedDump
    from .model.schema import Column, ForeignKey, Schema, Table, TableKey
    from .model.selection import Selection
    from .model.types import Kind, Type
    from .operations import check, copy, describe, dump, load, verify
    from .run.transfer import Confirm

__all__ = [
    "CheckedDump",
    "Column",
    "Comparison",
    "Confirm",
    "ConnectError",
    "ConnectionLostError",
    "DatabaseError",
    "DbdumpError",
    "DumpError",
    "Event",
    "Fingerprint",
    "ForeignKey",
    "InterruptedRunError",
    "Kind",
    "ManyErrorsError",
    "MismatchError",
    "PasswordMissingError",
    "Path",
    "Phase",
    "Plan",
    "Progress",
    "ProtocolError",
    "RefusedError",
    "Report",
    "Schema",
    "SchemaError",
    "Selection",
    "SelectionError",
    "Snapshot",
    "StorageError",
    "Table",
    "TableComparison",
    "TableKey",
    "TablePlan",
    "TableResult",
    "Type",
    "UnknownOutcomeError",
    "UnsafeError",
    "UsageError",
    "ValueRefusedError",
    "VerificationError",
    "check",
    "copy",
    "describe",
    "dump",
    "load",
    "verify",
]

_HOMES = (
    "errors",
    "model.abc",
    "model.results",
    "model.schema",
    "model.types",
    "model.selection",
    "run.transfer",
    "operations",
)
"""The modules that the names live in, cheapest first."""


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in _HOMES:
            module = import_module(f".{home}", __name__)
            if name in vars(module):
                return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
