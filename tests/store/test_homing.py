"""The steps of a run stay with its workspace, as long as there is a worker that may run them there."""

from typing import TypeVar

import pytest

from ensue.model.run import State
from ensue.store import claiming, homing, workers
from ensue.store.statement import NOW, Sql, Transaction
from tests.core.playing import LOST, workflow
from tests.store.stores import ONE, TTL, TWO, Store, claimant, names, worker_of

T = TypeVar("T")

LABELLED = workflow([{"name": "a"}, {"name": "b", "after": ["a"], "requires": {"gpu": "1"}}, {"name": "c"}])
GPU = {"gpu": "1"}


async def enter(store: Store, *workers_: str, engines: tuple[str, ...] = ("process",), **labels: str) -> None:
    for name in workers_:
        await store.workers.register(worker_of(name, labels=labels, engines=engines), TTL)
        store.known.add(name)


async def homes(store: Store) -> dict[str, str | None]:
    """Of the steps that are still to come."""
    return dict(
        await store.rows(
            "SELECT step, home FROM step_runs WHERE state <> 'Running' AND completed_at IS NULL ORDER BY position"
        )
    )


async def test_steps_go_where_the_first_one_went(store: Store) -> None:
    await enter(store, ONE, TWO, gpu="1")
    await store.start(LABELLED)
    a, c = await store.take(ONE, gpu="1")
    await store.end(c)
    await store.end(a)
    assert await store.take(TWO, gpu="1") == []
    assert names(await store.take(ONE, gpu="1")) == ["b"]


async def test_a_worker_that_returns_with_other_labels_gives_away_what_it_may_not_run(store: Store) -> None:
    await enter(store, ONE, TWO, gpu="1")
    run = await store.start(LABELLED)
    a, c = await store.take(ONE, gpu="1")
    await store.end(c)
    await enter(store, ONE)
    (a,) = await store.workers.held(ONE)
    assert await homes(store) == {"b": None}
    await store.end(a)
    assert await store.take(ONE) == []
    assert names(await store.take(TWO, gpu="1")) == ["b"]
    assert (await store.run_of(run)).state is State.RUNNING


async def test_a_step_that_was_running_at_home_may_be_tried_again_elsewhere(store: Store) -> None:
    await enter(store, ONE, TWO, gpu="1")
    await store.start(workflow([{"name": "a"}, {"name": "b", "after": ["a"], "requires": GPU}]))
    await store.end(await store.take_one(ONE))
    assert (await store.take_one(ONE, gpu="1")).key.step == "b"
    await enter(store, ONE)
    (lease,) = await store.workers.held(ONE)
    await store.end(lease, LOST)
    assert await store.take(ONE) == []
    assert names(await store.take(TWO, gpu="1")) == ["b"]


async def test_a_worker_that_returns_without_its_engines_is_no_home_any_more(store: Store) -> None:
    await enter(store, ONE, TWO)
    await store.start(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c", "after": ["b"]}]))
    await store.end(await store.take_one(ONE))
    assert await store.take(TWO) == []
    await enter(store, ONE, engines=("inline",))
    b = await store.take_one(TWO)
    assert await store.rows("SELECT worker FROM homes") == [(TWO,)]
    assert await homes(store) == {"c": TWO}
    await store.end(b)


async def test_steps_are_not_bound_to_a_worker_without_their_engine(store: Store) -> None:
    await enter(store, ONE)
    await enter(store, TWO, engines=("container",))
    await store.start(workflow([{"name": "a"}, {"name": "b", "engine": "container", "image": "busybox"}]))
    await store.take_one(ONE)
    assert await homes(store) == {"b": None}
    assert names(await store.take(TWO, engine="container")) == ["b"]


async def test_what_a_worker_still_takes_stays_with_it(store: Store) -> None:
    await enter(store, ONE, TWO, gpu="1")
    await store.start(LABELLED)
    await store.end((await store.take(ONE, gpu="1"))[0])
    await enter(store, ONE, gpu="1", disk="ssd")
    assert (await homes(store))["b"] == ONE
    assert await store.take(TWO, gpu="1") == []


def interrupted(transaction: Transaction[T], before: Sql, change: Transaction[None]) -> Transaction[T]:
    """As if another process committed a change just before this statement."""
    try:
        statement = next(transaction)
        while True:
            if statement.sql is before:
                yield from change
            statement = transaction.send((yield statement))
    except StopIteration as stop:
        result: T = stop.value
        return result


def claim(worker: str, before: Sql, change: Transaction[None]) -> Transaction[list[str]]:
    now = (yield NOW)[0][0]
    claimed = yield from interrupted(claiming.claim_some(claimant(worker), now), before, change)
    return names(claimed.leases)


def leave(worker: str) -> Transaction[None]:
    yield from homing.leave(worker)
    yield workers.LEAVE(worker)


@pytest.mark.parametrize("before", [homing.HOME, homing.AT_HOME])
async def test_a_home_that_leaves_at_the_last_moment_is_none(store: Store, before: Sql) -> None:
    await enter(store, ONE, TWO)
    await store.start(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    await store.end(await store.take_one(ONE))
    await store.execute("UPDATE step_runs SET home = NULL")
    assert await store.driver.write(lambda: claim(TWO, before, leave(ONE))) == ["b"]
    assert await store.rows("SELECT worker FROM homes") == [(TWO,)]


async def test_a_home_whose_worker_nobody_knows_is_none(store: Store) -> None:
    await enter(store, ONE, TWO)
    await store.start(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    await store.end(await store.take_one(ONE))
    await store.execute("UPDATE step_runs SET home = NULL")
    await store.execute("DELETE FROM workers WHERE id = $1", ONE)
    assert names(await store.take(TWO)) == ["b"]
    assert await store.rows("SELECT worker FROM homes") == [(TWO,)]
