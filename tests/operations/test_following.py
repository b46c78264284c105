"""Following the feed: nothing skipped, nothing twice, on both databases."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ensue.core.selecting import EventFilter
from ensue.model.errors import InvalidInput, StoreUnreachable
from ensue.model.event import StoredEvent
from ensue.model.values import Namespace
from ensue.operations import following
from tests.operations.places import ANN, Place, event, place_at

EVERYTHING = EventFilter()


def ids(items: tuple[StoredEvent, ...]) -> list[str]:
    return [stored.event.id for stored in items]


async def followed(place: Place, count: int, select: EventFilter = EVERYTHING, after: str = "") -> list[StoredEvent]:
    """The next events, until there are so many."""
    found: list[StoredEvent] = []
    stretches = await following.follow(ANN, place.world, select, after)
    async for stretch in stretches:
        found += stretch.items
        if len(found) >= count:
            break
    return found


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.02)


async def test_a_follower_gets_what_is_stored_from_then_on(place: Place) -> None:
    await place.send(event(id="before"))
    stretches = await following.follow(ANN, place.world, EVERYTHING)
    await place.send(event(id="1"), event(id="2"))
    first, second = [await anext(stretches), await anext(stretches)]
    assert (ids(first.items), ids(second.items)) == ([], ["1", "2"])
    assert second.after == second.items[-1].cursor


async def test_a_follower_goes_on_after_the_event_it_had_last(place: Place) -> None:
    await place.send(*(event(id=str(number)) for number in range(5)))
    page = await followed(place, 5, after="0.0")
    assert ids(tuple(await followed(place, 2, after=page[2].cursor))) == ["3", "4"]


async def test_what_was_decided_comes_with_the_event(place: Place) -> None:
    await place.trigger("yes")
    await place.trigger("no", filter={"cel": "event.data.n > 3"})
    stretches = await following.follow(ANN, place.world, EVERYTHING)
    await anext(stretches)
    uid = await place.send_one(data={"n": 1})
    stretch = await anext(stretches)
    said = {each.trigger: each.conclusion.value for each in stretch.decisions[uid]}
    assert said == {"yes": "fired", "no": "notFired"}
    assert all(each.run is not None for each in stretch.decisions[uid] if each.trigger == "yes")


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (EventFilter(namespace=Namespace("blue")), ["3"]),
        (EventFilter(type="order.*"), ["1", "2"]),
        (EventFilter(type="order.paid"), ["1"]),
        (EventFilter(source="/shop*", type="*"), ["2", "3"]),
        (EventFilter(subject="17"), ["4"]),
        (EventFilter(namespace=Namespace("default"), type="order.*", source="/shop"), ["2"]),
    ],
)
async def test_a_follower_may_want_a_part(place: Place, select: EventFilter, expected: list[str]) -> None:
    await place.send(
        event(id="1", type="order.paid"),
        event(id="2", type="order.sent", source="/shop"),
        event(id="3", type="cart", source="/shop/2", namespace=Namespace("blue")),
        event(id="4", type="cart", subject="17"),
    )
    stretch = await anext(await following.follow(ANN, place.world, select, "0.0"))
    assert ids(stretch.items) == expected
    assert (await anext(await following.follow(ANN, place.world, select, stretch.after))).items == ()


async def test_readers_that_lose_the_connection_skip_nothing_and_get_nothing_twice(place: Place) -> None:
    draw = random.Random(7)
    seen: list[str] = []

    async def read() -> None:
        after = "0.0"
        while len(seen) < 120:
            async for stretch in await following.follow(ANN, place.world, EVERYTHING, after):
                kept = stretch.items[: draw.randint(1, 30)]
                seen.extend(ids(kept))
                after = kept[-1].cursor if kept else stretch.after
                if len(kept) < len(stretch.items) or draw.random() < 0.5 or len(seen) >= 120:
                    break

    async def write(sender: int) -> None:
        for number in range(10):
            await place.send(*(event(id=f"{sender}-{number}-{part}") for part in range(2)))

    await asyncio.gather(read(), *(write(sender) for sender in range(6)))
    assert len(seen) == len(set(seen)) == 120
    assert [id for id in seen if id.startswith("3-")] == [
        f"3-{number}-{part}" for number in range(10) for part in range(2)
    ]


@pytest.fixture
async def postgres(tmp_path: Path, postgres_url: str) -> AsyncIterator[Place]:
    async with place_at(tmp_path / "one", postgres_url) as place:
        yield place


async def test_what_began_before_the_follower_and_commits_after_it_is_not_skipped(
    postgres: Place, postgres_url: str
) -> None:
    """Sequence numbers become visible out of order: a follower starts, and resumes, below what is still open."""
    slow = await asyncpg.connect(postgres_url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(INSERT, "slow")
        await postgres.send(event(id="fast"))
        stretches = await following.follow(ANN, postgres.world, EVERYTHING)
        first = await anext(stretches)
        assert first.items == ()
        await postgres.send(event(id="faster"))
        resumed = await following.follow(ANN, postgres.world, EVERYTHING, first.after)
        await transaction.commit()
        expected = ["slow", "fast", "faster"]
        assert [id for stretch in [await anext(stretches)] for id in ids(stretch.items)] == expected
        assert ids((await anext(resumed)).items or (await anext(resumed)).items) == expected
    finally:
        await slow.close()


INSERT = (
    "INSERT INTO events (namespace, uid, source_key, source, id, type, subject, time, envelope, revision, stored_at,"
    " is_latest) VALUES ('default', $1, 'events', '/slow', $1, 't', '', 0, '{\"data\":1,\"form\":\"json\","
    '"time":null,"datacontenttype":"","dataschema":"","extensions":{},"cause":"{}"}\', 0, 0, 1)'
)


async def test_somebody_is_there_also_when_nothing_happens(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "HEARTBEAT_SECONDS", 0.0)
    stretches = await following.follow(ANN, place.world, EVERYTHING)
    first, second = [await anext(stretches), await anext(stretches)]
    assert (first.items, second.items) == ((), ())
    assert second.after == first.after != ""


async def test_an_outage_skips_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    stretches = await following.follow(ANN, place.world, EVERYTHING)
    await anext(stretches)
    real, failures = place.world.decisions.of_all, 2

    async def away(*given: Any) -> Any:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StoreUnreachable
        return await real(*given)

    monkeypatch.setattr(place.world.decisions, "of_all", away)
    await place.send(event(id="1"), event(id="2"))
    assert ids((await anext(stretches)).items) == ["1", "2"]


async def test_a_follower_is_sent_away_now_and_then(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST_SECONDS", 0.0)
    stretches = await following.follow(ANN, place.world, EVERYTHING)
    assert [ids(stretch.items) async for stretch in stretches] == [[]]


@pytest.mark.parametrize("after", ["x", "1", "1.-1", "²·1", "1.99999999999999999999", f"{2**63}.0"])
async def test_a_cursor_of_something_else_is_refused_at_once(place: Place, after: str) -> None:
    with pytest.raises(InvalidInput, match="continue token"):
        await following.follow(ANN, place.world, EVERYTHING, after)
