"""Fixtures for the tests of operations."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.operations.places import Place, place_at


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Of a database of each kind; empty for the one in the data directory."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def place(tmp_path: Path, database_url: str) -> AsyncIterator[Place]:
    async with place_at(tmp_path / "one", database_url) as place:
        yield place
