"""Starts whose answer does not arrive."""

import asyncio
import contextlib

import httpx

from tests.faults import stage as staging
from tests.faults.stage import Stage


async def test_a_start_repeated_with_its_key_after_a_kill_is_the_same_run(stage: Stage) -> None:
    server = await stage.server()
    await staging.apply(server, "small", [stage.work("only", 2)])
    first = (await staging.try_start(server, "small", "a key")).json()["metadata"]["name"]

    server.kill()
    server.start()
    await server.ready()

    answers = await asyncio.gather(*(staging.try_start(server, "small", "a key") for _ in range(5)))
    assert {answer.json()["metadata"]["name"] for answer in answers} == {first}
    assert staging.state(await staging.ended(server, first)) == "Succeeded"
    async with server.client() as http:
        assert len((await http.get("runs")).json()["items"]) == 1


async def test_a_start_whose_client_went_away_is_whole_or_was_never_made(stage: Stage) -> None:
    server = await stage.server()
    await staging.apply(server, "small", [stage.work("only", 2), stage.work("next", 2, "only")])
    for number in range(20):
        async with server.client(0.001 * (number + 1)) as http:
            with contextlib.suppress(httpx.TimeoutException):
                await http.post("runs", json={"workflow": "small"}, headers={"Idempotency-Key": str(number)})
    async with server.client() as http:
        names = [run["metadata"]["name"] for run in (await http.get("runs")).json()["items"]]
    for name in names:
        assert staging.state(await staging.ended(server, name)) == "Succeeded"


async def test_a_server_killed_while_it_comes_up_for_the_first_time_comes_up_later(stage: Stage) -> None:
    server = stage.prepare()
    for hundredths in range(20, 100, 10):
        server.start()
        await asyncio.sleep(hundredths / 100)  # Somewhere between the first import and the first answer.
        server.kill()
    server.start()
    await server.ready()
    await staging.apply(server, "small", [stage.work("only", 2)])
    assert staging.state(await staging.ended(server, await staging.start(server, "small"))) == "Succeeded"
