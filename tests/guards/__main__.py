"""python -m tests.guards [LIST ...] [-k TEXT]: exit 0 when every guard's test fails without it, else 1."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.guards import FOLDER, ROOT, Guard, faults, read
from tests.guards.runner import break_all
from tests.servers import the_fleet


def main() -> int:
    guards = chosen()
    if found := [f"{guard.name}: {fault}" for guard in guards for fault in faults(guard)]:
        print("\n".join(found))
        return 1
    if not guards:
        print("no such guard")
        return 1
    try:
        return try_all(guards)
    except RuntimeError as error:
        print(error, "\nthe tests must pass while the guards are there", sep="\n")
        return 1
    finally:
        the_fleet().stop()


def chosen() -> list[Guard]:
    parser = argparse.ArgumentParser(prog="python -m tests.guards", description=sys.modules[__name__].__doc__)
    parser.add_argument("lists", nargs="*", metavar="LIST", help="a list of this folder, as `races`; default: all")
    parser.add_argument("-k", metavar="TEXT", default="", help="only the guards whose names hold TEXT")
    given = parser.parse_args()
    lists = [FOLDER / f"{Path(name).stem}.toml" for name in given.lists]
    if missing := [path.stem for path in lists if not path.is_file()]:
        parser.error(f"no list {', '.join(missing)}")
    return [guard for guard in read(lists) if given.k in guard.name]


def try_all(guards: Sequence[Guard]) -> int:
    alive = 0
    with tempfile.TemporaryDirectory(prefix="dbdump-guards-") as folder:
        for guard, why in break_all(guards, Path(folder).resolve(), ROOT):
            alive += bool(why)
            print(f"SURVIVED {guard.name}: {why}" if why else f"killed   {guard.name}", flush=True)
    print(f"{len(guards)} guards, {len(guards) - alive} held by their tests, {alive} not")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
