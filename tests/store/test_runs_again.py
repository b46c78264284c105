"""Port Runs: a run that takes over the ends of another's steps."""

from dataclasses import replace
from typing import Any

import pytest

from ensue.core import rerunning
from ensue.model.run import Reason, Run, State
from ensue.model.workflow import Workflow
from ensue.ports.store import Started
from tests.core.playing import FAILED, SUCCEEDED, workflow
from tests.store.stores import ANN, DEFAULT, Store, claimant, names

LINE: list[dict[str, Any]] = [{"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c", "after": ["b"]}]


async def again(store: Store, made: Workflow, old: Run, start: str = "", **more: Any) -> tuple[Run, Started]:
    graph = await store.definitions.graph(old.definition_hash, old.workflow)
    kept = rerunning.reusable(graph, await store.history.steps(DEFAULT, old.uid), start)
    run = await store.prepared(made, rerun_of=old.uid)
    started = await store.runs.start(run, ANN, reused=tuple(kept.values()), **more)
    return await store.history.run(DEFAULT, started.name), started


async def ended(store: Store, made: Workflow, **outcomes: Any) -> Run:
    run = await store.start(made)
    await store.carry_on(outcomes)
    return await store.run_of(run)


async def test_what_did_not_succeed_runs_again_and_the_rest_has_ended(store: Store) -> None:
    made = workflow(LINE)
    old = await ended(store, made, b=FAILED)
    run, started = await again(store, made, old)
    assert (started.queued, run.state, run.rerun_of) == (1, State.QUEUED, old.uid)
    assert await store.states(run) == {"a": State.SUCCEEDED, "b": State.QUEUED, "c": State.PENDING}
    assert (await store.step(run, "a")).reason is Reason.REUSED
    assert names(await store.take()) == ["b"]
    assert (await store.run_of(old)).state is State.FAILED


async def test_a_rerun_goes_on_to_its_own_end(store: Store) -> None:
    made = workflow(LINE, [{"name": "last"}])
    old = await ended(store, made, c=FAILED)
    run, _ = await again(store, made, old)
    await store.carry_on()
    run = await store.run_of(run)
    assert (run.state, run.completed_at is None) == (State.SUCCEEDED, False)
    assert [step.attempt for step in await store.history.steps(DEFAULT, run.uid)] == [0, 0, 1, 1]
    assert await store.tell() == 2


async def test_outputs_are_taken_over(store: Store) -> None:
    made = workflow(LINE)
    run = await store.start(made)
    outcomes = {"a": replace(SUCCEEDED, outputs={"x": [1]}), "b": FAILED}
    await store.carry_on(outcomes)
    new, _ = await again(store, made, await store.run_of(run))
    assert await store.history.outputs(DEFAULT, new.uid, ["a", "b"]) == {"a": {"x": [1]}}


async def test_a_rerun_of_which_nothing_but_finally_is_left_turns_to_it(store: Store) -> None:
    made = workflow(LINE, [{"name": "last"}])
    old = await ended(store, made, last=FAILED)
    run, started = await again(store, made, old)
    assert (started.queued, (await store.states(run))["last"]) == (1, State.QUEUED)
    await store.carry_on()
    assert (await store.run_of(run)).state is State.SUCCEEDED


async def test_a_rerun_of_which_nothing_is_left_ends_as_it_begins(store: Store) -> None:
    made = workflow(LINE, outputs=[{"name": "x", "value": 1}])
    old = await ended(store, made)
    run, started = await again(store, made, old)
    assert (run.state, run.outputs, started.queued) == (State.SUCCEEDED, {"x": 1}, 0)
    assert await store.tell() == 2


async def test_dependants_of_several_that_are_taken_over_are_counted_once(store: Store) -> None:
    made = workflow([{"name": "d", "after": ["b", "c"]}, {"name": "c"}, {"name": "b"}, {"name": "e"}])
    old = await ended(store, made, d=FAILED, e=FAILED)
    run, started = await again(store, made, old)
    assert started.queued == 2
    assert (run.open_steps, (await store.step(run, "d")).waiting_for) == (2, 0)
    assert sorted(names(await store.take())) == ["d", "e"]


async def test_a_rerun_is_started_once_for_its_uid(store: Store) -> None:
    made = workflow(LINE)
    old = await ended(store, made, b=FAILED)
    run, _ = await again(store, made, old)
    steps = await store.history.steps(DEFAULT, old.uid)
    repeat = await store.runs.start(run, ANN, reused=steps[:1])
    assert (repeat.is_new, repeat.name) == (False, run.name)


async def test_a_claimant_gets_what_is_ready_at_once(store: Store) -> None:
    made = workflow(LINE)
    old = await ended(store, made, b=FAILED)
    await store.enter("one")
    run, started = await again(store, made, old, claimant=claimant())
    assert (names(list(started.claimed)), started.queued) == (["b"], 0)
    assert (await store.step(run, "b")).state is State.RUNNING


async def test_it_is_written_down_who_ran_it_again(store: Store) -> None:
    made = workflow(LINE)
    old = await ended(store, made, b=FAILED)
    run, _ = await again(store, made, old)
    (row, *_) = (await store.history.audit(DEFAULT, 5)).items
    assert (row.verb, row.name, row.details) == ("rerun", run.name, {"rerunOf": old.uid})


@pytest.mark.parametrize("limit", ["1h", "30m"])
async def test_what_is_taken_over_sets_no_timer(store: Store, limit: str) -> None:
    made = workflow([{"name": "a", "pendingTimeout": limit}, {"name": "b", "after": ["a"], "pendingTimeout": limit}])
    old = await ended(store, made, b=FAILED)
    run, _ = await again(store, made, old)
    assert await store.rows("SELECT step FROM timers WHERE run = $1", run.uid) == [("b",)]
