"""Engines: one folder each, found by the name in the URL; any other takes the portable path."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

    from .base import Backend
    from .connecting import MakeConnection

_FOLDERS = {"sqlite": ".sqlite", "postgresql": ".postgresql", "mysql": ".mysql", "mariadb": ".mysql"}


def backend_for(
    url: sa.URL, *, native: bool = True, create: bool = False, make_connection: MakeConnection | None = None
) -> Backend:
    """Return the backend of a URL.

    `native`: False rules out all but the portable path. `create`: make the database where that is
    no more than a file. `make_connection`: opens the driver's connections in our stead.
    """
    module = import_module(_FOLDERS.get(url.get_backend_name(), ".base"), __name__)
    backend: Backend = module.Backend(url, native=native, create=create, make_connection=make_connection)
    return backend


def spelled(url: sa.URL) -> sa.URL:
    """Return a URL as it is understood: with the driver that is used where it names none."""
    module = import_module(_FOLDERS.get(url.get_backend_name(), ".base"), __name__)
    backend: type[Backend] = module.Backend
    return backend.spelled(url)


def connection_maker(engine: object) -> MakeConnection | None:
    """Return what opens connections as a program's Engine does: with its creator, arguments and listeners.

    They are new ones and never go back to its pool: our settings would stay on them. None for what is no Engine.
    """
    import sqlalchemy as sa

    if not isinstance(engine, sa.Engine):
        return None

    def make() -> Any:
        opened = engine.pool.recreate().connect()
        opened.detach()
        return opened.dbapi_connection

    return make
