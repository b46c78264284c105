"""The engine container keeps what all engines that run programs promise, on Docker and on Podman."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import containers
from tests.engines import suite
from tests.engines.boxes import ContainerBench


@pytest.fixture
async def bench(container_engine: containers.ContainerEngine, tmp_path: Path) -> AsyncIterator[ContainerBench]:
    bench = ContainerBench(container_engine, tmp_path)
    yield bench
    await bench.close()


class TestContainer(suite.CommandBehaviour):
    pass
