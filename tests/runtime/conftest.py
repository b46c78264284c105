"""Fixtures for the tests of the runtime."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.runtime.sites import Site, site_at


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path) as site:
        yield site
