"""Real servers and empty databases for every test; see `tests.servers` for where they come from."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from tests.servers import (
    ENGINES,
    SERVER_ENGINES,
    Fleet,
    Unavailable,
    Unreachable,
    fresh_database,
    fresh_file,
    is_ci,
    the_fleet,
)

MakeDatabase = Callable[[str], str]
SERVER_FIXTURES = {"servers", "make_database", "make_shared_database", "django_databases"}


def pytest_configure(config: pytest.Config) -> None:
    """Undo what a background shell or nohup hands down: signals that are ignored stay so in all children."""
    if addresses := getattr(config, "workerinput", {}).get("servers"):
        the_fleet().join(addresses)
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)  # before the workers are made
def pytest_sessionstart(session: pytest.Session) -> None:
    """Where workers will run the tests (`-n`), start all servers for them: here, and once."""
    if not hasattr(session.config, "workerinput") and getattr(session.config.option, "numprocesses", None):
        start_servers(session.config, SERVER_ENGINES)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which servers there are."""
    node.workerinput["servers"] = the_fleet().addresses()


@pytest.hookimpl(tryfirst=True)  # before the terminal reports the end of collection
def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the servers that the selected tests need, before the first of them."""
    if not session.config.option.collectonly:
        needed = {engine for item in session.items for engine in engines_of(item)}
        start_servers(session.config, [engine for engine in SERVER_ENGINES if engine in needed])


def start_servers(config: pytest.Config, engines: Sequence[str]) -> None:
    """Start servers until the session ends, which it does at once where one cannot be reached, or is missing in CI."""
    fleet = the_fleet()
    config.add_cleanup(fleet.stop)
    try:
        fleet.start(engines)
    except Unreachable as error:
        pytest.exit(str(error), returncode=1)
    if fleet.missing and is_ci():
        pytest.exit("\n".join(missing_lines(fleet)), returncode=1)


def engines_of(item: pytest.Item) -> set[str]:
    """The engines that a test is parametrised with; all of them when it asks for servers in another way."""
    if not SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
        return set()
    callspec = getattr(item, "callspec", None)
    values = list(callspec.params.values()) if callspec else []
    flat = {
        part
        for value in values
        for part in (value if isinstance(value, tuple) else (value,))
        if isinstance(part, str)
    }
    return flat & set(ENGINES) or set(ENGINES)


def missing_lines(fleet: Fleet) -> list[str]:
    return [f"NOT TESTED: {engine}: {reason}" for engine, reason in fleet.missing.items()]


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    django = version("Django") if find_spec("django") else None
    for name, found in {**the_fleet().versions, "django": django}.items():
        terminalreporter.write_line(f"{name}: {found or 'NOT TESTED: not installed'}")
    for line in missing_lines(the_fleet()):
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def servers() -> dict[str, str]:
    """The administrative URL of every server engine that can be had."""
    fleet = the_fleet()
    fleet.start()
    return fleet.urls


@pytest.fixture
def make_database(tmp_path: Path) -> Iterator[MakeDatabase]:
    """A function from an engine's name to the URL of a new empty database, dropped after the test."""
    with database_maker(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def make_shared_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDatabase]:
    """As `make_database`, but the databases last until the tests of the module are done."""
    with database_maker(tmp_path_factory.mktemp("shared")) as make:
        yield make


@contextmanager
def database_maker(folder: Path) -> Iterator[MakeDatabase]:
    with ExitStack() as stack:

        def make(engine: str) -> str:
            if engine == "sqlite":
                return fresh_file(folder)
            try:
                return stack.enter_context(fresh_database(engine, the_fleet().url(engine)))
            except Unavailable as error:
                return pytest.fail(str(error)) if is_ci() else pytest.skip(str(error))
            except Unreachable as error:
                return pytest.exit(str(error), returncode=1)

        yield make


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return str(request.param)


@pytest.fixture
def database_url(engine_name: str, make_database: MakeDatabase) -> str:
    """An empty database on each engine in turn."""
    return make_database(engine_name)


@pytest.fixture(params=[*permutations(ENGINES, 2), *((name, name) for name in ENGINES)], ids="-".join)
def engine_pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each ordered pair of engines in turn, an engine with itself included."""
    source, target = request.param
    return source, target


@pytest.fixture
def database_urls(engine_pair: tuple[str, str], make_database: MakeDatabase) -> tuple[str, str]:
    """Two empty databases, source and target, for each ordered pair of engines in turn."""
    source, target = engine_pair
    return make_database(source), make_database(target)
