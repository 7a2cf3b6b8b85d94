"""The benchmark that needs no server, then how to run the others: `python -m bench [--rows N] [--runs N]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OTHERS = """
with a PostgreSQL server, and psql:
    python bench/copy_sqlite_postgresql.py --url postgresql://USER@HOST/DATABASE
what the numbers mean: bench/README.md"""


def main() -> int:
    """Run the benchmark with the same arguments; return its exit code."""
    print("SQLite to SQLite, beside: sqlite3 orders.db .dump | sqlite3 new.db", flush=True)
    command = [sys.executable, str(HERE / "copy_sqlite_sqlite.py"), *sys.argv[1:]]
    code = subprocess.run(command, check=False).returncode
    print(OTHERS)
    return code


if __name__ == "__main__":
    sys.exit(main())
