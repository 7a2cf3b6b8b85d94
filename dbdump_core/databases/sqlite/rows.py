"""The SQL of a row: the line that it makes, and the proof that its values are what their columns say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...model.abc import ReadTask
from ...model.schema import Column, Table
from ...model.types import Fit, Kind, Type, fit
from .. import wire
from .mending import MARK, Mend, mend_decimals

CHAIN = 100
"""Operands in a row: an expression may be 1,000 deep in SQLite, and each of them is one deeper."""
PRINTF_COLUMNS = 90
"""Columns of one printf: a function of SQLite takes 100 arguments where nobody raised that."""

FLOAT_SPEC = "%!.26g"
FLOAT_TEXT = f"printf('{FLOAT_SPEC}', {{}})"
"""The SQL text of a double: 26 digits; fewer lose the last bits of some (facts.md F1)."""

_NULL = "CAST(x'fd' AS TEXT)"

_CLOCK = "[0-9][0-9]:[0-5][0-9]:[0-5][0-9]"
_HEX = "[0-9a-f]"
_UUID = "-".join(_HEX * count for count in (8, 4, 4, 4, 12))


@dataclass(frozen=True, slots=True)
class Reading:
    """How SQL spells one column: `text` of a value, and the condition that it `holds` what its type says.

    The condition is asked only where the value is not NULL. It leans on affinity, which has already
    turned what it could on the way in: comparing is cheaper than `typeof()`.
    `spec`: the printf conversion that makes the text of a value that is not NULL.
    `mend`: what makes the cells of such texts into cells of the type, where SQL cannot.
    """

    text: str
    holds: str
    spec: str | None = None
    mend: Mend | None = None


def _of_class(name: str, *classes: str) -> str:
    listed = ", ".join(f"'{one}'" for one in classes)
    return f"typeof({name}) IN ({listed})"


def _boolean(name: str, type_: Type, stored: str) -> Reading:
    if stored in ("INTEGER", "NUMERIC"):
        return Reading(name, f"{name} IN (0, 1)", "%d")
    return Reading(name, f"({_of_class(name, 'integer')} AND {name} IN (0, 1))")


def _integer(name: str, type_: Type, stored: str) -> Reading:
    """Beyond 63 bits SQLite has no integers: such columns are declared as text."""
    if stored in ("INTEGER", "NUMERIC"):
        # The lowest integer is the one whose real stays real: all others became integers by affinity.
        lowest = f"({name} > -9223372036854775807 OR typeof({name}) = 'integer')"
        return Reading(name, f"{name} = CAST({name} AS INTEGER) AND {lowest}", "%d")
    holds = _of_class(name, "integer")
    if type_.unsigned and type_.bits == 64:
        digits = f"length(CAST({name} AS BLOB)) = length({name}) AND length({name}) BETWEEN 1 AND 20"
        digits += f" AND {name} NOT GLOB '*[^0-9]*' AND ({name} = '0' OR {name} NOT GLOB '0*')"
        holds = f"({holds} OR (typeof({name}) = 'text' AND {digits}))"
    return Reading(name, holds)


def _decimal(name: str, type_: Type, stored: str) -> Reading:
    """Numbers at the column's scale where 15 digits tell the double; texts that are spelled so already."""
    scale = type_.scale or 0
    if type_.precision is None or scale > 14:
        return _number(name, type_)
    if stored == "TEXT":
        bare = f"substr({name}, 1 + (substr({name}, 1, 1) = '-'))"
        plain = f"trim({bare}, '0123456789') = '{'.' if scale else ''}' AND {bare} GLOB '*[0-9]"
        plain += f".{'[0-9]' * scale}'" if scale else "'"
        plain += f" AND ({bare} GLOB '[1-9]*' OR {bare} GLOB '0.*' OR {bare} = '0') AND trim({name}, '-0.') <> ''"
        return Reading(name, f"({_text(name, type_, stored).holds} AND {plain})")
    # Division rounds correctly: a double that is not the nearest to k / 10^scale is not such a decimal.
    exact = f"round({name} * 1e{scale}) / 1e{scale} = {name}"
    bound = f"{name} BETWEEN -1e{15 - scale} AND 1e{15 - scale}"
    return Reading(f"printf('%.{scale}f', {name})", f"({bound} AND {exact})", f"%.{scale}f")


