"""The plan for content types, permissions and sites: how each goes, and what every column that refers needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from django.apps import apps
from django.db.models import Model

from dbdump_core.errors import MismatchError, shown
from dbdump_core.model.abc import Block, Maker, ReadTask, Source
from dbdump_core.model.names import Names, pair
from dbdump_core.model.results import Detail
from dbdump_core.model.schema import Column, Schema, Table, TableKey
from dbdump_core.model.types import Kind
from dbdump_core.plan.load_map import LoadMap, TableMap
from dbdump_core.rows.lines import escape, split_rows

from .identity_rows import (
    HIGHEST,
    GenericColumn,
    Key,
    Kinds,
    LeftOut,
    Matched,
    Natural,
    Replaced,
    Row,
    generic_reference,
    loose_reference,
    reference,
)
from .model_schema import fields_by_column, model_keys
from .references import GenericReference, Reference, generic_references, identity_models, kinds, references

_NATURAL = {"contenttypes": ("app_label", "model"), "auth": ("content_type", "codename"), "sites": ("domain",)}
_NAMED = 4
"""Columns named in a note at most."""


@dataclass(frozen=True)
class Identities:
    """What a load needs to know of content types, permissions and sites; serves one transfer.

    `load_map`: keys of the target; `first`: tables of the source that come before all others; `notes`: known
    beforehand, one line each; `rows`: what moves the tables themselves.
    """

    load_map: LoadMap
    first: tuple[TableKey, ...]
    notes: tuple[str, ...]
    rows: tuple[Matched | Replaced, ...]

    def outcome(self) -> tuple[str, ...]:
        """Return what became of each table, one line each, once the rows have passed."""
        return tuple(Detail(rows.outcome()) for rows in self.rows)


def table_keys(models: Iterable[type[Model]], alias: str) -> dict[str, TableKey]:
    """Return the key of each model's table, by the name that the model gives it."""
    return {model._meta.db_table: key for key, model in model_keys(list(models), alias).items()}


