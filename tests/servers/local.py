"""Start a server program of this machine privately: own folder, own port, ended with this process."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from . import supervisor
from .cache import template
from .errors import Unavailable
from .probe import ask

START_SECONDS = 120  # several times what a loaded machine with two cores was seen to need
GRACE_SECONDS = 15.0
ATTEMPTS = 3  # a free port can be taken by another process before the server binds it
LONGEST_FOLDER = 60  # leaves room for the socket's name in the 104 bytes an address has on macOS


class Program(Protocol):
    """An installed server: how to make its data, run it and reach it."""

    @property
    def engine(self) -> str: ...

    @property
    def version(self) -> str:
        """The version the program prints; data made by one version is used by no other."""

    @property
    def owner(self) -> str | None:
        """The account to run as; None: the present one."""

    @property
    def stop_signal(self) -> int: ...

    @property
    def folder_query(self) -> str:
        """SQL that gives the server's data folder; it tells our server from one that took its port."""

    def run_folder(self) -> Path:
        """A new folder that the program can reach."""

    def initialise(self, folder: Path) -> None:
        """Make `folder`/data. Raises Unavailable."""

    def command(self, folder: Path, port: int) -> list[str]: ...

    def url(self, port: int) -> str:
        """The administrative account, by TCP."""

    def socket_url(self, folder: Path, port: int) -> str | None:
        """The same account by a Unix socket; None where there is none that clients reach."""


@dataclass
class Supervised:
    """A command under a supervisor, which ends it and removes `folder` when told to or left alone."""

    folder: Path
    process: subprocess.Popen[bytes]
    log: Path = field(init=False)
    exited: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log, self.exited = log_file(self.folder), self.folder / "exited"

    def stop(self) -> None:
        """End the command and wait for it; a second call does nothing."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def last_words(self) -> str:
        """The end of what the command wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


@dataclass(frozen=True)
class Server:
    """A running server's addresses, and the process behind it if it is ours."""

    url: str
    socket_url: str | None = None
    supervised: Supervised | None = None

    def stop(self) -> None:
        if self.supervised is not None:
            self.supervised.stop()


def log_file(folder: Path) -> Path:
    return folder / "log"


def supervise(
    argv: list[str],
    folder: Path,
    *,
    user: str | None = None,
    stop_signal: int,
    afterwards: list[str] | None = None,
) -> Supervised:
    """Run `argv` in `folder` until this process stops it or dies, then run `afterwards`."""
    order: supervisor.Order = {
        "argv": argv,
        "user": user,
        "folder": str(folder),
        "log": str(log_file(folder)),
        "exited": str(folder / "exited"),
        "stop_signal": stop_signal,
        "grace": GRACE_SECONDS,
        "afterwards": afterwards or [],
        "parent": os.getpid(),
    }
    log_file(folder).touch()
    with log_file(folder).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", supervisor.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            # Ctrl-C in the terminal is for the tests; they end the server in their own order.
            start_new_session=True,
        )
    if process.stdin is not None:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
    return Supervised(folder, process)


def launch(program: Program) -> Server:
    """Start `program` on fresh data and wait until it answers. Raises Unavailable with its last words."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _launch_once(program)
        except Unavailable as error:
            if attempt == ATTEMPTS or "in use" not in str(error):
                raise
    raise Unavailable(f"{program.engine}: no free port")


def _launch_once(program: Program) -> Server:
    folder = program.run_folder()
    try:
        _provide_data(program, folder)
        port = free_port()
        command = program.command(folder, port)
        supervised = supervise(command, folder, user=program.owner, stop_signal=program.stop_signal)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    server = Server(program.url(port), program.socket_url(folder, port), supervised)
    try:
        _wait_until_ready(program, server.url, supervised)
    except BaseException:
        supervised.stop()
        raise
    return server


def _provide_data(program: Program, folder: Path) -> None:
    def build(unfinished: Path) -> None:
        program.initialise(folder)
        shutil.move(folder / "data", unfinished)

    source = template(program.engine, program.version, build)
    shutil.copytree(source, folder / "data", symlinks=True)
    if program.owner is not None:
        give(folder, program.owner)


def give(folder: Path, owner: str) -> None:
    """Make `owner` the owner of `folder` and all in it."""
    account = supervisor.as_user(owner)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account["user"], account["group"], follow_symlinks=False)


def _wait_until_ready(program: Program, url: str, supervised: Supervised) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not supervised.exited.exists():
        try:
            answer = ask(url, program.folder_query)
        except SQLAlchemyError as error:
            if time.monotonic() > deadline:
                raise Unavailable(f"{program.engine} does not answer: {error}") from error
            time.sleep(0.1)
        else:
            if Path(answer).parent.name == supervised.folder.name:
                return
            raise Unavailable(f"{program.engine}: the port is in use by the server of {answer}")
    raise Unavailable(f"{program.engine} ended at its start:\n{supervised.last_words()}")


def run_tool(argv: list[str], *, user: str | None = None, cwd: Path | None = None) -> str:
    """Run a program to its end and return what it printed; raises Unavailable with its last lines."""
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=cwd,
            check=False,
            text=True,
            errors="replace",
            **supervisor.as_user(user),
        )
    except OSError as error:
        raise Unavailable(f"{argv[0]}: {error}") from error
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise Unavailable(f"{argv[0]} failed with {done.returncode}:\n{said}")
    return done.stdout.strip()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def temporary_folder(owner: str | None) -> Path:
    """A new folder with a short name that `owner` can reach; raises Unavailable."""
    for base in (Path(tempfile.gettempdir()).resolve(), Path("/tmp").resolve()):
        if len(str(base)) < LONGEST_FOLDER - 20 and (owner is None or _open_to_all(base)):
            folder = Path(tempfile.mkdtemp(prefix="dbdump-", dir=base))
            if owner is not None:
                give(folder, owner)
            return folder
    raise Unavailable("no temporary folder with a short path that other accounts can reach")


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


def find(names: list[str], *, also: str = "") -> list[Path]:
    """The programs of these names on PATH, then in the folders that the glob `also` names, newest first."""
    found = [Path(path) for name in names if (path := shutil.which(name))]
    for folder in ("/usr/sbin", "/usr/local/sbin", "/usr/libexec"):
        found += [Path(folder, name) for name in names if Path(folder, name).is_file()]
    if also:
        folders = sorted(Path("/").glob(also.lstrip("/")), key=_version_of, reverse=True)
        found += [folder / name for folder in folders for name in names if (folder / name).is_file()]
    return list(dict.fromkeys(path.resolve() for path in found))


def _version_of(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())


def is_root() -> bool:
    return os.geteuid() == 0
