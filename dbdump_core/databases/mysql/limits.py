"""What MySQL's own JSON takes exactly: it keeps numbers as 64-bit integers and as doubles. (MariaDB keeps the text.)"""

from __future__ import annotations

import json
import re
from decimal import Decimal

from ...model.abc import Limit
from ...model.types import Kind, Type

_DELICATE = re.compile("[0-9][.eE]|[0-9]{16}")
"""A number that might be no 64-bit integer."""
_LOWEST, _HIGHEST = -(2**63), 2**64 - 1


def limit(type_: Type, engine: str) -> Limit | None:
    """Return what looks at each text for a column of this type, None where there is nothing to look at."""
    return _json if type_.kind is Kind.JSON and engine == "mysql" else None


def _json(text: str) -> None:
    if not _DELICATE.search(text):
        return
    try:
        json.loads(text, parse_int=_integer, parse_float=_float)
    except RecursionError:
        raise ValueError("JSON of at most 100 levels") from None


def _integer(digits: str) -> None:
    # Longer than Python itself would read: a number of thousands of digits.
    if len(digits) > len(str(_LOWEST)) or not _LOWEST <= int(digits) <= _HIGHEST:
        _float(digits)


def _float(text: str) -> None:
    if Decimal(repr(float(text))) != Decimal(text):
        raise ValueError("JSON whose numbers MySQL keeps exactly, as 64-bit integers or doubles")
