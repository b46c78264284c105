"""Port Runs: stop and pause, in every state a run can be in."""

import pytest

from ensue.model.errors import Conflict, NotFound
from ensue.model.run import Phase, Reason, Run, State
from ensue.model.values import RunUid
from ensue.ports.store import Stop
from tests.core.playing import ASLEEP, FAILED, SUCCEEDED, workflow
from tests.store.stores import ANN, DEFAULT, ONE, Store

CHAIN = workflow([{"name": "a"}, {"name": "b", "after": ["a"]}], [{"name": "y"}, {"name": "z", "after": ["y"]}])
PLAIN = workflow([{"name": "a", "retry": {"limit": 1}}, {"name": "b", "after": ["a"]}])


async def cancel(store: Store, run: Run, stop: Stop = Stop.CANCEL) -> Run:
    return await store.runs.stop(DEFAULT, run.uid, stop, ANN)


async def prepare(store: Store, run: Run, situation: str) -> None:
    """Bring the run into the situation that a test is about."""
    match situation:
        case "queued":
            return
        case "paused":
            await store.runs.pause(DEFAULT, run.uid, True, ANN)
        case "running":
            await store.take_one()
        case "paused while running":
            await store.take_one()
            await store.runs.pause(DEFAULT, run.uid, True, ANN)
        case "asleep":
            await store.end(await store.take_one(), ASLEEP)
        case "backing off":
            await store.end(await store.take_one(), FAILED)
        case "half way":
            await store.end(await store.take_one())
        case "finally":
            await store.end(await store.take_one())
            await store.end(await store.take_one())
        case "finally running":
            await prepare(store, run, "finally")
            await store.take_one()


SITUATIONS = ["queued", "paused", "running", "paused while running", "asleep", "half way", "finally", "finally running"]


async def end_all(store: Store, worker: str = ONE) -> list[str]:
    """End what this worker holds and all that follows; returns the steps that were started."""
    await store.enter(worker)
    for lease in await store.workers.held(worker):  # type: ignore[arg-type]
        await store.end(lease, FAILED)
    started = []
    while leases := await store.take(worker):
        for lease in leases:
            started.append(lease.key.step)
            await store.end(lease)
    return started


@pytest.mark.parametrize("stop", [Stop.CANCEL, Stop.KILL, Stop.TIME_OUT])
@pytest.mark.parametrize("situation", SITUATIONS)
async def test_a_run_can_be_stopped_in_every_state(store: Store, situation: str, stop: Stop) -> None:
    run = await store.start(CHAIN)
    await prepare(store, run, situation)
    await cancel(store, run, stop)
    assert await store.care.check() == ()
    started = await end_all(store)
    finals = {"finally": ["y", "z"], "finally running": ["z"]}.get(situation, ["y", "z"])
    if situation == "finally running":
        finals = []  # y failed, z needs its success
    assert started == ([] if stop is Stop.KILL else finals)
    run = await store.run_of(run)
    assert run.state is (State.TIMED_OUT if stop is Stop.TIME_OUT else State.CANCELLED)
    assert len(await store.rows("SELECT 1 FROM outbox")) == 1


@pytest.mark.parametrize("situation", ["queued", "paused", "asleep", "backing off", "half way"])
async def test_a_run_in_which_nothing_runs_ends_at_once(store: Store, situation: str) -> None:
    run = await store.start(PLAIN)
    await prepare(store, run, situation)
    run = await cancel(store, run)
    assert (run.state, run.reason, run.open_steps) == (State.CANCELLED, Reason.REQUESTED, 0)


