"""A private PostgreSQL from the machine's own programs."""

from __future__ import annotations

import pwd
import signal
from dataclasses import dataclass
from pathlib import Path

from .errors import Unavailable
from .local import find, is_root, run_tool, temporary_folder

# Nothing has to outlive the tests, so nothing needs to reach the disk.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "50",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(frozen=True)
class PostgreSQL:
    """The programs in one folder `bin`."""

    bin: Path
    version: str
    owner: str | None
    engine: str = "postgresql"
    stop_signal: int = signal.SIGINT  # end the sessions, do not wait for them
    folder_query: str = "SHOW data_directory"

    def run_folder(self) -> Path:
        return temporary_folder(self.owner)

    def initialise(self, folder: Path) -> None:
        options = ["--username=postgres", "--auth=trust", "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync"]
        initdb = [str(self.bin / "initdb"), *options, f"--pgdata={folder / 'data'}"]
        run_tool(initdb, user=self.owner, cwd=folder)

    def command(self, folder: Path, port: int) -> list[str]:
        settings = {**SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self.bin / "postgres"), "-D", str(folder / "data"), *options]

    def url(self, port: int) -> str:
        return f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres"

    def socket_url(self, folder: Path, port: int) -> str:
        return f"postgresql+psycopg2://postgres@/postgres?host={folder}&port={port}"


def find_postgresql() -> PostgreSQL | None:
    """The server on PATH, else the newest of Debian's packages; None: there is none."""
    for server in find(["postgres"], also="/usr/lib/postgresql/*/bin"):
        if (server.parent / "initdb").is_file():
            return PostgreSQL(server.parent, run_tool([str(server), "--version"]), _owner())
    return None


def _owner() -> str | None:
    """PostgreSQL refuses to run as root."""
    if not is_root():
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise Unavailable("PostgreSQL does not run as root, and there is no account postgres or nobody")
