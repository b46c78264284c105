"""Windows in the store: exact under concurrency, across processes and across failures."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ensue.model.run import State
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import definitions
from ensue.store.care import Care
from ensue.store.statement import Begin, T
from tests.operations.places import ANN, Place, event, place_at
from tests.runtime.sites import eventually

HOUR = "1h"


async def all_decided(place: Place) -> Counter[str]:
    rows = await place.rows("SELECT conclusion, reason FROM decisions")
    return Counter(f"{conclusion} {reason}".strip() for conclusion, reason in rows)


async def test_of_many_repeats_at_once_one_counts(place: Place) -> None:
    await place.trigger("t", dedupe={"key": "event.data.k", "for": HOUR})
    await asyncio.gather(*(place.send(event(data={"k": number % 3}), event(data={"k": 9})) for number in range(30)))
    assert await all_decided(place) == {"fired": 4, "notFired Duplicate": 56}
    assert len(await place.runs()) == 4


async def test_no_more_than_the_limit_pass_at_once(place: Place) -> None:
    await place.trigger("t", throttle={"key": "event.data.k", "limit": 5, "per": HOUR})
    await asyncio.gather(*(place.send(event(data={"k": number % 2})) for number in range(40)))
    assert await all_decided(place) == {"fired": 10, "notFired Throttled": 30}
    assert len(await place.runs()) == 10


async def test_the_last_of_a_burst_is_held_and_fires_once(place: Place) -> None:
    await place.trigger("t", debounce={"key": "event.data.k", "for": HOUR})
    await asyncio.gather(*(place.send(event(data={"k": number % 2})) for number in range(20)))
    assert await all_decided(place) == {"held Debounced": 2, "notFired Superseded": 18}
    assert await place.runs() == ()
    released = await place.world.decisions.release()
    assert (released.released, released.next_at is not None) == (0, True)
    await place.make_due()
    releases = await asyncio.gather(*(place.world.decisions.release() for _ in range(5)))
    assert sum(one.queued for one in releases) == 2
    assert await all_decided(place) == {"fired": 2, "notFired Superseded": 18}
    assert len(await place.runs()) == 2
    assert (await place.world.decisions.release()).next_at is None


async def test_events_of_one_batch_supersede_each_other(place: Place) -> None:
    await place.trigger("t", debounce={"for": HOUR})
    accepted = await place.send(*(event() for _ in range(12)))
    said = [await place.decided(one.uid) for one in accepted]
    assert said == [{"t": "notFired Superseded"}] * 11 + [{"t": "held Debounced"}]


async def test_a_held_event_that_is_due_fires_before_the_next_is_held(place: Place) -> None:
    await place.trigger("t", debounce={"for": HOUR})
    first = await place.send_one()
    await place.make_due()
    second = await place.send_one()
    assert [await place.decided(uid) for uid in (first, second)] == [{"t": "fired"}, {"t": "held Debounced"}]
    assert [run.event_uid for run in await place.runs()] == [first]


async def test_what_is_released_passes_the_throttle_of_its_own_key(place: Place) -> None:
    debounce, throttle = {"key": "event.data.d", "for": HOUR}, {"key": "event.data.t", "limit": 1, "per": HOUR}
    await place.trigger("t", debounce=debounce, throttle=throttle)
    uids = [await place.send_one(data={"d": d, "t": t}) for d, t in ((1, "x"), (2, "x"), (3, "y"))]
    await place.make_due()
    await place.world.decisions.release()
    assert Counter(run.event_uid for run in await place.runs()).keys() >= {uids[2]}
    assert await all_decided(place) == {"fired": 2, "notFired Throttled": 1}
    # One that is due is let go by the next of its key, whose throttle is another.
    await place.send_one(data={"d": 4, "t": "z"})
    await place.make_due()
    await place.send_one(data={"d": 4, "t": "x"})
    assert await all_decided(place) == {"fired": 3, "notFired Throttled": 1, "held Debounced": 1}


async def test_windows_stay_when_the_trigger_is_edited_and_what_was_decided_on_fires(place: Place) -> None:
    await place.trigger("t", debounce={"for": HOUR})
    first = await place.send_one()
    await place.trigger("t", debounce={"for": HOUR}, description="edited", actions=[{"name": "new", "run": "true"}])
    second = await place.send_one()
    assert [await place.decided(uid) for uid in (first, second)] == [
        {"t": "notFired Superseded"},
        {"t": "held Debounced"},
    ]
    await place.trigger("t", debounce={"for": HOUR})
    await place.make_due()
    await place.world.decisions.release()
    assert await place.decided(second) == {"t": "fired"}
    (run,) = await place.runs()
    steps = await place.world.history.steps(DEFAULT_NAMESPACE, run.uid)
    assert [step.key.step for step in steps] == ["new"]


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_a_trigger_that_is_gone_or_switched_off_fires_nothing_it_held(place: Place, is_deleted: bool) -> None:
    await place.trigger("t", debounce={"for": HOUR})
    uid = await place.send_one()
    if is_deleted:
        await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, "Trigger", "t")
        await place.trigger("t", debounce={"for": HOUR})
    else:
        await place.trigger("t", debounce={"for": HOUR}, enabled=False)
    await place.make_due()
    await place.world.decisions.release()
    assert await place.decided(uid) == {"t": "notFired Disabled"}
    assert await place.runs() == ()


async def test_a_key_that_cannot_be_told_is_recorded(place: Place) -> None:
    await place.trigger("t", dedupe={"key": "event.data.missing", "for": HOUR})
    uid = await place.send_one()
    decision = await place.decision(uid)
    assert (decision.conclusion, decision.reason) == ("undecided", "FilterFailed")
    assert decision.verdict.error.startswith("dedupe.key: ")
    assert await place.rows("SELECT count(*) FROM windows") == [(0,)]


async def test_long_keys_are_told_apart(place: Place) -> None:
    await place.trigger("t", dedupe={"key": "event.data.k", "for": HOUR})
    for key in ("x" * 1000, "x" * 1000, "x" * 999 + "y", ["x"], {"x": 1}):
        await place.send_one(data={"k": key})
    assert await all_decided(place) == {"fired": 4, "notFired Duplicate": 1}


async def test_a_held_event_fires_by_itself(place: Place) -> None:
    await place.trigger("t", debounce={"for": "100ms"})
    uid = await place.send_one()

    async def is_over() -> bool:
        return [run.state for run in await place.runs()] == [State.SUCCEEDED]

    async with place.working():
        await eventually(is_over)
    assert await place.decided(uid) == {"t": "fired"}


async def test_a_commit_that_fails_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await place.trigger("t", throttle={"limit": 1, "per": HOUR})
    await place.send_one()
    tables = ("events", "decisions", "windows", "runs", "step_runs", "run_labels", "outbox")
    before = [await place.rows(f"SELECT * FROM {table}") for table in tables]
    driver, write = place.node.driver, place.node.driver.write

    async def failing(begin: Begin[T]) -> T:
        """All is written, and the end of the transaction fails."""

        def doomed():  # type: ignore[no-untyped-def]
            yield from begin()
            raise RuntimeError("killed")

        return await write(doomed)

    given = event()
    monkeypatch.setattr(driver, "write", failing)
    with pytest.raises(RuntimeError, match="killed"):
        await place.send(given)
    monkeypatch.undo()
    assert [await place.rows(f"SELECT * FROM {table}") for table in tables] == before
    (accepted,) = await place.send(given)
    assert not accepted.is_duplicate
    assert await place.decided(accepted.uid) == {"t": "notFired Throttled"}


async def test_a_change_between_judging_and_recording_is_met(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger is disabled while an event that fires it is on its way into the transaction."""
    await place.trigger("t")
    await place.send_one()
    record = place.world.decisions.record
    tries = []

    async def late(arrivals, revisions, keep_ids):  # type: ignore[no-untyped-def]
        tries.append(revisions)
        if len(tries) == 1:
            await place.trigger("t", enabled=False)
        return await record(arrivals, revisions, keep_ids)

    monkeypatch.setattr(place.world.decisions, "record", late)
    uid = await place.send_one()
    assert len(tries) == 2
    assert await place.decided(uid) == {}


