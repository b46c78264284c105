"""The stage of a fault test, empty again at its end."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.faults.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    try:
        yield stage
    finally:
        await stage.clear()
    for server in stage.servers:
        assert not server.processes(), "no process of a step is left when everything has ended"
