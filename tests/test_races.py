"""Others at work on the same tables: nothing of theirs is lost, and what is said of our rows is true."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.base import Backend
from dbdump_core.databases.database import DatabaseSource, DatabaseTarget
from dbdump_core.errors import DatabaseError, DbdumpError, UnsafeError, ValueRefusedError, VerificationError
from dbdump_core.model.abc import Emit, Plan, ReadTask
from dbdump_core.model.schema import Column, Table, TableKey
from dbdump_core.model.types import parse_type
from dbdump_core.operations import copy
from dbdump_core.run.transfer import Options, transfer
from tests.memory import MemorySource
from tests.promises import MYSQLS, execute, load_memory, query, refused, state
from tests.rivals import POLL_SECONDS, against, before, rival, waits
from tests.servers import ENGINES, SERVER_ENGINES
from tests.test_bad_input import account
from tests.test_safety import CHILD, PARENT, family, only

Make = Callable[[str], str]
T = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20))"
ROWS = "INSERT INTO t VALUES (1, 'one'), (2, 'two')"


@pytest.fixture
def source(make_database: Make) -> str:
    url = make_database("sqlite")
    execute(url, T, ROWS)
    return url


def refused_there(words: str) -> Any:
    """Refused for what others have done, which is still there: the caller looks."""
    return pytest.raises(UnsafeError, match=re.escape(words))


# Rows that nobody agreed to empty


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_row_that_comes_while_the_load_waits_is_not_emptied(make_database: Make, source: str, engine: str) -> None:
    target = make_database(engine)
    execute(target, T)
    with rival(target, "INSERT INTO t VALUES (77, 'theirs')") as held, refused_there("tables hold rows: t;"):
        against(target, held, lambda: copy(source, target))
    assert query(target, "SELECT id FROM t") == [(77,)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_row_that_comes_before_the_lock_is_not_emptied(
    make_database: Make, source: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = make_database(engine)
    execute(target, T)
    kind = type(backend_for(sa.make_url(target)))
    before(monkeypatch, kind, "begin_writing", lambda: execute(target, "INSERT INTO t VALUES (77, 'theirs')"))
    with refused_there("tables hold rows: t;"):
        copy(source, target)
    assert query(target, "SELECT id FROM t") == [(77,)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_yes_is_for_the_tables_that_were_shown(make_database: Make, engine: str) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    for url in (source, target):
        execute(url, T, "CREATE TABLE u (id INTEGER PRIMARY KEY)", ROWS)
    asked: list[Sequence[TableKey]] = []

    def confirm(plan: Plan, occupied: Sequence[TableKey]) -> bool:
        asked.append(occupied)
        execute(target, "INSERT INTO u VALUES (77)")
        return True

    with refused_there("tables hold rows: u;"):
        copy(source, target, confirm=confirm)
    assert query(target, "SELECT id FROM u") == [(77,)]
    assert asked == [[TableKey(None, "t")]]


# Rows outside the load


@pytest.mark.parametrize("on_delete", ["", " ON DELETE CASCADE", " ON DELETE SET NULL"])
@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_child_that_comes_while_its_parents_are_to_be_emptied(
    make_database: Make, engine: str, on_delete: str
) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, engine, on_delete)
    execute(source, "DELETE FROM child", "DELETE FROM parent WHERE id = 1")
    execute(target, "DELETE FROM child")
    with rival(target, "INSERT INTO child VALUES (20, 1)") as held, refused_there("rows of child refer to parent"):
        against(target, held, lambda: copy(source, target, replace=True, selection=only("parent")))
    assert query(target, "SELECT * FROM child") == [(20, 1)]
    assert query(target, "SELECT id FROM parent ORDER BY id") == [(1,), (2,)]


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_parents_that_go_while_their_children_come(make_database: Make, engine: str) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, engine)
    execute(target, "DELETE FROM child")
    refusal = pytest.raises((ValueRefusedError, DatabaseError), match="parent")
    with rival(target, "DELETE FROM parent WHERE id = 2") as held, refusal:
        against(target, held, lambda: copy(source, target, selection=only("child")))
    assert query(target, "SELECT * FROM child") == []
    assert query(target, "SELECT id FROM parent") == [(1,)]


@pytest.mark.parametrize("engine", MYSQLS)
def test_a_child_that_no_check_of_its_session_held_up(
    make_database: Make, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last look sees what is committed by then, not what the load saw when it began."""
    source, target = family(make_database, "sqlite"), family(make_database, engine)
    execute(source, "DELETE FROM child", "DELETE FROM parent WHERE id = 1")
    execute(target, "DELETE FROM child")

    def come() -> None:
        with rival(target, "SET foreign_key_checks = 0", "INSERT INTO child VALUES (20, 1)") as held:
            held.commit()

    before(monkeypatch, Backend, "check_foreign_keys", come)
    before(monkeypatch, MemorySource, "finish", come)
    with pytest.raises(ValueRefusedError, match="table child: parent_id refers to rows that parent does not have"):
        load_memory(MemorySource({PARENT_TABLE: [("2", "two")]}), target, replace=True)
    assert query(target, "SELECT * FROM child") == [(20, 1)]
    assert query(target, "SELECT id FROM parent ORDER BY id") == [(1,), (2,)]


