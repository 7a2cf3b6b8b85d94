"""Run the command line as `python -m dbdump_core.cli`."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
