"""MySQL's and MariaDB's errors that are no row's fault."""

from __future__ import annotations

ENDS_RUN: frozenset[object] = frozenset(
    {
        1205, 1206, 1213,  # lock wait timeout, lock table full, deadlock: the last undoes the whole transaction
        1021, 1030, 1034, 1041, 1114,  # no space, storage engine, broken table, no memory, table full
        1044, 1045, 1142, 1143, 1227, 1290, 1836,  # no right, read-only
        1053, 1317, 1969, 2006, 2013, 2055, 3024,  # shut down, interrupted, out of time, connection gone
    }
)  # fmt: skip
"""Numbers of errors after which single rows need not be tried."""
