"""Timers: what happens to a run by itself."""

import asyncio
from datetime import timedelta

from ensue.model.run import Outcome, Reason, State
from ensue.model.values import from_micros
from ensue.ports.store import Stop
from ensue.store.graphs import Graphs
from ensue.store.runs import Runs
from ensue.store.statement import NOW, Transaction
from tests.core.playing import FAILED, workflow
from tests.store.stores import ANN, DEFAULT, Store


async def asleep_for(store: Store, wait: timedelta) -> Outcome:
    def begin() -> Transaction[int]:
        return (yield NOW)[0][0]  # type: ignore[no-any-return]

    return Outcome(state=State.WAITING, until=from_micros(await store.driver.read(begin)) + wait)


async def test_nothing_is_due_in_an_empty_store(store: Store) -> None:
    fired = await store.runs.fire_timers()
    assert (fired.fired, fired.next_at) == (0, None)


async def test_a_step_wakes_when_its_time_has_come_and_not_before(store: Store) -> None:
    run = await store.start(workflow([{"name": "w", "run": None, "type": "wait"}, {"name": "b", "after": ["w"]}]))
    sleep = await asleep_for(store, timedelta(hours=1))
    await store.end(await store.take_one(engine="inline"), sleep)
    fired = await store.runs.fire_timers()
    assert (fired.fired, fired.next_at) == (0, sleep.until)
    assert (await store.step(run, "w")).state is State.WAITING
    await store.make_due()
    assert (await store.runs.fire_timers()).fired == 1
    assert await store.states(run) == {"w": State.SUCCEEDED, "b": State.QUEUED}
    (attempt,) = await store.history.attempts(DEFAULT, run.uid)
    assert (attempt.number, attempt.state) == (1, State.SUCCEEDED)


async def test_a_timer_of_a_definition_that_cannot_be_read_is_not_in_the_way_of_others(store: Store) -> None:
    broken = await store.start(workflow([{"name": "a"}], timeout="1h"))
    fine = await store.start(workflow([{"name": "b"}], timeout="2h"))
    await store.make_due()
    store.is_damaged = True
    await store.execute(f"UPDATE bodies SET body = '{{}}' WHERE hash = '{broken.definition_hash}'")
    newcomer = Runs(driver=store.driver, graphs=Graphs())
    assert (await newcomer.fire_timers()).fired == 2
    assert (await store.run_of(fine)).reason is not Reason.NONE
    assert (await store.run_of(broken)).reason is Reason.NONE
    assert (await newcomer.fire_timers()).fired == 0


async def test_a_run_times_out(store: Store) -> None:
    run = await store.start(workflow([{"name": "a"}, {"name": "b"}], [{"name": "z"}], timeout="1h"))
    lease = await store.take_one(free=1)
    await store.make_due()
    assert (await store.runs.fire_timers()).fired == 1
    assert (await store.run_of(run)).reason is Reason.TIMING_OUT
    await store.end(lease, FAILED)
    await store.carry_on()
    run = await store.run_of(run)
    assert (run.state, run.reason) == (State.TIMED_OUT, Reason.TIMEOUT)
    assert await store.states(run) == {"a": State.TIMED_OUT, "b": State.TIMED_OUT, "z": State.SUCCEEDED}


async def test_the_time_of_finally_does_not_count(store: Store) -> None:
    run = await store.start(workflow([{"name": "a"}], [{"name": "z"}], timeout="1h"))
    await store.end(await store.take_one())
    await store.make_due()
    assert (await store.runs.fire_timers()).fired == 1
    await store.carry_on()
    assert (await store.run_of(run)).state is State.SUCCEEDED


async def test_a_step_that_no_worker_takes_times_out(store: Store) -> None:
    steps = [
        {"name": "a", "pendingTimeout": "1h", "requires": {"gpu": "1"}},
        {"name": "b", "after": {"a": ["timedout"]}},
    ]
    run = await store.start(workflow(steps))
    await store.make_due()
    await store.runs.fire_timers()
    step = await store.step(run, "a")
    assert (step.state, step.reason) == (State.TIMED_OUT, Reason.PENDING_TIMEOUT)
    assert (await store.step(run, "b")).state is State.QUEUED


async def test_a_step_that_was_taken_in_time_goes_on(store: Store) -> None:
    run = await store.start(workflow([{"name": "a", "pendingTimeout": "1h"}]))
    lease = await store.take_one()
    await store.make_due()
    await store.runs.fire_timers()
    assert (await store.step(run, "a")).state is State.RUNNING
    await store.end(lease)


async def test_waiting_for_a_worker_counts_anew_for_each_try(store: Store) -> None:
    run = await store.start(workflow([{"name": "a", "pendingTimeout": "1h", "retry": {"limit": 1}}]))
    lease = await store.take_one()
    await store.make_due()
    await store.end(lease, FAILED)
    await store.runs.fire_timers()
    step = await store.step(run, "a")
    assert (step.state, step.attempt) == (State.QUEUED, 1)


async def test_a_timer_that_was_set_anew_before_it_fired_does_not_fire(store: Store) -> None:
    run = await store.start(workflow([{"name": "a", "pendingTimeout": "1h", "retry": {"limit": 1}}]))
    lease = await store.take_one()
    await store.make_due()
    store.before_next_write(lambda: store.end(lease, FAILED))
    await store.runs.fire_timers()
    assert (await store.step(run, "a")).state is State.QUEUED
    assert await store.rows("SELECT kind FROM timers") == [("pending",)]


async def test_a_run_that_ended_leaves_no_timers(store: Store) -> None:
    run = await store.start(workflow([{"name": "a", "pendingTimeout": "1h"}], timeout="1h"))
    assert len(await store.rows("SELECT kind FROM timers")) == 2
    await store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
    assert await store.rows("SELECT kind FROM timers") == []


async def test_timers_are_fired_in_batches_and_the_next_one_is_told(store: Store) -> None:
    for _ in range(5):
        await store.start(workflow([{"name": "a", "pendingTimeout": "1h"}]))
    await store.make_due()
    fired = await store.runs.fire_timers(limit=3)
    assert fired.fired == 3
    assert fired.next_at is not None
    assert fired.next_at < fired.now
    assert (await store.runs.fire_timers()).fired == 2


async def test_a_timer_fires_once_however_many_fire(store: Store) -> None:
    made = workflow([{"name": "w", "run": None, "type": "wait"}, {"name": "b", "after": ["w"]}], timeout="10h")
    runs = [await store.start(made) for _ in range(10)]
    sleep = await asleep_for(store, timedelta(milliseconds=1))
    for lease in await store.take(engine="inline"):
        await store.end(lease, sleep)
    await asyncio.sleep(0.01)
    await asyncio.gather(*(store.runs.fire_timers() for _ in range(6)))
    for run in runs:
        assert await store.states(run) == {"w": State.SUCCEEDED, "b": State.QUEUED}
        assert len(await store.history.attempts(DEFAULT, run.uid)) == 1
    assert await store.rows("SELECT count(*) FROM timers WHERE kind = 'run'") == [(10,)]
