"""The manifest: what a dump holds, written last, so that a dump without one is not a dump.

Its layout is told in docs/format.md. Everything in it came from a file that anyone may have
written: the model is strict, and nothing in it is ever used as a path before it was checked here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import DumpError, shown
from ..model.schema import TableKey
from .compression import SUFFIXES, Compression
from .formats import FormatName
from .json_size import check_json

FORMAT = "dbdump"
VERSION: Literal[2] = 2
"""The version that is written; those before it are read."""
SCHEMA_NAME = "schema.yaml"
SCHEMA_END = "# end of schema.yaml"
"""Its last line, since version 2: what is cut lacks it."""
MANIFEST_NAME = "manifest.json"
DATA_FOLDER = "data"
SMALL_FILE_LIMIT = 32 * 1024 * 1024
"""The most bytes of a schema or manifest; both are held in memory."""
_VALUES_LIMIT = 64 * 1024 * 1024
"""About the most bytes that a manifest's values may take beside their texts: those of 10,000 tables take 40 MB."""
_DEPTH_LIMIT = 32
_PIECE = 64 * 1024
"""The most characters of a schema's text in one piece."""
_SEAL = "seal"

_DATA_NAME = re.compile(r"data/([0-9]{4,9})-[a-z0-9_.-]{1,200}\.(?:tsv|py)(?:\.zst|\.gz)?")
_Engine = Annotated[str, Field(pattern=r"\A[a-z0-9_-]{1,40}\z")]
_Count = Annotated[int, Field(ge=0)]
_Item = TypeVar("_Item")
_List = Annotated[list[_Item], Field(fail_fast=True)]
"""A list whose first bad item is the only one told of: errors take more memory than what they are about."""
_Sha256 = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _few(cls, values: object) -> object:
        """Refuse many unknown fields at once: each would be an error of its own."""
        if isinstance(values, dict) and len(values) > len(cls.model_fields) + 1:
            raise ValueError("more fields than there are")
        return values


class FileEntry(_Part):
    """One data file. `bytes` and `sha256` are of its content before compression, header included.

    `marked`: how many of its cells are marked; the manifest names it only where there are any.
    """

    path: str
    table: _Count
    rows: _Count
    bytes: _Count
    sha256: _Sha256
    marked: _Count = 0


class TableEntry(_Part):
    """One table: the columns are those of its files' lines, in order."""

    schema_: str | None = Field(alias="schema")
    name: str
    columns: _List[str]
    rows: _Count

    @property
    def key(self) -> TableKey:
        return TableKey(self.schema_, self.name)


class Manifest(_Part):
    """All of a dump: tables in load order, files in the order of their tables.

    `schema_`: the text of schema.yaml as it was written, in pieces; None in version 1. `extra`: facts of
    others by their names, such as a Django project's; version 2 has what docs/format.md tells of them.
    """

    format: Literal["dbdump"] = "dbdump"
    version: Literal[1, 2] = VERSION
    engine: _Engine
    snapshot: Literal["consistent", "none"]
    data_format: FormatName
    compression: Compression | None
    schema_sha256: _Sha256
    schema_: _List[str] | None = Field(alias="schema", default=None)
    tables: _List[TableEntry]
    files: _List[FileEntry]
    extra: dict[str, Any] = Field(default_factory=dict)

    @property
    def schema_text(self) -> str | None:
        """The text of schema.yaml when the dump was made, None where that is not known."""
        return None if self.schema_ is None else "".join(self.schema_)

    def files_of(self, table: int) -> list[FileEntry]:
        """Return the files of the table with this index, in order."""
        return [file for file in self.files if file.table == table]


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _sha256_of(texts: Iterable[str]) -> str:
    whole = hashlib.sha256()
    for text in texts:
        whole.update(text.encode())
    return whole.hexdigest()


def data_name(table: int, part: int, key: TableKey, ending: str) -> str:
    """Return the name of part `part` (from 0) of the table with index `table`.

    The number tells the table; what follows it is for people and never read back.
    """
    words = re.sub(r"[^a-z0-9_.-]", "_", str(key).lower())[:60] or "table"
    return f"{DATA_FOLDER}/{table + 1:04d}-{words}{f'_{part + 1:04d}' if part else ''}.{ending}"


def table_number(path: str) -> int | None:
    """Return the table index that a data file's name tells, None where it is not such a name."""
    found = _DATA_NAME.fullmatch(path)
    return int(found.group(1)) - 1 if found else None


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the manifest's file: the same bytes for the same manifest."""
    values = manifest.model_dump(mode="json", by_alias=True)
    values["files"] = [_without_nothing(file) for file in values["files"]]
    values = sealed(values)
    fields = (f" {json.dumps(name)}: {_lines(value)}" for name, value in sorted(values.items()))
    return ("{\n" + ",\n".join(fields) + "\n}\n").encode("ascii")


