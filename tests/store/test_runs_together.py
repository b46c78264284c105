"""Port Runs: many at once, in tasks and in processes."""

import asyncio
import contextlib
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from ensue.model.errors import Conflict
from ensue.model.run import Lease, Run, State
from ensue.model.values import WorkerId
from ensue.ports.store import Ending, Stop
from ensue.store.driver import Driver
from tests.core.playing import FAILED, LOST, SUCCEEDED, outputs, workflow
from tests.store.drivers import make
from tests.store.stores import ANN, DEFAULT, ONE, TWO, Store, claimant, store_with

PARTS = [f"p{number}" for number in range(8)]
FAN = workflow(
    [{"name": "first"}, *({"name": part, "after": ["first"]} for part in PARTS), {"name": "last", "after": PARTS}],
    [{"name": "z"}],
    outputs=[{"name": "n", "value": "${outputs.p3.n}"}],
)


async def test_fifty_claimants_get_each_step_once(store: Store) -> None:
    await store.enter(*(f"w{n}" for n in range(50)))
    for _ in range(6):
        await store.start(workflow([{"name": f"s{n}", "run": None, "type": "log"} for n in range(10)]))

    async def claim(name: str) -> list[Lease]:
        found: list[Lease] = []
        while leases := (await store.runs.claim(claimant(name, 2, "inline"))).leases:
            assert len(leases) <= 2
            found += leases
        return found

    claimed = [lease for part in await asyncio.gather(*(claim(f"w{n}") for n in range(50))) for lease in part]
    assert len(claimed) == len({(lease.key, lease.attempt) for lease in claimed}) == 60
    assert {lease.epoch for lease in claimed} == {1}


async def test_steps_that_claim_each_other_by_finishing_are_claimed_once(store: Store) -> None:
    runs = [await store.start(FAN) for _ in range(4)]
    await store.enter(ONE, TWO)
    started: Counter[tuple[str, str]] = Counter()

    async def work(name: str) -> None:
        idle = 0
        while idle < 20:
            todo = list((await store.runs.claim(claimant(name, 3))).leases)
            idle = 0 if todo else idle + 1
            while todo:
                lease = todo.pop()
                started[lease.key.run, lease.key.step] += 1
                await asyncio.sleep(0)
                ending = Ending(outcome=outputs(n=lease.key.step))
                todo += (await store.runs.finish(lease, ending, claimant(name, 1))).claimed
            await asyncio.sleep(0.002)

    await asyncio.gather(work(ONE), work(ONE), work(TWO), work(TWO))
    for run in runs:
        run = await store.run_of(run)
        assert (run.state, run.outputs) == (State.SUCCEEDED, {"n": "p3"})
    assert len(started) == 4 * 11
    assert set(started.values()) == {1}


async def test_parallel_steps_of_one_run_that_end_together_are_all_counted(store: Store) -> None:
    run = await store.start(FAN)
    await store.end(await store.take_one())
    leases = await store.take()
    assert len(leases) == 8
    finished = await asyncio.gather(*(store.end(lease) for lease in leases))
    assert sum(item.queued for item in finished) == 1
    assert await store.rows("SELECT open_steps FROM runs") == [(1,)]
    assert (await store.step(run, "last")).state is State.QUEUED


async def test_the_same_finish_sent_many_times_counts_once(store: Store) -> None:
    await store.start(FAN)
    lease = await store.take_one()
    finished = await asyncio.gather(*(store.end(lease) for _ in range(10)))
    assert sum(item.is_accepted for item in finished) == 1
    assert await store.rows("SELECT open_steps FROM runs") == [(9,)]


@pytest.mark.parametrize("stop", [Stop.CANCEL, Stop.KILL])
async def test_a_cancel_and_the_ends_of_steps_at_the_same_moment_leave_a_run_that_ends(
    store: Store, stop: Stop
) -> None:
    runs = [await store.start(FAN) for _ in range(6)]
    for lease in await store.take():
        await store.end(lease)
    leases = await store.take(free=100)

    async def cancel(run: Run) -> None:
        await store.runs.stop(DEFAULT, run.uid, stop, ANN)

    ends = [store.end(lease, SUCCEEDED if number % 3 else FAILED) for number, lease in enumerate(leases)]
    await asyncio.gather(*ends, *(cancel(run) for run in runs))
    assert await store.care.check() == ()
    await store.carry_on()
    for run in runs:
        assert (await store.run_of(run)).state is State.CANCELLED
    assert len(await store.rows("SELECT 1 FROM outbox")) == 6


