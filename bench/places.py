"""Databases that the benchmark makes, and the engines' own clients for them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.servers import the_fleet

from .measure import DBDUMP

_PGOPTIONS = "-c client_encoding=UTF8 -c datestyle=ISO -c extra_float_digits=1 -c client_min_messages=warning"


@dataclass(frozen=True)
class Database:
    """A database on a server of ours, named `name`. `url` is what dbdump is given."""

    engine: str
    name: str

    @property
    def _url(self):  # type: ignore[no-untyped-def]
        return make_url(the_fleet().url(self.engine)).set(database=self.name)

    @property
    def url(self) -> str:
        return str(self._url.render_as_string(hide_password=False))

    @property
    def plain_url(self) -> str:
        """The URL as other programs read it: without SQLAlchemy's driver and options."""
        url = self._url.set(query={})
        return f"{'postgresql' if self.engine == 'postgresql' else 'mysql'}://{url.username}@{url.host}:{url.port}/{self.name}"

    @property
    def port(self) -> str:
        return str(self._url.port)

    @property
    def user(self) -> str:
        return str(self._url.username)

    def client(self, *statements: str) -> list[str]:
        """Return the command line of the engine's client that runs `statements`."""
        if self.engine == "postgresql":
            words = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.plain_url]
            return [*words, *(word for statement in statements for word in ("-c", statement))]
        return [*self.mysql("mariadb"), "-e", "; ".join(statements)]

    def mysql(self, program: str, *, database: bool = True) -> list[str]:
        """Return the command line of a program of MariaDB's or MySQL's that takes the usual options."""
        words = [program, "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", f"--port={self.port}"]
        words += [f"--user={self.user}", *(["--local-infile=1"] if program == "mariadb" else [])]
        return [*words, self.name] if database else words

    def run(self, *statements: str) -> str:
        """Run `statements` and return what the client printed. Raises CalledProcessError."""
        command = self.client(*statements)
        command[1:1] = ["-A", "-t"] if self.engine == "postgresql" else ["--skip-column-names"]
        if self.engine != "postgresql":
            command[1], command[2] = "--no-defaults", "--skip-column-names"
        return subprocess.check_output(command, text=True)

    def renew(self, *statements: str) -> None:
        """Make the database anew with what `statements` make; the server writes what it owes to its disk."""
        server = Database(self.engine, "postgres" if self.engine == "postgresql" else "mysql")
        force = " WITH (FORCE)" if self.engine == "postgresql" else ""
        server.run(f"DROP DATABASE IF EXISTS {self.name}{force}")
        server.run(f"CREATE DATABASE {self.name}{' CHARACTER SET utf8mb4' if not force else ''}")
        if statements:
            self.run(*statements)
        if self.engine == "postgresql":
            self.run("CHECKPOINT")


def environment() -> None:
    """Let all programs see plain settings, and this checkout."""
    os.environ["PGOPTIONS"] = _PGOPTIONS
    root = str(Path(__file__).parent.parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))


def is_equal(source: str | Path, target: str | Path) -> str:
    """Say in a word whether two databases hold the same, as `dbdump verify` sees it."""
    command: Sequence[str | Path] = [*DBDUMP, "verify", source, target, "--quiet"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return "equal"
    return "differs" if done.returncode == 1 else "not comparable"


def find(program: str) -> str | None:
    """Return the path of a program, None where it is missing; those of `BENCH_PATH` come first."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("BENCH_PATH", ""), os.environ["PATH"]]))
