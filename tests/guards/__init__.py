"""The guards of the program, and the proof that a test holds each.

A guard is a line that stands between a fault and somebody's data: a check, a refusal, a pinned setting. Each is
listed in a `*.toml` file of this folder with the text that is the guard, the text without it, and the test that then
fails. `make guards` (`python -m tests.guards`) takes them out one at a time, each in a copy of the working tree,
and runs that test. A guard whose test stays green is held by nothing.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

__all__ = ["FOLDER", "ROOT", "Guard", "faults", "read"]

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


@dataclass(frozen=True)
class Guard:
    """One guard: `find`, which occurs once in `file`, becomes `replace`, and then `test` (a pytest node) fails."""

    name: str
    file: str
    find: str
    replace: str
    test: str

    def broken(self, root: Path) -> str:
        """The text of the file without the guard."""
        return (root / self.file).read_text(encoding="utf-8").replace(self.find, self.replace)


def read(paths: Sequence[Path] = ()) -> list[Guard]:
    """The guards of the lists at `paths`, else of all lists. Raises TypeError for an entry of another form."""
    guards = []
    for path in paths or sorted(FOLDER.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["guard"]:
            if entry.keys() != {field.name for field in fields(Guard)}:
                raise TypeError(f"{path.name}: {entry.get('name', entry)}: has {', '.join(entry)}")
            guards.append(Guard(**entry))
    return guards


def faults(guard: Guard, root: Path = ROOT) -> Iterator[str]:
    """What is wrong with an entry, as far as the text tells: nothing is run."""
    path = root / guard.file
    if not path.is_file():
        yield f"there is no file {guard.file}"
        return
    if (times := path.read_text(encoding="utf-8").count(guard.find)) != 1:
        yield f"`find` occurs {times} times in {guard.file}, not once"
    elif path.suffix == ".py" and (why := _syntax_fault(guard.broken(root))):
        yield f"without the guard {guard.file} is no Python: {why}"
    file, *names = guard.test.partition("[")[0].split("::")
    if not names or not (root / file).is_file() or not set(names) <= _defined(root / file):
        yield f"there is no test {guard.test}"


def _syntax_fault(text: str) -> str:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return str(error)
    return ""


@cache
def _defined(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
