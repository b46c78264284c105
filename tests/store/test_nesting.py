"""Runs within runs: what is written with what, on both databases."""

import asyncio
from dataclasses import replace

import pytest

from ensue.core import naming
from ensue.model.run import Lease, Outcome, Parent, Reason, Run, State
from ensue.model.workflow import Workflow
from ensue.ports.store import Ending, Stop
from tests.core.playing import FAILED, SUCCEEDED, new_run, workflow
from tests.store.stores import ANN, DEFAULT, Store, body_of

OUTER = workflow(
    [{"name": "call", "run": None, "workflow": "inner", "timeout": "1h"}, {"name": "b", "after": ["call"]}]
)
INNER = workflow([{"name": "a"}])


async def child_for(store: Store, lease: Lease, made: Workflow = INNER) -> Run:
    body, hash = body_of(made)
    await store.definitions.keep({hash: body})
    return new_run(
        uid=naming.child_uid(lease.key, lease.attempt, lease.started_at),
        name="",
        workflow="inner",
        definition_hash=hash,
        parent=Parent(key=lease.key, attempt=lease.attempt),
    )


async def nested(store: Store, made: Workflow = INNER) -> tuple[Run, Run, Lease]:
    """A run that waits for another, which is recorded with the wait."""
    run = await store.start(OUTER)
    lease = await store.take_one(engine="inline")
    child = await child_for(store, lease, made)
    finished = await store.end(lease, Outcome(state=State.WAITING, child=child))
    assert (finished.is_accepted, finished.has_timers) == (True, True)
    return run, await store.run_of(child), lease


async def fire(store: Store) -> list[str]:
    """What is due, until nothing is; the workflows of the runs that ended by it."""
    ended = []
    while (fired := await store.runs.fire_timers()).fired:
        ended += [run.workflow for run in fired.ended]
    return ended


async def test_the_wait_and_the_run_are_one_commit(store: Store) -> None:
    run, child, lease = await nested(store)
    step = await store.step(run, "call")
    assert (step.state, step.reason, step.child) == (State.WAITING, Reason.WORKFLOW, child.name)
    assert child.parent == Parent(key=lease.key, attempt=1)
    assert not (await store.end(lease, Outcome(state=State.WAITING, child=child))).is_accepted
    assert len(await store.rows("SELECT uid FROM runs")) == 2


@pytest.mark.parametrize("title", ["Deploy it!", "a/b/0", "/"])
async def test_a_run_within_a_step_of_any_title_knows_its_parent(store: Store, title: str) -> None:
    run = await store.start(workflow([{"name": title, "run": None, "workflow": "inner"}]))
    lease = await store.take_one(engine="inline")
    child = await child_for(store, lease)
    assert (await store.end(lease, Outcome(state=State.WAITING, child=child))).is_accepted
    assert (await store.run_of(child)).parent == Parent(key=lease.key, attempt=1)
    await store.end(await store.take_one())
    assert await fire(store) == [run.workflow]
    assert (await store.run_of(run)).state is State.SUCCEEDED


async def test_the_end_of_a_run_is_heard_once_whoever_looks(store: Store) -> None:
    run, child, _ = await nested(store)
    finished = await store.end(await store.take_one())
    assert (finished.is_run_over, finished.has_timers) == (True, True)
    assert (await store.step(run, "call")).state is State.WAITING
    await asyncio.gather(*(store.runs.fire_timers() for _ in range(4)))
    assert await store.states(run) == {"call": State.SUCCEEDED, "b": State.QUEUED}
    assert await store.rows("SELECT number FROM attempts WHERE step = 'call'") == [(1,)]
    assert (await store.step(run, "call")).child == child.name


async def test_what_is_sensitive_within_is_sensitive_in_the_step_that_is_the_run(store: Store) -> None:
    outputs = [{"name": "key", "value": "${outputs.a.x}"}, {"name": "open", "value": "1"}]
    run, _, _ = await nested(store, workflow([{"name": "a"}], outputs=outputs))
    inner = Outcome(state=State.SUCCEEDED, outputs={"x": "s3cret"}, sensitive=frozenset({"x"}))
    await store.end(await store.take_one(), inner)
    await fire(store)
    step = await store.step(run, "call")
    assert step.outputs == {"key": "s3cret", "open": "1"}
    assert (await store.reports.of_run(run.namespace, run.uid))[step.key].sensitive == {"key"}


