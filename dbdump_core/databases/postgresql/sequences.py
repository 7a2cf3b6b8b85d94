"""PostgreSQL's sequences: what numbers the rows of serial, identity and nextval columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ...errors import ValueRefusedError
from ...model.schema import Numbering, Table
from ..base import ROLLED_BACK

_SEQUENCES = """
WITH used AS (
  SELECT d.refobjid AS relid, d.refobjsubid AS attnum, d.objid AS sequence, d.deptype = 'i' AS feeds
  FROM pg_catalog.pg_depend d
  WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.classid = 'pg_catalog.pg_class'::regclass
    AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
  UNION ALL
  SELECT x.adrelid, x.adnum, d.refobjid, true
  FROM pg_catalog.pg_attrdef x JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass
    AND d.objid = x.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
)
SELECT u.relid, a.attname::text, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname),
       s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, pg_catalog.format_type(s.seqtypid, NULL),
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_sequence_privilege(c.oid, 'SELECT'),
       pg_catalog.bool_or(u.feeds)
FROM used u
JOIN pg_catalog.pg_attribute a ON a.attrelid = u.relid AND a.attnum = u.attnum AND NOT a.attisdropped
JOIN pg_catalog.pg_class c ON c.relkind = 'S' AND c.oid = u.sequence
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
{where}
GROUP BY u.relid, a.attname, n.oid, n.nspname, c.oid, c.relname, s.seqrelid, s.seqstart, s.seqincrement, s.seqmin,
         s.seqmax, s.seqcycle, s.seqtypid
ORDER BY u.relid, a.attname, bool_or(u.feeds), c.oid
"""
"""Each column with a sequence that it owns or takes numbers from (`feeds`)."""
_AT_ONCE = 100
"""Sequences read by one statement; a longer one takes more time each."""
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}


@dataclass(frozen=True, slots=True)
class _Found:
    """A sequence and the column that it belongs to. `name` is quoted, with its schema."""

    relation: int
    column: str
    name: str
    start: int
    step: int
    lowest: int
    highest: int
    cycle: bool
    type: str
    readable: bool
    feeds: bool

    def numbering(self, next_: int | None) -> Numbering:
        """Return the sequence in neutral words: limits that PostgreSQL takes by itself are left out."""
        least, most = -(1 << _BITS[self.type]), (1 << _BITS[self.type]) - 1
        usual = (1, most) if self.step > 0 else (least, -1)
        return Numbering(
            next=next_,
            start=self.start,
            step=self.step,
            lowest=None if self.lowest == usual[0] else self.lowest,
            highest=None if self.highest == usual[1] else self.highest,
            cycle=self.cycle,
        )


def numberings(connection: sa.Connection) -> Mapping[tuple[int, str], tuple[str, Numbering]]:
    """Return the sequence, and what it does, of all columns that one feeds, by table's oid and column."""
    found = [one for one in map(_found, _rows(connection, _SEQUENCES.format(where=""))) if one.feeds]
    following = dict(_following(connection, [one for one in found if one.readable]))
    return {(one.relation, one.column): (one.name, one.numbering(following.get(one.name))) for one in found}


def _found(row: Sequence[Any]) -> _Found:
    return _Found(*row)


def _rows(connection: sa.Connection, statement: str) -> Sequence[Sequence[Any]]:
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True}).all()


def _following(connection: sa.Connection, found: Sequence[_Found]) -> Iterator[tuple[str, int]]:
    """Yield each sequence with the next number it gives."""
    steps = {one.name: one.step for one in found}
    names = list(steps)
    for start in range(0, len(names), _AT_ONCE):
        chunk = names[start : start + _AT_ONCE]
        parts = (f"SELECT {at}, last_value, is_called FROM {name}" for at, name in enumerate(chunk))
        for at, last, called in _rows(connection, " UNION ALL ".join(parts)):
            yield chunk[at], last + steps[chunk[at]] if called else last


def move(connection: sa.Connection, table: Table, *, place: str, rows: str, wanted: Mapping[str, Numbering]) -> None:
    """Move the sequences of the table's columns, owned or not, so that no key is given twice; forward only.

    `place`: the quoted table, `rows`: the same for FROM; `wanted`: columns whose next key has to be as
    far as that of their source. Raises ValueRefusedError for a key that its sequence can never reach.
    """
    statement = sa.text(_SEQUENCES.format(where="WHERE u.relid = CAST(:table AS regclass)"))
    for one in map(_found, connection.execute(statement, {"table": place}).all()):
        following = dict(_following(connection, [one]))[one.name]
        asked = wanted.get(one.column, Numbering())
        if asked.next is not None and (asked.next - following) * one.step > 0:
            following = _set(connection, one, asked.next, following)
        if asked.cycle and one.cycle:
            continue  # it has been round: lower keys come again
        high = _farthest_key(connection, one, rows)
        if high is not None and (high + one.step - following) * one.step > 0:
            if not one.lowest <= high <= one.highest:
                raise ValueRefusedError(
                    f"table {table.key}, column {one.column}: {high} is beyond its sequence {one.name}"
                    f" ({one.lowest} to {one.highest}); widen the sequence; {ROLLED_BACK}"
                )
            _set(connection, one, high + one.step, following)


def _farthest_key(connection: sa.Connection, one: _Found, rows: str) -> int | None:
    way = "max" if one.step > 0 else "min"
    column = connection.dialect.identifier_preparer.quote_identifier(one.column).replace("%%", "%")
    (high,) = _rows(connection, f"SELECT {way}({column})::numeric FROM {rows}")[0]
    return None if high is None else int(high)


def _set(connection: sa.Connection, one: _Found, goal: int, following: int) -> int:
    """Let the sequence give `goal` next and return it; return `following` where it has no way to get there."""
    called = not one.lowest <= goal <= one.highest
    last = goal - one.step if called else goal
    if not one.lowest <= last <= one.highest:
        return following
    statement = sa.text("SELECT setval(CAST(:name AS regclass), :last, :called)")
    connection.execute(statement, {"name": one.name, "last": last, "called": called})
    return goal
