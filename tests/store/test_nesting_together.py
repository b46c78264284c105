"""Runs within runs while everything happens at once: every tree of runs ends as a whole, each part of it once."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from ensue.core import naming
from ensue.model.errors import Conflict
from ensue.model.run import Lease, Outcome, Parent, Reason, Run, State
from ensue.ports.store import Stop
from tests.core.playing import FAILED, SUCCEEDED, new_run, workflow
from tests.store.stores import ANN, DEFAULT, Store, body_of

CALL = {"name": "call", "run": None, "workflow": "w", "retry": {"limit": 1, "backoff": {"duration": "0s"}}}
TREE = workflow([{"name": "a"}, CALL, {"name": "b", "after": ["call"]}], [{"name": "z"}])
LEAF = workflow([{"name": "a"}], [{"name": "z"}])
LOST = Outcome(state=State.FAILED, reason=Reason.LOST)
DEPTH = 3


async def levels(store: Store, lease: Lease) -> int:
    count, run = 1, await store.history.run(DEFAULT, lease.key.run)
    while run.parent is not None:
        count, run = count + 1, await store.history.run(DEFAULT, run.parent.key.run)
    return count


async def begun(store: Store, lease: Lease) -> Outcome:
    """What a worker says at the end of an attempt that is a run."""
    _, hash = body_of(TREE if await levels(store, lease) < DEPTH - 1 else LEAF)
    child = new_run(
        uid=naming.child_uid(lease.key, lease.attempt, lease.started_at),
        name="",
        definition_hash=hash,
        parent=Parent(key=lease.key, attempt=lease.attempt),
    )
    return Outcome(state=State.WAITING, child=child)


async def work(store: Store, draw: random.Random) -> None:
    leases = [*await store.take(free=2), *await store.take(free=2, engine="inline")]
    for lease in leases:
        outcome = await begun(store, lease) if lease.key.step == "call" else SUCCEEDED
        await store.end(lease, draw.choice((outcome, outcome, outcome, FAILED, LOST)))


async def tell(store: Store, draw: random.Random) -> None:
    """Somebody says something to any run."""
    rows = await store.rows("SELECT uid FROM runs WHERE completed_at IS NULL ORDER BY uid")
    if not rows:
        return
    uid = draw.choice(rows)[0]
    try:
        match draw.randrange(12):
            case 0:
                await store.runs.stop(DEFAULT, uid, draw.choice(list(Stop)), ANN)
            case 1 | 2:
                await store.runs.pause(DEFAULT, uid, True, ANN)
            case _:
                await store.runs.pause(DEFAULT, uid, False, ANN)
    except Conflict:
        pass


async def fire(store: Store, draw: random.Random) -> None:
    await store.runs.fire_timers(draw.randrange(1, 5))


async def settle(store: Store) -> None:
    """Nobody interferes any more: resume what is paused, until nothing is left to do."""
    for (uid,) in await store.rows("SELECT uid FROM runs WHERE paused_at IS NOT NULL AND completed_at IS NULL"):
        await store.runs.pause(DEFAULT, uid, False, ANN)
    for _ in range(200):
        await store.runs.fire_timers()
        leases = [*await store.take(free=9), *await store.take(free=9, engine="inline")]
        for lease in leases:
            await store.end(lease, await begun(store, lease) if lease.key.step == "call" else SUCCEEDED)
        for (uid,) in await store.rows("SELECT uid FROM runs WHERE paused_at IS NOT NULL AND completed_at IS NULL"):
            await store.runs.pause(DEFAULT, uid, False, ANN)
        if not await store.rows("SELECT 1 FROM runs WHERE completed_at IS NULL"):
            return


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_at_once_every_run_ends_and_answers_once(store: Store, seed: int) -> None:
    draw = random.Random(seed)
    for made in (TREE, LEAF):
        body, hash = body_of(made)
        await store.definitions.keep({hash: body})
    roots: list[Run] = [await store.start(TREE) for _ in range(3)]
    acts: list[Callable[[Store, random.Random], Awaitable[None]]] = [work, work, tell, fire, fire]
    for _ in range(25):
        assert await store.care.check() == ()
        await asyncio.gather(*(act(store, draw) for act in draw.sample(acts, 4)))
    await settle(store)
    assert {(await store.run_of(run)).state.is_final for run in roots} == {True}
    # Of every attempt that began a run there is one, and the step ended after it.
    children = await store.rows("SELECT parent, uid FROM runs WHERE parent IS NOT NULL")
    assert len({parent for parent, _ in children}) == len(children)
    assert await store.rows("SELECT kind FROM timers WHERE kind = 'answer'") == []
