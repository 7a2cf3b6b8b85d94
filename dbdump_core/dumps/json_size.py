"""What JSON will take in memory, told from its text: `{},` is three bytes there and a hundred as a value."""

from __future__ import annotations

_STEP = 256 * 1024
"""Bytes looked at in one go. A text that fills a step from end to end is too long."""
_COSTS = {b"{": 140, b"[": 80, b",": 60, b":": 100}
"""About how many bytes each of these stands for: a dict, a list, an item, an entry."""


def check_json(data: bytes, limit: int) -> None:
    """Raise ValueError for JSON whose values, texts apart, take more than about `limit` bytes, or with an endless text.

    It is a count of signs outside of texts, at the speed of bytes, and says nothing of what is well formed.
    """
    cost, inside, rest = 0, False, b""
    for at in range(0, len(data), _STEP):
        step, rest = _cut(rest + data[at : at + _STEP])
        parts = step.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        if inside and len(parts) == 1 and len(step) >= _STEP // 2:
            raise ValueError(f"a text of more than {_STEP // 2} bytes")
        signs = b"".join(parts[inside::2])
        cost += sum(signs.count(sign) * bytes_ for sign, bytes_ in _COSTS.items())
        if cost > limit:
            raise ValueError("more values than any dump has")
        inside ^= len(parts) % 2 == 0


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """Cut off a backslash at the end, whose other half is yet to come."""
    slashes = len(data) - len(data.rstrip(b"\\"))
    return (data[:-1], data[-1:]) if slashes % 2 else (data, b"")
