"""A server is asked to end while steps run."""

import asyncio

from ensue.cli.selftest.servers import Server
from tests.faults import stage as staging
from tests.faults.stage import Stage

LINES = [f"line {number}" for number in range(1, 61)]


async def test_a_server_on_sqlite_ends_at_once_and_the_next_one_adopts_its_steps(stage: Stage) -> None:
    server = await stage.server()
    await staging.apply(server, "slow", [stage.work("slow", len(LINES))])
    name = await staging.start(server, "slow")
    await staging.until(lambda: _is_shipping(server, name), "a part of its log was shipped")

    assert await server.stop() == 0
    (entry,) = stage.entries().values()
    assert entry.ended_at is None
    assert len(server.processes()) == 1, "the step goes on without a server"

    server.start()
    await server.ready()
    run = await staging.ended(server, name)
    assert staging.attempts(run, "slow") == [(1, "Succeeded", "")]
    assert [line["text"] for line in await staging.lines(server, name, "slow")] == LINES
    assert [entry.begins for entry in stage.entries().values()] == [1]


async def test_a_server_on_postgres_waits_for_its_steps_and_signs_off(stage: Stage, postgres_url: str) -> None:
    one = await stage.server("one", postgres_url, lease="10s")
    await staging.apply(one, "slow", [stage.work("slow", len(LINES))])
    name = await staging.start(one, "slow")
    await staging.until(stage.entries, "the step runs")
    two = await stage.server("two", postgres_url, lease="10s")

    stopping = asyncio.create_task(one.stop())
    run = await staging.ended(two, name)
    assert await stopping == 0
    assert staging.attempts(run, "slow") == [(1, "Succeeded", "")]
    assert (await staging.workers(two)).keys() == {staging.worker_of(two)}


async def _is_shipping(server: Server, name: str) -> bool:
    return bool(await staging.lines(server, name, "slow"))
