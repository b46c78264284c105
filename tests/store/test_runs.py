"""Port Runs: starting, claiming, finishing. The same on every database."""

from datetime import timedelta
from typing import Any

import pytest

from ensue.model.errors import Conflict, NotFound
from ensue.model.run import Outcome, Reason, State
from ensue.ports.store import Claimant, Ending
from tests.core.playing import ASLEEP, FAILED, LOST, SUCCEEDED, TIMED_OUT, outputs, workflow
from tests.store.stores import ANN, DEFAULT, ONE, Store, claimant, names, new_uid, stale

ONE_STEP = workflow([{"name": "a"}])
CHAIN = workflow([{"name": "a"}, {"name": "b", "after": ["a"]}], [{"name": "z"}])


async def test_a_started_run_has_its_rows(store: Store) -> None:
    run = await store.start(CHAIN, parameters={"x": [1, "ü", None]}, labels={"team": "a"})
    assert (run.state, run.started_at, run.open_steps) == (State.QUEUED, None, 2)
    assert (run.parameters, run.labels) == ({"x": [1, "ü", None]}, {"team": "a"})
    assert await store.states(run) == {"a": State.QUEUED, "b": State.PENDING, "z": State.PENDING}


async def test_a_run_is_named_after_its_workflow(store: Store) -> None:
    run = await store.start(ONE_STEP)
    assert run.name.startswith("w-")
    assert len(run.name) == 7
    assert await store.history.run(DEFAULT, run.uid) == run


async def test_the_same_uid_is_started_once(store: Store) -> None:
    run = await store.prepared(ONE_STEP)
    first = await store.runs.start(run, ANN)
    second = await store.runs.start(run, ANN, claimant())
    assert (first.is_new, second.is_new, second.name, second.claimed) == (True, False, first.name, ())
    assert len(await store.history.steps(DEFAULT, run.uid)) == 1


async def test_a_name_that_is_taken_is_refused(store: Store) -> None:
    await store.start(ONE_STEP, name="nightly")
    with pytest.raises(Conflict, match="there is a run nightly in namespace default already"):
        await store.start(ONE_STEP, name="nightly")
    other = await store.start(ONE_STEP, name="nightly", namespace="other")
    assert other.name == "nightly"


async def test_a_generated_name_that_is_taken_is_made_longer(store: Store) -> None:
    run = await store.prepared(ONE_STEP)
    taken = await store.runs.start(run, ANN)
    await store.execute("UPDATE runs SET uid = $1", str(new_uid()))
    await store.execute("UPDATE step_runs SET run = (SELECT uid FROM runs)")
    again = await store.runs.start(run, ANN)
    assert again.is_new
    assert len(again.name) == len(taken.name) + 1


async def test_a_run_of_an_unknown_definition_is_refused(store: Store) -> None:
    run = await store.prepared(ONE_STEP)
    await store.execute("DELETE FROM bodies")
    with pytest.raises(NotFound):
        await store.runs.start(run, ANN)
    assert await store.rows("SELECT count(*) FROM runs") == [(0,)]


async def test_a_start_with_a_claimant_leases_the_first_step_at_once(store: Store) -> None:
    await store.enter(ONE)
    run = await store.prepared(CHAIN)
    started = await store.runs.start(run, ANN, claimant(free=1))
    (lease,) = started.claimed
    assert (lease.key.step, lease.attempt, lease.run_name, lease.run_state) == ("a", 1, started.name, State.RUNNING)
    assert (await store.run_of(run)).state is State.RUNNING


# Claiming


async def test_a_claim_leases_what_is_ready_and_begins_the_run(store: Store) -> None:
    run = await store.start(CHAIN, parameters={"x": 1})
    lease = await store.take_one()
    assert (lease.key.step, lease.attempt, lease.worker, lease.parameters) == ("a", 1, ONE, {"x": 1})
    step, run = await store.step(run, "a"), await store.run_of(run)
    assert (step.state, step.worker, step.attempt, step.lease_epoch) == (State.RUNNING, ONE, 1, lease.epoch)
    assert (run.state, run.started_at) == (State.RUNNING, lease.started_at)
    assert await store.take() == []


async def test_what_has_been_ready_longest_is_claimed_first(store: Store) -> None:
    runs = [await store.start(ONE_STEP) for _ in range(5)]
    claimed = [await store.take_one(free=1) for _ in runs]
    assert [lease.key.run for lease in claimed] == [run.uid for run in runs]


async def test_no_more_is_claimed_than_there_is_room_for(store: Store) -> None:
    await store.start(workflow([{"name": name} for name in "abcde"]))
    assert len(await store.take(free=2)) == 2
    assert await store.take(free=0) == []
    assert len(await store.take(free=9)) == 3


