"""The tests' own servers are what they are said to be."""

from __future__ import annotations

import sys

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.servers import SERVER_ENGINES, Unreachable, compose, engine_of, the_fleet
from tests.servers.fleet import VARIABLE, Fleet, given_launcher
from tests.servers.local import free_port
from tests.servers.probe import ask, connection


def test_answers(database_url):
    assert ask(database_url, "SELECT 1") == "1"


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_is_the_engine_it_claims_to_be(engine, make_database):
    assert engine_of(ask(make_database(engine), "SELECT version()")) == engine


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_socket_reaches_the_same_server(engine, make_database):
    make_database(engine)
    url = the_fleet().socket_urls.get(engine)
    if url is None:
        pytest.skip(f"{engine} has no socket within reach")
    assert engine_of(ask(url, "SELECT version()")) == engine


@pytest.mark.parametrize("engine", ["mariadb", "mysql"])
def test_takes_data_from_the_client(engine, make_database):
    assert ask(make_database(engine), "SELECT @@global.local_infile") == "1"


@pytest.mark.parametrize("engine", ["mariadb", "mysql"])
def test_database_holds_any_character(engine, make_database):
    assert ask(make_database(engine), "SELECT @@character_set_database") == "utf8mb4"


def test_postgresql_is_utf8(make_database):
    assert ask(make_database("postgresql"), "SHOW server_encoding") == "UTF8"


def test_databases_are_isolated(engine_name, make_database):
    first, second = make_database(engine_name), make_database(engine_name)
    for url, value in ((first, 1), (second, 2)):
        with connection(url) as opened:
            opened.execute(text("CREATE TABLE t (n INTEGER)"))
            opened.execute(text("INSERT INTO t VALUES (:n)"), {"n": value})
    assert [ask(url, "SELECT n FROM t") for url in (first, second)] == ["1", "2"]


@pytest.fixture
def left_open():
    """Connections that are still open when the databases are dropped: set up first, torn down last."""
    connections = []
    yield connections
    for opened in connections:
        opened.invalidate()
        opened.close()


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_open_transaction_does_not_hinder_the_drop(engine, left_open, make_database):
    opened = create_engine(make_database(engine)).connect()
    left_open.append(opened)
    opened.execute(text("CREATE TABLE t (n INTEGER)"))
    opened.execute(text("INSERT INTO t VALUES (1)"))


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_given_server_is_used(engine, make_database, monkeypatch):
    url = make_url(make_database(engine)).render_as_string(hide_password=False)
    monkeypatch.setenv(VARIABLE, f"\n {engine}={url} \n")
    fleet = Fleet()
    assert fleet.url(engine) == url
    fleet.stop()
    assert ask(url, "SELECT 1") == "1"
    others = set(SERVER_ENGINES) - {engine}
    fleet.start(others)
    assert set(fleet.missing) == others


@pytest.mark.parametrize("engine", SERVER_ENGINES)
def test_given_servers_are_read_as_the_program_reads_them(engine, make_database):
    url = make_url(make_database(engine))
    schemes = ["postgresql", "postgres"] if engine == "postgresql" else ["mysql", "mariadb"]
    for scheme in schemes:
        plain = f"{scheme}://" + url.render_as_string(hide_password=False).partition("://")[2]
        assert ask(given_launcher(f"{engine}={plain}")(engine).url, "SELECT 1") == "1"


def test_given_server_that_does_not_answer(monkeypatch):
    monkeypatch.setenv(VARIABLE, f"mysql=mysql+pymysql://root@127.0.0.1:{free_port()}/")
    with pytest.raises(Unreachable, match="does not answer"):
        Fleet().start(["mysql"])


def test_given_server_of_another_engine(make_database, monkeypatch):
    monkeypatch.setenv(VARIABLE, f"mysql={make_database('mariadb')}")
    with pytest.raises(Unreachable, match="is mariadb"):
        Fleet().start(["mysql"])


@pytest.mark.parametrize("wrong", ["oracle=oracle://x", "mysql", "mysql= ", "mysql=a mysql=b"])
def test_given_pairs_that_say_nothing(wrong):
    with pytest.raises(Unreachable, match=VARIABLE):
        given_launcher(wrong)


DOCKER = """#!{python}
import pathlib, sys, time
command = next(word for word in sys.argv if word in ("info", "version", "up", "port", "down"))
with pathlib.Path({log!r}).open("a") as log:
    print(*sys.argv[1:], file=log)
if command == "up":
    time.sleep(600)
if command == "port" and " up " in pathlib.Path({log!r}).read_text():
    print({address!r})
"""


def test_compose_gives_a_server_and_takes_it_down(make_database, monkeypatch, tmp_path):
    """What is said to a docker client, with a server that is already there in place of the container."""
    given = make_database("postgresql")
    address = "{0.host}:{0.port}".format(make_url(given))
    monkeypatch.setitem(compose.URLS, "postgresql", ("5432", given.replace(address, "{address}")))
    log, docker = tmp_path / "log", tmp_path / "docker"
    docker.write_text(DOCKER.format(python=sys.executable, log=str(log), address=address))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv(VARIABLE, raising=False)
    fleet = Fleet()
    assert fleet.url("postgresql") == given
    fleet.stop()
    said = log.read_text().splitlines()
    assert said[0] == "info"
    assert any(line.endswith("up --no-color postgresql") for line in said)
    assert said[-1].endswith("down --volumes --timeout 1")
