"""What the tests of the model side share: aliases with settings of their own, and the schema of a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from sqlalchemy import Connection

from dbdump_core.databases import backend_for
from dbdump_core.model.schema import Schema, Table, TableKey
from dbdump_django.db_url import database_url
from dbdump_django.model_schema import overlay
from tests.django.databases import add_alias, drop_alias, entry

ALIAS = "adhoc"


@contextmanager
def alias(url: str, **settings: Any) -> Iterator[str]:
    """An alias for the database at `url` while inside; `settings` win over what the URL says."""
    add_alias(ALIAS, entry(url) | settings)
    try:
        yield ALIAS
    finally:
        try:
            drop_alias(ALIAS)
        except (ImproperlyConfigured, ImportError):  # an engine that Django could not load has nothing to close
            del connections.databases[ALIAS]


@contextmanager
def core_connection(alias: str) -> Iterator[Connection]:
    """A connection as the core makes it from the alias's settings."""
    connection = backend_for(database_url(alias)).connect(writing=False)
    try:
        yield connection
    finally:
        connection.close()


def reflected(alias: str) -> Schema:
    """The schema as the core sees it without models."""
    backend = backend_for(database_url(alias))
    connection = backend.connect(writing=False)
    try:
        return backend.reflect(connection)
    finally:
        connection.close()


def described(alias: str, *models: type) -> Schema:
    """The schema with models laid over it."""
    return overlay(reflected(alias), models, alias)


def table_of(alias: str, model: type, *others: type) -> Table:
    """The table of a model as the overlay has it."""
    return described(alias, model, *others).by_key[TableKey(None, model._meta.db_table)]


def create(alias: str, *models: type) -> None:
    """Make the tables of models."""
    with connections[alias].schema_editor() as editor:
        for model in models:
            editor.create_model(model)


def execute(alias: str, *statements: str) -> None:
    with connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
