"""The keeper: what no request waits for happens all the same."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from ensue.model.run import State
from ensue.ports.intake import Intake
from ensue.ports.store import Told
from ensue.runtime import keeping
from ensue.runtime.keeping import Keeper, Records, Retention
from tests.core.playing import workflow
from tests.runtime.sites import Site, eventually
from tests.store.stores import ONE, TWO
from tests.store.test_feed import event

DAY = timedelta(days=1)


@asynccontextmanager
async def kept(site: Site, *, ttl: float = 60, retention: Retention | None = None) -> AsyncIterator[Keeper]:
    store = site.store
    keeper = Keeper(
        records=Records(
            runs=store.runs,
            workers=store.workers,
            feed=store.feed,
            decisions=store.decisions,
            care=store.care,
            storage=site.storage,
        ),
        intake=site.intake(),
        wakeup=site.wakeup,
        worker=TWO,
        ttl=timedelta(seconds=ttl),
        retention=retention or Retention(),
    )
    task = asyncio.create_task(keeper.run())
    try:
        yield keeper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def count(site: Site, table: str) -> int:
    return int((await site.store.rows(f"SELECT count(*) FROM {table}"))[0][0])


async def test_ends_of_runs_reach_the_feed(site: Site) -> None:
    async with kept(site):
        await site.store.start(workflow([{"name": "a"}]))
        await site.store.carry_on()
        site.wakeup.notify("runs")

        async def is_told() -> bool:
            return await count(site, "events") == 1

        await eventually(is_told)
    assert await count(site, "outbox") == 0


class Picky:
    """A door that one event does not come through."""

    def __init__(self, intake: Intake, subject: str) -> None:
        self._intake = intake
        self._subject = subject

    async def tell(self, told: Sequence[Told]) -> int:
        if any(one.event.subject == self._subject for one in told):
            raise ValueError("this one cannot be decided about")
        return await self._intake.tell(told)


async def test_an_end_that_cannot_be_told_is_not_in_the_way_of_others(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runs = [await site.store.start(workflow([{"name": "a"}])) for _ in range(5)]
    await site.store.carry_on()
    intake = site.intake()
    monkeypatch.setattr(site, "intake", lambda: Picky(intake, runs[1].uid))
    async with kept(site):

        async def are_told() -> bool:
            return await count(site, "events") == 4

        await eventually(are_told)
    assert await site.store.rows("SELECT run FROM outbox") == [(runs[1].uid,)]
    assert f"cannot tell of dev.ensue.run.succeeded.v1 of run {runs[1].uid}" in caplog.text


async def test_timers_fire(site: Site) -> None:
    async with kept(site):
        run = await site.store.start(workflow([{"name": "a"}], timeout="50ms"))
        site.wakeup.notify("timers")
        assert (await site.ended(run)).state is State.TIMED_OUT


async def test_old_runs_and_their_files_go_batch_after_batch(site: Site) -> None:
    for _ in range(3):
        run = await site.store.start(workflow([{"name": "a"}]))
        await site.store.carry_on()
        await site.storage.write(f"logs/{run.uid}/a.1/0-1.jsonl.gz", b"x")
    await site.store.append([event(str(number)) for number in range(450)])
    async with kept(site, retention=Retention(runs=timedelta(0), events=timedelta(0))):

        async def is_empty() -> bool:
            return await count(site, "runs") + await count(site, "events") == 0

        await eventually(is_empty)
    assert not any(site.storage.root.rglob("*.gz"))


async def test_the_store_may_be_away_for_a_while(site: Site) -> None:
    site.gate.is_away = True
    async with kept(site):
        await asyncio.sleep(0.1)
        site.gate.is_away = False
        run = await site.store.start(workflow([{"name": "a"}], timeout="50ms"))
        assert (await site.ended(run)).state is State.TIMED_OUT


async def test_attempts_of_a_worker_that_is_gone_are_lost_after_a_while(site: Site) -> None:
    run = await site.store.start(workflow([{"name": "a"}]))
    await site.store.take(ONE)
    await site.store.lapse(ONE)
    async with kept(site, ttl=0.2):
        await site.until(run, "a", State.QUEUED)
    assert (await site.store.step(run, "a")).losses == 1
    assert keeping.PRUNE_PAUSE < keeping.PRUNE_PERIOD