async def test_an_answer_that_comes_too_early_or_twice_changes_nothing(store: Store) -> None:
    run, _, _ = await nested(store)
    early = f"INSERT INTO timers VALUES ('default', '{run.uid}', 'call', -1, 'answer', 0)"
    await store.execute(early)
    assert await fire(store) == []
    assert (await store.step(run, "call")).state is State.WAITING
    await store.carry_on()
    await fire(store)
    await store.execute(early)
    await fire(store)
    assert await store.states(run) == {"call": State.SUCCEEDED, "b": State.QUEUED}


async def test_a_run_that_was_stopped_begins_no_other(store: Store) -> None:
    run = await store.start(OUTER)
    lease = await store.take_one(engine="inline")
    await store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
    await store.end(lease, Outcome(state=State.WAITING, child=await child_for(store, lease)))
    assert (await store.run_of(run)).state is State.CANCELLED
    assert len(await store.rows("SELECT uid FROM runs")) == 1


async def test_a_run_that_is_paused_begins_another_that_is_paused(store: Store) -> None:
    run = await store.start(OUTER)
    lease = await store.take_one(engine="inline")
    await store.runs.pause(DEFAULT, run.uid, True, ANN)
    child = await child_for(store, lease)
    await store.end(lease, Outcome(state=State.WAITING, child=child))
    assert (await store.run_of(child)).is_paused
    assert await store.take() == []
    await store.runs.pause(DEFAULT, run.uid, False, ANN)
    await fire(store)
    assert not (await store.run_of(child)).is_paused
    await store.carry_on()
    await fire(store)
    assert (await store.step(run, "call")).state is State.SUCCEEDED


async def test_orders_that_change_before_they_are_heard_leave_the_last(store: Store) -> None:
    run, child, _ = await nested(store)
    await store.runs.pause(DEFAULT, run.uid, True, ANN)
    await store.runs.pause(DEFAULT, run.uid, False, ANN)
    await fire(store)
    assert not (await store.run_of(child)).is_paused
    await store.runs.pause(DEFAULT, run.uid, True, ANN)
    await store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
    assert await fire(store) == ["inner", "w"]
    assert (await store.run_of(child)).state is State.CANCELLED


async def test_a_run_that_cannot_be_placed_answers_that_it_failed(store: Store) -> None:
    made = workflow([{"name": "a", "engine": "${parameters.where}"}], parameters=[{"name": "where"}])
    run, child, _ = await nested(store, made)
    assert (child.state, child.reason) == (State.FAILED, Reason.INVALID_PARAMETERS)
    await fire(store)
    step = await store.step(run, "call")
    assert (step.state, step.reason) == (State.FAILED, Reason.INVALID_PARAMETERS)


async def test_a_run_that_is_gone_fails_the_step_that_waited_for_it(store: Store) -> None:
    run, child, _ = await nested(store)
    await store.carry_on()
    for table, column in (("step_runs", "run"), ("attempts", "run"), ("outbox", "run"), ("runs", "uid")):
        await store.execute(f"DELETE FROM {table} WHERE {column} = '{child.uid}'")
    await fire(store)
    step = await store.step(run, "call")
    assert (step.state, step.reason, step.message) == (State.FAILED, Reason.ERROR, f"run {child.name} is gone")


async def test_a_timer_of_a_run_that_is_gone_is_dropped(store: Store) -> None:
    await store.execute("INSERT INTO timers VALUES ('default', 'nobody', '', -1, 'follow', 0)")
    await fire(store)
    assert await store.rows("SELECT run FROM timers") == []


async def test_a_lost_worker_costs_another_attempt_whatever_on_lost_says(store: Store) -> None:
    made = workflow([{"name": "call", "run": None, "workflow": "inner", "onLost": "fail"}])
    run = await store.start(made)
    lease = await store.take_one(engine="inline")
    lost = Outcome(state=State.FAILED, reason=Reason.LOST)
    await store.end(lease, lost)
    again = await store.take_one(engine="inline")
    assert again.attempt == 2
    child = await child_for(store, again)
    assert child.uid != (await child_for(store, lease)).uid
    await store.end(again, Outcome(state=State.WAITING, child=child))
    await store.carry_on({"a": FAILED})
    await fire(store)
    assert (await store.run_of(run)).state is State.FAILED


async def test_an_answer_of_a_workflow_is_told_with_its_end(store: Store) -> None:
    _, child, _ = await nested(store)
    lease = await store.take_one()
    await store.runs.finish(lease, Ending(outcome=replace(SUCCEEDED, outputs={"x": 1})))
    told = await store.rows(f"SELECT type FROM outbox WHERE run = '{child.uid}' AND type LIKE '%succeeded%'")
    assert told == [("dev.ensue.run.succeeded.v1",)]
    assert len(await store.rows("SELECT kind FROM timers WHERE kind = 'answer'")) == 1
