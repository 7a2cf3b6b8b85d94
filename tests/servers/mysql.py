"""A private MySQL: the machine's own, or one inside a small system of its own entered by chroot."""

from __future__ import annotations

import re
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .errors import Unavailable
from .local import find, run_tool, temporary_folder
from .mariadb import root_option

OLDEST = 8
STALE_SECONDS = 24 * 3600  # no run of the tests takes that long


@dataclass(frozen=True)
class MySQL:
    """A server program; `system` is the root folder it lives under, None for the machine's own."""

    server: str
    system: Path | None
    version: str
    engine: str = "mysql"
    owner: None = None
    stop_signal: int = signal.SIGKILL  # an orderly end would write out data that is thrown away
    folder_query: str = "SELECT @@datadir"

    def run_folder(self) -> Path:
        if self.system is None:
            return temporary_folder(self.owner)
        _remove_stale(self.system / "run")
        return Path(tempfile.mkdtemp(prefix="dbdump-", dir=self.system / "run"))

    def initialise(self, folder: Path) -> None:
        data = f"--datadir={self._inside(folder)}/data"
        run_tool([*self._program(), data, "--initialize-insecure"], cwd=folder)

    def command(self, folder: Path, port: int) -> list[str]:
        inside = self._inside(folder)
        return [
            *self._program(),
            f"--datadir={inside}/data",
            f"--socket={inside}/socket",
            f"--pid-file={inside}/pid",
            f"--tmpdir={inside}",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--mysqlx=OFF",
            "--max-connections=50",
            "--local-infile=1",
            "--secure-file-priv=NULL",
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

    def socket_url(self, folder: Path, port: int) -> str | None:
        del port
        return None if self.system else f"mysql+pymysql://root@/?unix_socket={folder / 'socket'}"

    def _program(self) -> list[str]:
        return [*_entering(self.system), self.server, "--no-defaults", *root_option()]

    def _inside(self, folder: Path) -> str:
        """The path of `folder` as the server sees it."""
        return f"/{folder.relative_to(self.system)}" if self.system else str(folder)


def find_mysql() -> MySQL | None:
    """The machine's own MySQL, 8 or newer, never a MariaDB under that name; None: there is none."""
    for server in find(["mysqld"]):
        version = run_tool([str(server), "--no-defaults", "--version"])
        if _is_mysql(version):
            return MySQL(str(server), None, version)
    return None


def mysql_in(system: Path) -> MySQL:
    """The MySQL installed in the system under the folder `system`. Raises Unavailable."""
    server = "/usr/sbin/mysqld"
    version = run_tool([*_entering(system), server, "--no-defaults", "--version"])
    if not _is_mysql(version):
        raise Unavailable(f"not a MySQL {OLDEST} or newer: {version}")
    return MySQL(server, system, version)


def _is_mysql(version: str) -> bool:
    number = re.search(r"Ver (\d+)\.", version)
    return "MariaDB" not in version and number is not None and int(number[1]) >= OLDEST


def _entering(system: Path | None) -> list[str]:
    return ["chroot", str(system)] if system else []


def _remove_stale(folder: Path) -> None:
    """Remove what runs left that were killed together with their supervisors."""
    for left in folder.glob("dbdump-*"):
        if left.stat().st_mtime < time.time() - STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