def _number(name: str, type_: Type) -> Reading:
    """Any number, a double by its shortest digits, which only Python knows: SQL marks it by its point."""
    if type_.precision is not None:
        return Reading(name, _of_class(name, "integer"))
    text = f"CASE typeof({name}) WHEN 'real' THEN {FLOAT_TEXT.format(name)} ELSE {name} END"
    finite = f"{name} BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308"
    return Reading(text, f"({_of_class(name, 'integer', 'real')} AND {finite})", mend=mend_decimals)


def _float(name: str, type_: Type, stored: str) -> Reading:
    finite = f"{name} BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308"
    if stored != "REAL":
        finite = f"({_of_class(name, 'real')} AND {finite})"
    return Reading(FLOAT_TEXT.format(name), finite, FLOAT_SPEC)


def _text(name: str, type_: Type, stored: str) -> Reading:
    """Texts sort between numbers and blobs; one that holds a NUL would be cut by printf (facts.md S1)."""
    is_text = f"{name} < x''" if stored == "TEXT" else _of_class(name, "text")
    return Reading(name, f"({is_text} AND instr(CAST({name} AS BLOB), x'00') = 0)")


def _bytes(name: str, type_: Type, stored: str) -> Reading:
    return Reading(f"'\\x' || lower(hex({name}))", _of_class(name, "blob"))


def _in_month(name: str) -> str:
    """The condition that the month has the day: before 3.42 `date` gives February 31 back as it was."""
    return f"(substr({name}, 9, 2) < '29' OR date(julianday(substr({name}, 1, 10))) = substr({name}, 1, 10))"


def _date(name: str, type_: Type, stored: str) -> Reading:
    # SQLite has years before 0, with a sign.
    return Reading(name, f"(date({name}) = {name} AND length({name}) = 10 AND {_in_month(name)})")


def _clock(name: str, function: str, whole: int) -> Reading:
    """A moment that SQLite's own function gives back unchanged, with at most six digits after the point.

    Only the whole seconds are asked for: newer releases round the fraction, into the next second too.
    Six digits, as Django and Python write them, are looked for first: this is the dearest condition.
    """
    moment = f"{function}(substr({name}, 1, {whole})) = substr({name}, 1, {whole})"
    micros = f"substr({name}, {whole + 1}) GLOB '.{'[0-9]' * 6}'"
    digits = f"substr({name}, {whole + 1}, 1) = '.' AND length({name}) BETWEEN {whole + 2} AND {whole + 7}"
    digits += f" AND substr({name}, {whole + 2}) NOT GLOB '*[^0-9]*'"
    # What has no zero to cut after a point stays as it is, without a function call more.
    trimmed = f"CASE WHEN {name} LIKE '%.%0' THEN rtrim(rtrim({name}, '0'), '.') ELSE {name} END"
    form = f"length(CAST({name} AS BLOB)) = length({name}) AND ({micros} OR length({name}) = {whole} OR ({digits}))"
    return Reading(trimmed, f"({moment} AND {form})")


def _time(name: str, type_: Type, stored: str) -> Reading:
    return _clock(name, "time", 8)


def _timestamp(name: str, type_: Type, stored: str) -> Reading:
    """SQLite gives hour 24 back as it was; servers make it the next day."""
    clock = _clock(name, "datetime", 19)
    return Reading(clock.text, f"({clock.holds} AND substr({name}, 12, 2) < '24' AND {_in_month(name)})")


def _uuid(name: str, type_: Type, stored: str) -> Reading:
    return Reading(name, f"(length(CAST({name} AS BLOB)) = 36 AND {name} < x'' AND {name} GLOB '{_UUID}')")


_READINGS: dict[Kind, Callable[[str, Type, str], Reading]] = {
    Kind.BOOLEAN: _boolean, Kind.INTEGER: _integer, Kind.YEAR: _integer, Kind.DECIMAL: _decimal,
    Kind.FLOAT: _float, Kind.BYTES: _bytes, Kind.DATE: _date, Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp, Kind.UUID: _uuid,
}  # fmt: skip


