"""No error of the library has a password in it: not in its message, not in what it was raised from."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from dbdump_core.errors import DbdumpError
from dbdump_core.operations import copy, dump, load, verify
from tests.promises import execute

SECRET = "hunter2canary"
NOWHERE = "127.0.0.1:1"  # a port that nobody listens on

URLS = (
    f"postgresql://u:{SECRET}@{NOWHERE}/db",
    f"postgresql://u:{SECRET}@{NOWHERE}/db?sslmode=nonsense",
    f"postgresql://u:{SECRET}@{NOWHERE}",
    f"postgresql://u:{SECRET}@h:port/db",
    f"postgresql+nosuch://u:{SECRET}@h/db",
    f"postgresql://u@{NOWHERE}/db?password={SECRET}",
    f"postgresql://u@{NOWHERE}/db?sslkey=/none&sslpassword={SECRET}",
    f"postgresql:u:{SECRET}@h/db",
    f"mysql://u:{SECRET}@{NOWHERE}/db",
    f"mysql://u:{SECRET}@{NOWHERE}",
    f"mysql://u:{SECRET}@{NOWHERE}/db?nosuch=1",
    f"mysql://u:{SECRET}@{NOWHERE}/db?ssl_ca=/none.pem",
    f"mysql://u@{NOWHERE}/db?password={SECRET}",
    f"mysql://u@{NOWHERE}/db?passwd={SECRET}&connect_timeout=1",
    f"mysql://u@{NOWHERE}?passwd={SECRET}",
    f"mariadb://u:{SECRET}@{NOWHERE}/db",
    f"oracle://u:{SECRET}@h/db",
    f"nosuch://u:{SECRET}@h/db?password={SECRET}",
)


@pytest.mark.parametrize("url", URLS)
def test_no_error_of_the_library_shows_a_password(url: str, tmp_path: Path) -> None:
    here = f"sqlite:///{tmp_path / 'here.db'}"
    execute(here, "CREATE TABLE t (id INTEGER PRIMARY KEY)")
    for run in (
        lambda: dump(url, str(tmp_path / "d")),
        lambda: load(url, here),
        lambda: copy(here, url),
        lambda: verify(url, here),
    ):
        with pytest.raises(DbdumpError) as caught:
            run()
        assert SECRET not in "".join(traceback.format_exception(caught.value, chain=True))
