"""Aliases of databases of the test project: migrated, filled or fresh, on any engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connections, router, transaction
from sqlalchemy import make_url

from tests.django.contents import tables
from tests.django.data import fill
from tests.django.project.catalog.models import Ledger
from tests.django.project.router import is_archive

BACKENDS = {"sqlite": "sqlite3", "postgresql": "postgresql", "mysql": "mysql"}


def entry(url: str, **settings: Any) -> dict[str, Any]:
    """The entry of DATABASES for an SQLAlchemy URL; `settings` are added to it."""
    parts = make_url(url)
    if parts.get_backend_name() == "mysql":
        settings.setdefault("OPTIONS", {"charset": "utf8mb4"})  # Django's own choice only since 5.0
    return {
        "ENGINE": f"django.db.backends.{BACKENDS[parts.get_backend_name()]}",
        "NAME": parts.database,
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parts.host or "",
        "PORT": str(parts.port or ""),
        **settings,
    }


def add_alias(alias: str, settings: dict[str, Any]) -> None:
    """Make `alias` known while the process runs, with all the defaults that Django gives an entry."""
    complete = connections.configure_settings({"default": {}, alias: dict(settings)})
    connections.databases[alias] = complete[alias]


def drop_alias(alias: str) -> None:
    """Forget `alias` and close its connection."""
    if alias in connections.databases:
        connections[alias].close()
        del connections[alias]
        del connections.databases[alias]


def migrate(alias: str) -> None:
    """Bring a new database to the project's state, with the table of the unmanaged model that has one."""
    call_command("migrate", database=alias, verbosity=0, interactive=False)
    if not is_archive(alias):
        with connections[alias].schema_editor() as editor:
            editor.create_model(Ledger)


def empty(alias: str) -> None:
    """Delete every row of every table but Django's record of migrations, and let keys begin at 1 again."""
    connection = connections[alias]
    names = [model._meta.db_table for model in tables(alias)]
    # Not by the command flush: on SQLite it trips over a quote in a table's name.
    is_file = connection.vendor == "sqlite"
    statements = connection.ops.sql_flush(no_style(), names, reset_sequences=not is_file)
    if is_file:
        statements.append("UPDATE sqlite_sequence SET seq = 0")
    connection.ops.execute_sql_flush(statements)


def permute(alias: str, seed: int = 2007) -> None:
    """Give an empty database its content types, permissions and site, with other keys than `migrate` gives."""
    shuffle = random.Random(seed).shuffle
    types = [(model._meta.app_label, model._meta.model_name) for model in models_of(alias)]
    shuffle(types)
    with transaction.atomic(using=alias):
        ContentType.objects.using(alias).bulk_create(
            ContentType(id=number, app_label=app, model=model) for number, (app, model) in enumerate(types, 11)
        )
        ContentType.objects.clear_cache()
        permissions = permissions_of(alias)
        shuffle(permissions)
        for number, permission in enumerate(permissions, 5):
            permission.id = number
        Permission.objects.using(alias).bulk_create(permissions)
        Site.objects.using(alias).create(id=4, domain="example.com", name="example.com")
    reset_sequences(alias, [ContentType, Permission, Site])


def models_of(alias: str) -> list[type]:
    """All models with a content type, proxies too, in the order of their apps."""
    return [model for model in apps.get_models() if router.allow_migrate_model(alias, ContentType)]


def permissions_of(alias: str) -> list[Permission]:
    """The default permissions of every model, not saved."""
    found = []
    for model in models_of(alias):
        kind = ContentType.objects.db_manager(alias).get_for_model(model, for_concrete_model=False)
        for action in model._meta.default_permissions:
            name = f"Can {action} {model._meta.verbose_name_raw}"
            codename = f"{action}_{model._meta.model_name}"
            found.append(Permission(content_type_id=kind.pk, codename=codename, name=name))
    return found


def reset_sequences(alias: str, models: list[type]) -> None:
    """Move each model's sequence past the keys that were given by hand."""
    with connections[alias].cursor() as cursor:
        for statement in connections[alias].ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)


class Databases:
    """Aliases made when first asked for and kept until `close`.

    `make`: from an engine's name to the URL of a new empty database.
    """

    def __init__(self, make: Callable[[str], str]) -> None:
        self.make = make
        self.aliases: list[str] = []
        self.full: set[str] = set()

    def add(self, alias: str, engine: str, **settings: Any) -> str:
        """A new, migrated database of `engine` under `alias`, unless it is there."""
        if alias not in self.aliases:
            add_alias(alias, entry(self.make(engine), **settings))
            migrate(alias)
            self.aliases.append(alias)
        return alias

    def filled(self, engine: str) -> str:
        """The alias of a database full of the values of `data.fill`; not to be changed."""
        alias = self.add(f"{engine}_filled", engine)
        if alias not in self.full:
            fill(alias)
            self.full.add(alias)
        return alias

    def fresh(self, engine: str, number: int = 0) -> str:
        """The alias of a database as `migrate` leaves it, but for other keys of what `migrate` fills."""
        alias = self.add(f"{engine}_fresh{number or ''}", engine)
        connections[alias].close()  # whatever the last test left open
        empty(alias)
        permute(alias)
        return alias

    def archive(self, engine: str, *, filled: bool) -> str:
        """The alias of a database that the router gives nothing but the app `archive`."""
        alias = self.add(f"{engine}_{'filled' if filled else 'fresh'}_archive", engine)
        empty(alias)
        if filled:
            fill(alias)
        return alias

    def close(self) -> None:
        for alias in self.aliases:
            drop_alias(alias)
        self.aliases.clear()