def _without_nothing(file: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in file.items() if name != "marked" or value}


def sealed(values: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest's values with the seal that proves them."""
    others = {name: value for name, value in values.items() if name != _SEAL}
    text = json.dumps(others, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return {**others, _SEAL: sha256(text.encode("ascii"))}


def pieces(text: str) -> list[str]:
    """Return the text in lines, the longest ones cut, so that no string of a manifest is long."""
    lines = text.splitlines(keepends=True)
    return [line[at : at + _PIECE] for line in lines for at in range(0, len(line), _PIECE)]


def _lines(value: object) -> str:
    """Return a value of the manifest with a line for each item of a list."""
    if isinstance(value, list) and value:
        items = (json.dumps(item, sort_keys=True, allow_nan=False) for item in value)
        return "[\n  " + ",\n  ".join(items) + "\n ]"
    return json.dumps(value, sort_keys=True, allow_nan=False)


def load_manifest(data: bytes, *, file: str) -> Manifest:
    """Return the manifest that `data` spells, checked in itself.

    Raises DumpError naming `file` for anything that this version would not have written.
    """
    values = _parse(data, file)
    del data
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise DumpError(f"{file} is not the manifest of a dump; give a folder or .tar that dbdump made")
    check_version(values.get("version"), file=file)
    seal = values.pop(_SEAL, None)
    try:
        manifest = Manifest.model_validate(values)
    except ValidationError as error:
        raise DumpError(f"{file}: {_first(error)}; it was damaged or edited, take the dump again") from None
    for problem in _problems(manifest, values, seal):
        raise DumpError(f"{file}: {problem}; it was damaged or edited, take the dump again")
    return manifest


def check_version(version: object, *, file: str) -> None:
    """Raise DumpError for a dump that a newer program wrote."""
    if type(version) is int and version < 1:
        raise DumpError(f"{file} is of format version {version}, which there never was; take the dump again")
    if type(version) is int and version > VERSION:
        raise DumpError(
            f"{file} is of format version {version}, this program reads up to {VERSION}; update dbdump"
        )


def _parse(data: bytes, file: str) -> object:
    try:
        check_json(data, _VALUES_LIMIT)
        text = data.decode("ascii")
        values = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
        _check_values(values, _DEPTH_LIMIT)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise DumpError(f"{file} is not valid JSON ({reason}); it was cut or damaged") from None
    return values


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {shown(twice)} stands twice")
    return values


def _refuse_constant(word: str) -> object:
    raise ValueError(f"{word} is not a number")


def _check_values(value: object, left: int) -> None:
    """Raise ValueError for nesting beyond `left` levels, and for text that UTF-8 cannot spell."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict | list):
        if not left:
            raise ValueError("nested too deeply")
        items = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        for item in items:
            _check_values(item, left - 1)


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(step) for step in first["loc"])
    message = first["msg"]
    return f"{shown(place)[1:-1]}: {message[:1].lower()}{message[1:]}"


def _problems(manifest: Manifest, values: dict[str, Any], seal: object) -> Iterable[str]:
    """Yield what the fields contradict each other in, then what the seal tells."""
    yield from _table_problems(manifest)
    previous = 0
    paths: set[str] = set()
    ending = manifest.data_format + SUFFIXES[manifest.compression]
    for file in manifest.files:
        if table_number(file.path) is None or not file.path.endswith("." + ending):
            yield f"{shown(file.path)} is not the name of a data file"
        if table_number(file.path) != file.table or file.path in paths or file.table < previous:
            yield f"{shown(file.path)} stands twice, out of order or for another table"
        previous = file.table
        paths.add(file.path)
    yield from _seal_problems(manifest, values, seal)


def _seal_problems(manifest: Manifest, values: dict[str, Any], seal: object) -> Iterable[str]:
    text = manifest.schema_
    if manifest.version == 1:
        if text is not None or seal is not None or any(file.marked for file in manifest.files):
            yield "version 1 has neither a schema nor a seal nor marked cells"
        return
    if text is None or _sha256_of(text) != manifest.schema_sha256:
        yield "schema and schema_sha256 do not agree"
    if seal != sealed(values)[_SEAL]:
        yield "its values are not those that were sealed"


def _table_problems(manifest: Manifest) -> Iterable[str]:
    rows: dict[int, int] = {}
    for file in manifest.files:
        rows[file.table] = rows.get(file.table, 0) + file.rows
    if rows.keys() != set(range(len(manifest.tables))):
        yield "the files do not belong to the tables"
    keys = [table.key for table in manifest.tables]
    if len(set(keys)) < len(keys):
        yield "a table stands twice"
    for index, table in enumerate(manifest.tables):
        if rows.get(index) != table.rows:
            yield f"table {shown(table.key)} has {table.rows} rows and its files {rows.get(index)}"
        if len(set(table.columns)) < len(table.columns):
            yield f"table {shown(table.key)} has a column twice"
