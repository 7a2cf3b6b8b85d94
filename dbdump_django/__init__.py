"""dbdump for Django: the four verbs for a project's models, by alias.

Everything is imported when it is first used: naming this package in INSTALLED_APPS, or catching an
error, must not need settings, models or SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .operations import copy, dump, load, verify
    from .signals import post_load

__all__ = ["copy", "dump", "load", "post_load", "verify"]

_HOMES = {"post_load": "signals"}


def __getattr__(name: str) -> object:
    if name in __all__:
        module = import_module(f".{_HOMES.get(name, 'operations')}", __name__)
        return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