async def test_only_steps_of_the_engines_asked_for_are_claimed(store: Store) -> None:
    await store.start(workflow([{"name": "a"}, {"name": "b", "run": None, "type": "log"}]))
    assert names(await store.take(engine="inline")) == ["b"]
    assert names(await store.take(engine="container")) == []
    assert names(await store.take(engine="process")) == ["a"]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, ["any"]),
        ({"os": "linux"}, ["any", "linux"]),
        ({"os": "linux", "arch": "arm", "z": "1"}, ["any", "arm", "linux"]),
        ({"os": "mac", "arch": "arm"}, ["any"]),
        ({"x": "a,b=c"}, ["any", "odd"]),
    ],
)
async def test_steps_are_claimed_by_workers_whose_labels_fit(
    store: Store, labels: dict[str, str], expected: list[str]
) -> None:
    steps: list[dict[str, Any]] = [
        {"name": "any"},
        {"name": "linux", "requires": {"os": "linux"}},
        {"name": "arm", "requires": {"os": "linux", "arch": "arm"}},
        {"name": "odd", "requires": {"x": "a,b=c"}},
    ]
    await store.start(workflow(steps))
    await store.enter(ONE)
    claimed = await store.runs.claim(Claimant(worker=ONE, labels=labels, free={"process": 10}))
    assert sorted(names(claimed.leases)) == expected


async def test_a_claim_for_the_oldest_takes_a_step_with_requirements_before_younger_ones(store: Store) -> None:
    await store.start(workflow([{"name": "foreign", "requires": {"os": "mac"}}]))
    await store.start(workflow([{"name": "old", "requires": {"os": "linux"}}]))
    await store.start(workflow([{"name": "young"}]))
    await store.start(workflow([{"name": "last", "requires": {"arch": "arm"}}]))
    await store.enter(ONE)
    labels = {"os": "linux", "arch": "arm"}
    one = Claimant(worker=ONE, labels=labels, free={"process": 1}, takes_oldest=True)
    taken = [names((await store.runs.claim(one)).leases) for _ in range(4)]
    assert taken == [["old"], ["young"], ["last"], []]


async def test_a_claim_that_finds_nothing_tells_when_the_next_retry_is_due(store: Store) -> None:
    assert (await store.runs.claim(claimant())).next_at is None
    run = await store.start(workflow([{"name": "a", "retry": {"limit": 1, "backoff": {"duration": "4m"}}}]))
    await store.end(await store.take_one(), FAILED)
    claimed = await store.runs.claim(claimant())
    assert claimed.leases == ()
    assert claimed.next_at == (await store.step(run, "a")).ready_at
    assert claimed.next_at is not None
    assert timedelta(minutes=3) < claimed.next_at - claimed.now <= timedelta(minutes=4)


async def test_a_worker_that_is_not_registered_gets_nothing(store: Store) -> None:
    await store.start(ONE_STEP)
    assert (await store.runs.claim(claimant("stranger"))).leases == ()


# Finishing


async def test_a_finish_makes_the_next_step_ready_and_may_claim_it(store: Store) -> None:
    run = await store.start(CHAIN)
    lease = await store.take_one()
    finished = await store.runs.finish(lease, Ending(outcome=outputs(n=1)), claimant(free=1))
    assert (finished.is_accepted, finished.is_run_over, finished.queued) == (True, False, 1)
    assert names(finished.claimed) == ["b"]
    assert (await store.step(run, "a")).outputs == {"n": 1}


async def test_a_run_ends_with_its_last_step_and_is_told_of_once(store: Store) -> None:
    run = await store.start(CHAIN)
    await store.end(await store.take_one())
    await store.end(await store.take_one())
    finished = await store.end(await store.take_one())
    assert finished.is_run_over
    run = await store.run_of(run)
    assert (run.state, run.open_steps, run.completed_at is not None) == (State.SUCCEEDED, 0, True)
    assert await store.rows("SELECT run, type FROM outbox") == [(run.uid, "dev.ensue.run.succeeded.v1")]


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, LOST, ASLEEP])
async def test_a_finish_with_an_old_epoch_writes_nothing(store: Store, outcome: Outcome) -> None:
    run = await store.start(CHAIN)
    lease = await store.take_one()
    before = await store.history.steps(DEFAULT, run.uid), await store.run_of(run)
    finished = await store.runs.finish(stale(lease), Ending(outcome=outcome), claimant())
    assert (finished.is_accepted, finished.claimed) == (False, ())
    assert (await store.history.steps(DEFAULT, run.uid), await store.run_of(run)) == before
    assert await store.history.attempts(DEFAULT, run.uid) == ()


async def test_a_finish_is_accepted_once(store: Store) -> None:
    run = await store.start(workflow([{"name": "a", "retry": {"limit": 5}}]))
    lease = await store.take_one()
    assert (await store.end(lease, FAILED)).is_accepted
    assert not (await store.end(lease, FAILED)).is_accepted
    assert (await store.step(run, "a")).retries == 1


