"""What probes are answered."""

import asyncio
from typing import Any

import httpx
import pytest

from ensue.app import Node
from ensue.model.errors import SecretsLocked, StoreUnreachable
from ensue.runtime.patience import Round
from ensue.store.statement import Sql


async def checks(client: httpx.AsyncClient, status: int) -> dict[str, dict[str, Any]]:
    answer = await client.get("/readyz?verbose")
    assert (answer.status_code, answer.json()["status"]) == (status, "ok" if status == 200 else "failing")
    return {each["name"]: each for each in answer.json()["checks"]}


async def test_a_server_at_work_is_ready_and_says_how_each_part_is(client: httpx.AsyncClient, node: Node) -> None:
    async with asyncio.timeout(30):
        while "renew the lease" not in (found := await checks(client, 200)):
            pass
    assert list(found)[:3] == ["database", "migrations", "keys"]
    assert found["renew the lease"]["ageSeconds"] >= 0
    assert (await client.get("/readyz")).json() == {"status": "ok"}


async def test_a_loop_that_fails_or_stands_still_is_not_ready(client: httpx.AsyncClient, node: Node) -> None:
    now = asyncio.get_running_loop().time()
    node.world.rounds["prune"] = Round(now, "the disk is full")
    node.world.rounds["sleep"] = Round(now - 10_000)
    found = await checks(client, 503)
    assert (found["prune"]["message"], found["sleep"]["message"]) == ("the disk is full", "it does not go round")
    answer = await client.get("/readyz")
    assert (answer.status_code, "checks" in answer.json()) == (503, True)


@pytest.mark.parametrize(
    ("part", "break_", "error"),
    [
        ("database", "workers.list", StoreUnreachable("away")),
        ("keys", "secrets.key_ids", SecretsLocked("no key")),
        ("migrations", "schema.missing", StoreUnreachable("away")),
    ],
)
async def test_what_cannot_be_reached_or_opened_is_not_ready(
    client: httpx.AsyncClient, node: Node, monkeypatch: pytest.MonkeyPatch, part: str, break_: str, error: Exception
) -> None:
    async def fail(*given: object) -> object:
        raise error

    owner, name = break_.split(".")
    monkeypatch.setattr(getattr(node.world, owner), name, fail)
    found = await checks(client, 503)
    assert (found[part]["ok"], str(error) in found[part]["message"]) == (False, True)
    assert (await client.get("/livez")).json() == (await client.get("/healthz")).json() == {"status": "ok"}


async def test_a_database_that_lacks_a_migration_is_not_ready(client: httpx.AsyncClient, node: Node) -> None:
    await node.driver.write(_forget_migrations)
    found = await checks(client, 503)
    assert "0001_start" in found["migrations"]["message"]
    assert "ensue db upgrade" in found["migrations"]["message"]


def _forget_migrations() -> Any:
    yield Sql("DELETE FROM schema_migrations")()
