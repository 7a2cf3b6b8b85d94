"""Take guards out of copies of the working tree, one at a time, and see their tests fail."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from tests.guards import Guard
from tests.servers import the_fleet

WORKERS = 2
BROKEN_SECONDS = 120
"""How long a test may take whose guard is gone; one that hangs has not failed."""
UNBROKEN_SECONDS = 900

TESTS_FAILED = 1  # pytest's exit code; 2 is an error while collecting, 5 that there was no test
NOT_ABOUT_THE_GUARD = re.compile(r"(NameError|ImportError|ModuleNotFoundError|SyntaxError|Failed: Timeout)\b")
FAILED = re.compile(r"^FAILED \S+(?: .*?)? - (.*)$", re.MULTILINE)


def copy_tree(source: Path, target: Path) -> Path:
    """What git tracks or would track, as it is now: with changes, without what is ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=source, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (source / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    return target


def environment(copy: Path) -> dict[str, str]:
    """The copy's modules come first in every process, and all use the servers that run."""
    fleet = the_fleet()
    fleet.start()
    urls = " ".join(f"{engine}={url}" for engine, url in fleet.urls.items())
    return {**os.environ, "PYTHONPATH": str(copy), "DBDUMP_TEST_URLS": urls}


def run_tests(copy: Path, tests: Sequence[str], *, seconds: float, **more: str) -> tuple[int | None, str]:
    """pytest's exit code, None where it took too long, and what it said."""
    command = [sys.executable, "-m", "pytest", "-x", "-vv", "--tb=short", "-p", "no:cacheprovider", *tests]
    process = subprocess.Popen(
        command,
        cwd=copy,
        env={**environment(copy), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return None, process.communicate()[0]
    return process.returncode, said


def check_unbroken(copy: Path, guards: Sequence[Guard]) -> str:
    """What pytest says when a named test fails, or is not there, with all guards in place; else nothing."""
    code = "import dbdump_core, dbdump_django; print(dbdump_core.__file__, dbdump_django.__file__)"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=environment(copy), cwd=copy, capture_output=True, text=True, check=True)
    if not all(Path(name).is_relative_to(copy) for name in run.stdout.split()):
        return f"the tests would not run the copy but {run.stdout}"
    tests = sorted({guard.test for guard in guards})
    exit_code, said = run_tests(copy, tests, seconds=UNBROKEN_SECONDS)
    return "" if exit_code == 0 else said


@contextmanager
def without(guard: Guard, copy: Path) -> Iterator[None]:
    """The copy without the guard. The time of the file tells that compiled code is of another text."""
    path = copy / guard.file
    whole, times = path.read_bytes(), path.stat()
    path.write_text(guard.broken(copy), encoding="utf-8")
    try:
        yield
    finally:
        path.write_bytes(whole)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def survived(guard: Guard, copy: Path) -> str:
    """Why the guard cannot be called held by its test; nothing where the test fails without it."""
    with without(guard, copy):
        code, said = run_tests(copy, [guard.test], seconds=BROKEN_SECONDS, PYTHONDONTWRITEBYTECODE="1")
    reasons = FAILED.findall(said)
    if code == TESTS_FAILED and reasons and not any(NOT_ABOUT_THE_GUARD.match(one) for one in reasons):
        return ""
    if code == 0:
        return f"{guard.test} does not fail"
    last = "\n".join(said.splitlines()[-30:])
    return f"{guard.test}: {f'pytest ended with {code}' if code is not None else 'took too long'}\n{last}"


def break_all(guards: Sequence[Guard], folder: Path, root: Path) -> Iterator[tuple[Guard, str]]:
    """Each guard with why it survived, or nothing. Raises RuntimeError where a test fails with all guards there."""
    first = copy_tree(root, folder / "0")
    if said := check_unbroken(first, guards):
        raise RuntimeError(said)
    copies: SimpleQueue[Path] = SimpleQueue()
    copies.put(first)
    for number in range(1, WORKERS):
        copies.put(Path(shutil.copytree(first, folder / str(number))))

    def attempt(guard: Guard) -> tuple[Guard, str]:
        copy = copies.get()
        try:
            return guard, survived(guard, copy)
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(attempt, guards)
