"""What SQL cannot spell: cells of a column made into those of its type, a whole column at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from ...model.abc import Block

Mend = Callable[[list[bytes]], list[bytes]]
"""Takes the cells of a column as SQL said them and returns them in the spelling of its type; NULL stays NULL."""


def mended(block: Block, width: int, mends: Mapping[int, Mend]) -> Block:
    """Return the block of `width` columns with those at the positions of `mends` made anew, when it is looked at."""

    def make() -> bytes:
        fields = block.data.replace(b"\n", b"\t").split(b"\t")
        fields.pop()
        for at, mend in mends.items():
            fields[at::width] = mend(fields[at::width])
        columns = [fields[at::width] for at in range(width)]
        return b"\n".join([*map(b"\t".join, zip(*columns, strict=True)), b""])

    return Block(make, block.rows)


def mend_decimals(cells: list[bytes]) -> list[bytes]:
    """Doubles, which are told by their point, in their shortest digits and without an exponent."""
    return [_decimal(cell) if b"." in cell else cell for cell in cells]


def _decimal(cell: bytes) -> bytes:
    shortest = repr(float(cell))
    return (format(Decimal(shortest), "f") if "e" in shortest else shortest).encode("ascii")
