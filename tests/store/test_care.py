"""Port Care: pruning, and the invariants: each is broken once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from ensue.model.definition import Dialect
from ensue.model.event import REPLAY_OF
from ensue.model.values import DefinitionHash
from ensue.store.invariants import INVARIANTS
from ensue.store.step_states import StepStateTable
from tests.core.playing import ASLEEP, FAILED, workflow
from tests.store.stores import ANN, DEFAULT, ONE, Store, body_of, new_uid
from tests.store.test_feed import event
from tests.store.test_logs import segment

LONG = timedelta(days=30)
NOTHING = timedelta(0)
ONE_STEP = workflow([{"name": "a"}])
TABLES = ("runs", "step_runs", "attempts", "run_labels", "log_segments", "timers", "homes", "step_states", "approvals")


async def ended_run(store: Store, script: str = "true") -> str:
    run = await store.start(workflow([{"name": "a", "run": script}], timeout="1h"), labels={"a": "b"})
    lease = await store.take_one()
    await store.logs.add(lease, [segment(lease, 0, 10)])
    await StepStateTable(driver=store.driver).merge(DEFAULT, run.uid, "a", {"x": 1}, ANN)
    await store.end(lease)
    return run.uid


async def prune(store: Store, keep_runs: timedelta, keep_events: timedelta, limit: int = 200) -> bool:
    """One look of the keeper, its files apart."""
    return await store.care.prune(await store.care.ended(keep_runs, limit), keep_events, LONG, limit)


async def age_bodies(store: Store) -> None:
    await store.execute("UPDATE bodies SET created_at = 0")


async def counts(store: Store) -> dict[str, int]:
    return {table: (await store.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in TABLES}


async def test_a_run_that_ended_long_ago_goes_with_all_that_is_its(store: Store) -> None:
    uid = await ended_run(store)
    assert await store.care.ended(LONG) == ()
    assert await store.care.ended(NOTHING) == ((DEFAULT, uid),)
    await prune(store, NOTHING, LONG)
    assert set((await counts(store)).values()) == {0}
    assert not await prune(store, NOTHING, LONG)


async def test_an_open_run_stays_however_old(store: Store) -> None:
    run = await store.start(ONE_STEP)
    await store.execute("UPDATE runs SET created_at = 0")
    assert await store.care.ended(NOTHING) == ()
    assert (await store.run_of(run)).uid == run.uid


async def test_runs_are_pruned_in_batches_oldest_first(store: Store) -> None:
    uids = [await ended_run(store) for _ in range(5)]
    for batch in (uids[:3], uids[3:]):
        assert [uid for _, uid in await store.care.ended(NOTHING, 3)] == batch
        assert await prune(store, NOTHING, LONG, 3)
    assert not await prune(store, NOTHING, LONG, 3)


async def test_events_are_pruned_in_batches_and_it_is_told_that_there_are_more(store: Store) -> None:
    await store.append([event(str(number)) for number in range(5)])
    assert not await prune(store, LONG, LONG)
    assert await prune(store, LONG, NOTHING, 3)
    assert not await prune(store, LONG, NOTHING, 3)
    assert await store.rows("SELECT count(*) FROM events") == [(0,)]


async def test_old_audit_rows_and_closed_versions_go_and_the_current_version_stays(store: Store) -> None:
    hash = DefinitionHash("")
    for script in ("one", "two", "three"):
        body, hash = body_of(workflow([{"name": "a", "run": script}]))
        await store.definitions.put(body, hash, Dialect.ENSUE, "api", ANN, "u")
    before = await store.rows("SELECT count(*) FROM audit")
    assert not await store.care.prune((), LONG, LONG)
    assert await store.rows("SELECT count(*) FROM audit") == before
    assert await store.audit.seal() == before[0][0]
    assert await store.care.prune((), NOTHING, NOTHING, 2)
    while await store.care.prune((), NOTHING, NOTHING, 2):
        pass
    assert await store.rows("SELECT count(*) FROM audit") == [(0,)]
    assert [found.hash for found in await store.definitions.history(DEFAULT, "Workflow", "w")] == [hash]


async def test_versions_that_kept_events_may_have_met_stay(store: Store) -> None:
    for script in ("one", "two"):
        body, hash = body_of(workflow([{"name": "a", "run": script}]))
        await store.definitions.put(body, hash, Dialect.ENSUE, "api", ANN, "u")
    await store.care.prune((), LONG, NOTHING)
    assert len(await store.definitions.history(DEFAULT, "Workflow", "w")) == 2


async def test_a_body_goes_when_nothing_refers_to_it(store: Store) -> None:
    await ended_run(store, "one")
    run = await store.start(ONE_STEP)
    await age_bodies(store)
    await prune(store, NOTHING, LONG)
    await prune(store, NOTHING, LONG)
    assert await store.rows("SELECT hash FROM bodies") == [(run.definition_hash,)]


async def test_a_body_that_was_stored_again_is_kept_for_the_run_that_is_to_come(store: Store) -> None:
    await store.prepared(ONE_STEP)
    await age_bodies(store)
    run = await store.prepared(ONE_STEP)
    await prune(store, NOTHING, LONG)
    assert await store.rows("SELECT hash FROM bodies") == [(run.definition_hash,)]


async def test_many_may_prune_at_once(store: Store) -> None:
    for _ in range(12):
        await ended_run(store)
    await asyncio.gather(*(prune(store, NOTHING, NOTHING, 4) for _ in range(4)))
    while await prune(store, NOTHING, NOTHING, 4):
        pass
    assert set((await counts(store)).values()) == {0}


# The invariants. Each statement makes one of them false in a store where all held.

DAMAGE: dict[str, str] = {
    "a run that ended has no step that did not": (
        "UPDATE step_runs SET state = 'Queued', completed_at = NULL WHERE run = 'ENDED'"
    ),
    "a run is in a final state exactly when it has an end time": (
        "UPDATE runs SET state = 'Running' WHERE uid = 'ENDED'"
    ),
    "a step is in a final state exactly when it has an end time": (
        "UPDATE step_runs SET completed_at = NULL WHERE run = 'ENDED'"
    ),
    "a step has a worker exactly while it runs": "UPDATE step_runs SET worker = 'one' WHERE run = 'QUEUED'",
    "the worker of a step that runs is registered": "DELETE FROM workers",
    "a run that is open has an open step in its phase": "UPDATE runs SET open_steps = 0 WHERE uid = 'QUEUED'",
    "a run's count of open steps is right": "UPDATE runs SET open_steps = 2 WHERE uid = 'QUEUED'",
    "a step that waits for dependencies waits for at least one": (
        "UPDATE step_runs SET waiting_for = -1 WHERE state = 'Pending'"
    ),
    "a step that sleeps has a timer": "DELETE FROM timers WHERE kind = 'wait'",
    "a step that waits for a run has one that is of it and goes on, or its answer": (
        "UPDATE step_runs SET state = 'Waiting', reason = 'Workflow' WHERE run = 'QUEUED'"
    ),
    "every try of a step that ended is recorded once": "DELETE FROM attempts WHERE run = 'ENDED'",
    "an ended run is told of once: in the outbox or in the feed": (
        "INSERT INTO outbox (namespace, run, type, data, cause, created_at)"
        " SELECT namespace, run, type, data, cause, created_at FROM outbox WHERE run = 'ENDED'"
    ),
    "an event is held exactly while a window holds it": (
        "INSERT INTO decisions VALUES ('default', 'e', 't', 1, 't', 'held', '', '', '{}', NULL, NULL, 0)"
    ),
    "a decision is about an event that is stored, and one that fired names its run": (
        "INSERT INTO decisions VALUES ('default', 'e', 't', 1, 't', 'fired', '', '', '{}', NULL, NULL, 0)"
    ),
    "an event starts one run of a trigger at most": "UPDATE runs SET event_uid = 'e', trigger_name = 't'",
    "a definition in use is stored": (
        "DELETE FROM bodies WHERE hash = (SELECT definition_hash FROM runs WHERE uid = 'QUEUED')"
    ),
    "log segments of an attempt follow each other without gap or overlap": (
        "UPDATE log_segments SET start_offset = 5 WHERE run = 'ENDED'"
    ),
    "a secret is sealed: a nonce of 12 bytes, a body with a tag of 16": (
        "INSERT INTO secrets VALUES ('default', 'naked', '', 'value', 'k', 0, 0, '', '')"
    ),
}


async def lived_in(store: Store) -> dict[str, str]:
    """A store with runs in all their states, in which every invariant holds."""
    ended = await ended_run(store)
    queued = (await store.start(workflow([{"name": "q"}]))).uid
    lease = await store.take_one()
    await store.end(lease, FAILED)
    queued = (await store.start(workflow([{"name": "q", "requires": {"gpu": "1"}}]))).uid
    await store.start(workflow([{"name": "w", "run": None, "type": "wait"}]))
    await store.end(await store.take_one(engine="inline"), ASLEEP)
    await store.start(workflow([{"name": "r"}, {"name": "p", "after": ["r"]}], [{"name": "z"}]))
    assert (await store.take_one(ONE)).key.step == "r"
    assert await store.care.check() == ()
    return {"ENDED": ended, "QUEUED": queued}


async def test_the_replay_of_a_runs_end_is_no_second_telling(store: Store) -> None:
    await ended_run(store)
    (told,) = await store.feed.outbox(10)
    await store.append([told.event])
    await store.execute("DELETE FROM outbox")
    replayed = replace(told.event, uid=new_uid(), id="anew", extensions={REPLAY_OF: told.event.uid})
    await store.append([replayed])
    assert await store.care.check() == ()


@pytest.mark.parametrize("sentence", [sentence for sentence, _ in INVARIANTS])
async def test_each_invariant_that_does_not_hold_is_named(store: Store, sentence: str) -> None:
    uids = await lived_in(store)
    text = DAMAGE[sentence]
    for word, uid in uids.items():
        text = text.replace(word, uid)
    await store.execute(text)
    store.is_damaged = True
    assert [said for said in await store.care.check() if said.startswith(f"not so: {sentence}: ")], text


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("a run's count of open steps is right", "UPDATE runs SET open_steps = 1"),
        ("a step that waits for dependencies waits for at least one", "UPDATE step_runs SET waiting_for = 0"),
    ],
)
async def test_the_counts_of_finally_are_looked_at_too(store: Store, sentence: str, text: str) -> None:
    await store.start(workflow([{"name": "a"}], [{"name": "y"}, {"name": "z", "after": ["y"]}]))
    await store.end(await store.take_one())
    assert await store.care.check() == ()
    await store.execute(text)
    store.is_damaged = True
    assert any(sentence in said for said in await store.care.check())


async def test_too_few_open_steps_are_noticed_before_finally(store: Store) -> None:
    await store.start(workflow([{"name": "a"}, {"name": "b"}], [{"name": "z"}]))
    await store.execute("UPDATE runs SET open_steps = 1")
    store.is_damaged = True
    assert any("count of open steps" in said for said in await store.care.check())


async def test_the_runs_that_break_an_invariant_are_named_up_to_twenty(store: Store) -> None:
    names = {(await store.start(ONE_STEP, uid=new_uid(), name=f"r{number:02}")).name for number in range(25)}
    await store.execute("UPDATE runs SET open_steps = 7")
    store.is_damaged = True
    (said,) = await store.care.check()
    named = set(said.rpartition(": ")[2].split(", "))
    assert len(named) == 20
    assert named <= names
    assert (await store.history.run(DEFAULT, "r00")).open_steps == 7
