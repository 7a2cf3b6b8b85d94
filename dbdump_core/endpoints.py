"""What a user may write for a source or a target: a URL, a path, `-`, or `env:NAME`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConnectError, DumpError, UsageError, shown

if TYPE_CHECKING:
    import sqlalchemy as sa

    from .abc import Source, Target
    from .database import Describe

_SQLITE_MAGIC = b"SQLite format 3\0"
_SQLITE_NAMES = (".db", ".sqlite", ".sqlite3", ".db3")


def resolve(text: str) -> str:
    """Return the text, or what the variable of `env:NAME` holds."""
    if not text.startswith("env:"):
        return text
    name = text.removeprefix("env:")
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"the environment variable {shown(name)} is not set; set it to a database URL")
    return value


def open_source(place: str | sa.URL, *, allow_edited: bool = False, describe: Describe | None = None) -> Source:
    """Return the source that a URL or a user's words name. Raises ConnectError, DumpError or UsageError.

    `describe`: what to make of the schema that a database has.
    """
    named = resolve(place) if isinstance(place, str) else place
    url = database_url(named) if isinstance(named, str) else named
    if url is not None:
        from .backends import backend_for
        from .database import DatabaseSource

        return DatabaseSource(backend_for(url), describe)
    from .archive import open_source as open_archive

    return open_archive(str(named), allow_edited=allow_edited)


def open_target(place: str | sa.URL, *, create: bool, describe: Describe | None = None) -> Target:
    """Return the database that a URL or a user's words name; `create`: an SQLite file may be made.

    `describe`: what to make of the schema that it has.
    """
    url = database_url(resolve(place)) if isinstance(place, str) else place
    if url is None:
        raise UsageError(f"{shown(place)} is not a database; name a URL or an SQLite file as the target")
    if create and isinstance(place, str):
        _refuse_unlikely_file(resolve(place))
    from .backends import backend_for
    from .database import DatabaseTarget

    return DatabaseTarget(backend_for(url, create=create), describe)


def database_url(place: str) -> sa.URL | None:
    """Return the URL of a database, None for what must be a dump. Raises ConnectError, UsageError."""
    import sqlalchemy as sa

    if "://" in place:
        try:
            return sa.make_url(_known_scheme(place))
        except (sa.exc.ArgumentError, ValueError):
            scheme = place.partition("://")[0]
            raise UsageError(
                f"cannot read the URL {shown(scheme + '://…')}; write it as engine://user@host:port/database,"
                " with special characters percent-encoded"
            ) from None
    if place == "-" or _is_dump(Path(place)):
        return None
    return sa.URL.create("sqlite", database=place)


def _known_scheme(place: str) -> str:
    """Return the URL with `postgres:`, which SQLAlchemy does not know, spelled out."""
    return "postgresql://" + place.removeprefix("postgres://") if place.startswith("postgres://") else place


def _is_dump(path: Path) -> bool:
    """Tell a dump from an SQLite file; a missing path is what its name says."""
    if path.is_dir() or path.suffix == ".tar":
        return True
    if path.suffix in _SQLITE_NAMES:
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_MAGIC)) not in (_SQLITE_MAGIC, b"")
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConnectError(
            f"cannot read {shown(str(path), 500)}: {error.strerror}; check its permissions"
        ) from None


def refuse_database(place: str) -> None:
    """Refuse a database where a dump must be named, and a path where nothing is. Raises UsageError, DumpError."""
    named = resolve(place)
    url = database_url(named)
    if url is None:
        return
    if "://" not in named and not Path(named).exists():
        raise DumpError(f"no dump {shown(named, 500)}; check the path")
    told = url.render_as_string(hide_password=True) if "://" in named else named
    raise UsageError(
        f"{shown(told, 500)} is a database; load takes the dump first and then the database; copy goes from one"
        " database to another"
    )


def _refuse_unlikely_file(named: str) -> None:
    """Refuse to make an SQLite file of a name that no one gives to a database: another argument was meant."""
    path = Path(named)
    if "://" in named or path.suffix.lower() in _SQLITE_NAMES or path.exists():
        return
    raise UsageError(
        f"no SQLite file {shown(named, 500)}; to make one, name it like {shown(f'{named}.db', 500)}, or write"
        f" {shown(f'sqlite:///{named}', 500)}"
    )
