"""Values that engines have been seen to print wrongly: asked for on each connection, not looked up by version."""

from __future__ import annotations

import struct
from collections.abc import Iterable


def _doubles() -> tuple[float, ...]:
    """Edges of the format, decimals without an exact double, and bit patterns spread over all exponents."""
    edges = [
        0.1, 0.2, 0.3, 0.1 + 0.2, 1 / 3, 2 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e15, 1e16,
        1e17, 1e22, 1e23, 123456789012345678.0, 9007199254740993.0, 0.1234567890123456, 3.141592653589793,
        2.718281828459045e-200, 1.2345678901234567e-7, 4.35, 0.615, 1.005, 8.41e21, 5.0e-9,
    ]  # fmt: skip
    # A fixed multiplier walks over the bit patterns; infinities and NaN have all exponent bits set.
    patterns = [(number * 0x9E3779B97F4A7C15) % 2**64 for number in range(1, 31)]
    walked = [struct.unpack(">d", struct.pack(">Q", bits))[0] for bits in patterns]
    return tuple(edges + [value for value in walked if abs(value) < 1.7e308])


HARD_DOUBLES = _doubles()
"""About fifty doubles; each must read back from its text to the same 64 bits."""


def all_come_back(texts: Iterable[object]) -> bool:
    """Tell whether these texts, one for each of HARD_DOUBLES, spell exactly those doubles."""
    spelled = [text.decode() if isinstance(text, bytes) else str(text) for text in texts]
    if len(spelled) != len(HARD_DOUBLES):
        return False
    try:
        return [struct.pack(">d", float(text)) for text in spelled] == [struct.pack(">d", one) for one in HARD_DOUBLES]
    except ValueError:
        return False
