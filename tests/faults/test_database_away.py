"""PostgreSQL goes away and comes back while servers work."""

import asyncio
import random

from ensue.cli.selftest import checking, workflows
from ensue.cli.selftest.customers import Customers
from ensue.cli.selftest.servers import Server
from tests import postgres
from tests.faults import proxy
from tests.faults import stage as staging
from tests.faults.stage import Stage

CUSTOMERS = 6


async def test_nothing_is_lost_when_postgres_stops_and_crashes_under_load(
    stage: Stage, private_postgres: postgres.PostgresServer
) -> None:
    url = private_postgres.url()
    servers = [await stage.server(name, url) for name in ("one", "two")]
    chance = random.Random(1)
    customers = Customers(servers=servers, kinds=workflows.kinds(stage.ledger), chance=chance)
    await customers.apply()
    async with asyncio.TaskGroup() as tasks:
        at_work = [tasks.create_task(customers.work()) for _ in range(CUSTOMERS)]
        for is_crash, seconds in ((False, 0.5), (True, 0.0), (True, 5.5)):
            await _until_started(customers, 8)
            await asyncio.to_thread(private_postgres.stop, is_crash)
            await asyncio.sleep(seconds)  # The fault itself: longer than a lease, the last time.
            await asyncio.to_thread(private_postgres.start)
        customers.is_over = True
        await asyncio.wait(at_work, timeout=staging.PATIENCE)
        for task in at_work:
            task.cancel()

    evidence = await checking.collect(servers[0], customers.orders, [], 0.0)
    assert [*customers.problems, *checking.judge(evidence)] == []
    assert checking.lost_places(evidence.runs) == set(), "nobody was given up because the database was away"
    assert [await server.stop() for server in servers] == [0, 0]
    uids = {run["metadata"]["uid"] for run in evidence.runs}
    async with checking.opened(url) as driver:
        assert await checking.judge_store(driver, uids) == []


async def test_starts_are_refused_clearly_while_postgres_is_away(
    stage: Stage, private_postgres: postgres.PostgresServer
) -> None:
    server = await stage.server("one", private_postgres.url())
    await staging.apply(server, "small", [stage.work("only", 2)])

    private_postgres.stop()
    refused = await staging.try_start(server, "small", "a key")
    assert refused.status_code == 503
    assert refused.json()["code"] == "store_unreachable"
    assert refused.headers["Retry-After"]

    private_postgres.start()
    await staging.until(lambda: _is_accepted(server), "starts are accepted again")
    run = await staging.ended(server, await staging.start(server, "small"))
    assert staging.state(run) == "Succeeded"


async def test_a_commit_whose_answer_is_lost_leaves_nothing_stuck(stage: Stage, postgres_url: str) -> None:
    async with proxy.to(postgres_url) as way:
        server = await stage.server("one", way.url)
        kinds = workflows.kinds(stage.ledger)
        customers = Customers(servers=[server], kinds=kinds, chance=random.Random(2))
        await customers.apply()
        async with asyncio.TaskGroup() as tasks:
            at_work = [tasks.create_task(customers.work()) for _ in range(CUSTOMERS)]
            for _ in range(6):
                await _until_started(customers, 2)
                await way.swallow(2)
            customers.is_over = True
            await asyncio.wait(at_work, timeout=staging.PATIENCE)
            for task in at_work:
                task.cancel()
        evidence = await checking.collect(server, customers.orders, [], 0.0)
        assert [*customers.problems, *checking.judge(evidence)] == []
        assert checking.lost_places(evidence.runs) == set()
        assert await server.stop() == 0
    uids = {run["metadata"]["uid"] for run in evidence.runs}
    async with checking.opened(postgres_url) as driver:
        assert await checking.judge_store(driver, uids) == []


async def _until_started(customers: Customers, more: int) -> None:
    count = len(customers.orders) + more
    await staging.until(lambda: len(customers.orders) >= count, "runs are started")


async def _is_accepted(server: Server) -> bool:
    return (await staging.try_start(server, "small", "a key")).status_code == 201
