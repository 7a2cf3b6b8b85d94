"""What can go wrong before a test has its server.

ServerError
+-- Unavailable     this machine cannot give the engine; its tests are skipped, or fail under CI
+-- Unreachable     a server was named or started, yet does not answer as it should; the run is over
"""

from __future__ import annotations


class ServerError(Exception):
    """Root of this package's errors."""


class Unavailable(ServerError):
    """The engine cannot be had here; the message says why."""


class Unreachable(ServerError):
    """A configured server does not answer, or is not the engine it is said to be."""
