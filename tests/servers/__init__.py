"""Real database servers for the tests.

A server is taken from the first of these that has it:

1. `DBDUMP_TEST_URLS`: `name=url` pairs, the URL of an account that may create databases;
2. `docker compose`, where a docker engine answers;
3. the machine's own server programs, run privately in temporary folders; as root on Debian they are
   installed first where they are missing. MySQL, which Debian's stable release does not have, then runs in a
   folder of its own that is made once and kept in the cache (`DBDUMP_CACHE`).

What is started here ends with this process, even when the process is killed.
"""

from __future__ import annotations

import atexit
import functools
import os

from .databases import fresh_database, fresh_file
from .errors import ServerError, Unavailable, Unreachable
from .fleet import SERVER_ENGINES, Fleet
from .probe import engine_of

__all__ = [
    "ENGINES",
    "SERVER_ENGINES",
    "Fleet",
    "ServerError",
    "Unavailable",
    "Unreachable",
    "engine_of",
    "fresh_database",
    "fresh_file",
    "is_ci",
    "provide",
    "the_fleet",
]

ENGINES = ("sqlite", *SERVER_ENGINES)


def is_ci() -> bool:
    """Whether a missing engine is a failure and not something to skip."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@functools.cache
def the_fleet() -> Fleet:
    """The servers of this process, ended when it exits if they were not before."""
    fleet = Fleet()
    atexit.register(fleet.stop)
    return fleet


def provide() -> dict[str, str]:
    """The administrative URL of each engine that can be had, started at the first call.

    Raises Unreachable for a configured server that does not answer, and under CI Unavailable for one that is
    missing; elsewhere `the_fleet().missing` says why an engine is not in the answer.
    """
    fleet = the_fleet()
    fleet.start()
    if fleet.missing and is_ci():
        raise Unavailable("; ".join(f"no {name} server: {why}" for name, why in fleet.missing.items()))
    return fleet.urls