async def test_a_running_step_is_asked_to_end_and_the_run_waits_for_it(store: Store) -> None:
    run = await store.start(PLAIN)
    lease = await store.take_one()
    run = await cancel(store, run)
    assert (run.state, run.reason) == (State.RUNNING, Reason.CANCELLING)
    assert (await store.step(run, "a")).is_stopping
    (order,) = await store.workers.stops(ONE)
    assert (order.key, order.attempt, order.epoch, order.is_kill) == (lease.key, lease.attempt, lease.epoch, False)
    await cancel(store, run, Stop.KILL)
    (order,) = await store.workers.stops(ONE)
    assert order.is_kill
    await store.end(lease, FAILED)
    assert (await store.run_of(run)).state is State.CANCELLED
    assert await store.workers.stops(ONE) == ()


async def test_a_run_stopped_before_it_began_has_a_start_once_finally_has_run(store: Store) -> None:
    run = await store.start(CHAIN)
    await cancel(store, run)
    assert await end_all(store) == ["y", "z"]
    assert (await store.run_of(run)).started_at is not None


async def test_a_sleeping_step_that_is_stopped_leaves_its_attempt(store: Store) -> None:
    run = await store.start(PLAIN)
    await store.end(await store.take_one(), ASLEEP)
    await cancel(store, run)
    (attempt,) = await store.history.attempts(DEFAULT, run.uid)
    assert attempt.state is State.CANCELLED


@pytest.mark.parametrize("is_paused", [None, True, False])
async def test_a_run_that_ended_can_be_neither_stopped_nor_paused(store: Store, is_paused: bool | None) -> None:
    run = await store.start(workflow([{"name": "a"}]))
    await store.carry_on()
    asked = cancel(store, run) if is_paused is None else store.runs.pause(DEFAULT, run.uid, is_paused, ANN)
    with pytest.raises(Conflict, match="has ended: Succeeded"):
        await asked


async def test_a_run_that_is_not_there_cannot_be_stopped(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.runs.stop(DEFAULT, RunUid("nope"), Stop.CANCEL, ANN)


async def test_a_run_that_is_being_stopped_cannot_be_paused(store: Store) -> None:
    run = await store.start(PLAIN)
    await store.take_one()
    await cancel(store, run)
    with pytest.raises(Conflict, match="is being stopped"):
        await store.runs.pause(DEFAULT, run.uid, True, ANN)


@pytest.mark.parametrize("situation", [*SITUATIONS[:1], *SITUATIONS[2:3], *SITUATIONS[4:]])
async def test_a_run_goes_on_after_a_pause_in_every_state(store: Store, situation: str) -> None:
    run = await store.start(CHAIN)
    await prepare(store, run, situation)
    paused = await store.runs.pause(DEFAULT, run.uid, True, ANN)
    assert (paused.state, paused.is_paused) == (State.WAITING, True)
    assert await store.take() == []
    for lease in await store.workers.held(ONE):
        await store.end(lease)
    assert await store.take() == []
    await store.runs.pause(DEFAULT, run.uid, False, ANN)
    await store.make_due()
    await store.runs.fire_timers()
    await store.carry_on()
    run = await store.run_of(run)
    assert (run.state, run.phase) == (State.SUCCEEDED, Phase.ENDED)


async def test_pausing_and_stopping_are_in_the_audit_log(store: Store) -> None:
    run = await store.start(PLAIN)
    await store.runs.pause(DEFAULT, run.uid, True, ANN)
    await store.runs.pause(DEFAULT, run.uid, False, ANN)
    await cancel(store, run)
    rows = (await store.history.audit(DEFAULT, 10)).items
    assert [(row.subject, row.verb, row.name) for row in rows] == [
        ("user:ann", verb, run.name) for verb in ("cancel", "resume", "pause", "start")
    ]


async def test_a_late_success_does_not_bring_a_stopped_run_back(store: Store) -> None:
    run = await store.start(PLAIN)
    lease = await store.take_one()
    await cancel(store, run)
    assert (await store.end(lease, SUCCEEDED)).is_run_over
    assert (await store.run_of(run)).state is State.CANCELLED
    assert (await store.states(run)) == {"a": State.SUCCEEDED, "b": State.CANCELLED}
