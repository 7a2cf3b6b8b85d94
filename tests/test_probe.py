"""Every connection tries out how its engine spells doubles; one that fails is read the portable way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.probe import HARD_DOUBLES, all_come_back
from dbdump_core.model.abc import Block, Path, ReadTask
from dbdump_core.model.schema import Column, Table
from dbdump_core.model.types import FLOAT
from tests.servers import ENGINES
from tests.test_pairs import fill


def test_about_fifty_doubles_and_no_text_of_fewer_digits_passes() -> None:
    assert 45 <= len(HARD_DOUBLES) <= 60
    assert all_come_back(map(repr, HARD_DOUBLES))
    assert not all_come_back(f"{value:.15g}" for value in HARD_DOUBLES)
    assert not all_come_back(f"{value:.16g}" for value in HARD_DOUBLES)
    assert not all_come_back(list(map(repr, HARD_DOUBLES))[1:])


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_that_misspells_doubles_is_read_portably(
    make_database: Callable[[str], str], engine: str
) -> None:
    url = make_database(engine)
    table = Table("floats", (Column("value", FLOAT),))
    fill(url, {table: [("0.1",)]})
    backend = backend_for(sa.make_url(url))
    with closing(backend.connect(writing=False)) as connection:
        assert backend.spells_doubles
        (there,) = backend.reflect(connection).tables
        blocks: list[Block] = []
        assert backend.read(connection, ReadTask(there, there.columns), blocks.append) is Path.NATIVE
        backend.spells_doubles = False
        assert backend.read(connection, ReadTask(there, there.columns), blocks.append) is Path.PORTABLE
        assert [float(block.data) for block in blocks] == [0.1, 0.1]