async def test_what_windows_forgot_is_deleted(place: Place) -> None:
    await place.trigger("t", dedupe={"key": "event.id", "for": "1ms"}, throttle={"limit": 1, "per": "1ms"})
    await place.trigger("held", debounce={"for": HOUR})
    await place.send_one()
    await asyncio.sleep(0.01)
    care, day = Care(driver=place.node.driver), timedelta(days=1)
    assert not await care.prune((), day, day)
    assert await place.rows("SELECT kind FROM windows") == [("debounce",)]
    assert len(await place.rows("SELECT event FROM decisions")) == 2


async def test_decisions_go_with_their_events(place: Place) -> None:
    await place.trigger("t")
    await place.send_one()
    await place.execute("UPDATE events SET stored_at = 0")
    day = timedelta(days=1)
    await Care(driver=place.node.driver).prune((), day, day)
    assert await place.rows("SELECT event FROM decisions") == []


# Two servers on one database


@pytest.fixture
async def pair(tmp_path: Path, postgres_url: str) -> AsyncIterator[tuple[Place, Place]]:
    async with place_at(tmp_path / "a", postgres_url) as one, place_at(tmp_path / "b", postgres_url) as two:
        yield one, two


async def test_two_servers_are_as_exact_as_one(pair: tuple[Place, Place]) -> None:
    one, two = pair
    await one.trigger("deduped", dedupe={"key": "event.data.k", "for": HOUR})
    await one.trigger("throttled", throttle={"key": "event.data.k", "limit": 3, "per": HOUR})
    await one.trigger("held", debounce={"key": "event.data.k", "for": HOUR})
    given = [event(data={"k": number % 4}, id=str(number % 40)) for number in range(80)]
    await asyncio.gather(*(place.send(one) for number, one in enumerate(given) for place in [pair[number % 2]]))
    assert await all_decided(one) == {
        "fired": 4 + 12,
        "notFired Duplicate": 36,
        "notFired Throttled": 28,
        "held Debounced": 4,
        "notFired Superseded": 36,
    }
    await one.make_due()
    await asyncio.gather(*(place.world.decisions.release() for place in [one, two] * 4))
    assert len(await two.runs()) == 4 + 12 + 4


async def test_a_change_at_one_server_counts_at_the_other_at_once(pair: tuple[Place, Place]) -> None:
    one, two = pair
    await one.trigger("t")
    for number in range(6):
        assert await pair[number % 2].decided(await two.send_one()) == ({"t": "fired"} if number % 2 == 0 else {})
        await one.trigger("t", enabled=number % 2 == 1)
