"""A password that a server wants and that nobody has given, asked for where a person is there."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ..errors import PasswordMissingError
from .output import escaped, is_terminal

if TYPE_CHECKING:
    import sqlalchemy as sa

ENDS = ("source", "target", "dump", "left", "right")
"""The arguments that may name a database."""

asked: list[str] = []
"""URLs with the passwords that were asked for, so that no message repeats them."""


def run_asking(run: Callable[[Namespace], int], options: Namespace) -> int:
    """Run a command, again with each password that is missing; nothing was begun before one is missed.

    Raises PasswordMissingError where nobody can be asked.
    """
    while True:
        try:
            return run(options)
        except PasswordMissingError as error:
            if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
                raise
            url = cast("sa.URL", error.url)
            name = _argument(options, url)
            if name is None:
                raise
            setattr(options, name, _with_password(options, name, url))
            asked.append(getattr(options, name))


def _argument(options: Namespace, url: sa.URL) -> str | None:
    """Return the argument that names the database of `url`."""
    return next((name for name in ENDS if _key(_named(options, name)) == _key(url)), None)


def _named(options: Namespace, name: str) -> sa.URL | None:
    from ..endpoints import database_url, resolve

    text = getattr(options, name, None)
    return database_url(resolve(text)) if isinstance(text, str) and text != "-" else None


def _key(url: sa.URL | None) -> object:
    """Return what tells one login from another; a URL may have got a driver and options since it was written."""
    return url and (url.username, url.password, url.host, url.port, url.database)


def _with_password(options: Namespace, name: str, url: sa.URL) -> str:
    from getpass import getpass

    shown = escaped(url.set(query={}).render_as_string(hide_password=True))
    named = _named(options, name) or url
    return named.set(password=getpass(f"password for {shown}: ")).render_as_string(hide_password=False)
