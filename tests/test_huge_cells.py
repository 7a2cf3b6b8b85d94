"""Cells that a server's functions would make NULL, with no more than a warning, as they are longer than a packet."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from dbdump_core.model.abc import Path as Way
from dbdump_core.operations import copy
from tests.promises import MYSQLS, execute, query

Make = Callable[[str], str]


@pytest.mark.parametrize("server", MYSQLS)
def test_a_cell_that_nears_a_packet_passes_no_function(make_database: Make, server: str) -> None:
    source, target = make_database("sqlite"), make_database(server)
    [(packet,)] = query(target, "SELECT @@max_allowed_packet")
    cell = bytes(range(65, 91)) * (packet // 100)  # as hexadecimals more than half a packet
    with closing(sqlite3.connect(source.removeprefix("sqlite:///"))) as raw:
        raw.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)")
        raw.executemany("INSERT INTO t VALUES (?, ?)", [(1, b"small"), (2, cell), (3, None)])
        raw.commit()
    execute(target, "CREATE TABLE t (id int PRIMARY KEY, v longblob)")
    report = copy(source, target)
    assert report.verified
    assert report.tables[0].path is Way.PORTABLE
    [(there,)] = query(target, "SELECT v FROM t WHERE id = 2")
    assert there == cell
