"""Who may import whom, and what package code never says: read from the source, without running it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import dbdump_core

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("dbdump_core", "dbdump_django")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
MOST_POSITIONAL_ARGUMENTS = 4

LOW = frozenset({"errors", "model", "rows"})
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "errors": frozenset(),
    "model": frozenset({"errors"}),
    "rows": frozenset({"errors", "model"}),
    "databases": LOW,
    "dumps": LOW,
    "plan": LOW,
    "run": LOW | {"plan"},
    "endpoints": frozenset({"errors", "model", "databases", "dumps"}),
    "operations": LOW | {"plan", "run", "endpoints", "dumps"},
    "": frozenset({"errors", "model", "run", "operations"}),
    "cli": frozenset({"errors", "model", "run", "endpoints", "operations"}),
    "demo": frozenset(),
}
"""The one direction: `cli, dbdump_django -> operations -> run -> plan, databases, dumps -> rows -> model -> errors`.

`""` is `dbdump_core/__init__.py`."""

DRIVERS = {
    "psycopg2": "databases/postgresql",
    "psycopg": "databases/postgresql",
    "pymysql": "databases/mysql",
    "MySQLdb": "databases/mysql",
    "sqlite3": "databases/sqlite",
}
BANNED_WORDS = ("shell=True", "INSERT IGNORE", "OR IGNORE", "REPLACE INTO")
BANNED_CALLS = {"eval", "exec", "__import__"}
BANNED_MODULES = {"pickle", "marshal", "shelve"}
CITED = re.compile(r"facts\.md\s+((?:[A-Z]\d+(?:, )?)+)")
MARK = re.compile(r"[A-Z]\d+")
CARELESS = {"ignore", "replace"}
"""Error handlers of `encode` and `decode` that lose characters."""


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def module_of(path: Path) -> tuple[str, ...]:
    """`dbdump_core/cli/copy.py` is ("dbdump_core", "cli", "copy"); a package is its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """All that a file imports, as whole dotted names, wherever in it the import stands."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path)[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = (*start, *(node.module.split(".") if node.module else ()))
            yield from ((*base, alias.name) for alias in node.names)


def layer(name: tuple[str, ...]) -> str:
    """The part of `dbdump_core` that a dotted name is in."""
    return name[1] if len(name) > 1 else ""


def core_imports(path: Path) -> set[str]:
    return {layer(name) for name in imports(path) if name[0] == "dbdump_core"} - {layer(module_of(path))}


def of_core(part: str = "") -> list[Path]:
    return [path for path in FILES if path.is_relative_to(ROOT / "dbdump_core" / part)]


@pytest.mark.parametrize("path", of_core(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    own = layer(module_of(path))
    assert own in MAY_IMPORT, f"enter {own} in MAY_IMPORT"
    assert core_imports(path) <= MAY_IMPORT[own]


def test_the_directions_have_no_cycle() -> None:
    left = {name: set(others) for name, others in MAY_IMPORT.items()}
    while free := [name for name, others in left.items() if not others & set(left)]:
        for name in free:
            del left[name]
    assert not left


@pytest.mark.parametrize("path", of_core(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_no_django(path: Path) -> None:
    assert not {name[0] for name in imports(path)} & {"django", "dbdump_django"}


def test_dbdump_django_enters_by_the_operations() -> None:
    allowed = MAY_IMPORT["cli"] | {"rows", "plan", "dumps", "cli", ""}
    for path in (ROOT / "dbdump_django").rglob("*.py"):
        assert {layer(name) for name in imports(path) if name[0] == "dbdump_core"} <= allowed, path


@pytest.mark.parametrize("folder", ["databases", "dumps/formats"])
def test_siblings_never_import_each_other(folder: str) -> None:
    """An engine is a folder, and the files beside it are shared; a format is a file beside `base.py`."""
    there, place = of_core(folder), ("dbdump_core", *folder.split("/"))
    if folder == "databases":
        members = {path.parent.name for path in there} - {folder}
        assert members >= {"sqlite", "mysql", "postgresql"}
    else:
        members = {path.stem for path in there} - {"__init__", "base", "literals", "long_literals"}
        assert "tsv" in members
    for path in there:
        own = module_of(path)[len(place) : len(place) + 1]
        if path == ROOT.joinpath(*place, "__init__.py"):
            continue  # the registry names them all
        names = [name for name in imports(path) if name[: len(place)] == place and len(name) > len(place)]
        assert not ({name[len(place)] for name in names} & members) - set(own), path


def test_facts_that_are_cited_are_there() -> None:
    """Code cites what engines were seen to do by its mark: `facts.md S15`."""
    facts = (ROOT / "docs" / "facts.md").read_text(encoding="utf-8")
    known = set(re.findall(r"^\| ([A-Z]\d+) \|", facts, re.MULTILINE))
    texts = [text for path in FILES for text in CITED.findall(path.read_text(encoding="utf-8"))]
    cited = {mark for text in texts for mark in MARK.findall(text)}
    assert cited
    assert cited <= known


@pytest.mark.parametrize("path", of_core(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_driver_stays_in_its_backend(path: Path) -> None:
    if path.is_relative_to(ROOT / "dbdump_core" / "demo"):
        return  # compares with sqlite3 alone, on purpose without any part of this program
    for name in imports(path):
        home = DRIVERS.get(name[0])
        assert home is None or path.is_relative_to(ROOT / "dbdump_core" / home), name


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_nothing_banned_is_said(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [word for word in BANNED_WORDS if word.lower() in text.lower()]
    assert not {name[0] for name in imports(path)} & BANNED_MODULES
    assert list(banned(tree(path))) == []


def banned(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: assert"
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: bare except"
        elif isinstance(node, ast.Call):
            yield from banned_in_call(node)


def banned_in_call(call: ast.Call) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name in BANNED_CALLS:
        yield f"line {call.lineno}: {name}"
    handlers = [keyword.value for keyword in call.keywords if keyword.arg == "errors"]
    handlers += call.args[1:2] if method in ("encode", "decode") else []
    for handler in handlers:
        if isinstance(handler, ast.Constant) and handler.value in CARELESS:
            yield f"line {call.lineno}: errors={handler.value!r}"


@pytest.mark.parametrize(
    "code",
    ["eval('1')", "exec('1')", "assert x", "try:\n x\nexcept:\n y", "b.decode('utf-8', 'ignore')",
     "open(p, errors='replace')", "b.decode(errors='ignore')"],
)  # fmt: skip
def test_what_is_banned_is_seen(code: str) -> None:
    assert list(banned(ast.parse(code)))


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_and_functions_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_FILE
    for function in functions(path):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        assert lines <= MOST_LINES_OF_A_FUNCTION, function.name


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_few_arguments_are_positional(path: Path) -> None:
    for function in functions(path):
        positional = [*function.args.posonlyargs, *function.args.args]
        names = [argument.arg for argument in positional if argument.arg not in ("self", "cls")]
        assert len(names) <= MOST_POSITIONAL_ARGUMENTS, f"{function.name}{names}"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (
        node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_errors_are_drawn_in_one_place() -> None:
    for path in of_core():
        classes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)]
        raised = [one.name for one in classes if one.name.endswith("Error") and not one.name.startswith("_")]
        assert not raised or path.name == "errors.py", (path, raised)


def test_the_public_names_are_those_declared() -> None:
    declared = {
        alias.asname or alias.name
        for node in ast.walk(tree(ROOT / "dbdump_core" / "__init__.py"))
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert sorted(declared) == dbdump_core.__all__
    assert set(dbdump_core.__all__) <= set(dir(dbdump_core))


def test_every_error_is_public() -> None:
    from dbdump_core import errors

    tree_of_errors = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert {name for name in tree_of_errors if name.endswith("Error")} <= set(dbdump_core.__all__)


def test_no_public_name_is_hidden_by_a_module() -> None:
    modules = {path.stem for path in (ROOT / "dbdump_core").iterdir()}
    assert not modules & set(dbdump_core.__all__)


@pytest.mark.parametrize(
    "statement", ["import dbdump_core", "from dbdump_core import DbdumpError", "import dbdump_core.cli"]
)
def test_importing_is_light(statement: str) -> None:
    heavy = {"sqlalchemy", "pydantic", "rich", "yaml", "zstandard", "orjson", "xxhash", *DRIVERS}
    code = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not heavy & set(run.stdout.split())


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'restore'"):
        dbdump_core.restore  # noqa: B018
