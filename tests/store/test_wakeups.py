"""Wake-ups wake: in the process at once, in others through PostgreSQL, and after a lost connection again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from ensue.ports.wakeup import Wakeup
from ensue.store.wakeups import CHANNEL, LocalWakeup, PostgresWakeup, wakeup_for
from tests.postgres import PostgresServer


@asynccontextmanager
async def running(url: str, probe_seconds: float = 15.0) -> AsyncIterator[PostgresWakeup]:
    wakeup = PostgresWakeup(url, probe_seconds=probe_seconds)
    task = asyncio.create_task(wakeup.run())
    try:
        await until_listening(wakeup)
        yield wakeup
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_listening(wakeup: PostgresWakeup, is_listening: bool = True) -> None:
    async with asyncio.timeout(60):
        while wakeup.is_listening is not is_listening:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_who_waits_is_woken() -> None:
    wakeup: Wakeup = LocalWakeup()
    waiters = [asyncio.create_task(wakeup.wait("steps", 5)) for _ in range(3)]
    other = asyncio.create_task(wakeup.wait("stops", 0.05))
    await asyncio.sleep(0)
    wakeup.notify("steps", "runs")
    assert await asyncio.gather(*waiters, other) == [True, True, True, False]


async def test_a_notification_between_two_waits_of_a_task_counts_once() -> None:
    wakeup = LocalWakeup()
    assert not await wakeup.wait("steps", 0.001)
    wakeup.notify("steps")
    wakeup.notify("steps")
    assert await wakeup.wait("steps", 0.001)
    assert not await wakeup.wait("steps", 0.001)


async def test_a_first_wait_is_told_of_what_came_before() -> None:
    wakeup = LocalWakeup()
    wakeup.notify("steps")
    assert await wakeup.wait("steps", 0.001)


async def test_each_task_is_told_for_itself() -> None:
    wakeup = LocalWakeup()
    wakeup.notify("steps")
    assert await asyncio.create_task(wakeup.wait("steps", 0.001))
    assert await asyncio.create_task(wakeup.wait("steps", 0.001))


async def test_a_cancelled_or_timed_out_wait_leaves_nothing() -> None:
    wakeup = LocalWakeup()
    task = asyncio.create_task(wakeup.wait("steps", 5))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await wakeup.wait("steps", 0.001)
    assert not wakeup._waiting


async def test_another_process_is_woken(postgres_url: str) -> None:
    async with running(postgres_url) as one, running(postgres_url) as two:
        while await two.wait("steps", 0.05):
            pass
        waiter = asyncio.create_task(two.wait("steps", 30))
        other = asyncio.create_task(two.wait("stops", 0.3))
        await asyncio.sleep(0.01)
        one.notify("steps")
        assert await waiter
        assert not await other


async def test_many_notifications_are_few_on_the_wire(postgres_url: str) -> None:
    heard: list[str] = []
    listener = await asyncpg.connect(postgres_url)
    await listener.add_listener(CHANNEL, lambda *args: heard.append(str(args[3])))

    def told() -> list[str]:
        return [payload for payload in heard if payload.endswith(":runs,steps")]

    async with running(postgres_url) as wakeup:
        start = time.monotonic()
        for _ in range(300):
            wakeup.notify("steps", "runs")
            await asyncio.sleep(0)
        async with asyncio.timeout(30):
            while not told():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        spent = time.monotonic() - start
    await listener.close()
    assert len(told()) <= spent / 0.005 + 1


async def test_without_a_server_the_process_still_wakes_itself() -> None:
    wakeup = PostgresWakeup("postgresql://nobody@127.0.0.1:1/nothing")
    task = asyncio.create_task(wakeup.run())
    await asyncio.sleep(0.05)
    waiter = asyncio.create_task(wakeup.wait("steps", 5))
    await asyncio.sleep(0)
    wakeup.notify("steps")
    assert await waiter
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_lost_listener_is_replaced_and_everyone_is_woken(private_postgres: PostgresServer) -> None:
    url = private_postgres.url()
    async with running(url, 0.1) as one, running(url, 0.1) as two:
        one.notify("steps")
        await two.wait("steps", 1)
        waiter = asyncio.create_task(two.wait("steps", 30))
        await asyncio.to_thread(private_postgres.stop, True)
        await until_listening(two, False)
        await asyncio.to_thread(private_postgres.start)
        await until_listening(two)
        assert await waiter
        await until_listening(one)
        while await two.wait("runs", 0.05):
            pass
        waiter = asyncio.create_task(two.wait("runs", 30))
        async with asyncio.timeout(30):
            while not waiter.done():
                one.notify("runs")
                await asyncio.sleep(0.1)
        assert await waiter


async def test_a_listener_that_hears_nothing_any_more_is_replaced(postgres_url: str) -> None:
    async with running(postgres_url, 0.1) as wakeup:
        wakeup._hear = lambda *_: None  # type: ignore[method-assign]
        admin = await asyncpg.connect(postgres_url)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_notify%' "
            "AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        await admin.close()
        for _ in range(2):
            await until_listening(wakeup, False)
            await until_listening(wakeup)
        assert wakeup.is_listening


async def test_the_parameters_that_are_ours_do_not_keep_a_process_from_listening(postgres_url: str) -> None:
    wakeup = wakeup_for(f"{postgres_url}?pool_size=5&statement_cache=0")
    assert isinstance(wakeup, PostgresWakeup)
    task = asyncio.create_task(wakeup.run())
    await until_listening(wakeup)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_the_url_chooses() -> None:
    assert isinstance(wakeup_for("sqlite:///x.db"), LocalWakeup)
    assert isinstance(wakeup_for("postgresql://x"), PostgresWakeup)