class IdentityPlan:
    """Decides how each set goes and gathers the makers of all columns that refer to it.

    `emptied`, `taken`: tables of the source whose target is emptied; that are there to be looked up in.
    """

    def __init__(
        self,
        source: Schema,
        target: Source,
        alias: str,
        *,
        emptied: Collection[TableKey],
        taken: Collection[TableKey],
    ) -> None:
        self.there = target.schema().by_key
        self.sources = _by_target(source, self.there)
        self.emptied = {key for key, table in self.sources.items() if table.key in emptied}
        self.taken = {key for key, table in self.sources.items() if table.key in taken}
        self.keys = table_keys(apps.get_models(include_auto_created=True), alias)
        self.models = tuple(model for model in identity_models(alias) if self._key(model) in self.there)
        self.rows = _read(target, [self.there[self._key(model)] for model in self.models])
        self.matched: dict[type[Model], Matched] = {}
        self.replaced: dict[type[Model], Replaced] = {}
        self.maps: dict[TableKey, TableMap] = {}
        self.converts: dict[TableKey, dict[str, Maker]] = {}
        self.needs: dict[TableKey, set[TableKey]] = {}
        self.notes: list[str] = []
        self.kinds = Kinds()

    def identities(self, order: Sequence[TableKey] | None) -> Identities:
        """Return the whole plan. Raises MismatchError where `order` brings references too early."""
        by_label = {model._meta.app_label: model for model in self.models}
        for labels in (("contenttypes", "auth"), ("sites",)):
            self._plan_set([by_label[label] for label in labels if label in by_label])
        self._learn_kinds()
        for one in references(self.models):
            self._plan_reference(one)
        for generic in generic_references():
            self._plan_generic(generic)
        self._note_unknown()
        if order is not None:
            self._refuse_early({key: at for at, key in enumerate(order)})
        first = [self.sources[key].key for model in self.models if (key := self._key(model)) in self.sources]
        rows: tuple[Matched | Replaced, ...] = (*self.replaced.values(), *self.matched.values())
        return Identities(self._load_map(), tuple(first), tuple(self.notes), rows)

    def _load_map(self) -> LoadMap:
        maps = dict(self.maps)
        for key, converts in self.converts.items():
            own = maps.get(key, TableMap())
            maps[key] = TableMap(converts=converts, rows=own.rows, keeps=own.keeps)
        return maps

    # --- the tables themselves --------------------------------------------------------------------

    def _plan_set(self, models: Sequence[type[Model]]) -> None:
        present = [model for model in models if self._key(model) in self.sources]
        if not present:
            return
        if present[0]._meta.app_label == "auth":
            self._leave_out(present[0])
        elif self._is_replaced(models):
            self._replace(models)
        else:
            for model in present:
                self._match(model)

    def _is_replaced(self, models: Sequence[type[Model]]) -> bool:
        """Tell whether all tables of a set and all that refer to it are emptied."""
        own = {self._key(model) for model in models}
        referring = {key for key, table in self.there.items() if any(one.table in own for one in table.foreign_keys)}
        named = {one.model for one in references(models)} | {one.model for one in generic_references()}
        referring.update(self._key(model) for model in named)
        return own | (referring & self.there.keys()) <= self.emptied

    def _replace(self, models: Sequence[type[Model]]) -> None:
        extra: dict[str, Callable[[set[Natural]], list[Row]]] = {
            "contenttypes": partial(self._extra_types, models[0]),
            "auth": partial(self._extra_permissions, models),
            "sites": lambda seen: [],
        }
        for model in models:
            learn = self.kinds.learn if model._meta.app_label == "contenttypes" else None
            rows = Replaced(self._natural_key(model), extra[model._meta.app_label], learn)
            self.replaced[model] = rows
            self.maps[self._key(model)] = TableMap(rows=rows.begin)

    def _extra_types(self, model: type[Model], seen: set[Natural]) -> list[Row]:
        """Return the target's content types of models that this project has and the source knows nothing of."""
        known = {_label(one) for one in apps.get_models(include_auto_created=True)} - seen
        key = self._natural_key(model)
        return [row for row in self.rows[self._key(model)] if key.of(row) in known]

    def _extra_permissions(self, models: Sequence[type[Model]], seen: set[Natural]) -> list[Row]:
        """Return the target's permissions of the content types that are added again, under their new ids."""
        types, permissions = models
        ids, column = self.replaced[types].ids, self._natural_key(permissions).natural[0]
        rows = self.rows[self._key(permissions)]
        return [{**row, column: ids[row[column]]} for row in rows if row[column] in ids]

    def _match(self, model: type[Model]) -> None:
        learn = self.kinds.learn if model._meta.app_label == "contenttypes" else None
        key = self._key(model)
        rows = Matched(self._natural_key(model), self.rows[key], learn)
        self.matched[model] = rows
        self.maps[key] = TableMap(rows=rows.begin, keeps=True)
        known = ", ".join(rows.key.natural)
        self.notes.append(f"{key}: rows stay, the source's are matched with them by {known}; references follow")

    def _leave_out(self, model: type[Model]) -> None:
        """Permissions without content types say nothing; chosen ones are loaded as any other table."""
        key = self._key(model)
        if key in self.taken:
            self.maps[key] = TableMap(rows=lambda columns: LeftOut(), keeps=True)
            self.notes.append(f"{key}: the source has no content types to know its rows by; ids are taken as they are")

    def _learn_kinds(self) -> None:
        """Tell which content types' rows are matched; where the source has none, ids mean what they do here."""
        for label, to in kinds(self.models).items():
            if to in self.matched:
                self.kinds.add(_cells(label), self.matched[to])
        for model in self.models:
            key = self._key(model)
            if model._meta.app_label == "contenttypes" and key not in self.sources:
                natural = self._natural_key(model)
                for row in self.rows[key]:
                    self.kinds.learn(row[natural.id], natural.of(row))

    # --- the columns that refer -------------------------------------------------------------------

    def _plan_reference(self, one: Reference) -> None:
        columns = self._columns(one.model, one.column)
        if columns is None or one.to not in self.matched:
            return
        key, _, column = columns
        rows = self.matched[one.to]
        maker = reference(column.name, rows)
        if not one.constrained:
            maker = loose_reference(column.name, rows, _highest(column))
        self.converts.setdefault(key, {})[column.name] = maker
        self.needs.setdefault(key, set()).add(self._key(one.to))

    def _plan_generic(self, one: GenericReference) -> None:
        columns = self._columns(one.model, one.column)
        # What is known by a uuid is none of these rows, whose ids are numbers.
        if columns is None or columns[2].type.kind is Kind.UUID or not self.matched:
            return
        key, _, column = columns
        kind = None if one.kind is None else self._columns(one.model, one.kind)
        if kind is None:
            self.notes.append(f"{key}.{column.name}: ids stay, as what they refer to is said in another table")
            return
        generic = GenericColumn(column.name, kind[2].name, highest=_highest(column))
        self.converts.setdefault(key, {}).setdefault(column.name, generic_reference(generic, self.kinds))
        self.needs.setdefault(key, set()).update(self._key(model) for model in self.models)

    def _columns(self, model: type[Model], name: str) -> tuple[TableKey, Column, Column] | None:
        """Return the table, source column and target column of a reference, None where it is not moved."""
        key = self._key(model)
        if key not in self.sources:
            return None
        written = self._written(model, name)
        read = None if written is None else _column(self.sources[key], written.name)
        return None if read is None or written is None else (key, read, written)

    def _note_unknown(self) -> None:
        """Say which references are taken as they are because the source does not tell what they mean."""
        for model in self.models:
            if self._key(model) in self.sources:
                continue
            found = [self._columns(one.model, one.column) for one in references(self.models) if one.to is model]
            names = [f"{key}.{column.name}" for key, _, column in filter(None, found)]
            if names:
                named = ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
                self.notes.append(f"{self._key(model)} is not in the source: ids in {named} are taken as they are")

    def _refuse_early(self, at: Mapping[TableKey, int]) -> None:
        for key, needed in self.needs.items():
            for parent in needed & self.sources.keys() - {key}:
                child, first = self.sources[key].key, self.sources[parent].key
                if at[child] < at[first]:
                    raise MismatchError(
                        f"table {child} comes before {first} in this stream, whose rows it refers to by ids that differ"
                        " here; save the stream as a .tar file and load that, which is read in any order"
                    )

    # --- names ------------------------------------------------------------------------------------

    def _key(self, model: type[Model]) -> TableKey:
        return self.keys[model._meta.db_table]

    def _natural_key(self, model: type[Model]) -> Key:
        fields = [model._meta.pk, *(model._meta.get_field(name) for name in _NATURAL[model._meta.app_label])]
        own, *natural = [self._name(model, field.column) for field in fields]
        return Key(str(self._key(model)), own, tuple(natural))

    def _name(self, model: type[Model], name: str) -> str:
        column = self._written(model, name)
        if column is None:
            table = self._key(model)
            raise MismatchError(f"table {table} of the target has no column {shown(name)}; run migrate first")
        return column.name

    def _written(self, model: type[Model], name: str) -> Column | None:
        """Return the target's column of a field, which calls it `name`."""
        table = self.there[self._key(model)]
        fields = fields_by_column(model, table)
        return next((table.by_name[there] for there, field in fields.items() if field.column == name), None)


