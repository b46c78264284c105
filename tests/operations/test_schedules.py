"""Schedules through the loop of a server, on a clock that can be set: each tick once, whatever happens."""

import pytest

from tests.operations.places import Place
from tests.runtime import pulling
from tests.runtime.pulling import Hand, at, cron, server_at


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
