"""Fixtures for the tests of the metadata API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.metadata import sides
from tests.metadata.sides import Side, Stored


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Of a database of each kind; empty for the one in the data directory."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def stored(tmp_path: Path, database_url: str) -> AsyncIterator[Stored]:
    async with sides.stored(tmp_path / "data", database_url) as stored:
        yield stored


@pytest.fixture(params=["sample", "sqlite", "postgres"])
def behind(request: pytest.FixtureRequest) -> str | None:
    """The URL of a database, empty for the one in the data directory; None for a sample."""
    if request.param == "sample":
        return None
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def side(behind: str | None, tmp_path: Path) -> AsyncIterator[Side]:
    """Whatever is behind it, steps see the same."""
    if behind is None:
        yield sides.sample_side()
        return
    async with sides.stored(tmp_path / "data", behind) as stored:
        yield stored.side
