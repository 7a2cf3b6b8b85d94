"""Cells near the size of a server's packets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dbdump_core.errors import DatabaseError
from dbdump_core.operations import copy
from tests.promises import MYSQLS, execute, query, refused

MakeDatabase = Callable[[str], str]


def packet(url: str) -> int:
    """The bytes of the server's packets."""
    ((size,),) = query(url, "SELECT @@global.max_allowed_packet")
    return int(size)


@contextmanager
def double_packets(url: str) -> Iterator[None]:
    """New connections to the server have packets of twice the size; never smaller ones, as others use it too."""
    size = packet(url)
    execute(url, f"SET GLOBAL max_allowed_packet = {2 * size}")
    try:
        yield
    finally:
        execute(url, f"SET GLOBAL max_allowed_packet = {size}")


def filled(url: str, size: int) -> str:
    """A database with a cell of bytes and one of text, each of `size` bytes."""
    with double_packets(url):
        execute(
            url,
            "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, v LONGTEXT)",
            f"INSERT INTO t VALUES (1, REPEAT(UNHEX('61FF80C328E2275C000A0D1A25'), {size // 13}), NULL)",
            f"INSERT INTO t VALUES (2, NULL, REPEAT('a%é', {size // 4}))",
        )
    return url


@pytest.mark.parametrize("engine", MYSQLS)
def test_a_cell_of_more_than_half_a_packet_arrives(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    source = filled(make_database(engine), packet(target) * 9 // 16)
    assert copy(source, target, create=True).verified
    digests = "SELECT id, SHA2(b, 256), SHA2(v, 256) FROM t ORDER BY id"
    assert query(target, digests) == query(source, digests)


@pytest.mark.parametrize("engine", MYSQLS)
def test_a_cell_that_no_packet_holds_is_told_as_such(make_database: MakeDatabase, engine: str) -> None:
    target = make_database(engine)
    source = filled(make_database(engine), packet(target) * 15 // 16)
    execute(target, "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, v LONGTEXT)")
    with refused(target, DatabaseError, "max_allowed_packet"):
        copy(source, target)
