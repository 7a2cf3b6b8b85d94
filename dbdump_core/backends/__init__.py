"""Engines: one folder each, found by the name in the URL; any other takes the portable path."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

    from .base import Backend

_FOLDERS = {"sqlite": ".sqlite", "postgresql": ".postgresql", "mysql": ".mysql", "mariadb": ".mysql"}


def backend_for(url: sa.URL, *, native: bool = True, create: bool = False) -> Backend:
    """Return the backend of a URL.

    `native`: False rules out all but the portable path. `create`: make the database where that is
    no more than a file.
    """
    module = import_module(_FOLDERS.get(url.get_backend_name(), ".base"), __name__)
    backend: Backend = module.Backend(url, native=native, create=create)
    return backend
