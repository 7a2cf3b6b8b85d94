"""Entries of settings.DATABASES as URLs, proved by connecting with them."""

from __future__ import annotations

import ssl
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from django.db import connections

from dbdump_core.errors import ConnectError, RefusedError, UsageError
from dbdump_django.db_url import asking, database_url
from tests.django import models_support as support

ODD = "p@ss:w/ord?#[]%41 \\'\"&=+;`$"
"""A password that needs care; for PostgreSQL also with letters beyond ASCII, which PyMySQL does not send as UTF-8."""
WEIRD = ODD + "ü漢"
POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}
MYSQL = {"ENGINE": "django.db.backends.mysql", "NAME": "shop"}
SQLITE = {"ENGINE": "django.db.backends.sqlite3"}


def url_of(settings: dict[str, Any]) -> sa.URL:
    with support.alias("sqlite:///unused", **settings) as alias:
        return database_url(alias)


def asked(alias: str, sql: str) -> Any:
    with support.core_connection(alias) as connection:
        return connection.exec_driver_sql(sql).scalar_one()


def local_path(url: str, sql: str) -> Path:
    """A path that the server names, skipped where it is not within reach from here."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        path = Path(str(connection.exec_driver_sql(sql).scalar_one()).split(",")[0].strip())
    if not path.exists():
        pytest.skip(f"the server's {path} is not within reach from here")
    return path


@pytest.fixture
def suffix() -> str:
    return uuid4().hex[:10]


@pytest.fixture(params=["mariadb", "mysql"])
def mysql_url(request: pytest.FixtureRequest, make_database: Any) -> str:
    return str(make_database(request.param))


# --- aliases and engines ------------------------------------------------------------------------


def test_each_engine_is_reached(filled: str) -> None:
    with support.core_connection(filled) as connection, connections[filled].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM blog_post")
        count = cursor.fetchone()[0]
        assert connection.exec_driver_sql("SELECT count(*) FROM blog_post").scalar_one() == count > 0


def test_an_unknown_alias_lists_the_close_ones() -> None:
    with pytest.raises(UsageError, match=r"no database alias 'defualt'; close ones: 'default'"):
        database_url("defualt")


@pytest.mark.parametrize("engine", ["django.db.backends.dummy", "django.db.backends.oracle", "no.such.engine"])
def test_other_engines_are_refused_by_name(engine: str) -> None:
    with pytest.raises(UsageError, match=f"the engine '{engine}' cannot be"):
        url_of({"ENGINE": engine, "NAME": "x"})


def engine_of(monkeypatch: pytest.MonkeyPatch, vendor: str) -> str:
    """The name of an engine made from Django's own for PostgreSQL, as third parties make theirs."""
    from django.db.backends.postgresql.base import DatabaseWrapper

    name = f"third_party_{vendor}"
    base = types.ModuleType(f"{name}.base")
    wrapper = type("DatabaseWrapper", (DatabaseWrapper,), {"vendor": vendor, "__module__": base.__name__})
    monkeypatch.setattr(base, "DatabaseWrapper", wrapper, raising=False)
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, base.__name__, base)
    return name


def test_an_engine_made_from_one_of_djangos_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    assert url_of({**POSTGRESQL, "ENGINE": engine_of(monkeypatch, "postgresql")}).drivername == "postgresql+psycopg2"


def test_a_database_that_only_speaks_like_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="third_party_cockroachdb"):
        url_of({**POSTGRESQL, "ENGINE": engine_of(monkeypatch, "cockroachdb")})


def test_a_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match="the port '54x' is not a number"):
        url_of({**POSTGRESQL, "HOST": "h", "PORT": "54x"})


# --- SQLite -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain.db", "with ? and % and #.db", "ünïcode äöü.sqlite3", "a b/../c.db"])
@pytest.mark.parametrize("kind", [str, Path])
def test_sqlite_paths_are_taken_as_they_are(name: str, kind: type, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    path = tmp_path / name
    with support.alias("sqlite:///unused", NAME=kind(path)) as alias:
        support.execute(alias, "CREATE TABLE t (a integer)", "INSERT INTO t VALUES (7)")
        assert asked(alias, "SELECT a FROM t") == 7


def test_a_relative_sqlite_path_starts_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with support.alias("sqlite:///unused", NAME="here.db") as alias:
        support.execute(alias, "CREATE TABLE t (a integer)", "INSERT INTO t VALUES (7)")
        assert asked(alias, "SELECT a FROM t") == 7
    assert Path("here.db").exists()


@pytest.mark.parametrize("form", ["file:{}", "file://{}?cache=private", "file://localhost{}?mode=rwc#part"])
def test_sqlite_uris_are_the_files_they_name(form: str, tmp_path: Path) -> None:
    path = tmp_path / "a file with 100%.db"
    name = form.format(str(path).replace("%", "%25").replace(" ", "%20"))
    with support.alias("sqlite:///unused", NAME=name) as alias:
        support.execute(alias, "CREATE TABLE t (a integer)", "INSERT INTO t VALUES (7)")
        assert asked(alias, "SELECT a FROM t") == 7
    assert path.exists()


@pytest.mark.parametrize(
    "name",
    [":memory:", "file::memory:", "file:memorydb_default?mode=memory&cache=shared", "file:x?cache=shared&mode=memory"],
)
def test_databases_in_memory_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="in memory, which no other connection can see"):
        url_of({**SQLITE, "NAME": name})