async def test_two_cancels_at_once_are_both_fine_or_come_too_late(store: Store) -> None:
    run = await store.start(FAN)
    stops = [store.runs.stop(DEFAULT, run.uid, Stop.KILL, ANN) for _ in range(5)]
    answers = await asyncio.gather(*stops, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, Run | Conflict)] == []
    assert len(await store.rows("SELECT 1 FROM outbox")) == 1


async def test_claims_finishes_pauses_and_losses_at_once_keep_the_invariants(store: Store) -> None:
    names = [f"w{n}" for n in range(4)]
    await store.enter("keeper", *names)
    made = workflow(
        [{"name": "a", "run": None, "type": "log", "retry": {"limit": 1, "backoff": {"duration": "0s"}}},
         *({"name": f"p{n}", "run": None, "type": "log", "after": {"a": ["any"]}} for n in range(5))],
        [{"name": "z", "run": None, "type": "log"}],
    )  # fmt: skip
    runs = [await store.start(made) for _ in range(5)]
    is_over = False

    async def work(name: str) -> None:
        turn = 0
        while not is_over:
            for lease in (await store.runs.claim(claimant(name, 2, "inline"))).leases:
                turn += 1
                if turn % 4:  # every fourth is forgotten
                    await store.end(lease, (SUCCEEDED, FAILED, LOST)[turn % 3])
            await asyncio.sleep(0.001)

    async def disturb() -> None:
        for turn in range(15):
            run = runs[turn % 4]
            with contextlib.suppress(Conflict):
                await store.runs.pause(DEFAULT, run.uid, turn % 2 == 0, ANN)
            name = names[turn % 4]
            await store.lapse(name)
            await store.workers.expire(WorkerId("keeper"))
            store.known.discard(name)
            await store.enter(name)
            await asyncio.sleep(0.003)

    tasks = [asyncio.create_task(work(name)) for name in names]
    await disturb()
    is_over = True
    await asyncio.gather(*tasks)
    assert await store.care.check() == ()
    for run in runs:
        if not (await store.run_of(run)).state.is_final:
            await store.runs.pause(DEFAULT, run.uid, False, ANN)
    await store.lapse(*names)
    await store.workers.expire(WorkerId("keeper"))
    await store.carry_on(worker="keeper")
    assert all([(await store.run_of(run)).state.is_final for run in runs])


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    return make("postgres", request, tmp_path)


async def test_two_processes_share_the_work_and_do_each_step_once(postgres: Driver, postgres_url: str) -> None:
    async with store_with(postgres) as store:
        await store.enter(ONE, TWO)
        runs = [await store.start(FAN) for _ in range(20)]
        command = (sys.executable, "-m", "tests.store.labourer", postgres_url)
        processes = [
            await asyncio.create_subprocess_exec(*command, name, stdout=asyncio.subprocess.PIPE) for name in (ONE, TWO)
        ]
        said = [(await process.communicate())[0] for process in processes]
        assert [process.returncode for process in processes] == [0, 0]
        done = [tuple(item) for part in said for item in json.loads(part)]
        assert len(done) == len(set(done)) == 20 * 11
        for run in runs:
            assert (await store.run_of(run)).state is State.SUCCEEDED
        assert len(await store.rows("SELECT 1 FROM outbox")) == 20


async def test_two_processes_fire_each_timer_once(postgres: Driver, postgres_url: str) -> None:
    async with store_with(postgres) as store:
        made = workflow([{"name": "a", "pendingTimeout": "1h"}, {"name": "b", "after": {"a": ["timedout"]}}])
        runs = [await store.start(made) for _ in range(60)]
        await store.make_due()
        command = (sys.executable, "-m", "tests.store.labourer", postgres_url, "--timers")
        processes = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
        assert [await process.wait() for process in processes] == [0, 0]
        for run in runs:
            assert await store.states(run) == {"a": State.TIMED_OUT, "b": State.QUEUED}
            assert (await store.run_of(run)).open_steps == 1
