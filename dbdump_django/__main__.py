"""Run the command line of 2007 as `python -m dbdump_django`."""

from __future__ import annotations

import sys

from .legacy import main

if __name__ == "__main__":
    sys.exit(main())