def test_asking_a_missing_file_does_not_make_it(tmp_path: Path) -> None:
    path = tmp_path / "absent.db"
    with (
        support.alias("sqlite:///unused", NAME=str(path)) as alias,
        pytest.raises(ConnectError, match="no SQLite file"),
        asking(alias),
    ):
        pass
    assert not path.exists()


# --- PostgreSQL ---------------------------------------------------------------------------------


@pytest.fixture
def postgresql_url(make_database: Any) -> str:
    return str(make_database("postgresql"))


@pytest.fixture
def role(postgresql_url: str, suffix: str) -> Iterator[str]:
    """A role with an odd name, and with a password that needs care."""
    name = f'dbdump "{suffix}" \\ role'
    engine = sa.create_engine(postgresql_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    quoted = '"' + name.replace('"', '""') + '"'
    password = "'" + WEIRD.replace("'", "''") + "'"
    with engine.connect() as connection:
        connection.exec_driver_sql(
            f"CREATE ROLE {quoted} LOGIN PASSWORD {password}", execution_options={"no_parameters": True}
        )
        try:
            yield name
        finally:
            connection.exec_driver_sql(f"DROP ROLE {quoted}", execution_options={"no_parameters": True})


def test_postgresql_by_a_role_with_an_odd_name_and_password(postgresql_url: str, role: str) -> None:
    with support.alias(postgresql_url, USER=role, PASSWORD=WEIRD) as alias:
        with support.core_connection(alias) as connection:
            assert connection.exec_driver_sql("SELECT current_user::text").scalar_one() == role
            assert connection.connection.driver_connection.info.password == WEIRD
        assert WEIRD not in database_url(alias).render_as_string()


def test_postgresql_assumes_the_role_that_django_assumes(postgresql_url: str, role: str) -> None:
    options = {"assume_role": role, "options": "-c work_mem=5MB"}
    with support.alias(postgresql_url, OPTIONS=options) as alias:
        assert asked(alias, "SELECT current_user::text") == role
        assert asked(alias, "SHOW work_mem") == "5MB"


def test_postgresql_by_a_folder_of_sockets(postgresql_url: str) -> None:
    folder = local_path(postgresql_url, "SHOW unix_socket_directories")
    with support.alias(postgresql_url, HOST=str(folder)) as alias:
        assert asked(alias, "SELECT inet_server_addr() IS NULL")
        assert sa.make_url(database_url(alias).render_as_string()) == database_url(alias)


def test_postgresql_by_a_service_file(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = sa.make_url(postgresql_url)
    lines = [f"host={parts.host}", f"port={parts.port}", f"dbname={parts.database}", f"user={parts.username}"]
    (tmp_path / "services").write_text("\n".join(["[shop]", *lines, f"password={parts.password or 'none'}", ""]))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    settings = {**POSTGRESQL, "NAME": "", "OPTIONS": {"service": "shop"}}
    with support.alias("sqlite:///unused", **settings) as alias:
        assert asked(alias, "SELECT current_database()::text") == parts.database


def test_postgresql_by_a_password_file(postgresql_url: str, role: str, tmp_path: Path) -> None:
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:*:" + WEIRD.replace("\\", "\\\\").replace(":", "\\:") + "\n")
    passfile.chmod(0o600)
    options = {"passfile": str(passfile), "connect_timeout": 7, "application_name": "a shop"}
    with support.alias(postgresql_url, USER=role, PASSWORD="", OPTIONS=options) as alias:
        with support.core_connection(alias) as connection:
            assert connection.connection.driver_connection.info.password == WEIRD
        assert asked(alias, "SHOW application_name") == "a shop"


def test_postgresql_options_that_are_djangos_alone_are_left_out() -> None:
    options = {
        "pool": {"min_size": 2}, "isolation_level": 3, "server_side_binding": True, "sslmode": "verify-full",
        "sslrootcert": Path("/etc/ca.pem"), "keepalives": True, "connect_timeout": 5, "target_session_attrs": None,
    }  # fmt: skip
    url = url_of({**POSTGRESQL, "HOST": "db", "PORT": 5433, "USER": "u", "OPTIONS": options})
    assert (url.host, url.port, url.username, url.database) == ("db", 5433, "u", "shop")
    assert dict(url.query) == {
        "sslmode": "verify-full", "sslrootcert": "/etc/ca.pem", "keepalives": "1", "connect_timeout": "5",
    }  # fmt: skip


def test_postgresql_with_several_hosts_keeps_them_all() -> None:
    url = url_of({**POSTGRESQL, "HOST": "one,two", "PORT": "5432,5433"})
    arguments = sa.create_engine(url).dialect.create_connect_args(url)[1]
    assert (arguments["host"], arguments["port"], arguments["dbname"]) == ("one,two", "5432,5433", "shop")


def test_postgresql_without_a_name_means_the_default_database() -> None:
    assert url_of({**POSTGRESQL, "NAME": None, "OPTIONS": {"service": "x"}}).query == {}
    assert url_of({**POSTGRESQL, "NAME": None}).database == "postgres"


def test_the_current_settings_count_as_under_the_test_runner(make_database: Any) -> None:
    with support.alias(make_database("postgresql")) as alias:
        connections[alias].settings_dict["NAME"] = "test_shop"
        assert database_url(alias).database == "test_shop"


@pytest.mark.parametrize(
    "settings",
    [{**POSTGRESQL, "OPTIONS": {"sslpassword": WEIRD}}, {**MYSQL, "OPTIONS": {"ssl": {"key": "k", "password": WEIRD}}}],
    ids=["postgresql", "mysql"],
)
def test_a_secret_that_a_url_would_show_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="passphrase") as caught:
        url_of(settings)
    assert WEIRD not in str(caught.value)


# --- MySQL and MariaDB --------------------------------------------------------------------------


@pytest.fixture
def user(mysql_url: str, suffix: str) -> Iterator[str]:
    """A user with a password that needs care and rights on the one database."""
    name, parts = f"u {suffix}", sa.make_url(mysql_url)
    # Of two accounts the one with the longer host counts, so that one without a name may hide `%`.
    accounts = [(name, "%"), (name, "localhost")]
    with sa.create_engine(mysql_url, poolclass=sa.NullPool).connect() as connection:
        for account in accounts:
            connection.exec_driver_sql("CREATE USER %s@%s IDENTIFIED BY %s", (*account, ODD))
            connection.exec_driver_sql(f"GRANT ALL ON {parts.database}.* TO %s@%s", account)
        try:
            yield name
        finally:
            for account in accounts:
                connection.exec_driver_sql("DROP USER %s@%s", account)


def test_mysql_by_a_user_with_an_odd_password(mysql_url: str, user: str) -> None:
    with support.alias(mysql_url, USER=user, PASSWORD=ODD) as alias:
        assert asked(alias, "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)") == user
        assert ODD not in database_url(alias).render_as_string()
    with support.alias(mysql_url, USER=user, PASSWORD="wrong") as alias, pytest.raises(ConnectError):
        asked(alias, "SELECT 1")


@pytest.mark.parametrize("where", ["HOST", "OPTIONS"])
def test_mysql_by_socket(mysql_url: str, where: str) -> None:
    path = str(local_path(mysql_url, "SELECT @@socket"))
    settings = {"HOST": path} if where == "HOST" else {"HOST": "", "OPTIONS": {"unix_socket": path}}
    with support.alias(mysql_url, PORT="", **settings) as alias:
        host = asked(alias, "SELECT host FROM information_schema.processlist WHERE id = CONNECTION_ID()")
        assert ":" not in host


@pytest.mark.parametrize("named", [True, False], ids=["NAME", "option file alone"])
def test_mysql_by_an_option_file(mysql_url: str, user: str, tmp_path: Path, named: bool) -> None:
    parts = sa.make_url(mysql_url)
    password = '"' + ODD + '"'
    lines = [f"user = {user}", f"password = {password}", f"host = {parts.host}", f"port = {parts.port}"]
    lines += [] if named else [f"database = {parts.database}"]
    (tmp_path / "my.cnf").write_text("\n".join(["[client]", *lines, ""]), encoding="utf-8")
    settings = {**MYSQL, "NAME": parts.database if named else "", "HOST": "", "PORT": "", "USER": "", "PASSWORD": ""}
    options = {"read_default_file": str(tmp_path / "my.cnf"), "charset": "latin1", "sql_mode": "ANSI_QUOTES"}
    with support.alias("sqlite:///unused", **settings, OPTIONS=options) as alias:
        assert asked(alias, "SELECT DATABASE()") == parts.database
        assert asked(alias, "SELECT @@character_set_client") == "utf8mb4"


def test_mysql_keeps_a_role_and_no_other_command(mysql_url: str, suffix: str) -> None:
    with sa.create_engine(mysql_url, poolclass=sa.NullPool).connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE r{suffix}")
        try:
            connection.exec_driver_sql(f"GRANT r{suffix} TO CURRENT_USER()")
            with support.alias(mysql_url, OPTIONS={"init_command": f"set role r{suffix};"}) as alias:
                assert suffix in asked(alias, "SELECT CURRENT_ROLE()")
        finally:
            connection.exec_driver_sql(f"DROP ROLE r{suffix}")
    options = {"init_command": "SET NAMES latin1, sql_mode = 'NO_BACKSLASH_ESCAPES'"}
    with support.alias(mysql_url, OPTIONS=options) as alias:
        assert "init_command" not in database_url(alias).query
        assert asked(alias, "SELECT @@character_set_results") == "utf8mb4"


@pytest.mark.parametrize(
    ("options", "encrypts"), [({"ssl_mode": "REQUIRED"}, True), ({"ssl_mode": "DISABLED", "ssl": {"ca": "x"}}, False)]
)
def test_mysql_encrypts_where_it_is_told_to(options: dict[str, Any], encrypts: bool, make_database: Any) -> None:
    sql = "SELECT variable_value FROM performance_schema.session_status WHERE variable_name = 'Ssl_cipher'"
    with support.alias(make_database("mysql"), OPTIONS=options) as alias:
        assert bool(asked(alias, sql)) is encrypts


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({"ssl": {"ca": "/ca.pem", "cert": "/c.pem", "key": "/k.pem"}},
         {"ssl_ca": "/ca.pem", "ssl_cert": "/c.pem", "ssl_key": "/k.pem", "ssl_check_hostname": "1"}),
        ({"ssl": {"ca": "/ca.pem", "check_hostname": False}}, {"ssl_ca": "/ca.pem", "ssl_check_hostname": "0"}),
        ({"ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": "/ca.pem"}}, {"ssl_ca": "/ca.pem", "ssl_check_hostname": "1"}),
        ({"ssl_mode": "VERIFY_CA", "ssl_ca": "/ca.pem"}, {"ssl_ca": "/ca.pem", "ssl_check_hostname": "0"}),
        ({"ssl_ca": "/ca.pem", "ssl_verify_identity": True}, {"ssl_ca": "/ca.pem", "ssl_check_hostname": "1"}),
        ({"ssl": True}, {"ssl_check_hostname": "1"}),
        ({"ssl_mode": "PREFERRED"}, {}),
        ({"ssl_disabled": True, "ssl": {"ca": "/ca.pem"}}, {"ssl_disabled": "1"}),
        ({"local_infile": True, "read_timeout": 5, "isolation_level": "serializable", "compress": True}, {}),
        ({"connect_timeout": 9, "use_unicode": True}, {"connect_timeout": "9"}),
    ],
)  # fmt: skip
def test_mysql_options(options: dict[str, Any], query: dict[str, str]) -> None:
    url = url_of({**MYSQL, "HOST": "db", "PORT": "3307", "USER": "u", "PASSWORD": ODD, "OPTIONS": options})
    assert dict(url.query) == query
    assert (url.host, url.port, url.password) == ("db", 3307, ODD)


