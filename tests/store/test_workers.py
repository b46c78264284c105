"""Port Workers: leases, losses and singleton duties."""

import asyncio
from datetime import timedelta

from ensue.model.run import Reason, State
from ensue.model.values import WorkerId
from ensue.ports.store import Stop
from tests.core.playing import FAILED, workflow
from tests.store.stores import ANN, DEFAULT, ONE, TTL, TWO, Store, claimant, names, new_uid, worker_of

PAIR = workflow([{"name": "a"}, {"name": "b"}])


async def test_a_worker_that_registers_is_listed(store: Store) -> None:
    assert await store.workers.register(worker_of(ONE, labels={"os": "linux"}, pid=7), TTL) == ()
    (worker,) = await store.workers.list()
    assert (worker.id, worker.labels, worker.engines, worker.pid) == (ONE, {"os": "linux"}, ("inline", "process"), 7)
    assert worker.seen_at is not None
    assert worker.lease_until is not None
    assert worker.lease_until - worker.seen_at == TTL


async def test_registering_again_takes_up_what_the_earlier_process_held(store: Store) -> None:
    run = await store.start(PAIR)
    old = await store.take()
    await store.runs.note_handle(old[0], "h")
    new = sorted(await store.workers.register(worker_of(ONE, pid=2), TTL), key=lambda lease: lease.key.title)
    assert [(lease.key, lease.attempt, lease.epoch) for lease in new] == [
        (lease.key, lease.attempt, lease.epoch + 1) for lease in old
    ]
    assert (new[0].handle, new[0].run_name, new[0].started_at) == ("h", run.name, old[0].started_at)
    assert not await store.runs.is_current(old[0])
    assert not (await store.end(old[0])).is_accepted
    assert (await store.end(new[0])).is_accepted
    assert len(await store.workers.list()) == 1


async def test_what_a_worker_holds_is_told_without_being_leased_anew(store: Store) -> None:
    await store.start(PAIR)
    leases = await store.take()
    held = await store.workers.held(ONE)
    assert sorted(held, key=lambda lease: lease.key.title) == leases
    assert await store.workers.held(TWO) == ()
    for lease in held:
        assert (await store.end(lease)).is_accepted
    assert await store.workers.held(ONE) == ()


async def test_renewing_prolongs_the_lease_and_answers_what_to_stop(store: Store) -> None:
    run = await store.start(PAIR)
    lease, _ = await store.take()
    await store.lapse(ONE)
    assert await store.workers.renew(ONE, TTL) == ()
    assert await store.workers.expire(TWO) == 0
    await store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
    orders = await store.workers.renew(ONE, TTL)
    assert orders is not None
    assert sorted(order.key.step for order in orders) == ["a", "b"]
    assert {(order.attempt, order.epoch, order.is_kill) for order in orders} == {(1, lease.epoch, False)}


async def test_a_worker_that_was_given_up_must_register(store: Store) -> None:
    await store.enter(ONE, TWO)
    await store.lapse(ONE)
    await store.workers.expire(TWO)
    assert await store.workers.renew(ONE, TTL) is None
    assert [worker.id for worker in await store.workers.list()] == [TWO]


async def test_the_attempts_of_a_lapsed_worker_are_lost_and_run_elsewhere(store: Store) -> None:
    run = await store.start(PAIR)
    old = await store.take(ONE)
    await store.enter(TWO)
    await store.lapse(ONE)
    assert await store.workers.expire(TWO) == 2
    again = await store.take(TWO)
    assert names(again) == ["a", "b"]
    assert {lease.attempt for lease in again} == {2}
    for lease in old:
        assert not (await store.end(lease)).is_accepted
    attempts = await store.history.attempts(DEFAULT, run.uid)
    assert {(a.number, a.worker, a.state, a.reason) for a in attempts} == {(1, ONE, State.FAILED, Reason.LOST)}


async def test_what_happens_to_a_lost_step_is_its_own_to_say(store: Store) -> None:
    run = await store.start(workflow([{"name": "a", "onLost": "fail"}, {"name": "b", "onLost": "rerun"}]))
    await store.take(ONE)
    await store.enter(TWO)
    await store.lapse(ONE)
    await store.workers.expire(TWO)
    assert await store.states(run) == {"a": State.FAILED, "b": State.QUEUED}
    assert (await store.step(run, "a")).message == "its worker is gone"


async def test_a_lost_attempt_of_a_run_that_is_being_stopped_is_not_run_again(store: Store) -> None:
    run = await store.start(workflow([{"name": "a"}]))
    await store.take(ONE)
    await store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
    await store.lapse(ONE)
    await store.workers.expire(TWO)
    assert (await store.run_of(run)).state is State.CANCELLED


async def test_the_living_are_left_alone(store: Store) -> None:
    run = await store.start(PAIR)
    await store.take(ONE)
    assert await store.workers.expire(TWO) == 0
    assert await store.states(run) == {"a": State.RUNNING, "b": State.RUNNING}


