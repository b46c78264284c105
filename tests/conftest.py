"""Fixtures that every test may use."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import hypothesis
import pytest

from tests import containers, postgres

# No test asserts a time; all else stays as hypothesis has it, here and in CI.
hypothesis.settings.register_profile(
    "untimed",
    parent=hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """The PostgreSQL server of this test process, started when the first test asks for it."""
    chosen = postgres.choose(os.environ)
    if isinstance(chosen, postgres.Given):
        yield chosen
        return
    with postgres.running(chosen) as server:
        yield server


@pytest.fixture
async def postgres_url(postgres_server: postgres.Server) -> AsyncIterator[str]:
    """The URL of a database of its own for one test, empty at its start."""
    name = f"ensue_test_{uuid.uuid4().hex}"
    await _execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE template0")
    try:
        yield postgres_server.url(name)
    finally:
        await _execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def private_postgres() -> Iterator[postgres.PostgresServer]:
    """A server of its own for one test, to stop and start as it likes."""
    binaries = postgres.installed(path=os.environ.get("PATH", "")) or postgres.from_wheel()
    with postgres.running(binaries) as server:
        yield server


def _engine(name: str) -> Iterator[containers.ContainerEngine]:
    """Where it cannot be had its tests are skipped, unless they are required."""
    if why := containers.missing(name):
        if os.environ.get(containers.REQUIRED) == "required":
            pytest.fail(f"no {name}: {why}")
        pytest.skip(f"no {name}: {why}")
    with containers.running(name) as engine:
        yield engine


@pytest.fixture(scope="session")
def docker() -> Iterator[containers.ContainerEngine]:
    """A Docker engine, started when the first test asks for it."""
    yield from _engine("docker")


@pytest.fixture(scope="session")
def podman() -> Iterator[containers.ContainerEngine]:
    yield from _engine("podman")


@pytest.fixture(params=["docker", "podman"])
def container_engine(request: pytest.FixtureRequest) -> containers.ContainerEngine:
    """Each kind of engine."""
    engine: containers.ContainerEngine = request.getfixturevalue(request.param)
    return engine


async def _execute(server: postgres.Server, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
