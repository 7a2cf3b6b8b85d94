"""What names a database: texts, paths, SQLAlchemy's URL and Engine; words in URLs; passwords that stay hidden."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from dbdump_core.databases import backend_for, spelled
from dbdump_core.endpoints import Place, database_url, open_source, open_target
from dbdump_core.errors import ConnectError, DbdumpError, RefusedError, UnsafeError, UsageError
from dbdump_core.operations import copy, describe, dump, load, verify
from tests.promises import MYSQLS, engine, execute, query, refused, state
from tests.servers import ENGINES, SERVER_ENGINES

Make = Callable[[str], str]
CREATE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(200))"
FILLED = (CREATE, "INSERT INTO t VALUES (1, 'one'), (2, 'Zürich')")

KINDS: dict[str, Callable[[str], Place]] = {
    "text": str,
    "url": lambda url: sa.make_url(url).set(drivername=engine(url).url.drivername),
    "engine": engine,
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_name_of_a_database_will_do(database_url: str, kind: str, tmp_path: Path) -> None:
    target = tmp_path / "new.db"
    execute(database_url, *FILLED)
    named = KINDS[kind](database_url)
    assert [table.name for table in describe(named)] == ["t"]
    dump(named, tmp_path / "there")
    load(tmp_path / "there", target, create=True)
    assert verify(target, named).equal
    assert copy(target, named, replace=True).verified
    assert verify(tmp_path / "there", named).equal


def test_a_path_is_never_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    execute("sqlite:///env:X", *FILLED)
    dump(Path("env:X"), Path("-"))
    assert (tmp_path / "-" / "manifest.json").exists()
    assert verify(Path("env:X"), Path("-")).equal


def test_what_names_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="int names no database"):
        describe(7)  # type: ignore[arg-type]


def test_an_empty_text_is_not_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(f"sqlite:///{tmp_path}/t.db", *FILLED)
    dump(tmp_path / "t.db", tmp_path / "d")
    monkeypatch.chdir(tmp_path / "d")
    for call in (lambda: load("", "../t.db", replace=True), lambda: verify("../t.db", ""), lambda: copy("../t.db", "")):
        with pytest.raises(UsageError, match="the text is empty"):
            call()
    assert verify("../t.db", ".").equal


@pytest.mark.parametrize("server", SERVER_ENGINES)
def test_an_engine_connects_in_its_own_way(make_database: Make, server: str, tmp_path: Path) -> None:
    """With its own arguments and listeners, outside its pool, and in transactions even where it commits by itself."""
    url = sa.make_url(make_database(server))
    execute(url.render_as_string(hide_password=False), *FILLED)
    lost = url.set(host="nowhere.invalid", password="hunter22")
    made = sa.create_engine(lost, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0)

    @sa.event.listens_for(made, "do_connect")
    def do_connect(dialect: object, record: object, arguments: object, options: dict[str, object]) -> None:
        options["host"] = url.host
        options.pop("passwd", None)
        options.pop("password", None)

    source = f"sqlite:///{tmp_path / 'bad.db'}"
    execute(source, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", f"INSERT INTO t VALUES (5, '{'x' * 300}')")
    before = state(url.render_as_string(hide_password=False))
    with made.connect() as held:  # its pool is used up
        assert verify(made, url).equal
        with pytest.raises(DbdumpError) as caught:
            copy(source, made, replace=True)
        held.exec_driver_sql("SELECT 1")
    assert "hunter22" not in str(caught.value)
    assert state(url.render_as_string(hide_password=False)) == before
    assert "hunter22" not in open_source(made).name


def test_an_engine_of_a_file_that_its_url_does_not_name(tmp_path: Path) -> None:
    execute(f"sqlite:///{tmp_path / 'x.db'}", *FILLED)
    made = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(tmp_path / "x.db"))
    assert [table.name for table in describe(made)] == ["t"]
    with pytest.raises(ConnectError, match="in-memory"):
        describe(sa.create_engine("sqlite://"))


# Passwords


@pytest.mark.parametrize(
    "place",
    ["postgresql:me:SECRET@db/shop", "mysql+pymysql:me:SECRET@db/shop", "postgresql:/me:SECRET@db/shop",
     "me:SECRET@db/shop", "me:SEC@SECRET@db/shop", "postgresql://me:x@SECRET/y@db/shop",
     "postgresql://me:x@SECRET@127.0.0.1:1/shop", "env:me:SECRET@db/shop", "postgresql//me:SECRET@db/shop"],
)  # fmt: skip
def test_a_password_is_no_name_of_a_file(place: str) -> None:
    for open_ in (open_source, lambda place: open_target(place, create=True)):
        with pytest.raises(RefusedError) as caught:
            open_(place)
        assert "SECRET" not in str(caught.value)


def test_an_at_sign_in_a_password_is_understood() -> None:
    url = database_url("postgresql://me:p@ss@db/shop")
    assert url is not None
    assert (url.username, url.password, url.host, url.database) == ("me", "p@ss", "db", "shop")
    azure = database_url("mysql://me@server:pw@db/shop?x=a@b")
    assert azure is not None
    assert (azure.username, azure.password, azure.host) == ("me@server", "pw", "db")


def test_a_file_of_a_strange_name_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    execute("sqlite:///mysql:a@b.db", *FILLED)
    assert [table.name for table in describe("mysql:a@b.db")] == ["t"]


# Words in URLs


@pytest.mark.parametrize("word", ["ssl_ca", "ssl_cert", "read_default_file"])
def test_a_missing_file_in_a_url_is_named(make_database: Make, word: str) -> None:
    url = sa.make_url(make_database("mysql")).set(query={word: "/none.pem"})
    with refused(None, ConnectError, word, "/none.pem"):
        backend_for(url).connect(writing=False)


def test_tls_is_asked_for_in_plain_words(make_database: Make) -> None:
    for words in ({"ssl": "true"}, {"ssl_mode": "REQUIRED"}, {"ssl_disabled": "false"}):
        backend = backend_for(sa.make_url(make_database("mysql")).set(query=words))
        connection = backend.connect(writing=False)
        assert backend.run(connection, "SHOW SESSION STATUS WHERE variable_name = 'Ssl_cipher'").one()[1]
        backend.close(connection)
    backend = backend_for(sa.make_url(make_database("mysql")).set(query={"ssl": "false"}))
    connection = backend.connect(writing=False)
    assert not backend.run(connection, "SHOW SESSION STATUS WHERE variable_name = 'Ssl_cipher'").one()[1]
    backend.close(connection)


@pytest.mark.parametrize("server", SERVER_ENGINES)
def test_a_word_that_cannot_be_meant_is_refused(make_database: Make, server: str) -> None:
    for words in ({"ssl": "weird"}, {"connect_timeout": "soon"}, {"no_such_word": "1"}, {"ssl_ca": os.devnull}):
        with pytest.raises(RefusedError) as caught:
            open_source(sa.make_url(make_database(server)).set(query=words))
        assert "\n" not in str(caught.value)


def test_tls_of_postgresql_in_the_words_of_others() -> None:
    assert spelled(sa.make_url("postgresql://db/x?ssl=true")).query == {"sslmode": "require"}
    assert spelled(sa.make_url("postgresql://db/x?ssl=true&sslmode=prefer")).query["sslmode"] == "prefer"


# Guards of administrators


@pytest.mark.parametrize("server", ["postgresql", *MYSQLS])
def test_a_guard_against_writing_is_respected(make_database: Make, server: str, tmp_path: Path) -> None:
    source, target = f"sqlite:///{tmp_path / 's.db'}", make_database(server)
    for url in (source, target):
        execute(url, *FILLED)
    name = sa.make_url(target).database
    guarded = sa.make_url(target)
    if server == "postgresql":
        execute(target, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    else:
        guarded = guarded.update_query_dict({"init_command": "SET SESSION TRANSACTION READ ONLY"})
    text = guarded.render_as_string(hide_password=False)
    before = query(target, "SELECT * FROM t")
    with pytest.raises(UnsafeError, match="guarded against writing"):
        copy(source, text, replace=True)
    assert query(target, "SELECT * FROM t") == before
    assert verify(source, text).equal, "reading needs no right to write"


def test_every_engine_is_tried() -> None:
    assert {"sqlite", "postgresql", *MYSQLS} == set(ENGINES)