async def test_a_worker_that_renews_at_the_last_moment_loses_nothing(store: Store) -> None:
    run = await store.start(PAIR)
    await store.take(ONE)
    await store.lapse(ONE)
    store.before_next_write(lambda: store.workers.renew(ONE, TTL))
    assert await store.workers.expire(TWO) == 0
    assert await store.states(run) == {"a": State.RUNNING, "b": State.RUNNING}
    assert len(await store.workers.list()) == 1


async def test_a_worker_does_not_expire_itself(store: Store) -> None:
    await store.start(PAIR)
    await store.take(ONE)
    await store.lapse(ONE)
    assert await store.workers.expire(ONE) == 0


async def test_what_a_worker_claimed_while_it_was_given_up_is_lost_too(store: Store) -> None:
    run = await store.start(PAIR)
    await store.take(ONE)
    await store.execute("DELETE FROM workers")
    assert await store.workers.expire(TWO) == 2
    assert await store.states(run) == {"a": State.QUEUED, "b": State.QUEUED}


async def test_many_that_expire_at_once_lose_each_attempt_once(store: Store) -> None:
    runs = [await store.start(PAIR) for _ in range(10)]
    await store.take(ONE, free=100)
    await store.lapse(ONE)
    lost = await asyncio.gather(*(store.workers.expire(WorkerId(f"k{n}")) for n in range(5)))
    assert sum(lost) == 20
    for run in runs:
        assert {step.losses for step in await store.history.steps(DEFAULT, run.uid)} == {1}
        assert len(await store.history.attempts(DEFAULT, run.uid)) == 2


async def test_an_end_and_an_expiry_at_the_same_moment_count_once(store: Store) -> None:
    for _ in range(8):
        await store.start(workflow([{"name": "a"}]))
    leases = await store.take(ONE)
    await store.lapse(ONE)
    ends = asyncio.gather(*(store.end(lease) for lease in leases))
    finished, lost = await asyncio.gather(ends, store.workers.expire(TWO))
    assert sum(item.is_accepted for item in finished) + lost == 8


async def test_a_renewal_and_an_expiry_at_the_same_moment_agree(store: Store) -> None:
    await store.start(PAIR)
    leases = await store.take(ONE)
    await store.lapse(ONE)
    renewed, lost = await asyncio.gather(store.workers.renew(ONE, TTL), store.workers.expire(TWO))
    current = [await store.runs.is_current(lease) for lease in leases]
    assert current.count(False) == lost
    if renewed is None:
        assert lost == 2
    await store.workers.register(worker_of(ONE), TTL)


async def test_a_registration_and_an_expiry_at_the_same_moment_leave_nothing_held_by_nobody(store: Store) -> None:
    for _ in range(5):
        await store.start(PAIR)
    await store.take(ONE, free=100)
    await store.lapse(ONE)
    held, lost = await asyncio.gather(store.workers.register(worker_of(ONE), TTL), store.workers.expire(TWO))
    now = {lease.key for lease in await store.workers.held(ONE)}
    assert len(now) + lost == 10
    assert now <= {lease.key for lease in held}


async def test_a_worker_that_leaves_is_forgotten_unless_it_holds_something(store: Store) -> None:
    await store.start(PAIR)
    leases = await store.take(ONE)
    await store.workers.leave(ONE)
    assert len(await store.workers.list()) == 1
    for lease in leases:
        await store.end(lease, FAILED)
    await store.workers.leave(ONE)
    assert await store.workers.list() == ()


async def test_the_steps_of_a_run_may_go_anywhere_once_its_worker_is_gone(store: Store) -> None:
    run = await store.start(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    await store.end(await store.take_one(ONE))
    assert await store.take(TWO) == []
    await store.lapse(ONE)
    await store.workers.expire(TWO)
    assert names(await store.take(TWO)) == ["b"]
    assert (await store.run_of(run)).state is State.RUNNING


async def test_a_duty_is_held_by_one_until_its_time_is_over(store: Store) -> None:
    assert await store.workers.hold("cron", ONE, TTL)
    assert not await store.workers.hold("cron", TWO, TTL)
    assert await store.workers.hold("cron", ONE, TTL)
    assert await store.workers.hold("other", TWO, TTL)
    await store.execute("UPDATE duties SET until = 0")
    assert await store.workers.hold("cron", TWO, TTL)
    assert not await store.workers.hold("cron", ONE, TTL)


async def test_a_duty_that_many_want_goes_to_one(store: Store) -> None:
    for ttl in (timedelta(hours=1), timedelta(0)):
        duty = f"d{ttl}"
        held = await asyncio.gather(*(store.workers.hold(duty, WorkerId(f"w{n}"), TTL) for n in range(20)))
        assert held.count(True) == 1


async def test_a_claim_by_many_workers_never_leaves_a_run_of_an_unknown_worker(store: Store) -> None:
    await store.start(PAIR, uid=new_uid())
    assert (await store.runs.claim(claimant("ghost"))).leases == ()
