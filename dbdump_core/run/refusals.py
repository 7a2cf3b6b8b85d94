"""The refused rows of a run: one line for all that were refused alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from threading import Lock

from ..errors import DatabaseError, ManyErrorsError, Refusal, ValueRefusedError, row_text

MOST_ERRORS = 10_000
"""Refused rows after which a run ends: something else than single rows is wrong then."""
EXAMPLES = 3
"""Rows named of those that were refused alike."""
MOST_REASONS = 100
"""Lines told of one run; what is refused for further reasons is only counted."""

class Alike:
    """Rows that were refused alike; `error`: that of the first, whose text is all that is known of some."""

    def __init__(self, error: ValueRefusedError) -> None:
        self.error = error
        self._count = 0
        self._examples: list[Refusal] = []
        self._extremes: dict[str, Refusal] = {}

    @classmethod
    def of(cls, error: ValueRefusedError) -> Alike:
        """Return the sole row of an error."""
        alike = cls(error)
        alike.add(error.refusal)
        return alike

    def add(self, refusal: Refusal | None) -> None:
        """Count one more row."""
        self._count += 1
        if refusal is None:
            return
        if len(self._examples) < EXAMPLES:
            self._examples.append(refusal)
        for name, (measured, way) in _EXTREMES.items():
            self._keep(name, refusal, way * measured(refusal))

    def _keep(self, name: str, refusal: Refusal, rank: Decimal) -> None:
        measured, way = _EXTREMES[name]
        kept = self._extremes.get(name)
        if not rank.is_nan() and (kept is None or rank > way * measured(kept)):
            self._extremes[name] = refusal

    def line(self) -> str:
        """Return what is told of them: of a sole row its own text."""
        first = self.error.refusal
        if self._count == 1:
            return str(self.error)
        if first is None:
            return f"{self.error} ({self._count:,} times)"
        columns = f", column {', '.join(first.columns)}" if first.columns else ""
        named = ", ".join(one.example() for one in self._examples)
        more = f" and {self._count - len(self._examples):,} more" if self._count > len(self._examples) else ""
        parts = [f"the {name} {one.measured()} in row {row_text(one.row)}" for name, one in self._extremes.items()]
        extremes = f"; {', '.join(parts)}" if parts else ""
        return f"table {first.table}{columns}: {self._count:,} {first.problem}: {named}{more}{extremes}; {first.advice}"

    def fields(self) -> dict[str, object]:
        """Return the same as plain data."""
        first = self.error.refusal
        if first is None:
            return {"rows": self._count, "problem": str(self.error)}
        return {
            "table": first.table,
            "columns": list(first.columns),
            "rows": self._count,
            "problem": first.problem,
            "examples": [one.fields() for one in self._examples],
            **{name: one.fields() for name, one in self._extremes.items()},
            "advice": first.advice,
        }


def _length(refusal: Refusal) -> Decimal:
    return Decimal("NaN") if refusal.length is None else Decimal(refusal.length)


def _number(refusal: Refusal) -> Decimal:
    return Decimal("NaN") if refusal.number is None else refusal.number


_EXTREMES: Mapping[str, tuple[Callable[[Refusal], Decimal], int]] = {
    "longest": (_length, 1),
    "lowest": (_number, -1),
    "highest": (_number, 1),
}
"""What is kept of rows that were refused alike: how it is measured, and which way it is the first."""


class Refusals:
    """The refused rows of a run that goes on; written to by all of its threads."""

    def __init__(self) -> None:
        self.count = 0
        self._alike: dict[object, Alike] = {}
        self._lock = Lock()

    def add(self, error: ValueRefusedError) -> None:
        """Keep an error. Raises ManyErrorsError when there are too many to go on."""
        with self._lock:
            self.count += 1
            kind: object = str(error) if error.refusal is None else error.refusal.kind
            if kind in self._alike or len(self._alike) < MOST_REASONS:
                self._alike.setdefault(kind, Alike(error)).add(error.refusal)
        if self.count >= MOST_ERRORS:
            raise self._all()

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Raise on the way out what was found: a sole error itself, several as a ManyErrorsError.

        What ended the run itself (a server that is gone, a full disk) comes before the rows.
        """
        try:
            yield
        except ValueRefusedError as error:
            if not self.count:
                raise
            self.add(error)
            raise self._all() from error
        except DatabaseError as error:
            if not self.count:
                raise
            raise self._all(ended=error) from error
        if self.count == 1:
            (sole,) = self._alike.values()
            raise sole.error
        if self.count:
            raise self._all()

    def _all(self, ended: DatabaseError | None = None) -> ManyErrorsError:
        found = list(self._alike.values())
        lines = [alike.line() for alike in found]
        fields = [alike.fields() for alike in found]
        if ended is not None:
            lines.insert(0, str(ended))
            fields.insert(0, {"problem": str(ended)})
        limit = ", the limit at which a run stops looking for more" if self.count >= MOST_ERRORS else ""
        count = self.count + (ended is not None)
        return ManyErrorsError.of(lines, count, refusals=fields, limit=limit)
