"""Fixtures for the tests of the store's ports."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ensue.store.driver import Driver
from tests.store.drivers import make
from tests.store.stores import Store, store_with


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    """A driver on an empty database, not open yet."""
    return make(request.param, request, tmp_path)


@pytest.fixture
async def store(empty: Driver) -> AsyncIterator[Store]:
    """The ports on a migrated database of each kind."""
    async with store_with(empty) as store:
        yield store
