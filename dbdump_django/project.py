"""The chosen models of a project as one of its databases has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbdump_core.errors import MismatchError, UnsafeError, UsageError, mask_urls, shown
from dbdump_core.model.names import Names, pair, unclear
from dbdump_core.model.schema import Schema, TableKey

from .content_types import lookups
from .db_url import connection_of, database_url
from .migrations import unapplied
from .model_schema import missing_tables, model_keys, overlay
from .selection import Model, chosen_models, foreign_across, lives_in, name_of, table_models, vain

NAMED = 10
"""Names in an error at most; notes of the report name all."""


@dataclass(frozen=True)
class Chosen:
    """The models that were chosen, and those that are taken along because rows of the chosen refer to them.

    `named`: the user has named models; otherwise all of the project's were meant. `vain`: notes on what was
    excluded in vain. `allow_empty`: that no model is left is no mistake.
    """

    alias: str
    models: tuple[Model, ...]
    lookups: tuple[Model, ...]
    named: bool
    vain: tuple[str, ...] = ()
    allow_empty: bool = False

    @property
    def all(self) -> tuple[Model, ...]:
        """Return the chosen models and those that are taken along."""
        return (*self.models, *self.lookups)

    def describe(self, reflected: Schema) -> Schema:
        """Return what the models say of the tables that are there."""
        return overlay(reflected, self.all, self.alias)

    def tables(self, schema: Schema) -> Schema:
        """Return the tables of the models alone."""
        keys = model_keys(self.all, self.alias)
        return Schema(tuple(table for table in schema if table.key in keys), schema.notes)

    def lookup_keys(self) -> frozenset[TableKey]:
        """Return the keys of the tables that are only taken along."""
        return frozenset(model_keys(self.lookups, self.alias))

    def expected(self, there: Schema) -> frozenset[TableKey]:
        """Return the keys of the tables that this database has or lacks: all but those on views and the like."""
        return frozenset(model_keys(self.all, self.alias)) - there.rowless.keys()

    def matched(self, schema: Schema) -> Schema:
        """Return those tables of another end that the models stand for, by the core's rule for names.

        Exactly that name, else the only one that differs in case. Raises MismatchError where several do.
        """
        keys = model_keys(self.all, self.alias)
        others = [model for model in table_models() if lives_in(model, self.alias)]
        pairs = pair(schema.by_key, [*keys, *model_keys(others, self.alias)])
        for ours, theirs in pairs.unclear:
            if not keys.keys().isdisjoint(theirs):
                raise unclear("table", ours, theirs)
        return Schema(tuple(table for table in schema if pairs.there.get(table.key) in keys), schema.notes)

    def notes(self, there: Schema) -> list[str]:
        """Return what a person should know of this database.

        Raises MismatchError where tables are missing that `migrate` makes, UsageError where no model has rows.
        """
        managed, rowless = missing_tables(there, self.all, self.alias)
        notes = unapplied(self.alias, self.all)
        if managed:
            advice = notes[0] if notes else f"run manage.py migrate --database {self.alias} first"
            raise MismatchError(f"database alias {shown(self.alias)} lacks the tables of {_some(managed)}; {advice}")
        reasons = [f"{name_of(model)} {reason}; left out" for model, reason in rowless.items()]
        if rowless.keys() >= set(self.models) and not self.allow_empty:
            raise UsageError(f"no model is left in database alias {shown(self.alias)}: {reasons[0]}; name other models")
        notes += reasons
        return [*notes, *self.vain, *foreign_across(self.models, self.alias)]


def choose(labels: Sequence[str], exclude: Sequence[str], alias: str, *, allow_empty: bool = False) -> Chosen:
    """Return the models that a user's words choose. Raises SelectionError, UsageError.

    `allow_empty`: that they choose none is no mistake.
    """
    models = chosen_models(labels, exclude, alias=alias)
    if not (models or allow_empty):
        what = "is left" if labels or exclude else "lives there"
        raise UsageError(
            f"no model {what} in database alias {shown(alias)}; name other apps or another alias, or give --allow-empty"
        )
    return Chosen(
        alias, models, lookups(models, alias), named=bool(labels), vain=tuple(vain(exclude)), allow_empty=allow_empty
    )


def conditions(where: Mapping[str, str] | None, chosen: Chosen) -> dict[str, str]:
    """Return table -> condition, of conditions whose tables are named by `app.Model` or by their own name."""
    keys = {name_of(model): key for key, model in model_keys(chosen.all, chosen.alias).items()}
    models = Names(keys)
    found: dict[str, str] = {}
    for name, condition in (where or {}).items():
        model = models.find(name, "--where: model")
        table = name if model is None else str(keys[model])
        if table in found:
            raise UsageError(f"--where names table {shown(table)} twice; join the conditions with AND")
        found[table] = condition
    return found


def refuse_open_transaction(alias: str) -> None:
    """Raise UnsafeError inside a transaction of the project's own.

    Its changes are not seen by the connection that dumps and loads, and its locks would hold that up for ever.
    """
    connection = connection_of(alias)
    open_here = connection.connection is not None and not connection.get_autocommit()
    if connection.in_atomic_block or open_here:
        raise UnsafeError(
            f"a transaction is open on database alias {shown(alias)}, whose changes another connection cannot see;"
            " end it first (transaction.atomic, or a TestCase: use TransactionTestCase)"
        )


def shown_alias(alias: str) -> str:
    """Return an alias and its database for people, without the password."""
    return f"{alias} ({mask_urls(database_url(alias).render_as_string(hide_password=True))})"


def _some(models: Sequence[Any]) -> str:
    names = [name_of(model) for model in models[:NAMED]]
    return ", ".join(names) + (f" and {len(models) - NAMED} more" if len(models) > NAMED else "")
