"""Get server programs from Debian's packages, as root."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from .cache import cached, locked
from .errors import Unavailable
from .local import is_root, run_tool

APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]
MYSQL_SUITE = "sid"  # real MySQL is in no stable release of Debian
MYSQL_PACKAGE = "mysql-server-core"


def can_install() -> bool:
    """Whether packages can be installed here: Debian itself, and we are root."""
    if not is_root() or shutil.which("apt-get") is None:
        return False
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False


def install(packages: list[str]) -> None:
    """Install `packages` without starting any service of theirs. Raises Unavailable."""
    if not can_install():
        raise Unavailable("not found; it is installed only as root on Debian")
    with locked("packages"):
        before = _clusters()
        _apt("update")
        _apt("install", "-y", "--no-install-recommends", *packages)
        for cluster in _clusters() - before:
            subprocess.run(["pg_ctlcluster", *cluster, "stop"], check=False, capture_output=True)


def _apt(*arguments: str) -> None:
    # invoke-rc.d starts nothing in runlevel 1; `env` because the tool runner has no such argument.
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "LC_ALL=C.UTF-8"]
    run_tool([*quiet, *APT, *arguments])


def _clusters() -> set[tuple[str, str]]:
    """The PostgreSQL clusters that run as services: version and name."""
    if shutil.which("pg_lsclusters") is None:
        return set()
    rows = [line.split() for line in run_tool(["pg_lsclusters", "--no-header"]).splitlines()]
    return {(row[0], row[1]) for row in rows if "online" in row[3]}


def mysql_system() -> Path:
    """The root folder of a small system with MySQL in it; made at the first call, then kept in the cache.

    Takes a minute and 560 MB. Raises Unavailable.
    """
    if not can_install():
        raise Unavailable("no mysqld found; its system folder is made only as root on Debian")
    return cached(f"{MYSQL_SUITE}-{MYSQL_PACKAGE}", _bootstrap, _discard)


def _bootstrap(folder: Path) -> None:
    if shutil.which("debootstrap") is None:
        install(["debootstrap"])
    options = ["--variant=minbase", f"--include={MYSQL_PACKAGE}"]
    try:
        run_tool([*_alone(folder), "debootstrap", *options, MYSQL_SUITE, str(folder), main_archive()])
    except Unavailable as error:
        log = folder / "debootstrap" / "debootstrap.log"
        said = log.read_text(errors="replace").splitlines()[-8:] if log.exists() else []
        raise Unavailable("\n".join([str(error), *said])) from error
    for part in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(folder / part, ignore_errors=True)


def _alone(folder: Path) -> list[str]:
    """Run the command that follows when no other works on `folder`.

    Unlike the cache's lock, this one lasts as long as the command: debootstrap outlives a killed run.
    """
    return ["flock", f"{folder}.lock"]


def main_archive() -> str:
    """The address of Debian's main archive as this machine's own apt is configured. Raises Unavailable."""
    form = "$(ORIGIN)|$(LABEL)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)"
    # What the archive calls itself is known only after an update.
    for update in (False, True):
        if update:
            with locked("packages"):
                _apt("update")
        for line in run_tool(["apt-get", "indextargets", "--format", form]).splitlines():
            origin, label, codename, component, address = line.split("|", 4)
            if (origin, label, component) == ("Debian", "Debian", "main") and "-" not in codename:
                return address
    raise Unavailable("apt knows no main archive of Debian")


def _discard(folder: Path) -> None:
    """Remove an unfinished system; an interrupted debootstrap may have left /proc mounted in it."""
    run_tool([*_alone(folder), "true"])
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1] for line in mounts]
    for point in sorted((p for p in points if p.startswith(f"{folder}{os.sep}")), reverse=True):
        run_tool(["umount", "--lazy", point])
    run_tool(["rm", "-rf", "--one-file-system", str(folder)])
