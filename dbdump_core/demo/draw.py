"""Random values of the kinds a shop holds."""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence
from typing import TypeVar

from . import texts

T = TypeVar("T")

_LAST_DAY = datetime.date(2029, 12, 31).toordinal()


class Draw(random.Random):
    """A random number generator that also spells dates, prices, uuids, names and texts."""

    def one(self, values: Sequence[T]) -> T:
        """Return one of `values`; quicker than `choice`."""
        return values[int(self.random() * len(values))]

    def sometimes(self, share: float, value: T) -> T | None:
        """Return `value` in `share` of the calls, else None."""
        return value if self.random() < share else None

    def below(self, limit: int) -> int:
        """Return an integer from 0 to `limit` - 1."""
        return int(self.random() * limit)

    def date(self, first_year: int = 1930) -> str:
        """Return a date from `first_year` to 2029."""
        first = datetime.date(first_year, 1, 1).toordinal()
        return datetime.date.fromordinal(first + self.below(_LAST_DAY - first)).isoformat()

    def time(self) -> str:
        """Return a time of day, with six digits of a second's fraction in two cases of three."""
        second, microsecond = self.below(86_400), self.below(1_000_000) if self.below(3) else 0
        clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        return f"{clock}.{microsecond:06}" if microsecond else clock

    def moment(self) -> str:
        """Return a date and time of this century."""
        return f"{self.date(2005)} {self.time()}"

    def uuid(self) -> str:
        """Return 128 random bits spelled as a uuid."""
        digits = f"{self.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def price(self, limit: int) -> str:
        """Return a decimal of two places from 0.00 up to, not including, `limit`."""
        cents = self.below(100 * limit)
        return f"{cents // 100}.{cents % 100:02}"

    def double(self) -> float:
        """Return a double; most need 17 digits."""
        return self.uniform(-1000, 1000)

    def text(self) -> str | None:
        """Return a text of any script, a troublesome one, or None."""
        dice = self.below(10)
        if dice < 3:
            return None
        return self.one(texts.TROUBLE) if dice < 5 else self.one(texts.SENTENCES)

    def name(self) -> str:
        """Return a person's name."""
        return f"{self.one(texts.GIVEN_NAMES)} {self.one(texts.FAMILY_NAMES)}"