_SHAPES = {Kind.DATE: (10, "????-??-??"), Kind.TIMESTAMP: (26, "????-??-?? ??:??:??.?????[0-9]")}
"""Bytes and pattern of the spelling that is looked for first: six digits, as Django and Python write them."""


def _shape(name: str, source: Type, target: Type | None, holds: str) -> str:
    """Ask for the usual form of a date or timestamp before its full condition.

    `julianday` reads the digits without writing anything, at a third of the cost of a pattern of
    digits; what it takes beyond them (zones, a T, hour 24) the pattern and the rest rule out. The
    31st of any month passes it too; a typed target refuses that itself.
    """
    size, pattern = _SHAPES[source.kind]
    form = f"length(CAST({name} AS BLOB)) = {size} AND {name} GLOB '{pattern}' AND julianday({name}) IS NOT NULL"
    form += f" AND {name} < x''" + (f" AND substr({name}, 12, 2) < '24'" if source.kind is Kind.TIMESTAMP else "")
    if target is None or target.kind is not source.kind:
        form += f" AND {_in_month(name)}"
    return f"(CASE WHEN {form} THEN 1 ELSE {holds} END)"


def _in_one_spelling(name: str, kind: Kind, stored: str, holds: str) -> str:
    """Ask also for the one spelling in which a load writes a value, so that it comes back letter by letter."""
    if kind in (Kind.TIME, Kind.TIMESTAMP):
        whole = 8 if kind is Kind.TIME else 19
        micros = f"length({name}) = {whole + 7} AND substr({name}, {whole + 1}) <> '.000000'"
        return f"{holds} AND (length({name}) = {whole} OR ({micros}))"
    # Only of a column of numbers is it known whether a decimal without digits after its point is an integer.
    return "0" if kind is Kind.DECIMAL and stored == "BLOB" else holds


_MARKED_IN_SQL = (Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.UUID)
"""Kinds that are texts in SQLite, often in spellings of their own: such tables are not read value by value."""


def _marking(name: str, reading: Reading, holds: str) -> tuple[Reading, str]:
    """Return a reading that marks each text that does not hold, and when that may be done."""
    text = f"CASE WHEN {holds} THEN {reading.text} ELSE '{MARK}' || {name} END"
    whole = f"({_of_class(name, 'text')} AND instr(CAST({name} AS BLOB), x'00') = 0)"
    return Reading(text, whole), whole


def _is_unlimited(type_: Type) -> bool:
    if type_.kind in (Kind.TIME, Kind.TIMESTAMP):
        return type_.precision in (None, 6)
    return type_.length is None and type_.precision is None and not type_.values and type_.bits != 32


def _check(name: str, source: Type, target: Type) -> str | None:
    """Return the SQL condition under which `target` takes a value of `source`; None: Python must look."""
    if fit(source, target) is Fit.ALWAYS:
        return "1"
    if target.kind is not source.kind:
        return None
    if target.kind is Kind.INTEGER:
        low, high = target.integer_range()
        if low <= -(2**63) and high >= 2**63 - 1:
            return "1"
        return f"{name} BETWEEN {max(low, -(2**63))} AND {min(high, 2**63 - 1)}"
    if target.kind is Kind.TEXT and target.length is not None:
        padded = f" AND substr({name}, -1) <> ' '" if target.fixed and not source.fixed else ""
        return f"(length({name}) <= {target.length}{padded})"
    if target.kind is Kind.DECIMAL and source.precision and target.precision:
        whole = target.precision - (target.scale or 0)
        if (source.scale or 0) <= (target.scale or 0) and source.precision < 16 and whole < 16:
            return f"({name} > -1e{whole} AND {name} < 1e{whole})"
    return "1" if _is_unlimited(target) else None


