"""A private MariaDB from the machine's own programs."""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from .local import find, is_root, run_tool, temporary_folder


@dataclass(frozen=True)
class MariaDB:
    """A server program and the script that makes its data."""

    server: Path
    installer: Path
    version: str
    engine: str = "mariadb"
    owner: None = None
    stop_signal: int = signal.SIGKILL  # an orderly end would write out data that is thrown away
    folder_query: str = "SELECT @@datadir"

    def run_folder(self) -> Path:
        return temporary_folder(self.owner)

    def initialise(self, folder: Path) -> None:
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        script = [str(self.installer), "--no-defaults", *options, f"--datadir={folder / 'data'}"]
        run_tool([*script, *root_option()], cwd=folder)

    def command(self, folder: Path, port: int) -> list[str]:
        return [
            str(self.server),
            "--no-defaults",
            *root_option(),
            f"--datadir={folder / 'data'}",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--tmpdir={folder}",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--max-connections=50",
            "--local-infile=1",
            "--character-set-server=utf8mb4",
            "--skip-log-bin",
            "--innodb-buffer-pool-size=256M",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=OFF",
            "--loose-innodb-flush-method=nosync",
        ]

    def url(self, port: int) -> str:
        # For an encrypted connection PyMySQL reads all root certificates first, 50 ms a connection.
        return f"mysql+pymysql://root@127.0.0.1:{port}/?ssl_disabled=true"

    def socket_url(self, folder: Path, port: int) -> str:
        del port
        return f"mysql+pymysql://root@/?unix_socket={folder / 'socket'}"


def find_mariadb() -> MariaDB | None:
    """The MariaDB on this machine that has its data script; None: there is none."""
    installer = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
    if installer is None:
        return None
    for server in find(["mariadbd", "mysqld"]):
        version = run_tool([str(server), "--no-defaults", "--version"])
        if "MariaDB" in version:
            return MariaDB(server, Path(installer), version)
    return None


def root_option() -> list[str]:
    """Both servers refuse to run as root unless told that this is meant."""
    return ["--user=root"] if is_root() else []