def test_mysql_without_a_host_is_on_this_machine() -> None:
    assert url_of(MYSQL).host == "localhost"


def test_options_win_over_the_entry_as_in_django() -> None:
    url = url_of({**MYSQL, "HOST": "db", "OPTIONS": {"host": "other", "passwd": "x", "db": "stock", "port": 3310}})
    assert (url.host, url.password, url.database, url.port) == ("other", "x", "stock", 3310)


def test_verifying_without_a_certificate_of_ones_own_uses_the_systems() -> None:
    url = url_of({**MYSQL, "HOST": "db", "OPTIONS": {"ssl_mode": "VERIFY_IDENTITY"}})
    paths = ssl.get_default_verify_paths()
    assert url.query.get("ssl_ca", url.query.get("ssl_capath")) in {paths.cafile, paths.capath}


def test_a_context_cannot_be_carried() -> None:
    with pytest.raises(UsageError, match="an SSLContext cannot be carried"):
        url_of({**MYSQL, "OPTIONS": {"ssl": ssl.create_default_context()}})


def test_nothing_here_keeps_a_connection_open(postgresql_url: str) -> None:
    with support.alias(postgresql_url) as alias:
        with asking(alias) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert connections[alias].connection is None


def test_a_server_that_does_not_answer_is_told(tmp_path: Path) -> None:
    settings = {**POSTGRESQL, "HOST": str(tmp_path), "PORT": "1"}
    with (
        support.alias("sqlite:///unused", **settings) as alias,
        pytest.raises(RefusedError, match=r"database alias 'adhoc': .*; check its entry in settings.DATABASES"),
        asking(alias) as connection,
    ):
        connection.ensure_connection()
    assert list(tmp_path.iterdir()) == []
