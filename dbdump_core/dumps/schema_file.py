"""The schema.yaml of a dump: what it describes, what a person marked in it, and what else was edited."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ..errors import DumpError, shown
from ..model.schema import Default, Schema, TableKey
from . import manifest as m
from .edits import changed, missing

_FIRST_LINE = re.compile(r"# dbdump ([0-9]{1,9}) ([a-z0-9]+) from ([a-z0-9_-]{1,40})\n")
NOTES_LIMIT = 100
"""The most edits that are told one by one."""


class SchemaFile:
    """A schema.yaml. Raises DumpError, or SchemaError where it cannot be used.

    `described`: the schema by the names in the dump; `schema`: what its marks make of it. `file`: its
    name for messages.
    """

    def __init__(self, data: bytes, *, file: str, version: int) -> None:
        from ..model.schema_marks import applied, loads_marked

        self.file = file
        self._text = _text(data, file, version)
        self._sha256 = m.sha256(data)
        self.described, self._marks = loads_marked(self._text, file=file)
        self.schema: Schema = applied(self.described, self._marks)

    def new_key(self, key: TableKey) -> TableKey | None:
        """Return what a table of the dump is called, None where it is not loaded."""
        return self._marks.table(key) if key in self.described.by_key else None

    def new_names(self, key: TableKey, columns: Sequence[str]) -> list[str | None]:
        """Return what the columns of a table are called; None for one whose name another one took."""
        names = [self._marks.column(key, name) for name in columns]
        taken = {name for name in names if name is not None}
        return [new if new is not None or old in taken else old for new, old in zip(names, columns, strict=True)]

    def defaults(self, columns: Mapping[TableKey, Sequence[str]]) -> Mapping[TableKey, Mapping[str, Default]]:
        """Return what fills columns that the data files, which have `columns`, lack. Raises as `added_defaults`."""
        from ..model.schema_yaml import column_place
        from .added import added_defaults

        kept = Schema(tuple(table for table in self.described if self._marks.table(table.key) is not None))
        found = added_defaults(
            kept, columns, lambda key, name: column_place(self._text, key, name, file=self.file)
        )
        return {
            self._marks.table(key) or key: {
                self._marks.column(key, name) or name: self._marks.default(key, default)
                for name, default in defaults.items()
            }
            for key, defaults in found.items()
        }

    def marks(self) -> list[str]:
        """Return a line for each table and column that is marked to be left out or renamed."""
        return [f"{self.file}: {line}" for line in self._marks.told()]

    def edits(self, manifest: m.Manifest) -> list[str]:
        """Return a line for each thing that is not as it was dumped, apart from what is marked or added."""
        lines = list(self._edits(manifest))
        more = [f"{len(lines) - NOTES_LIMIT} more edits"] if len(lines) > NOTES_LIMIT else []
        return [f"{self.file}: {line}" for line in lines[:NOTES_LIMIT] + more]

    def _edits(self, manifest: m.Manifest) -> Iterator[str]:
        yield from missing(self.described, {table.key: table.columns for table in manifest.tables})
        if self._sha256 == manifest.schema_sha256:
            return
        if manifest.schema_text is None:
            yield "it was edited; what in it cannot be told, as format version 1 keeps no copy"
            return
        from ..model.schema_yaml import loads

        yield from changed(self.described, loads(manifest.schema_text, file=f"{m.MANIFEST_NAME}: schema"))


def first_line(data: bytes) -> tuple[int, str, str] | None:
    """Return format version, data format and engine, which the first line of schema.yaml tells a stream."""
    found = _FIRST_LINE.match(data[:1000].decode("utf-8", "backslashreplace"))
    return (int(found.group(1)), found.group(2), found.group(3)) if found else None


def _text(data: bytes, file: str, version: int) -> str:
    """Return the text of the file; raises DumpError where it is cut or no text."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DumpError(f"{file} is not valid UTF-8 (byte {error.start}); save it as UTF-8") from None
    if version > 1 and text.rstrip().rpartition("\n")[2] != m.SCHEMA_END:
        raise DumpError(
            f"{file} is cut: its last line is not {shown(m.SCHEMA_END)}; copy the dump anew, or put that line back"
            " at the end if all the rest is there"
        )
    return text
