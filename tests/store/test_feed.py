"""Port Feed: events in commit order."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ensue.model.errors import InvalidInput, NotFound
from ensue.model.event import Cause, DataForm, Event
from ensue.model.run import State
from ensue.model.values import Namespace
from ensue.store.driver import Driver
from tests.core.playing import FAILED, NOW, workflow
from tests.store.drivers import make
from tests.store.stores import DEFAULT, Store, new_uid, store_with


def event(id: str = "1", **given: Any) -> Event:
    return Event(
        **{
            "namespace": DEFAULT,
            "uid": str(new_uid()),
            "id": id,
            "source": "/tests",
            "type": "test.happened",
            "time": NOW,
            "data": {"n": id},
            **given,
        }
    )


async def read_all(store: Store, after: str = "", namespace: Namespace | None = None, limit: int = 3) -> list[str]:
    found = []
    while (page := await store.feed.read(namespace, after, limit)).items:
        found += [item.event.id for item in page.items]
        after = page.after
    return found


async def test_an_event_comes_back_as_it_was_stored(store: Store) -> None:
    given = event(
        subject="s\0",
        data=[1, "ü\0\ud800", None],
        data_form=DataForm.TEXT,
        data_content_type="text/x",
        data_schema="urn:x",
        extensions={"a": "b"},
        time_text="2026-01-01t00:00:00.123456789z",
        source_key="Source/s",
        cause=Cause(event="e", run=new_uid(), triggers=("t", "u"), root="first"),
    )
    (accepted,) = await store.append([given])
    assert (accepted.uid, accepted.is_duplicate) == (given.uid, False)
    (read,) = (await store.feed.read(DEFAULT)).items
    assert read.event == replace(given, subject="s\ufffd")
    assert await store.feed.get(DEFAULT, given.uid) == read


async def test_a_cursor_that_this_feed_never_gave_is_refused(store: Store) -> None:
    later = "999999999999.0"
    for _ in range(2):
        with pytest.raises(InvalidInput, match="not one of this feed"):
            await store.feed.read(DEFAULT, later)
        await store.append([event()])
    assert (await store.feed.read(DEFAULT, await store.feed.end())).items == ()


async def test_an_event_is_found_in_its_namespace_only(store: Store) -> None:
    (accepted,) = await store.append([event()])
    for namespace, uid in ((Namespace("other"), accepted.uid), (DEFAULT, "none")):
        with pytest.raises(NotFound, match="no event"):
            await store.feed.get(namespace, uid)


async def test_a_repeated_event_is_answered_by_the_first(store: Store) -> None:
    (first,) = await store.append([event("1")])
    again, other, twice, thrice = await store.append([event("1"), event("1", source="/b"), event("2"), event("2")])
    assert (again.is_duplicate, again.uid) == (True, first.uid)
    assert [item.is_duplicate for item in (other, twice, thrice)] == [False, False, True]
    for given in ({"namespace": Namespace("other")}, {"source_key": "Source/s"}):
        (elsewhere,) = await store.append([event("1", **given)])
        assert not elsewhere.is_duplicate


async def test_a_repeat_after_a_long_time_is_an_event_of_its_own(store: Store) -> None:
    await store.append([event("1")])
    await store.execute("UPDATE events SET stored_at = stored_at - 1000000")
    second, third = await store.append([event("1"), event("1")], timedelta(milliseconds=900))
    assert (second.is_duplicate, third.is_duplicate, third.uid) == (False, True, second.uid)
    assert await store.rows("SELECT is_latest FROM events ORDER BY seq") == [(0,), (1,)]


async def test_an_event_that_is_handed_in_again_with_its_own_uid_stays_the_same(store: Store) -> None:
    given = event("1")
    (first,) = await store.append([given])
    await store.execute("UPDATE events SET stored_at = stored_at - 1000000")
    assert await store.append([given, given], timedelta(milliseconds=900)) == (first, first)
    assert await read_all(store) == ["1"]


async def test_the_same_event_from_many_senders_at_once_is_stored_once(store: Store) -> None:
    stored = await asyncio.gather(*(store.append([event("1"), event("2")]) for _ in range(20)))
    assert sum(not item.is_duplicate for items in stored for item in items) == 2
    assert len({item.uid for items in stored for item in items}) == 2


async def test_a_reader_that_continues_sees_each_event_once(store: Store) -> None:
    await store.append([event(str(number)) for number in range(10)])
    page = await store.feed.read(None, limit=4)
    assert [item.event.id for item in page.items] == ["0", "1", "2", "3"]
    assert await read_all(store, page.after) == [str(number) for number in range(4, 10)]


async def test_the_end_of_the_feed_has_a_cursor_that_continues_later(store: Store) -> None:
    page = await store.feed.read(None)
    assert (page.items, page.after != "") == ((), True)
    await store.append([event("1")])
    page = await store.feed.read(None, page.after)
    assert [item.event.id for item in page.items] == ["1"]
    end = await store.feed.read(None, page.after)
    assert (end.items, end.after) == ((), page.after)


async def test_a_namespace_sees_its_own_events(store: Store) -> None:
    other = Namespace("other")
    for number in range(6):
        await store.append([event(str(number), namespace=other if number % 2 else DEFAULT)])
    assert await read_all(store, namespace=other, limit=2) == ["1", "3", "5"]
    assert len(await read_all(store)) == 6


@pytest.mark.parametrize("cursor", ["x", "1", "1.x", ".", "1.-1", "-1.1", "²", "1.²", "١.1", f"{2**63}.1", "1.1\n"])
async def test_a_cursor_of_something_else_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="continue token"):
        await store.feed.read(None, cursor)


async def test_an_event_knows_the_revision_it_met(store: Store) -> None:
    await store.append([event("1")])
    await store.execute("INSERT INTO namespaces (name, revision) VALUES ('default', 7)")
    await store.append([event("2")])
    assert await store.rows("SELECT id, revision FROM events ORDER BY seq") == [("1", 0), ("2", 7)]


# What runs leave


async def test_the_ends_of_runs_become_events_once(store: Store) -> None:
    good = await store.start(workflow([{"name": "a"}], outputs=[{"name": "x", "value": 1}]))
    await store.carry_on()
    bad = await store.start(workflow([{"name": "b"}]))
    await store.carry_on({"b": FAILED})
    assert await store.tell() == 2
    assert await store.tell() == 0
    first, second = (item.event for item in (await store.feed.read(DEFAULT)).items)
    assert (first.type, first.subject, first.source) == ("dev.ensue.run.succeeded.v1", good.uid, "/ensue/runs")
    assert isinstance(first.data, dict)
    assert (first.data["name"], first.data["outputs"]) == (good.name, {"x": 1})
    assert (second.type, second.subject) == ("dev.ensue.run.failed.v1", bad.uid)
    assert (await store.run_of(bad)).state is State.FAILED


async def test_the_outbox_is_drained_in_batches_by_any_number(store: Store) -> None:
    for _ in range(12):
        await store.start(workflow([{"name": "a"}]))
    await store.carry_on()

    async def drain() -> int:
        told = 0
        while await store.feed.outbox(1):
            told += await store.tell(5)
        return told

    assert sum(await asyncio.gather(*(drain() for _ in range(6)))) == 12
    assert len(await read_all(store)) == 12


async def test_a_row_that_comes_again_collapses(store: Store) -> None:
    await store.start(workflow([{"name": "a"}]))
    await store.carry_on()
    rows = await store.rows("SELECT namespace, run, type, data, cause, created_at FROM outbox")
    await store.tell()
    insert = "INSERT INTO outbox (namespace, run, type, data, cause, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
    await store.execute(insert, *rows[0])
    assert await store.tell() == 1
    assert len(await read_all(store)) == 1


# Commit order


async def test_a_reader_beside_writers_skips_nothing_and_repeats_nothing(store: Store) -> None:
    is_over = False
    seen: list[str] = []

    async def follow() -> None:
        after = ""
        while True:
            was_over = is_over
            page = await store.feed.read(None, after, 7)
            seen.extend(item.event.id for item in page.items)
            after = page.after
            if was_over and not page.items:
                return
            await asyncio.sleep(0)

    async def write(sender: int) -> None:
        for number in range(15):
            await store.append([event(f"{sender}-{number}-{part}") for part in range(1 + number % 3)])

    reader = asyncio.create_task(follow())
    await asyncio.gather(*(write(sender) for sender in range(8)))
    is_over = True
    await reader
    assert len(seen) == len(set(seen)) == 8 * 30
    mine = [id for id in seen if id.startswith("3-")]
    assert mine == [f"3-{number}-{part}" for number in range(15) for part in range(1 + number % 3)]


@pytest.fixture
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    return make("postgres", request, tmp_path)


async def test_what_is_committed_late_is_not_skipped(postgres: Driver, postgres_url: str) -> None:
    envelope = '{"data":1,"form":"json","time":null,"datacontenttype":"","dataschema":"","extensions":{},"cause":"{}"}'
    insert = (
        "INSERT INTO events (namespace, uid, source_key, source, id, type, subject, time, envelope, revision,"
        " stored_at, is_latest)"
        f" VALUES ('default', $1, 'events', '/slow', $1, 't', '', 0, '{envelope}', 0, 0, 1)"
    )
    async with store_with(postgres) as store:
        slow = await asyncpg.connect(postgres_url)
        try:
            await store.append([event("before")])
            transaction = slow.transaction()
            await transaction.start()
            await slow.execute(insert, "slow")
            await store.append([event("fast")])
            page = await store.feed.read(None)
            assert [item.event.id for item in page.items] == ["before"]
            again = await store.feed.read(None, page.after)
            assert again.items == ()
            await transaction.commit()
            assert await read_all(store, again.after) == ["slow", "fast"]

            transaction = slow.transaction()
            await transaction.start()
            await slow.execute(insert, "rolled back")
            await store.append([event("after")])
            await transaction.rollback()
            assert await read_all(store, again.after) == ["slow", "fast", "after"]
        finally:
            await slow.close()


async def test_an_event_is_found_by_the_beginning_of_its_uid_where_no_other_begins_so(store: Store) -> None:
    uids = [f"0190a0a0-000{number}-7000-9000-00000000000{number}" for number in range(8)]
    await store.append([event(str(number), uid=uid) for number, uid in enumerate(uids)])
    await store.append([event("other", uid="0190a0a0-0001-7000-9000-0000000000ff", namespace=Namespace("other"))])
    for name in (uids[1], uids[1][:13], uids[1][:13].upper(), uids[1][:-1]):
        assert (await store.feed.get(DEFAULT, name)).event.uid == uids[1]
    with pytest.raises(InvalidInput, match=f"several events begin with 0190a0a0: {', '.join(uids[:5])} and more"):
        await store.feed.get(DEFAULT, "0190a0a0")
    for name in (uids[1][:7], "0190a0a1", "0190a0a0-0009", "0190%a0a0", "zzzzzzzzz"):
        with pytest.raises(NotFound, match="no event"):
            await store.feed.get(DEFAULT, name)
