"""What an account cannot see: MySQL and MariaDB show no table, and no column, that it has no rights on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...errors import shown
from ...model.schema import Schema

# No statement here holds a percent sign: drivers take it for a parameter.
_REFERRED = """
SELECT DISTINCT table_name, referenced_table_name FROM information_schema.key_column_usage
WHERE table_schema = DATABASE() AND referenced_table_schema = DATABASE() ORDER BY 1, 2
"""
_SINGLE = """
SELECT (SELECT count(*) FROM information_schema.table_privileges WHERE table_schema = DATABASE())
     + (SELECT count(*) FROM information_schema.column_privileges WHERE table_schema = DATABASE())
"""
_WHOLE = """
SELECT (SELECT count(*) FROM information_schema.schema_privileges
        WHERE DATABASE() LIKE table_schema AND privilege_type = 'SELECT')
     + (SELECT count(*) FROM information_schema.user_privileges WHERE privilege_type = 'SELECT')
"""

Run = Callable[[str], Any]


def hidden(run: Run, schema: Schema) -> Iterator[str]:
    """Yield notes on tables that are there, or may be, and that the account of this connection cannot see."""
    seen = {table.name.casefold() for table in schema}
    unseen = [(str(table), str(other)) for table, other in run(_REFERRED) if str(other).casefold() not in seen]
    for table, other in unseen:
        yield (
            f"table {shown(other)} cannot be seen by this account, and is left out: {shown(table)} refers to it; grant"
            " it SELECT on the table"
        )
    if run(_SINGLE).scalar_one() and not run(_WHOLE).scalar_one():
        yield (
            "this account has rights on single tables or columns only: what it has none on cannot be seen, and is left"
            " out; grant it SELECT on the whole database"
        )
