"""Each setting that is pinned on MySQL and MariaDB, alone: set otherwise, it changes and stops nothing.

As if the server had it: it is set on connecting, before the program sets its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for
from dbdump_core.databases.mysql import backend as mysql
from dbdump_core.errors import DbdumpError, ValueRefusedError
from dbdump_core.model.abc import Event, Phase
from dbdump_core.model.selection import Selection
from dbdump_core.operations import copy, dump
from tests.promises import MYSQLS, execute, query, with_options

Make = Callable[[str], str]

TABLE = """CREATE TABLE t (
    id int AUTO_INCREMENT PRIMARY KEY, word varchar(20) CHECK (word <> 'no'), fixed char(9), day date,
    moment timestamp NULL, exact decimal(5, 2), data blob, mark varchar(9) DEFAULT 'a\\\\b'
) CHARACTER SET utf8mb4"""
ROWS = (
    "INSERT INTO t VALUES (1, 'é日🍣', 'a', '2024-02-03', '2024-02-03 04:05:06', 1.5, x'00ff5c27', 'c'),"
    " (2, 'back\\\\slash', NULL, NULL, NULL, NULL, NULL, NULL), (3, '', '', '2024-02-03', NULL, -1.25, '', NULL)"
)
ALL = "SELECT id, word, fixed, day, unix_timestamp(moment), exact, hex(data), mark FROM t ORDER BY id"


def odd(url: str, setting: str) -> str:
    return with_options(url, init_command=f"SET SESSION {setting}")


def set_or_skip(url: str, setting: str) -> str:
    """The URL with this setting. Skips where the server does not know it: MySQL's and MariaDB's differ."""
    if not query(url, f"SHOW VARIABLES LIKE '{setting.partition('=')[0].strip()}'"):
        pytest.skip("this server has no such setting")
    return odd(url, setting)


@pytest.fixture(params=MYSQLS)
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


SET_OTHERWISE = (
    "time_zone = '+05:45'",
    "sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
    "sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
    "sql_select_limit = 1",
    "max_join_size = 1",
    "sql_safe_updates = 1",
    "character_set_results = 'latin1'",
    "character_set_connection = 'latin1'",
    "foreign_key_checks = 1",
    "unique_checks = 0",
    "innodb_strict_mode = 0",
    "explicit_defaults_for_timestamp = 0",
    "max_error_count = 0",
    "completion_type = 'CHAIN'",
    "autocommit = 1",
    "sql_auto_is_null = 1",
    "default_storage_engine = 'MyISAM'",
    "max_sort_length = 4",
)


@pytest.mark.parametrize("setting", SET_OTHERWISE)
def test_a_setting_changes_nothing(make_database: Make, server: str, setting: str) -> None:
    source, target = make_database(server), make_database(server)
    if "PAD_CHAR" in setting and server == "mysql":
        pytest.skip("MySQL has it no more")
    for url in (source, target):
        execute(url, TABLE, ROWS)
    assert copy(odd(source, setting), target, replace=True).verified
    assert query(target, ALL) == query(source, ALL)
    assert copy(source, odd(target, setting), replace=True).verified
    assert query(target, ALL) == query(source, ALL)
    execute(target, "DROP TABLE t")
    assert copy(odd(source, setting), odd(target, setting), create=True).verified
    assert query(target, ALL) == query(source, ALL)
    for url in (source, target):
        execute(url, "INSERT INTO t (id) VALUES (9)")
    assert query(target, ALL) == query(source, ALL)
    made = "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()"
    assert query(target, made) == [("t", "InnoDB")]


TIMEOUTS = (
    "wait_timeout = 1",
    "max_statement_time = 0.4",
    "max_execution_time = 400",
    "idle_transaction_timeout = 1",
    "idle_readonly_transaction_timeout = 1",
    "idle_write_transaction_timeout = 1",
)


@pytest.mark.parametrize("setting", TIMEOUTS)
def test_no_timeout_ends_a_run(make_database: Make, server: str, setting: str) -> None:
    source, target = make_database(server), make_database(server)
    for url in (source, target):
        execute(url, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    source, target = set_or_skip(source, setting), odd(target, setting)
    pause = threading.Event()

    def think(*_: object) -> bool:
        pause.wait(1.5)
        return True

    def progress(event: Event) -> None:
        if event.phase in (Phase.EMPTY, Phase.COMMIT):
            pause.wait(1.5)

    slow = Selection(where={"t": "SLEEP(0.7) = 0"})
    assert copy(source, target, confirm=think, selection=slow, progress=progress).verified


@pytest.mark.parametrize("setting", ["transaction_isolation = 'READ-COMMITTED'", "tx_isolation = 'READ-COMMITTED'"])
def test_rows_that_come_while_a_dump_is_made_are_not_in_it(
    make_database: Make, server: str, setting: str, tmp_path: Path
) -> None:
    url = make_database(server)
    execute(url, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")

    def progress(event: Event) -> None:
        if event.phase is Phase.EMPTY:
            execute(url, "INSERT INTO t VALUES (2)")

    report = dump(set_or_skip(url, setting), str(tmp_path / "d"), progress=progress)
    assert [table.rows for table in report.tables] == [1]


def refusing(make: Make, server: str, table: str, value: str, setting: str) -> str:
    """What is said of a value that the target's table does not take, while `setting` is set; nothing is left."""
    source, target = make("sqlite"), make(server)
    execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", f"INSERT INTO t VALUES (1, 'a'), {value}")
    execute(target, table)
    with pytest.raises(DbdumpError) as caught:
        copy(source, set_or_skip(target, setting), verify=False)
    assert isinstance(caught.value, ValueRefusedError), caught.value
    assert query(target, "SELECT * FROM t") == []
    return str(caught.value)


