"""Names that nobody gives to a dump: who writes one means something else than the folder it would become."""

from __future__ import annotations

import re
from pathlib import PurePath

from ..errors import UsageError, shown

_COMPRESSED = {
    ".gz", ".tgz", ".bz2", ".tbz", ".tbz2", ".xz", ".txz", ".zst", ".tzst", ".lz4", ".br", ".zip", ".7z", ".rar"
}  # fmt: skip
_DATABASE = {".db", ".db3", ".sqlite", ".sqlite3"}
_FILE = {".sql", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".py", ".txt", ".parquet", ".xlsx"}
_MEANINGS = {
    ".tar": "is no spelling of a .tar",
    **dict.fromkeys(_COMPRESSED, "would be compressed as a whole; --compress compresses the files of a dump"),
    **dict.fromkeys(_DATABASE, "is the name of an SQLite file, which is made by copying into it and not by a dump"),
    **dict.fromkeys(_FILE, "is the name of a single file, and a dump has several"),
}
_SLASHES = re.compile(r"[/\\]$")


def refuse_name(path: str) -> None:
    """Raise UsageError for a path that names no folder and no tar; a slash at its end says that it does."""
    if "://" in path:
        raise UsageError("a dump is a folder or a .tar and no URL; copy goes from one database to another")
    suffix = PurePath(path).suffix
    if suffix == ".tar" or suffix.lower() not in _MEANINGS or _SLASHES.search(path):
        return
    stem = _bare(path)
    spelled = f"write {shown(f'{stem}.tar', 500)}, or {shown(f'{stem}-dump', 500)} for a folder"
    raise UsageError(f"{shown(path, 500)} {_MEANINGS[suffix.lower()]}; {spelled}")


def _bare(path: str) -> str:
    """Return the path without the endings that say what a file is."""
    while (suffix := PurePath(path).suffix).lower() in _MEANINGS:
        path = path[: -len(suffix)]
    return path
