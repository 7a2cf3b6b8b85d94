"""The next key of an AUTO_INCREMENT column: in SHOW CREATE TABLE, as information_schema lags behind."""

from __future__ import annotations

import re
from dataclasses import replace

import sqlalchemy as sa

from ...model.schema import Numbering
from ..reflection import Draft

_NO_RIGHT = (1044, 1142, 1143)
_OPTIONS = re.compile(r"^\) ENGINE=\w+(?: AUTO_INCREMENT=(\d+))?", re.MULTILINE)


def settle(connection: sa.Connection, draft: Draft) -> None:
    """Tell of the column that numbers the table's rows how far it has come."""
    for at, column in enumerate(draft.columns):
        if column.identity is not None:
            numbering = Numbering(next=_next(connection, draft.key.name))
            draft.columns[at] = replace(column, native=replace(column.native, numbering=numbering))


def _next(connection: sa.Connection, table: str) -> int | None:
    """Return the next key, None where the account may not see it."""
    name = "`" + table.replace("`", "``") + "`"
    try:
        row = connection.exec_driver_sql(
            f"SHOW CREATE TABLE {name}", execution_options={"no_parameters": True}
        ).one()
    except sa.exc.DBAPIError as error:
        if error.orig is None or error.orig.args[0] not in _NO_RIGHT:
            raise
        return None
    found = _OPTIONS.findall(str(row[1]))
    return int(found[-1] or 1) if found else None