@dataclass(frozen=True)
class Statement:
    """The SQL of one task: `line` builds a row, `bad` is 1 where it is not what its columns say.

    `mends`: position of a column -> what makes its cells of what SQL said of them. `unchecked`: names of
    columns whose checks SQL cannot express. `affinities`: column name -> how the table stores it. `marked`: positions
    of columns in which SQL marks texts itself (`mending.MARK`).
    """

    task: ReadTask
    table: str
    names: tuple[str, ...]
    line: str
    bad: str
    nulls: str
    mends: Mapping[int, Mend]
    unchecked: frozenset[str]
    affinities: Mapping[str, str]
    marked: Sequence[int] = ()

    @property
    def where(self) -> str:
        return f"({self.task.where})" if self.task.where else "1"


def statement(
    task: ReadTask, table: str, quote: Callable[[str], str], affinities: Mapping[str, str]
) -> Statement:
    """Return the SQL of a task."""
    # "t"."c", always with the table: SQLite takes a bare unknown "c" for a string (facts.md K25).
    names = tuple(f"t.{quote(column.name)}" for column in task.columns)
    columns = [_may_be_null(task.table, column) for column in task.columns]
    cells: list[tuple[str, str]] = []
    holds: list[str] = []
    mends: dict[int, Mend] = {}
    unchecked: set[str] = set()
    marked: list[int] = []
    for at, (name, column) in enumerate(zip(names, columns, strict=True)):
        reading = _READINGS.get(column.type.kind, _text)(name, column.type, affinities[column.name])
        target = task.checks.get(column.name)
        check = _check(name, column.type, target) if target else "1"
        if check is None or column.name in task.limits:
            unchecked.add(column.name)
        if reading.mend is not None:
            mends[at] = reading.mend
        held = reading.holds
        if column.type.kind in _SHAPES:
            held = _shape(name, column.type, target, held)
        held = held if check in (None, "1") else f"{held} AND {check}"
        if column.name in task.marks:
            held = _in_one_spelling(name, column.type.kind, affinities[column.name], held)
            if column.type.kind in _MARKED_IN_SQL:
                reading, held = _marking(name, reading, held)
                marked.append(at)
        may_be_null = column.nullable and column.name not in task.required
        holds.append(f"({name} IS NULL OR ({held}))" if may_be_null else held)
        cells.append(_cell(name, column, reading))
    return Statement(
        task,
        table,
        names,
        _line(cells),
        # In a CASE these are jumps, which costs a third less than working out one truth after the other.
        f"CASE WHEN {_joined(' AND ', holds)} THEN 0 ELSE 1 END" if holds else "0",
        _joined(" + ", [f"({name} IS NULL)" for name, column in zip(names, columns, strict=True) if column.nullable])
        or "0",
        mends,
        frozenset(unchecked),
        affinities,
        tuple(marked),
    )


def _may_be_null(table: Table, column: Column) -> Column:
    """Return the column as SQLite enforces it: a primary key may hold NULL unless it is the rowid (facts.md K1)."""
    loose = column.name in table.primary_key and column.identity is None
    return replace(column, nullable=True) if loose else column


def _cell(name: str, column: Column, reading: Reading) -> tuple[str, str]:
    """Return the printf conversion of a column and its argument."""
    if not column.nullable:
        return (reading.spec, name) if reading.spec else ("%s", reading.text)
    if reading.text == name:
        return "%s", f"ifnull({name}, {_NULL})"
    return "%s", f"CASE WHEN {name} IS NULL THEN {_NULL} ELSE {reading.text} END"


def _joined(word: str, parts: Sequence[str]) -> str:
    """Return the parts joined, in brackets by the hundred: SQLite takes no chain of a thousand."""
    if len(parts) <= CHAIN:
        return word.join(parts)
    return word.join(f"({word.join(parts[at : at + CHAIN])})" for at in range(0, len(parts), CHAIN))


def _line(cells: Sequence[tuple[str, str]]) -> str:
    """Return the SQL of a row: one printf is cheaper than twice as many `||` (a third less for 12 columns)."""
    parts = []
    for start in range(0, len(cells), PRINTF_COLUMNS):
        some = cells[start : start + PRINTF_COLUMNS]
        form = wire.CELL.join(spec.encode() for spec, _ in some) + (wire.CELL if cells[start + len(some) :] else b"")
        parts.append(f"printf(CAST(x'{form.hex()}' AS TEXT), {', '.join(argument for _, argument in some)})")
    return " || ".join(parts) or "''"
