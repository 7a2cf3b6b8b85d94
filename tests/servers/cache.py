"""What is kept between runs: the system with real MySQL in it, and data folders fresh from initialisation."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """The folder kept between runs: `$DBDUMP_CACHE`, else `dbdump` in the user's cache folder."""
    given = os.environ.get("DBDUMP_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    folder = Path(given) if given else (Path(base) if base else Path.home() / ".cache") / "dbdump"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the cache's lock `name`; wait for another run that holds it. A holder's death frees it."""
    with (cache_folder() / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cached(name: str, build: Callable[[Path], None], discard: Callable[[Path], None]) -> Path:
    """The cache's folder `name`, made by `build` when it is not there yet.

    `build` gets the path of a folder that does not exist; it becomes `name` only when `build` returns, so an
    interrupted one is never taken for whole. `discard` removes what such a one left.
    """
    folder = cache_folder() / name
    with locked(name):
        if not folder.is_dir():
            unfinished = folder.with_name(f"{name}.unfinished")
            if unfinished.exists():
                discard(unfinished)
            build(unfinished)
            unfinished.rename(folder)
    return folder


def template(engine: str, version: str, build: Callable[[Path], None]) -> Path:
    """A freshly initialised data folder of this engine and version, to be copied and never run."""
    number = re.search(r"\d+(\.\d+)+", version)
    digest = hashlib.sha256(version.encode()).hexdigest()[:8]
    name = f"{engine}-{number[0] if number else 'unknown'}-{digest}"
    return cached(name, build, lambda folder: shutil.rmtree(folder))
