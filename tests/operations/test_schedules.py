"""Schedules through the loop of a server, on a clock that can be set: each tick once, whatever happens."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest

from ensue.model.errors import StoreUnreachable
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import definitions, runs
from ensue.ports.pulling import SourceState
from ensue.runtime.pulling import Puller
from tests.operations.places import ANN, Place, place_at
from tests.runtime import pulling
from tests.runtime.pulling import Hand, Server, at, cron, server_at
from tests.runtime.sites import eventually


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    pulling.quick(monkeypatch)


async def test_each_time_of_a_schedule_is_an_event_that_its_trigger_decides_about(place: Place) -> None:
    key = await cron(place, schedule="*/10 * * * *", timezone="Europe/Berlin")
    hand = Hand(at("2026-01-01T11:55:30"))
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
        hand.pass_(minutes=5)
        await server.told("2026-01-01T12:00:00Z")
    (stored,) = (await place.world.feed.read(None)).items
    event = stored.event
    assert (event.source_key, event.type, event.time) == (key, "dev.ensue.cron.tick.v1", at("2026-01-01T12:00:00"))
    assert event.source == "/ensue/triggers/default/clock/cron"
    assert event.data == {
        "scheduledTime": "2026-01-01T12:00:00Z",
        "localTime": "2026-01-01T13:00:00+01:00",
        "timezone": "Europe/Berlin",
        "schedule": "*/10 * * * *",
        "missed": 0,
        "skipped": 0,
    }
    assert await place.decided(event.uid) == {"clock": "fired"}
    (run,) = await place.runs()
    assert run.trigger == "clock"


async def test_a_server_that_is_killed_at_any_time_tells_each_tick_once(place: Place) -> None:
    await cron(place, schedule="* * * * *", catchUp="all")
    hand, expected = Hand(at("2026-01-01T12:00:30")), []
    for minute in range(1, 13):
        server = server_at(place, hand)
        async with server.running():
            if minute == 1:
                await server.waits()
            if minute % 3 == 0:
                # Killed before it knows that it is time, while it tells, or after it has remembered.
                await asyncio.sleep(0.01 * (minute % 5))
            hand.pass_(minutes=1)
            expected.append(f"2026-01-01T12:{minute:02}:00Z")
            if minute % 2 == 0:
                await server_at(place, hand).told(*expected)
    async with server_at(place, hand).running():
        await server_at(place, hand).told(*expected)


async def test_a_server_without_a_type_of_source_forgets_nothing_of_it(place: Place) -> None:
    key = await cron(place, every="1h")
    one = server_at(place, Hand(at("2026-01-01T00:00")))
    async with one.running():
        await one.waits()
    memories = one.puller._records.memories
    known = await memories.of(DEFAULT_NAMESPACE, key)
    bare = Puller(types={}, records=one.puller._records, clock=one.hand, place="other")
    other = Server(place, one.hand, bare)
    async with other.running():
        await other.waits(0)
    assert known
    assert await memories.of(DEFAULT_NAMESPACE, key) == known


async def test_what_was_told_and_not_remembered_is_not_told_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cron(place, schedule="* * * * *")
    hand = Hand(at("2026-01-01T12:00:30"))
    server = server_at(place, hand)
    remember, failed = server.puller._records.memories.remember, []

    async def killed(*args: object) -> None:
        failed.append(args)
        await asyncio.Event().wait()

    monkeypatch.setattr(server.puller._records.memories, "remember", killed)
    async with server.running():
        await server.waits()
        hand.pass_(minutes=1)
        await eventually(lambda: bool(failed))
    assert await pulling.ticks(place) == ["2026-01-01T12:01:00Z"]
    monkeypatch.setattr(server.puller._records.memories, "remember", remember)
    async with server.running():
        await server.waits()
        hand.pass_(minutes=1)
        await server.told("2026-01-01T12:01:00Z", "2026-01-01T12:02:00Z")
    # Now that nobody tells anything any more.
    assert await pulling.ticks(place) == ["2026-01-01T12:01:00Z", "2026-01-01T12:02:00Z"]
    assert len(await place.runs()) == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"catchUp": "none"}, ["15:00"]),
        ({}, ["14:30", "15:00"]),
        ({"catchUp": "all"}, ["12:30", "13:00", "13:30", "14:00", "14:30", "15:00"]),
        ({"catchUp": "all", "catchUpLimit": 2}, ["14:00", "14:30", "15:00"]),
        ({"catchUp": "all", "startingDeadline": "50m"}, ["14:00", "14:30", "15:00"]),
        ({"startingDeadline": "10m"}, ["15:00"]),
        ({"catchUp": "none", "startingDeadline": "20m"}, ["14:30", "15:00"]),
    ],
)
async def test_ticks_that_no_server_saw_are_caught_up_with_as_the_source_says(
    place: Place, given: dict[str, Any], expected: list[str]
) -> None:
    await cron(place, schedule="*/30 * * * *", **given)
    hand = Hand(at("2026-01-01T12:10:00"))
    first = server_at(place, hand)
    async with first.running():
        await first.waits()
    hand.pass_(hours=2, minutes=40)
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
        hand.pass_(minutes=10)
        await server.told(*(f"2026-01-01T{time}:00Z" for time in expected))
    stored = (await place.world.feed.read(None)).items
    missed = [one.event.data["missed"] for one in stored if isinstance(one.event.data, dict)]
    assert sum(each for each in missed if isinstance(each, int)) == 6 - len(expected)


@pytest.mark.parametrize(("minutes", "then"), [(60, ["13:20", "13:40"]), (-60, ["12:40"])])
async def test_a_clock_that_jumps_an_hour_repeats_nothing_and_stops_nothing(
    place: Place, minutes: int, then: list[str]
) -> None:
    await cron(place, schedule="*/20 * * * *")
    hand = Hand(at("2026-01-01T12:10:00"))
    server = server_at(place, hand)
    expected = [f"2026-01-01T{time}:00Z" for time in ("12:20", *then)]
    async with server.running():
        await server.waits()
        hand.pass_(minutes=10)
        await server.told(*expected[:1])
        hand.pass_(minutes=minutes)
        if minutes > 0:
            # Those in between never were: the last of them counts.
            await server.told(*expected[:2])
            hand.pass_(minutes=20)
        else:
            for _ in range(4):
                hand.pass_(minutes=20)
                await asyncio.sleep(0.02)
        await server.told(*expected)
        await server.waits()
    assert await pulling.ticks(place) == expected


async def test_a_clock_that_was_wrong_by_years_does_not_stop_a_source_for_years(place: Place) -> None:
    await cron(place, schedule="@hourly")
    hand = Hand(at("2099-01-01T12:10:00"))
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
        hand.moment = at("2026-01-01T12:10:00")
        await eventually(lambda: [one.next_at for one in pulling.statuses(server)] == [at("2026-01-01T13:00:00")])
        hand.pass_(minutes=50)
        await server.told("2026-01-01T13:00:00Z")
    assert await pulling.ticks(place) == ["2026-01-01T13:00:00Z"]


@pytest.mark.parametrize(
    ("schedule", "start", "expected"),
    [
        ("30 2 * * *", "2026-03-28T12:00:00", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
        ("30 2 * * *", "2026-10-24T12:00:00", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
        ("0 0 * * *", "2026-10-24T12:00:00", ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]),
    ],
)
async def test_a_night_in_which_the_clocks_change_has_its_tick_once(
    place: Place, schedule: str, start: str, expected: list[str]
) -> None:
    await cron(place, schedule=schedule, timezone="Europe/Berlin")
    hand = Hand(at(start))
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
        told: list[str] = []
        for _ in range(80):
            hand.pass_(minutes=30)
            due = [one for one in expected if at(one[:-1]) <= hand.moment]
            if due != told:
                told = due
                await server.told(*told)
                await server.waits()
    assert told == expected


async def test_an_interval_counts_from_when_the_source_began_and_outlives_its_server(place: Place) -> None:
    await cron(place, every="10m")
    hand = Hand(at("2026-01-01T12:03:07"))
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
        hand.pass_(minutes=9, seconds=59)
        await asyncio.sleep(0.05)
        assert await pulling.ticks(place) == []
        hand.pass_(seconds=1)
        await server.told("2026-01-01T12:13:07Z")
    hand.pass_(minutes=9)
    again = server_at(place, hand)
    async with again.running():
        await again.waits()
        hand.pass_(minutes=1)
        await again.told("2026-01-01T12:13:07Z", "2026-01-01T12:23:07Z")


async def test_a_time_comes_once_and_then_the_source_is_finished(place: Place) -> None:
    await cron(place, at="2026-01-01T13:00:00", timezone="Europe/Berlin")
    hand = Hand(at("2026-01-01T11:10:00"))
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
        hand.pass_(hours=1)
        await server.told("2026-01-01T12:00:00Z")
        await eventually(lambda: [one.state for one in pulling.statuses(server)] == [SourceState.FINISHED])
    assert await pulling.ticks(place) == ["2026-01-01T12:00:00Z"]


async def test_jitter_is_the_same_on_every_server_and_never_changes_the_scheduled_time(place: Place) -> None:
    await cron(place, schedule="0 * * * *", jitter="30m")
    hand = Hand(at("2026-01-01T12:10:00"))
    one, two = server_at(place, hand, "one"), server_at(place, hand, "two")
    async with one.running(), two.running():
        await one.waits()
        await two.waits()
        (due,) = {status.next_at for server in (one, two) for status in pulling.statuses(server)}
        assert due is not None
        assert at("2026-01-01T13:00:00") < due < at("2026-01-01T13:30:00")
        hand.moment = due
        await one.told("2026-01-01T13:00:00Z")


async def test_a_source_that_is_switched_off_and_on_again_does_not_catch_up(place: Place) -> None:
    await cron(place, schedule="*/10 * * * *", catchUp="all")
    hand = Hand(at("2026-01-01T12:05:00"))
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
        await cron(place, schedule="*/10 * * * *", catchUp="all", trigger={"enabled": False})
        await server.waits(0)
        hand.pass_(hours=1)
        await cron(place, schedule="*/10 * * * *", catchUp="all")
        await server.waits()
        hand.pass_(minutes=5)
        await server.told("2026-01-01T13:10:00Z")
    assert await pulling.ticks(place) == ["2026-01-01T13:10:00Z"]


async def test_an_edit_that_does_not_concern_the_times_loses_none_and_a_new_schedule_begins_now(place: Place) -> None:
    await cron(place, schedule="*/10 * * * *")
    hand = Hand(at("2026-01-01T12:05:00"))
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
    hand.pass_(minutes=5)
    await cron(place, schedule="*/10 * * * *", overlap="skip", trigger={"description": "new"})
    async with server.running():
        await server.told("2026-01-01T12:10:00Z")
        await cron(place, schedule="*/15 * * * *", catchUp="all")
        await server.waits()
        hand.pass_(minutes=20)
        await server.told("2026-01-01T12:10:00Z", "2026-01-01T12:15:00Z", "2026-01-01T12:30:00Z")
    assert len(await pulling.ticks(place)) == 3


async def test_a_shared_source_is_at_work_while_an_enabled_trigger_sees_it(place: Place) -> None:
    await place.apply("Source", "daily", {"type": "cron", "with": {"schedule": "@daily"}})
    hand = Hand(at("2026-01-01T12:05:00"))
    server = server_at(place, hand)
    async with server.running():
        await server.waits(0)
        for name in ("one", "two"):
            await place.trigger(name, sources=[{"ref": "daily"}])
        await server.waits(1)
        hand.pass_(hours=12)
        await server.told("2026-01-02T00:00:00Z")
        uid = (await place.world.feed.read(None)).items[0].event.uid
        assert await place.decided(uid) == {"one": "fired", "two": "fired"}
        await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, "Trigger", "one")
        await place.trigger("two", sources=[{"ref": "daily"}], enabled=False)
        await server.waits(0)


async def test_a_tick_is_skipped_and_that_is_said_while_the_run_of_the_one_before_goes_on(place: Place) -> None:
    await cron(place, schedule="*/10 * * * *", overlap="skip")
    hand = Hand(at("2026-01-01T12:05:00"))
    server = server_at(place, hand)
    async with server.running():
        await server.waits()
        hand.pass_(minutes=5)
        await server.told("2026-01-01T12:10:00Z")
        hand.pass_(minutes=10)
        await eventually(lambda: any("12:20:00Z was skipped" in note for note in pulling.notes(server)))
    # It is remembered over a restart, and so is which run is meant.
    again = server_at(place, hand)
    async with again.running():
        await again.waits()
        assert any("12:20:00Z was skipped" in note for note in pulling.notes(again))
        (run,) = await place.runs()
        await runs.stop(ANN, place.world, DEFAULT_NAMESPACE, run.name)
        hand.pass_(minutes=10)
        await again.told("2026-01-01T12:10:00Z", "2026-01-01T12:30:00Z")
    last = (await place.world.feed.read(None)).items[-1].event
    assert last.data["skipped"] == 1  # type: ignore[index,call-overload]


async def test_a_source_that_cannot_work_says_why_and_goes_on_when_it_can(place: Place) -> None:
    await cron(place, schedule="@hourly")
    await place.execute("UPDATE bodies SET body = replace(body, '@hourly', '@never')")
    hand = Hand(at("2026-01-01T12:05:00"))
    server = server_at(place, hand)
    async with server.running():
        await eventually(lambda: [one.state for one in pulling.statuses(server)] == [SourceState.FAILING])
        stored = await place.world.definitions.get(DEFAULT_NAMESPACE, "Trigger", "clock")
        (problem,) = server.puller.problems(stored)
        assert (problem.path, "@never" in problem.message) == ("spec.sources[0]", True)
        await cron(place, schedule="@daily")
        await server.waits()
        assert server.puller.problems(stored) == ()


async def test_ticks_wait_while_the_database_is_away(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await cron(place, schedule="* * * * *")
    hand = Hand(at("2026-01-01T12:00:30"))
    server = server_at(place, hand)
    driver, refused = place.node.driver, []
    write, fetch = driver.write, driver.fetch

    async def away(*args: object) -> None:
        refused.append(args)
        raise StoreUnreachable

    async with server.running():
        await server.waits()
        monkeypatch.setattr(driver, "write", away)
        monkeypatch.setattr(driver, "fetch", away)
        hand.pass_(minutes=1)
        await eventually(lambda: len(refused) > 3)
        monkeypatch.setattr(driver, "write", write)
        monkeypatch.setattr(driver, "fetch", fetch)
        await server.told("2026-01-01T12:01:00Z")
    assert await pulling.ticks(place) == ["2026-01-01T12:01:00Z"]


# Two servers on one database


async def test_two_servers_tell_each_tick_once_while_either_is_killed(tmp_path: Path, postgres_url: str) -> None:
    async with place_at(tmp_path / "a", postgres_url) as one, place_at(tmp_path / "b", postgres_url) as two:
        await cron(one, "minutes", schedule="* * * * *", catchUp="all")
        await cron(one, "interval", every="90s", catchUp="all")
        hands = [Hand(at("2026-01-01T12:00:10")), Hand(at("2026-01-01T12:00:11"))]
        expected: set[str] = set()
        for round_ in range(6):
            servers = [server_at(place, hand) for place, hand in zip((one, two), hands, strict=True)]
            async with servers[0].running(), servers[1].running():
                if round_ == 0:
                    await servers[0].waits(2)
                    await servers[1].waits(2)
                for hand in hands:
                    hand.pass_(minutes=3)
                await asyncio.sleep(0.03 * round_)
        # The interval began on one of the two clocks: on the later one all of it is due.
        last = server_at(two, hands[1])
        expected = {f"2026-01-01T12:{minute:02}:00Z" for minute in range(1, 19)}

        async def are_all_there() -> bool:
            return expected <= set(await pulling.ticks(one)) and len(await pulling.ticks(one)) >= 30

        async with last.running():
            await eventually(are_all_there)
        found = await pulling.ticks(one)
        assert len(found) == len(set(found)) == 30
        intervals = sorted(at(each[:-1]) for each in set(found) - expected)
        assert len({later - earlier for earlier, later in itertools.pairwise(intervals)}) == 1
        assert len(await one.runs()) == 30
