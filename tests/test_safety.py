"""The safety promises on real servers: what would harm data that nobody named is refused beforehand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.errors import UnsafeError, ValueRefusedError, VerificationError
from dbdump_core.model.selection import Selection
from dbdump_core.operations import copy
from tests.promises import MYSQLS, execute, query, refused, state, with_options
from tests.servers import ENGINES, SERVER_ENGINES

Make = Callable[[str], str]
PARENT = "CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(20))"
CHILD = (
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER, FOREIGN KEY (parent_id) REFERENCES parent(id){})"
)
PARENTS = "INSERT INTO parent VALUES (1, 'one'), (2, 'two')"
CHILDREN = "INSERT INTO child VALUES (10, 1), (11, 2), (12, NULL)"


def family(make: Make, engine: str, on_delete: str = "", *, rows: bool = True) -> str:
    url = make(engine)
    execute(url, PARENT, CHILD.format(on_delete), *([PARENTS, CHILDREN] if rows else []))
    return url


def only(*tables: str) -> Selection:
    return Selection(tables=tables)


# One database, one run


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_a_database_is_not_copied_onto_itself_by_another_name(make_database: Make, engine: str) -> None:
    url = family(make_database, engine)
    other = url.replace("127.0.0.1", "localhost")
    options = {"charset": "utf8mb4"} if engine in MYSQLS else {"application_name": "x"}
    for again in (url, other, with_options(url, **options)):
        with refused(url, UnsafeError, "same database", "name another"):
            copy(url, again, replace=True)
        with refused(url, UnsafeError, "same database"):
            copy(again, url, replace=True, verify=False)


@pytest.mark.parametrize("how", ["symlink", "hardlink", "relative"])
def test_an_sqlite_file_is_not_copied_onto_itself(
    make_database: Make, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = family(make_database, "sqlite")
    path = Path(url.removeprefix("sqlite:///"))
    again = tmp_path / "again.db"
    if how == "symlink":
        again.symlink_to(path)
    elif how == "hardlink":
        again.hardlink_to(path)
    else:
        monkeypatch.chdir(path.parent)
        again = Path(path.name)
    with refused(url, UnsafeError, "same database"):
        copy(url, str(again), replace=True)
    with refused(url, UnsafeError, "same database"):
        copy(str(again), url, replace=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_two_databases_of_one_server_are_two(make_database: Make, engine: str) -> None:
    source, target = family(make_database, engine), family(make_database, engine, rows=False)
    assert copy(source, target).verified
    assert state(source) == state(target)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_second_run_into_one_target_is_refused(
    make_database: Make, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbdump_core.databases.sqlite.backend.BUSY_SECONDS", 0.2)
    source, target = family(make_database, "sqlite"), family(make_database, engine)
    backend = backend_for(sa.make_url(target))
    with closing(backend.connect(writing=True)) as first:
        backend.begin_writing(first)
        with refused(target, UnsafeError, "wait"):
            copy(source, target, replace=True)
        first.rollback()
    assert copy(source, target, replace=True).verified


# Triggers


def trigger(engine: str, event: str, table: str = "parent") -> list[str]:
    """A trigger that writes down what happens to a table."""
    log = "INSERT INTO log VALUES (1)"
    if engine != "postgresql":
        body = f"BEGIN {log}; END" if engine == "sqlite" else log
        return [f"CREATE TRIGGER noisy AFTER {event} ON {table} FOR EACH ROW {body}"]
    each = "STATEMENT" if event == "TRUNCATE" else "ROW"
    return [
        f"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {log}; RETURN NULL; END$$",
        f"CREATE TRIGGER noisy AFTER {event} ON {table} FOR EACH {each} EXECUTE FUNCTION note()",
    ]


FIRING = [(engine, event) for engine in ENGINES for event in ("INSERT", "DELETE")] + [("postgresql", "TRUNCATE")]


@pytest.mark.parametrize(("engine", "event"), FIRING)
def test_a_trigger_that_would_fire_is_a_refusal(make_database: Make, engine: str, event: str) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, engine)
    execute(target, "CREATE TABLE log (n INTEGER)", *trigger(engine, event))
    with refused(target, UnsafeError, "parent.noisy", "drop or disable"):
        copy(source, target, replace=True)
    execute(source, "DELETE FROM child", "DELETE FROM parent", "INSERT INTO parent VALUES (7, 'seven')")
    if event == "INSERT":
        with refused(target, UnsafeError, "parent.noisy"):
            copy(source, target, append=True)
    else:
        assert copy(source, target, append=True).verified
        assert query(target, "SELECT count(*) FROM log") == [(0,)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trigger_for_updates_does_not_matter(make_database: Make, engine: str) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, engine)
    execute(target, "CREATE TABLE log (n INTEGER)", *trigger(engine, "UPDATE"))
    execute(source, "DELETE FROM child WHERE id = 10")
    assert copy(source, target, replace=True).verified
    assert query(target, "SELECT count(*) FROM log") == [(0,)]


def test_a_trigger_of_a_partition_is_seen(make_database: Make) -> None:
    source, target = family(make_database, "sqlite"), make_database("postgresql")
    execute(
        target,
        "CREATE TABLE log (n INTEGER)",
        "CREATE TABLE parent (id INTEGER, name VARCHAR(20)) PARTITION BY RANGE (id)",
        "CREATE TABLE part PARTITION OF parent FOR VALUES FROM (0) TO (100)",
        *trigger("postgresql", "INSERT", "part"),
    )
    with refused(target, UnsafeError, "part.noisy"):
        copy(source, target, selection=only("parent"))


def test_a_rule_of_a_table_is_seen(make_database: Make) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, "postgresql")
    execute(
        target,
        "CREATE TABLE log (n INTEGER)",
        "CREATE RULE noisy AS ON DELETE TO child DO ALSO INSERT INTO log VALUES (1)",
    )
    with refused(target, UnsafeError, "child.noisy"):
        copy(source, target, replace=True)


# Rows outside the plan


@pytest.mark.parametrize("on_delete", ["", " ON DELETE CASCADE", " ON DELETE SET NULL"])
@pytest.mark.parametrize("engine", ENGINES)
def test_rows_that_refer_to_what_would_be_emptied(make_database: Make, engine: str, on_delete: str) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, engine, on_delete)
    with refused(target, UnsafeError, "child", "parent", "--append"):
        copy(source, target, replace=True, selection=only("parent"))
    execute(source, "DELETE FROM child", "DELETE FROM parent", "INSERT INTO parent VALUES (7, 'seven')")
    children = query(target, "SELECT * FROM child ORDER BY id")
    assert copy(source, target, append=True, selection=only("parent")).verified
    assert query(target, "SELECT id FROM parent ORDER BY id") == [(1,), (2,), (7,)]
    assert query(target, "SELECT * FROM child ORDER BY id") == children


@pytest.mark.parametrize("engine", ENGINES)
def test_an_outside_table_without_rows_does_not_matter(make_database: Make, engine: str) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, engine, " ON DELETE CASCADE")
    execute(target, "DELETE FROM child WHERE parent_id IS NOT NULL")
    assert copy(source, target, replace=True, selection=only("parent")).verified
    assert query(target, "SELECT id FROM child") == [(12,)]


def test_sqlite_takes_names_without_regard_to_case(make_database: Make) -> None:
    source, target = family(make_database, "sqlite"), make_database("sqlite")
    execute(
        target,
        PARENT,
        "CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES PARENT ON DELETE CASCADE)",
        PARENTS,
        CHILDREN,
    )
    with refused(target, UnsafeError, "child", "parent"):
        copy(source, target, replace=True, selection=only("parent"))


@pytest.mark.parametrize("engine", MYSQLS)
def test_rows_of_another_database_that_refer_to_what_would_be_emptied(make_database: Make, engine: str) -> None:
    source, target, other = family(make_database, "sqlite"), family(make_database, engine), make_database(engine)
    name = sa.make_url(target).database
    execute(
        other,
        f"CREATE TABLE far (id INTEGER PRIMARY KEY, FOREIGN KEY (id) REFERENCES `{name}`.parent(id))",
        "INSERT INTO far VALUES (2)",
    )
    with refused(target, UnsafeError, "far", "parent"):
        copy(source, target, replace=True)
    execute(other, "DROP TABLE far")


@pytest.mark.parametrize("engine", MYSQLS)
def test_a_table_that_cannot_roll_back_is_refused(make_database: Make, engine: str) -> None:
    source, target = family(make_database, "sqlite"), make_database(engine)
    execute(target, f"{PARENT} ENGINE=MyISAM", PARENTS)
    with refused(target, UnsafeError, "parent", "MyISAM"):
        copy(source, target, replace=True, selection=only("parent"))


# Orphans


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("engine", ENGINES)
def test_children_without_their_parents_are_refused(make_database: Make, engine: str, verify: bool) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, engine, rows=False)
    with refused(target, ValueRefusedError, "child", "parent_id", "parent"):
        copy(source, target, verify=verify, selection=only("child"))
    execute(target, PARENTS)
    assert copy(source, target, selection=only("child")).verified


@pytest.mark.parametrize("engine", ENGINES)
def test_every_key_whose_rows_are_missing_is_named(make_database: Make, engine: str) -> None:
    source, target, children = make_database("sqlite"), make_database(engine), ("one", "two")
    # Where a key is checked row by row, PostgreSQL names the first one itself; Django's keys wait.
    waiting = " DEFERRABLE INITIALLY DEFERRED" if engine == "postgresql" else ""
    for url, referring in ((source, ")"), (target, f", FOREIGN KEY (parent_id) REFERENCES parent (id){waiting})")):
        execute(url, "CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        for name in children:
            execute(url, f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, parent_id INTEGER{referring}")
    rows = [f"INSERT INTO {name} VALUES (1, 5), (2, 5)" for name in children]
    execute(source, "INSERT INTO parent VALUES (5)", *rows)
    with pytest.raises(ValueRefusedError) as caught:
        copy(source, target, selection=only(*children))
    missing = "parent_id refers to rows that parent does not have: ('5')"
    keys = "; ".join(f"table {name}: {missing}" for name in children)
    assert str(caught.value).startswith(f"{keys}; load those rows as well")
    assert query(target, "SELECT * FROM one") == []


@pytest.mark.parametrize("engine", ENGINES)
def test_parents_that_no_longer_come_are_missed_by_rows_inside(make_database: Make, engine: str) -> None:
    source, target = family(make_database, "sqlite"), family(make_database, engine)
    execute(source, "DELETE FROM parent WHERE id = 2")
    with refused(target, ValueRefusedError, "child", "parent_id", "2"):
        copy(source, target, replace=True)


CYCLE = [
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b_id INTEGER NOT NULL, a_id INTEGER)",
    "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER NOT NULL, CONSTRAINT ba FOREIGN KEY (a_id) REFERENCES a(id))",
    "ALTER TABLE a ADD CONSTRAINT ab FOREIGN KEY (b_id) REFERENCES b(id)",
    "ALTER TABLE a ADD CONSTRAINT aa FOREIGN KEY (a_id) REFERENCES a(id)",
]
CYCLE_SQLITE = [
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b_id INTEGER NOT NULL REFERENCES b, a_id INTEGER REFERENCES a)",
    "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER NOT NULL REFERENCES a)",
]
CONSTRAINTS = (
    "SELECT conname, condeferrable, condeferred, convalidated, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'f' ORDER BY 1"
)


@pytest.mark.parametrize("engine", ENGINES)
def test_cycles_load_and_broken_ones_do_not(make_database: Make, engine: str) -> None:
    source, target = make_database("sqlite"), make_database(engine)
    execute(source, *CYCLE_SQLITE)
    execute(source, "INSERT INTO a VALUES (1, 11, 2), (2, 10, 1)", "INSERT INTO b VALUES (10, 1), (11, 2)")
    execute(target, *(CYCLE_SQLITE if engine == "sqlite" else CYCLE))
    before = query(target, CONSTRAINTS) if engine == "postgresql" else None
    assert copy(source, target).verified
    execute(source, "UPDATE a SET a_id = 99 WHERE id = 2")
    with refused(target, ValueRefusedError, "a_id", "'99'"):
        copy(source, target, replace=True)
    execute(source, "UPDATE a SET a_id = 2, b_id = 98 WHERE id = 2")
    with refused(target, ValueRefusedError, "b_id", "'98'"):
        copy(source, target, replace=True, verify=False)
    if before is not None:
        assert query(target, CONSTRAINTS) == before


NUMBERED = {
    "sqlite": "id INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgresql": "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
}


@pytest.mark.parametrize("engine", NUMBERED)
def test_a_load_that_is_not_proved_leaves_sequences_where_they_were(
    make_database: Make, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL's AUTO_INCREMENT moves with the rows themselves, and a gap is all that a rollback leaves there."""
    source, target = make_database(engine), make_database(engine)
    for url in (source, target):
        execute(url, f"CREATE TABLE t ({NUMBERED[engine]}, name VARCHAR(20))")
    execute(target, "INSERT INTO t (name) VALUES ('first')")
    execute(source, "INSERT INTO t (id, name) VALUES (5000, 'x')")

    def unproved(*_: object) -> None:
        raise VerificationError("other values were read back")

    with monkeypatch.context() as patched:
        patched.setattr("dbdump_core.run.transfer._Run.verify", unproved)
        with pytest.raises(VerificationError):
            copy(source, target, replace=True)
    execute(target, "INSERT INTO t (name) VALUES ('second')")
    assert query(target, "SELECT id, name FROM t ORDER BY id") == [(1, "first"), (2, "second")]
    copy(source, target, replace=True)
    execute(target, "INSERT INTO t (name) VALUES ('next')")
    assert query(target, "SELECT id, name FROM t ORDER BY id") == [(5000, "x"), (5001, "next")]
