"""What SQL cannot spell: cells of a column made into those of its type, a whole column at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from ...model.abc import Block

Mend = Callable[[list[bytes]], list[bytes]]
"""Takes the cells of a column as SQL said them and returns them in the spelling of its type; NULL stays NULL."""


MARK = r"\T"
"""How SQL begins a text that is to be marked, in columns where none that holds begins so. It comes escaped."""
_ESCAPED = MARK.replace("\\", r"\\").encode("ascii")


def with_marks(block: Block, width: int, positions: Sequence[int]) -> Block:
    """Return the block with the marks that SQL made, in the columns at `positions`, as marks."""

    def make() -> bytes:
        data = block.data
        if _ESCAPED not in data:
            return data
        fields = data.replace(b"\n", b"\t").split(b"\t")
        fields.pop()
        for at in positions:
            fields[at::width] = [cell[1:] if cell.startswith(_ESCAPED) else cell for cell in fields[at::width]]
        columns = [fields[at::width] for at in range(width)]
        return b"\n".join([*map(b"\t".join, zip(*columns, strict=True)), b""])

    return Block(make, block.rows)


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
