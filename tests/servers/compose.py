"""Servers from docker-compose.yml, where a docker engine answers."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from .errors import Unavailable
from .local import Server, Supervised, run_tool, supervise
from .probe import ask

FILE = Path(__file__).parents[2] / "docker-compose.yml"
START_SECONDS = 600  # images may have to be fetched
ENGINE_SECONDS = 10
URLS = {
    "postgresql": ("5432", "postgresql+psycopg2://postgres:dbdump@{address}/postgres"),
    "mariadb": ("3306", "mysql+pymysql://root:dbdump@{address}/"),
    "mysql": ("3306", "mysql+pymysql://root:dbdump@{address}/"),
}


def docker_answers() -> bool:
    """Whether there is a docker engine, not only its client, and the client knows `compose`."""
    return all(_succeeds(command) for command in (["docker", "info"], ["docker", "compose", "version"]))


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=ENGINE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def launch(engine: str) -> Server:
    """Start the service `engine` in a project of its own and wait until it answers. Raises Unavailable."""
    folder = Path(tempfile.mkdtemp(prefix="dbdump-"))
    compose = ["docker", "compose", "-f", str(FILE), "-p", f"dbdump-{uuid4().hex[:8]}"]
    supervised = supervise(
        [*compose, "up", "--no-color", engine],
        folder,
        stop_signal=signal.SIGTERM,
        afterwards=[*compose, "down", "--volumes", "--timeout", "1"],
    )
    try:
        return Server(_wait_until_ready(engine, compose, supervised), supervised=supervised)
    except BaseException:
        supervised.stop()
        raise


def _wait_until_ready(engine: str, compose: list[str], supervised: Supervised) -> str:
    port, form = URLS[engine]
    reason = "no port published"
    deadline = time.monotonic() + START_SECONDS
    while not supervised.exited.exists() and time.monotonic() < deadline:
        try:
            address = run_tool([*compose, "port", engine, port])
            url = form.format(address=address)
            ask(url, "SELECT 1")
        except (Unavailable, SQLAlchemyError) as error:
            reason = str(error)
            time.sleep(0.5)
        else:
            return url
    raise Unavailable(f"{engine} under docker compose: {reason}\n{supervised.last_words()}")
