"""A server is asked to end while steps run."""

import asyncio
import os

from ensue.cli.selftest.servers import Server
from tests.faults import stage as staging
from tests.faults.stage import Stage

LINES = 60
WAITING = 'echo begun | tee -a "$HERE/begun"; read word < "$HERE/pipe"; echo "$word"'


async def test_a_server_on_sqlite_ends_at_once_and_the_next_one_adopts_its_steps(stage: Stage) -> None:
    os.mkfifo(stage.path("pipe"))
    server = await stage.server()
    await staging.apply(server, "slow", [stage.script("slow", WAITING)])
    name = await staging.start(server, "slow")
    await staging.until(lambda: _is_shipping(server, name), "a part of its log was shipped")

    assert await server.stop() == 0
    assert len(server.processes()) == 1, "the step goes on without a server"

    await asyncio.to_thread(stage.path("pipe").write_text, "gone on\n")
    server.start()
    await server.ready()
    run = await staging.ended(server, name)
    assert staging.attempts(run, "slow") == [(1, "Succeeded", "")]
    assert [line["text"] for line in await staging.lines(server, name, "slow")] == ["begun", "gone on"]
    assert stage.path("begun").read_text() == "begun\n"


async def test_a_server_on_postgres_waits_for_its_steps_and_signs_off(stage: Stage, postgres_url: str) -> None:
    one = await stage.server("one", postgres_url, lease="10s")
    await staging.apply(one, "slow", [stage.work("slow", LINES)])
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
