"""Each setting that is pinned on PostgreSQL, alone: set otherwise on the database, it changes and stops nothing."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.postgresql import backend as postgresql
from dbdump_core.errors import DatabaseError
from dbdump_core.model.abc import Event, Phase
from dbdump_core.model.selection import Selection
from dbdump_core.operations import copy, dump, load
from dbdump_core.operations import verify as compare
from tests.promises import engine, execute, query

Make = Callable[[str], str]

TABLE = """CREATE TABLE t (
    id int PRIMARY KEY, day date, moment timestamptz, local timestamp, span interval, real float8, exact numeric,
    data bytea, word text, cash money, list text[], mark text DEFAULT 'a\\b' CHECK (mark <> 'c\\d'), doc xml
)"""
ROWS = (
    "INSERT INTO t VALUES (1, '2024-02-03', '2024-02-03 04:05:06.7+00', '2024-02-03 04:05:06', '1 year 2 mons -3 days"
    " 04:05:06', 0.1::float8 + 0.2::float8, 1.5, '\\x00ff5c', 'é日🍣', '12.34'::numeric::money, ARRAY['NULL', NULL],"
    " 'x\\y', 'a<b/>c')"
)
SPELLED = (
    "SELECT id, to_char(day, 'YYYY-MM-DD'), extract(epoch FROM moment)::text, to_char(local, 'YYYY-MM-DD HH24:MI:SS'),"
    " extract(year FROM span), extract(month FROM span), extract(day FROM span), extract(second FROM span),"
    " float8send(real)::text, exact::text, encode(data, 'hex'), encode(convert_to(word, 'UTF8'), 'hex'),"
    " cash::numeric::text, list[1] IS NULL, list[2] IS NULL, mark, doc::text FROM t"
)
"""What the row holds, said so that no setting has a part in it."""

SAID = {
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "extra_float_digits": "-5",
    "bytea_output": "escape",
    "timezone": "Asia/Kathmandu",
    "client_encoding": "LATIN1",
    "lc_monetary": "POSIX",
    "standard_conforming_strings": "off",
    "array_nulls": "off",
    "xmloption": "document",
    "row_security": "on",
    "synchronize_seqscans": "on",
    "session_replication_role": "replica",
    "default_transaction_isolation": "serializable",
    "statement_timeout": "1h",
    "lock_timeout": "1h",
    "idle_in_transaction_session_timeout": "1h",
    "idle_session_timeout": "1h",
    "transaction_timeout": "1h",
    "default_transaction_read_only": "on",
}
"""A value of each setting that is not the one the program needs."""


def set_up(url: str, name: str, value: str) -> None:
    execute(url, f"ALTER DATABASE \"{sa.make_url(url).database}\" SET {name} = '{value}'")


def knows(url: str, name: str) -> bool:
    return bool(query(url, f"SELECT 1 FROM pg_settings WHERE lower(name) = '{name}'"))


@pytest.fixture(scope="module")
def source(make_shared_database: Make) -> str:
    url = make_shared_database("postgresql")
    execute(url, TABLE, ROWS)
    return url


@pytest.fixture
def target(make_database: Make) -> str:
    return make_database("postgresql")


def test_no_setting_is_pinned_without_a_test() -> None:
    assert set(postgresql._SETTINGS) - {"search_path"} <= set(SAID)


READING = ("intervalstyle", "extra_float_digits", "bytea_output", "client_encoding")
WRITING = ("timezone", "client_encoding", "array_nulls", "xmloption", "standard_conforming_strings")


@pytest.fixture(scope="module")
def plain_dump(source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dump made while nothing is set."""
    folder = tmp_path_factory.mktemp("plain") / "d"
    dump(source, str(folder))
    return folder


@pytest.mark.parametrize("name", READING)
def test_a_setting_changes_nothing_that_is_read(target: str, plain_dump: Path, name: str, tmp_path: Path) -> None:
    execute(target, TABLE, ROWS)
    set_up(target, name, SAID[name])
    dump(target, str(tmp_path / "d"))
    [ours], [theirs] = ((folder / "data").iterdir() for folder in (tmp_path / "d", plain_dump))
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("verify", [True, False], ids=["verified", "unverified"])
def test_a_setting_changes_nothing_that_is_written(
    source: str, target: str, plain_dump: Path, name: str, verify: bool
) -> None:
    set_up(target, name, SAID[name])
    load(str(plain_dump), target, create=True, verify=verify)
    plain = engine(target)
    with plain.connect() as connection:
        connection.exec_driver_sql("RESET ALL")
        connection.exec_driver_sql("SET client_encoding = 'UTF8'")
        connection.exec_driver_sql("SET standard_conforming_strings = on")
        there = [tuple(row) for row in connection.exec_driver_sql(SPELLED)]
        execute(target, "INSERT INTO t (id) VALUES (2)")
        marks = connection.exec_driver_sql("SELECT mark FROM t WHERE id = 2").scalars().all()
    assert there == query(source, SPELLED)
    assert marks == ["a\\b"]


