"""Fixtures that every test may use."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import hypothesis
import pytest

from tests import postgres

# No test asserts a time; all else stays as hypothesis has it, here and in CI.
hypothesis.settings.register_profile("untimed", parent=hypothesis.settings(), deadline=None)
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


async def _execute(server: postgres.Server, statement: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
