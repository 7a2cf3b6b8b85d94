"""What the tests of the archive share."""

from __future__ import annotations

import pytest

from .helpers import dump


@pytest.fixture(autouse=True)
def _nothing_partial_is_left(tmp_path):
    yield
    assert [str(path) for path in tmp_path.rglob("*.partial-*")] == []


@pytest.fixture
def folder(tmp_path):
    return dump(tmp_path / "shop-dump")


@pytest.fixture
def archive(tmp_path):
    return dump(tmp_path / "shop.tar")