TIMEOUTS = (
    "statement_timeout",
    "transaction_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
)


@pytest.mark.parametrize("name", TIMEOUTS)
def test_no_timeout_ends_a_run(make_database: Make, name: str) -> None:
    """Neither a statement that takes longer, nor a person who thinks the question over, nor a slow other end."""
    source, target = make_database("postgresql"), make_database("postgresql")
    if not knows(source, name):
        pytest.skip(f"this server has no {name}")
    for url in (source, target):
        execute(url, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
        set_up(url, name, "400ms")
    pause = threading.Event()

    def think(*_: object) -> bool:
        pause.wait(0.7)
        return True

    def progress(event: Event) -> None:
        if event.phase is Phase.COMMIT:
            pause.wait(0.7)

    slow = Selection(where={"t": "(SELECT pg_sleep(0.7)) IS NOT NULL"})
    assert copy(source, target, confirm=think, selection=slow, progress=progress).verified


def test_a_lock_is_waited_for(make_database: Make) -> None:
    source, target = make_database("postgresql"), make_database("postgresql")
    for url in (source, target):
        execute(url, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    set_up(target, "lock_timeout", "1ms")
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 't'::regclass"
    with ThreadPoolExecutor(1) as pool:
        with engine(target).begin() as other:
            other.exec_driver_sql("LOCK TABLE t IN ACCESS SHARE MODE")
            run = pool.submit(copy, source, target, replace=True)
            while not (run.done() or other.exec_driver_sql(waiting).first()):
                pass
        assert run.result().verified


def test_rows_that_a_policy_hides_are_not_left_out(make_database: Make, tmp_path: Path) -> None:
    url = make_database("postgresql")
    role = f"reader_{secrets.token_hex(6)}"
    execute(
        url,
        "CREATE TABLE t (id int PRIMARY KEY)",
        "INSERT INTO t VALUES (1), (2)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY one ON t USING (id = 1)",
        f"CREATE ROLE {role} LOGIN PASSWORD 'secret'",
        f"GRANT SELECT ON t TO {role}",
    )
    reader = sa.make_url(url).set(username=role, password="secret").render_as_string(hide_password=False)
    try:
        with pytest.raises(DatabaseError, match="row-level security policy"):
            dump(reader, str(tmp_path / "d"))
    finally:
        execute(url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_names_on_the_search_path_do_not_stand_in_for_the_servers_own(make_database: Make) -> None:
    source, target = make_database("postgresql"), make_database("postgresql")
    for url in (source, target):
        execute(url, "CREATE TABLE t (id int PRIMARY KEY, exact numeric)", "INSERT INTO t VALUES (1, 1.5)")
    execute(target, "CREATE FUNCTION replace(text, text, text) RETURNS text LANGUAGE sql AS $$ SELECT '0'::text $$")
    execute(target, f'ALTER DATABASE "{sa.make_url(target).database}" SET search_path = public, pg_catalog')
    assert compare(source, target).equal


def test_a_database_that_plays_the_replica_fires_no_triggers_of_a_replica(make_database: Make) -> None:
    source, target = make_database("postgresql"), make_database("postgresql")
    for url in (source, target):
        execute(url, "CREATE TABLE t (id int PRIMARY KEY, v int)")
    execute(source, "INSERT INTO t VALUES (1, 2)")
    execute(
        target,
        "CREATE FUNCTION double() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := NEW.v * 2; RETURN NEW; END'",
        "CREATE TRIGGER doubles BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION double()",
        "ALTER TABLE t ENABLE REPLICA TRIGGER doubles",
    )
    set_up(target, "session_replication_role", "replica")
    copy(source, target, verify=False)
    assert query(target, "SELECT * FROM t") == [(1, 2)]


def test_two_dumps_are_alike_while_others_read_the_same_large_table(target: str, tmp_path: Path) -> None:
    execute(
        target,
        "CREATE TABLE t (id int, word text) WITH (fillfactor = 10)",
        "INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(1, 6000) n",  # one row a page: 48 MB
    )
    set_up(target, "synchronize_seqscans", "on")
    folders = [tmp_path / name for name in "ab"]
    with engine(target).connect() as other:
        other = other.execution_options(stream_results=True, max_row_buffer=1)
        for folder, first in zip(folders, (1000, 2000), strict=True):
            rows = other.exec_driver_sql("SELECT id FROM t")
            rows.fetchmany(first)
            dump(target, str(folder))
    [ours], [theirs] = ((folder / "data").iterdir() for folder in folders)
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("name", ["datestyle", "lc_monetary", "default_transaction_isolation", "row_security"])
def test_a_setting_is_the_programs_own(target: str, name: str) -> None:
    """What shows only beside certain locales, drivers or other writers is at least set."""
    set_up(target, name, SAID[name])
    backend = backend_for(sa.make_url(target))
    for writing in (False, True):
        with closing(backend.connect(writing=writing)) as connection:
            assert backend.run(connection, f"SHOW {name}").scalar_one() == postgresql._SETTINGS[name]
