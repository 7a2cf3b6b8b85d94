"""What a user may write for a source or a target: a URL, a path, `-`, or `env:NAME`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from .errors import ConnectError, DumpError, UsageError, mask_urls, shown

if TYPE_CHECKING:
    import sqlalchemy as sa

    from .databases.base import Backend
    from .databases.database import Describe
    from .model.abc import Source, Target

Place: TypeAlias = "str | os.PathLike[str] | sa.URL | sa.Engine"
"""What names a database or a dump: a user's words, a path, or SQLAlchemy's URL or Engine of a database."""

_SQLITE_MAGIC = b"SQLite format 3\0"
_SQLITE_NAMES = (".db", ".sqlite", ".sqlite3", ".db3")


def resolve(text: str) -> str:
    """Return the text, or what the variable of `env:NAME` holds."""
    if not text.startswith("env:"):
        return text
    name = text.removeprefix("env:")
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"the environment variable {shown(hidden(name))} is not set; set it to a database URL")
    return value


def open_source(place: Place, *, allow_edited: bool = False, describe: Describe | None = None) -> Source:
    """Return the source that a program or a user's words name. Raises ConnectError, DumpError or UsageError.

    `describe`: what to make of the schema that a database has.
    """
    backend = _backend(place)
    if backend is not None:
        from .databases.database import DatabaseSource

        return DatabaseSource(backend, describe)
    from .dumps import open_source as open_archive

    return open_archive(path_text(place), allow_edited=allow_edited)


def open_target(place: Place, *, create: bool, describe: Describe | None = None) -> Target:
    """Return the database that a program or a user's words name; `create`: an SQLite file may be made.

    `describe`: what to make of the schema that it has.
    """
    backend = _backend(place, create=create)
    if backend is None:
        named = path_text(place)
        raise UsageError(f"{shown(named, 500)} is not a database; name a URL or an SQLite file as the target")
    if create and isinstance(place, (str, os.PathLike)):
        _refuse_unlikely_file(path_text(place))
    from .databases.database import DatabaseTarget

    return DatabaseTarget(backend, describe)


def path_text(place: Place) -> str:
    """Return the path that is meant by a text or a path; a path is never `-`, a URL or a variable."""
    if isinstance(place, str):
        return resolve(place)
    path = os.fsdecode(cast("os.PathLike[str]", place))
    return os.path.join(".", path) if path == "-" else path  # noqa: PTH118 - Path would take the dot away


def _backend(place: Place, *, create: bool = False) -> Backend | None:
    """Return the backend of a database, None for what must be a dump. Raises UsageError for what is neither."""
    url = _url(place)
    if url is None:
        return None
    from .databases import backend_for, connection_maker

    return backend_for(url, create=create, make_connection=connection_maker(place))


def _url(place: Place) -> sa.URL | None:
    if isinstance(place, str):
        return database_url(resolve(place))
    if isinstance(place, os.PathLike):
        return _file_url(path_text(place))
    import sqlalchemy as sa

    if isinstance(place, sa.Engine):
        # As its driver, not as what we would take for the same URL.
        return place.url.set(drivername=f"{place.dialect.name}+{place.dialect.driver}")
    if not isinstance(place, sa.URL):
        raise UsageError(
            f"{type(place).__name__} names no database and no dump; give a text, a path, or SQLAlchemy's URL or Engine"
        )
    return place


def database_url(place: str) -> sa.URL | None:
    """Return the URL of a database, None for what must be a dump. Raises ConnectError, UsageError."""
    if not place:
        # As a path it would be the folder one stands in, and a shell makes it of a variable that is not set.
        raise UsageError("no database and no dump is named: the text is empty; write '.' for the folder you are in")
    if "://" not in place:
        _refuse_broken_url(place)
        return None if place == "-" else _file_url(place)
    import sqlalchemy as sa

    scheme = place.partition("://")[0]
    try:
        url = sa.make_url(_known_scheme(_with_encoded_at(place)))
    except (sa.exc.ArgumentError, ValueError):
        raise UsageError(
            f"cannot read the URL {shown(scheme + '://…')}; write it as engine://user@host:port/database,"
            " with special characters percent-encoded"
        ) from None
    if url.password is not None and _at_signs(_with_encoded_at(place)) > 1:
        raise UsageError(
            f"cannot tell where the password ends in the URL {shown(scheme + '://…')}; write each '@' in it as %40 and"
            " each '/' as %2F"
        )
    return url


def _at_signs(place: str) -> int:
    """Return how many '@' a URL has from its password on, up to its options."""
    return place.partition("://")[2].partition("?")[0].partition(":")[2].count("@")


def _with_encoded_at(place: str) -> str:
    """Return the URL with the '@' that are part of its password encoded: the last one before the path is no part."""
    scheme, _, rest = place.partition("://")
    login, slash, tail = rest.partition("/")
    user, colon, password = login.rpartition("@")[0].partition(":")
    if not colon or "@" not in password or "?" in login:
        return place
    encoded = password.replace("@", "%40")
    return f"{scheme}://{user}:{encoded}@{login.rpartition('@')[2]}{slash}{tail}"


def hidden(place: str) -> str:
    """Return a text for messages without what may be a password: all between a colon and the last '@'."""
    return re.sub(r":.*@", ":…@", place, flags=re.DOTALL)


def _refuse_broken_url(place: str) -> None:
    """Refuse what begins or reads like a URL and names no file: its password is not to be taken for a file's name."""
    begins = _BROKEN_URL.match(place)
    if (not begins and (hidden(place) == place or _DRIVE.match(place))) or os.path.exists(place):  # noqa: PTH110
        return
    named, scheme = (f"{begins[1]}:…", begins[1]) if begins else (hidden(place), "engine")
    form = "sqlite:///shop.db or sqlite:////srv/shop.db" if scheme == "sqlite" else f"{scheme}://user@host:port/database"
    raise UsageError(f"{shown(named)} is no URL and no file; a URL is {form}")


_BROKEN_URL = re.compile(r"(postgres|postgresql|mysql|mariadb|sqlite)(?:\+\w+)?:", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:[/\\\\]")


def _file_url(path: str) -> sa.URL | None:
    """Return the URL of an SQLite file, None for the path of a dump."""
    if _is_dump(Path(path)):
        return None
    import sqlalchemy as sa

    return sa.URL.create("sqlite", database=path)


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


def refuse_database(place: Place) -> None:
    """Refuse a database where a dump must be named, and a path where nothing is. Raises UsageError, DumpError."""
    url = _url(place)
    if url is None:
        return
    named = path_text(place) if isinstance(place, (str, os.PathLike)) else "://"
    if "://" not in named and not Path(named).exists():
        raise DumpError(f"no dump {shown(named, 500)}; check the path")
    told = mask_urls(url.render_as_string(hide_password=True)) if "://" in named else named
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
