"""The servers of one run: where they come from, which are there, and why others are not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TypedDict

from dbdump_core.databases import spelled
from dbdump_core.endpoints import database_url
from dbdump_core.errors import UsageError

from . import compose, debian, local
from .errors import Unavailable, Unreachable
from .local import Program, Server
from .mariadb import find_mariadb
from .mysql import find_mysql, mysql_in
from .postgresql import find_postgresql
from .probe import check

SERVER_ENGINES = ("postgresql", "mariadb", "mysql")
VARIABLE = "DBDUMP_TEST_URLS"

Launcher = Callable[[str], Server]


class Addresses(TypedDict):
    """The servers of a fleet: engine -> URL by TCP and by Unix socket, its version, why it is missing."""

    servers: dict[str, tuple[str, str | None]]
    versions: dict[str, str]
    missing: dict[str, str]


class Fleet:
    """Servers, each started when first asked for and ended by `stop`.

    An engine that cannot be had is remembered with the reason and not tried again. A server that was
    configured but does not answer, or is another engine than it is said to be, raises Unreachable.
    """

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self._servers: dict[str, Server] = {}

    @property
    def urls(self) -> dict[str, str]:
        """The administrative URL of each server that runs, by TCP."""
        return {engine: server.url for engine, server in self._servers.items()}

    @property
    def socket_urls(self) -> dict[str, str]:
        """The same by Unix socket, for the servers that have one within reach."""
        return {name: server.socket_url for name, server in self._servers.items() if server.socket_url}

    def start(self, engines: Iterable[str] = SERVER_ENGINES) -> None:
        """Start those that do not run yet, all at once. Raises Unreachable; a missing one is in `missing`."""
        wanted = [engine for engine in engines if engine not in {*self._servers, *self.missing}]
        if not wanted:
            return
        launcher = self._launcher
        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(lambda engine: self._start_one(launcher, engine), wanted))
        for engine in wanted:
            if engine in self._servers:
                self.versions[engine] = check(engine, self._servers[engine].url)

    def url(self, engine: str) -> str:
        """The administrative URL of `engine`, started if need be. Raises Unavailable with the reason."""
        self.start([engine])
        if engine in self.missing:
            raise Unavailable(f"no {engine} server: {self.missing[engine]}")
        return self._servers[engine].url

    def addresses(self) -> Addresses:
        """What another process needs to use the same servers."""
        servers = {engine: (server.url, server.socket_url) for engine, server in self._servers.items()}
        return {"servers": servers, "versions": self.versions, "missing": self.missing}

    def join(self, addresses: Addresses) -> None:
        """Use the servers of another process, which ends them."""
        self._servers = {engine: Server(*urls) for engine, urls in addresses["servers"].items()}
        self.versions, self.missing = addresses["versions"], addresses["missing"]

    def stop(self) -> None:
        """End what was started here, and leave what was given alone."""
        servers, self._servers = list(self._servers.values()), {}
        if servers:
            with ThreadPoolExecutor(len(servers)) as pool:
                list(pool.map(Server.stop, servers))

    def _start_one(self, launcher: Launcher, engine: str) -> None:
        try:
            self._servers[engine] = launcher(engine)
        except Unavailable as error:
            self.missing[engine] = str(error)

    @cached_property
    def _launcher(self) -> Launcher:
        if os.environ.get(VARIABLE, "").strip():
            return given_launcher(os.environ[VARIABLE])
        return compose.launch if compose.docker_answers() else launch_local


def given_launcher(text: str) -> Launcher:
    """Servers from `name=url` pairs separated by white space. Raises Unreachable for any other text."""
    given: dict[str, str] = {}
    for pair in text.split():
        engine, _, url = pair.partition("=")
        if engine not in SERVER_ENGINES or not url or engine in given:
            raise Unreachable(
                f"{VARIABLE}: one name=url per engine of {', '.join(SERVER_ENGINES)}, not {pair!r}"
            )
        given[engine] = _as_understood(url)

    def launch(engine: str) -> Server:
        if engine not in given:
            raise Unavailable(f"{VARIABLE} does not name it")
        return Server(given[engine])

    return launch


def _as_understood(url: str) -> str:
    """The URL as the product understands it: `postgresql://` and `mysql://` name no driver."""
    try:
        understood = database_url(url)
    except UsageError as error:
        raise Unreachable(f"{VARIABLE}: {error}") from error
    return spelled(understood).render_as_string(hide_password=False) if understood else url


FINDERS: dict[str, tuple[Callable[[], Program | None], list[str]]] = {
    "postgresql": (find_postgresql, ["postgresql"]),
    "mariadb": (find_mariadb, ["mariadb-server"]),
}


def launch_local(engine: str) -> Server:
    """Start the machine's own program of `engine`, installed first if it can be. Raises Unavailable."""
    if engine == "mysql":
        return local.launch(find_mysql() or mysql_in(debian.mysql_system()))
    finder, packages = FINDERS[engine]
    program = finder()
    if program is None:
        debian.install(packages)
        program = finder()
    if program is None:
        raise Unavailable(f"{', '.join(packages)} installed, yet its programs are not found")
    return local.launch(program)