def _by_target(source: Schema, there: Mapping[TableKey, Table]) -> dict[TableKey, Table]:
    """Return the source's tables by the keys of those they fill: of that name, else the only one in another case."""
    return {theirs: source.by_key[ours] for ours, theirs in pair(source.by_key, there).there.items()}


def _column(table: Table, name: str) -> Column | None:
    found = Names(table.by_name).find(name, f"table {table.key}: column")
    return None if found is None else table.by_name[found]


def _highest(column: Column) -> int:
    return min(HIGHEST, column.type.integer_range()[1]) if column.type.kind is Kind.INTEGER else HIGHEST


def _cells(texts: Iterable[str]) -> Natural:
    return tuple(escape(text.encode("utf-8")) for text in texts)


def _label(model: type[Model]) -> Natural:
    """Return what a model's content type is known by."""
    return _cells((model._meta.app_label, model._meta.model_name))


def _read(target: Source, tables: Sequence[Table]) -> dict[TableKey, list[Row]]:
    """Return all rows of some small tables."""
    found: dict[TableKey, list[Row]] = {}
    with target.snapshot(tables):
        for table in tables:
            rows = found.setdefault(table.key, [])
            names = [column.name for column in table.columns]

            def emit(block: Block, rows: list[Row] = rows, names: list[str] = names) -> None:
                rows.extend(dict(zip(names, cells, strict=True)) for cells in split_rows(block))

            target.read(ReadTask(table, table.columns), emit)
    return found