async def test_a_finish_of_a_run_that_is_gone_is_not_accepted(store: Store) -> None:
    await store.start(ONE_STEP)
    lease = await store.take_one()
    await store.execute("DELETE FROM runs")
    await store.execute("DELETE FROM step_runs")
    assert not (await store.end(lease)).is_accepted


async def test_a_failed_step_is_tried_again_when_its_time_comes(store: Store) -> None:
    run = await store.start(workflow([{"name": "a", "retry": {"limit": 1, "backoff": {"duration": "4m"}}}]))
    await store.end(await store.take_one(), FAILED)
    assert (await store.step(run, "a")).reason is Reason.BACKOFF
    assert await store.take() == []
    await store.make_due()
    lease = await store.take_one()
    assert lease.attempt == 2
    await store.end(lease)
    attempts = await store.history.attempts(DEFAULT, run.uid)
    assert [(a.number, a.worker, a.state) for a in attempts] == [(1, ONE, State.FAILED), (2, ONE, State.SUCCEEDED)]


@pytest.mark.parametrize("outcome", [FAILED, TIMED_OUT, LOST])
async def test_an_attempt_is_recorded_as_it_ended_also_when_the_step_goes_on(store: Store, outcome: Outcome) -> None:
    run = await store.start(workflow([{"name": "a", "retry": {"limit": 1}}]))
    await store.end(await store.take_one(), outcome)
    (attempt,) = await store.history.attempts(DEFAULT, run.uid)
    assert (attempt.state, attempt.reason, attempt.exit_code) == (outcome.state, outcome.reason, outcome.exit_code)


async def test_words_that_no_database_can_keep_do_not_hold_back_an_end(store: Store) -> None:
    run = await store.start(workflow([{"name": "a"}, {"name": "b"}]))
    first, second = await store.take()
    bad = Outcome(state=State.FAILED, message="a\0b\ud800c ü", outputs={"x": "\0\ud800", "\udfff": [" ü"]})
    assert (await store.end(first, bad)).is_accepted
    said = Outcome(state=State.SUCCEEDED, ends_as=State.FAILED, ends_message="n\0\ud800")
    assert (await store.end(second, said)).is_run_over
    step = await store.step(run, "a")
    assert step.outputs == {"x": "\0\ud800", "\udfff": [" ü"]}
    assert step.message == "a\ufffdb?c ü"
    assert (await store.history.attempts(DEFAULT, run.uid))[0].message == step.message
    assert (await store.run_of(run)).message == "n\ufffd?"


async def test_outputs_of_the_run_are_computed_when_it_ends(store: Store) -> None:
    made = workflow(
        [{"name": "a"}, {"name": "b"}], outputs=[{"name": "url", "value": "${outputs.a.host}/${outputs.b.n}"}]
    )
    run = await store.start(made)
    await store.carry_on({"a": outputs(host="h"), "b": outputs(n=1)})
    assert (await store.run_of(run)).outputs == {"url": "h/1"}


async def test_steps_of_finally_see_how_the_run_will_end(store: Store) -> None:
    for outcome, state in ((SUCCEEDED, State.SUCCEEDED), (FAILED, State.FAILED)):
        await store.start(workflow([{"name": "a"}], [{"name": "z"}]))
        await store.end(await store.take_one(), outcome)
        lease = await store.take_one()
        assert (lease.key.step, lease.run_state) == ("z", state)
        await store.end(lease)


async def test_an_output_set_by_mistake_fails_the_run(store: Store) -> None:
    run = await store.start(workflow([{"name": "a"}], outputs=[{"name": "x", "value": "${outputs.a.nope}"}]))
    await store.carry_on()
    run = await store.run_of(run)
    assert (run.state, run.reason) == (State.FAILED, Reason.INVALID_OUTPUT)


async def test_what_an_attempt_waits_for_is_forgotten_by_the_next(store: Store) -> None:
    run = await store.start(workflow([{"name": "a", "retry": {"limit": 1, "backoff": {"duration": "0s"}}}]))
    lease = await store.take_one()
    assert await store.runs.note_handle(lease, "h1", "its engine is away")
    assert (await store.step(run, "a")).message == "its engine is away"
    await store.end(lease, FAILED)
    await store.take_one()
    assert (await store.step(run, "a")).message == ""


async def test_a_handle_is_noted_for_the_current_lease_only(store: Store) -> None:
    run = await store.start(ONE_STEP)
    lease = await store.take_one()
    assert await store.runs.note_handle(lease, "h1")
    assert not await store.runs.note_handle(stale(lease), "h0", "no")
    step = await store.step(run, "a")
    assert (step.handle, step.message) == ("h1", "")
    assert await store.runs.is_current(lease)
    assert not await store.runs.is_current(stale(lease))
    await store.end(lease)
    assert not await store.runs.note_handle(lease, "h2")
    assert not await store.runs.is_current(lease)
