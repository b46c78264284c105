"""Port Logs: the index of segments."""

import asyncio
from dataclasses import replace

from ensue.model.run import Lease
from ensue.ports.store import Ending, LogSegment
from tests.core.playing import FAILED, NOW, SUCCEEDED, workflow
from tests.store.stores import DEFAULT, Store, stale

ONE_STEP = workflow([{"name": "a", "retry": {"limit": 1, "backoff": {"duration": "0s"}}}])


def segment(lease: Lease, start: int, end: int, **given: str) -> LogSegment:
    return LogSegment(
        step=lease.key.step,
        item=lease.key.item,
        attempt=lease.attempt,
        start=start,
        end=end,
        first_at=NOW,
        last_at=NOW,
        key=given.get("key", f"logs/{start}-{end}"),
        body=given.get("body", ""),
    )


async def bounds(store: Store, lease: Lease) -> list[tuple[int, int]]:
    return [(found.start, found.end) for found in await store.logs.list(DEFAULT, lease.key.run)]


async def test_a_segment_comes_back_as_it_was_added(store: Store) -> None:
    await store.start(ONE_STEP)
    lease = await store.take_one()
    assert await store.logs.end(lease) == 0
    added = [segment(lease, 0, 10), segment(lease, 10, 12, key="", body='[0,1,"stdout","ü\\n",2]\n')]
    assert await store.logs.add(lease, added)
    assert await store.logs.list(DEFAULT, lease.key.run) == tuple(added)
    assert await store.logs.end(lease) == 12


async def test_a_segment_that_is_there_is_not_added_again(store: Store) -> None:
    await store.start(ONE_STEP)
    lease = await store.take_one()
    assert await store.logs.add(lease, [segment(lease, 0, 10)])
    assert await store.logs.add(lease, [segment(lease, 0, 10), segment(lease, 10, 20)])
    assert await bounds(store, lease) == [(0, 10), (10, 20)]


async def test_only_the_current_lease_may_add_or_compact(store: Store) -> None:
    await store.start(ONE_STEP)
    lease = await store.take_one()
    await store.logs.add(lease, [segment(lease, 0, 10)])
    for old in (stale(lease), replace(lease, attempt=2)):
        assert not await store.logs.add(old, [segment(old, 10, 20)])
        assert not await store.logs.compact(old, [segment(old, 0, 20)])
    await store.end(lease)
    assert not await store.logs.add(lease, [segment(lease, 10, 20)])
    assert await bounds(store, lease) == [(0, 10)]


async def test_compacting_replaces_the_segments_of_the_attempt(store: Store) -> None:
    await store.start(ONE_STEP)
    lease = await store.take_one()
    await store.logs.add(lease, [segment(lease, start, start + 10) for start in range(0, 50, 10)])
    assert await store.logs.compact(lease, [segment(lease, 0, 30), segment(lease, 30, 50)])
    assert await bounds(store, lease) == [(0, 30), (30, 50)]


async def test_compacting_leaves_what_an_earlier_process_shipped(store: Store) -> None:
    await store.start(ONE_STEP)
    lease = await store.take_one()
    await store.logs.add(lease, [segment(lease, start, start + 10) for start in range(0, 50, 10)])
    assert await store.logs.compact(lease, [segment(lease, 20, 50)])
    assert await bounds(store, lease) == [(0, 10), (10, 20), (20, 50)]
    assert await store.logs.compact(lease, [])
    assert await bounds(store, lease) == [(0, 10), (10, 20), (20, 50)]


async def test_the_last_of_the_log_is_recorded_with_the_end(store: Store) -> None:
    await store.start(ONE_STEP)
    lease = await store.take_one()
    refused = await store.runs.finish(stale(lease), Ending(outcome=SUCCEEDED, log=(segment(lease, 0, 5),)))
    assert not refused.is_accepted
    assert await bounds(store, lease) == []
    await store.runs.finish(lease, Ending(outcome=SUCCEEDED, log=(segment(lease, 0, 5), segment(lease, 5, 7))))
    assert await bounds(store, lease) == [(0, 5), (5, 7)]


async def test_segments_are_listed_by_step_attempt_and_start(store: Store) -> None:
    run = await store.start(
        workflow([{"name": name, "retry": {"limit": 1, "backoff": {"duration": "0s"}}} for name in "ab"])
    )
    a, b = await store.take()
    await asyncio.gather(store.logs.add(b, [segment(b, 0, 1)]), store.logs.add(a, [segment(a, 0, 1), segment(a, 1, 2)]))
    await store.end(a, FAILED)
    again = await store.take_one()
    await store.logs.add(again, [segment(again, 0, 9)])
    found = await store.logs.list(DEFAULT, run.uid)
    assert [(s.step, s.attempt, s.start) for s in found] == [("a", 1, 0), ("a", 1, 1), ("a", 2, 0), ("b", 1, 0)]
    assert [s.step for s in await store.logs.list(DEFAULT, run.uid, "b")] == ["b"]
    assert await store.logs.end(again) == 9
