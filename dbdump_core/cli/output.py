"""Where text leaves the program: standard output for data, standard error for people.

What is shown has its control characters escaped and its passwords masked.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable
from errno import EAGAIN
from os import strerror
from typing import BinaryIO, TextIO
from urllib.parse import unquote

from ..errors import QUERY_PASSWORD, URL_PASSWORD, StorageError, mask_urls

READER_GONE = 128 + 13
"""What a shell reports for a program that SIGPIPE ended."""

SHORT_SECRET = 8
"""Characters below which a password may well be part of an innocent word."""

_BROKEN_PASSWORD = re.compile(r"^(?:\w[\w+]*:/?)?([^\s/:@=]*):(?!//)(\S+)@")
"""In an argument that was meant for a URL, its slashes forgotten."""


def write_output(text: str, stream: TextIO | None = None) -> None:
    """Write data to standard output as UTF-8 with LF, whatever the locale or platform says.

    `stream`: something else that stands for it (Django's). Leaves quietly (SystemExit 141) when the
    reader has gone, as in `dbdump schema x | head -1`.
    Raises StorageError when standard output is closed or full.
    """
    output: TextIO | None = stream or sys.stdout
    if output is None:
        raise StorageError("standard output is closed; open it or name a file with -o")
    binary = getattr(output, "buffer", None)
    try:
        if binary is None:
            output.write(text)
        else:
            _write_whole(binary, text.encode("utf-8", "backslashreplace"))
        output.flush()
    except BrokenPipeError:
        discard_output()
        raise SystemExit(READER_GONE) from None
    except OSError as error:
        discard_output()
        reason = error.strerror or error
        raise StorageError(
            f"standard output cannot be written: {reason}; free space or name a file"
        ) from error


def _write_whole(stream: BinaryIO, data: bytes) -> None:
    """Write all of `data`: unbuffered (`python -u`), a stream may take less at a time, or nothing now."""
    rest = memoryview(data)
    while rest:
        written = stream.write(rest)
        if written is None:
            raise BlockingIOError(EAGAIN, strerror(EAGAIN))
        rest = rest[written:]


def discard_output() -> None:
    """Send what is still buffered for standard output nowhere, or Python's exit would fail on it again."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def say(*lines: str, stream: TextIO | None = None) -> None:
    """Write lines for people to standard error, or to `stream`.

    Never raises: a closed screen must not undo a load.
    """
    screen: TextIO | None = stream or sys.stderr
    if screen is None or not lines:
        return
    with contextlib.suppress(OSError, ValueError):
        screen.write("".join(line + "\n" for line in lines))
        screen.flush()


def make_encodable(stream: TextIO | None) -> None:
    """Let `stream` write characters that its encoding lacks as escapes, instead of raising."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def takes_unicode(stream: TextIO | None) -> bool:
    """Tell whether `stream` can show more than ASCII."""
    return (getattr(stream, "encoding", None) or "").lower().startswith("utf")


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person is at the other end of `stream`."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def escaped(value: object) -> str:
    """Return `value` as one line of printable text: names and messages must not drive a terminal."""
    return "".join(c if c.isprintable() else _escape(c) for c in str(value))


def escaped_lines(text: str) -> str:
    """Return `text` with its line ends kept and everything else escaped as `escaped` does."""
    return "\n".join(map(escaped, text.splitlines()))


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def resolved(argument: str) -> str:
    """Return what `env:NAME` stands for, or the argument itself."""
    if argument.startswith("env:"):
        return os.environ.get(argument.removeprefix("env:"), argument)
    return argument


class Mask:
    """Replaces the passwords of a command line wherever a message repeats them, as drivers do."""

    def __init__(self, arguments: Iterable[str]) -> None:
        texts = [resolved(argument) for argument in arguments]
        found = {secret for text in texts for secret in _secrets(text)}
        found.update(filter(None, (os.environ.get(name) for name in ("PGPASSWORD", "MYSQL_PWD"))))
        spellings = {spelling for secret in found for spelling in _spellings(secret)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_secret_pattern, longest_first))) if spellings else None

    def __call__(self, text: str) -> str:
        masked = mask_urls(text)
        return self._pattern.sub("***", masked) if self._pattern else masked


def _secrets(text: str) -> Iterable[str]:
    for pattern in (URL_PASSWORD, QUERY_PASSWORD, _BROKEN_PASSWORD):
        for match in pattern.finditer(text):
            whole = match[2]
            yield from filter(None, (whole, whole.partition("@")[0]))


def _secret_pattern(secret: str) -> str:
    """A short secret is replaced as a word only: stars inside other words would spell it out."""
    if len(secret) >= SHORT_SECRET:
        return re.escape(secret)
    before = r"(?<!\w)" if re.match(r"\w", secret[0]) else ""
    after = r"(?!\w)" if re.match(r"\w", secret[-1]) else ""
    return before + re.escape(secret) + after


def _spellings(secret: str) -> Iterable[str]:
    plain = unquote(secret)
    return {secret, plain, repr(plain)[1:-1]}
