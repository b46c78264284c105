"""Fixtures for the tests of the runtime."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ensue.store.driver import Driver
from tests.runtime.sites import Site, site_at
from tests.store.drivers import make
from tests.store.stores import Store, store_with


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path) as site:
        yield site


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    """A driver on an empty database, not open yet."""
    return make(request.param, request, tmp_path)


@pytest.fixture
async def store(empty: Driver) -> AsyncIterator[Store]:
    """The ports on a migrated database of each kind."""
    async with store_with(empty) as store:
        yield store