def test_checks_are_made_where_a_server_leaves_them_out(make_database: Make, server: str) -> None:
    table = "CREATE TABLE t (id int PRIMARY KEY, v varchar(9), CONSTRAINT kind CHECK (v <> 'no'))"
    assert "kind" in refusing(make_database, server, table, "(2, 'no')", "check_constraint_checks = 0")


def test_a_dropped_warning_is_still_a_refusal(make_database: Make, server: str) -> None:
    table = "CREATE TABLE t (id int PRIMARY KEY, v varchar(9) CHARACTER SET latin1)"
    said = refusing(make_database, server, table, "(2, '日')", "max_error_count = 0")
    assert "v = '日'" in said


def test_inserts_are_strict_too(make_database: Make, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql.MysqlBackend, "_probe", lambda self, connection: False)  # no LOAD DATA
    table = "CREATE TABLE t (id int PRIMARY KEY, v varchar(9) CHARACTER SET latin1)"
    assert "v = '日'" in refusing(make_database, server, table, "(2, '日')", "sql_mode = ''")


def test_a_key_of_zero_stays(make_database: Make, server: str) -> None:
    source, target = make_database("sqlite"), make_database(server)
    execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "INSERT INTO t VALUES (0, 'a'), (1, 'b')")
    execute(target, "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v text)")
    copy(source, target, verify=False)
    assert query(target, "SELECT * FROM t ORDER BY id") == [(0, "a"), (1, "b")]


def test_rows_that_are_too_wide_are_known_before_the_first(make_database: Make, server: str) -> None:
    source, target = make_database(server), make_database(server)
    columns = ", ".join(f"c{at} char(60)" for at in range(200))
    execute(source, f"CREATE TABLE t (id int PRIMARY KEY, {columns}) ENGINE=MyISAM CHARACTER SET latin1")
    with pytest.raises(DbdumpError):
        copy(source, odd(target, "innodb_strict_mode = 0"), create=True)
    assert query(target, "SHOW TABLES") == []


OWN = {"net_write_timeout": 5, "net_read_timeout": 5, "unique_checks": 0, "explicit_defaults_for_timestamp": 0}


@pytest.mark.parametrize("name", OWN)
def test_a_setting_is_the_programs_own(make_database: Make, server: str, name: str) -> None:
    """What shows only beside slow networks or in certain releases is at least set."""
    backend = backend_for(sa.make_url(odd(make_database(server), f"{name} = {OWN[name]}")))
    wanted = {**mysql._SETTINGS, **mysql._WRITE_SETTINGS}.get(name)
    with closing(backend.connect(writing=True)) as connection:
        assert backend.run(connection, f"SELECT @@{name}").scalar_one() == wanted
