"""A followed directory on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.following.disks import Disk, followed
from tests.operations.places import place_at


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Of a database of each kind; empty for the one in the data directory."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def disk(tmp_path: Path, database_url: str) -> AsyncIterator[Disk]:
    async with place_at(tmp_path / "data", database_url) as place, followed(place, tmp_path / "files") as disk:
        yield disk