PARENT_TABLE = Table(
    "parent",
    (Column("id", parse_type("integer"), nullable=False), Column("name", parse_type("varchar(20)"))),
    primary_key=("id",),
)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_key_that_is_made_after_the_plan_is_seen(
    make_database: Make, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = family(make_database, "sqlite"), make_database(engine)
    execute(target, PARENT, "INSERT INTO parent VALUES (1, 'one')")
    child = CHILD.format(" ON DELETE CASCADE"), "INSERT INTO child VALUES (20, 1)"
    before(monkeypatch, type(backend_for(sa.make_url(target))), "begin_writing", lambda: execute(target, *child))
    with refused_there("rows of child refer to parent"):
        copy(source, target, replace=True, selection=only("parent"))
    assert query(target, "SELECT * FROM child") == [(20, 1)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_that_changes_after_the_plan(
    make_database: Make, source: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = make_database(engine)
    execute(target, T)
    more = "ALTER TABLE t ADD COLUMN more VARCHAR(10) DEFAULT 'x'"
    before(monkeypatch, type(backend_for(sa.make_url(target))), "begin_writing", lambda: execute(target, more))
    with refused_there("table t was changed by someone just now; run again"):
        copy(source, target)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_that_is_made_after_the_plan(
    make_database: Make, source: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = make_database(engine)
    execute(target, "CREATE TABLE other (id INTEGER PRIMARY KEY)")
    theirs = T, "INSERT INTO t VALUES (77, 'theirs')"
    before(monkeypatch, type(backend_for(sa.make_url(target))), "begin_writing", lambda: execute(target, *theirs))
    with refused_there("table t was changed by someone just now; run again"):
        copy(source, target, create=True)
    assert query(target, "SELECT id FROM t") == [(77,)]


@pytest.mark.parametrize("engine", MYSQLS)
def test_what_others_put_into_a_new_table_stays(
    make_database: Make, source: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making a table ends the transaction there, so others see it; a load that fails must not drop their rows."""
    target = make_database(engine)
    execute(source, "CREATE TABLE u (id INTEGER PRIMARY KEY)")
    with ThreadPoolExecutor(1) as pool:

        def come(*_: object) -> None:
            running = pool.submit(execute, target, "INSERT INTO t VALUES (77, 'theirs')")
            while not (running.done() or waits(target)):
                time.sleep(POLL_SECONDS)
            raise VerificationError("other values were read back")

        monkeypatch.setattr("dbdump_core.run.transfer._Run.verify", come)
        with pytest.raises(DatabaseError, match="the new tables t are left, as others have put rows into them"):
            copy(source, target, create=True)
    assert state(target) == {"t": ["(77, 'theirs')"]}


# Locks that are not to be had


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in ("postgresql", "mysql"):
        monkeypatch.setattr(f"dbdump_core.databases.{engine}.backend.LOCK_SECONDS", 1)
    monkeypatch.setattr("dbdump_core.databases.sqlite.backend.BUSY_SECONDS", 0.1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("replace", [True, False], ids=["emptied", "vacant"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_lock_that_is_not_to_be_had_is_a_refusal(
    make_database: Make, source: str, engine: str, replace: bool
) -> None:
    target = make_database(engine)
    execute(target, T)
    begin = ["BEGIN IMMEDIATE"] if engine == "sqlite" else []
    words = "wait for the program" if engine == "sqlite" else "table t is in use by another session"
    with rival(target, *begin, "INSERT INTO t VALUES (77, 'theirs')"), refused_there(words):
        copy(source, target, replace=replace)
    assert query(target, "SELECT id FROM t") == []
    assert copy(source, target).verified


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("engine", MYSQLS)
def test_a_locked_table_is_not_waited_for_a_year(make_database: Make, source: str, engine: str) -> None:
    target = make_database(engine)
    execute(target, T)
    with rival(target, "LOCK TABLES t WRITE"):
        with pytest.raises(DbdumpError, match="Lock wait timeout"):
            copy(source, target, replace=True)
        with pytest.raises(DbdumpError, match="Lock wait timeout"):
            copy(target, source, replace=True)


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_an_account_that_may_only_add_rows(make_database: Make, source: str, engine: str) -> None:
    target = make_database(engine)
    execute(target, T)
    with account(target, "SELECT", "INSERT") as url:
        assert copy(source, url).verified
        execute(source, "UPDATE t SET id = id + 10")
        assert copy(source, url, append=True).verified
    assert query(target, "SELECT id FROM t ORDER BY id") == [(1,), (2,), (11,), (12,)]


# What is read


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
def test_a_table_is_locked_before_the_snapshot_is_taken(make_database: Make, native: bool) -> None:
    """PostgreSQL rewrites a table that is truncated: a snapshot from before that sees no rows in it."""
    source, target = make_database("postgresql"), make_database("sqlite")
    for url in (source, target):
        execute(url, T, ROWS)

    def load() -> Any:
        with (
            closing(DatabaseSource(backend_for(sa.make_url(source), native=native))) as left,
            closing(DatabaseTarget(backend_for(sa.make_url(target)))) as right,
        ):
            return transfer(left, right, Options(replace=True))

    with rival(source, "TRUNCATE t", "INSERT INTO t VALUES (5, 'five'), (6, 'six'), (7, 'seven')") as held:
        assert against(source, held, load).verified
    assert query(target, "SELECT id FROM t ORDER BY id") == [(5,), (6,), (7,)]


# Rows beside ours


def appending(target: str, act: Callable[[], None], *, native: bool = True) -> None:
    """Append 200 rows; `act` is done when half of them were read."""

    class Acting(MemorySource):
        def read(self, task: ReadTask, emit: Emit) -> None:
            seen = 0

            def counted(block: object) -> None:
                nonlocal seen
                seen += 1
                if seen == 50:
                    act()
                emit(block)  # type: ignore[arg-type]

            super().read(task, counted)

    rows = [(str(number), "x" * 10) for number in range(1, 201)]
    assert load_memory(Acting({T_TABLE: rows}), target, append=True, native=native).verified


T_TABLE = Table("t", PARENT_TABLE.columns, primary_key=("id",))


@pytest.mark.parametrize("native", [True, False], ids=["native", "portable"])
@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_rows_that_others_add_and_take_meanwhile_are_theirs(make_database: Make, engine: str, native: bool) -> None:
    target = make_database(engine)
    execute(target, T, "INSERT INTO t VALUES (0, 'old'), (900, 'old')")
    with rival(target, "INSERT INTO t VALUES (901, 'theirs')") as held:

        def act() -> None:
            held.commit()
            execute(target, "INSERT INTO t VALUES (902, 'theirs')", "DELETE FROM t WHERE id = 900")

        appending(target, act, native=native)
    assert query(target, "SELECT count(*) FROM t") == [(203,)]
    assert query(target, "SELECT id FROM t WHERE id > 200 ORDER BY id") == [(901,), (902,)]


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_key_that_another_session_takes_first(make_database: Make, engine: str) -> None:
    target = make_database(engine)
    execute(target, T, "INSERT INTO t VALUES (0, 'old')")
    with pytest.raises((ValueRefusedError, DatabaseError), match=r"200|uplicate"):
        appending(target, lambda: execute(target, "INSERT INTO t VALUES (200, 'theirs')"))
    assert query(target, "SELECT id FROM t ORDER BY id") == [(0,), (200,)]


# Orphans that were there before


@pytest.mark.parametrize("engine", ["sqlite", *MYSQLS])
def test_an_orphan_that_was_there_before_is_not_ours(make_database: Make, engine: str) -> None:
    source, target = family(make_database, "sqlite", rows=False), family(make_database, engine)
    add_orphans(target, "INSERT INTO child VALUES (20, 99), (21, 99), (22, 98)")
    execute(source, "INSERT INTO parent VALUES (3, 'three'), (98, 'found')", "INSERT INTO child VALUES (30, 3)")
    for table in ("parent", "child"):
        assert copy(source, target, append=True, selection=only(table)).verified
    assert query(target, "SELECT id FROM child WHERE id > 19 ORDER BY id") == [(20,), (21,), (22,), (30,)]
    add_orphans(source, "DELETE FROM child", "INSERT INTO child VALUES (31, 99), (32, 3)")
    with refused(target, ValueRefusedError, "table child: parent_id refers to rows that parent does not have: ('99')"):
        copy(source, target, append=True, selection=only("child"))


def add_orphans(url: str, *statements: str) -> None:
    off = [] if url.startswith("sqlite") else ["SET foreign_key_checks = 0"]
    execute(url, *off, *statements)
