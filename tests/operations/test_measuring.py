"""What goes through the door is counted as what it became."""

import asyncio

from ensue.runtime import telemetry
from tests.operations.places import Place, event


def totals(place: Place, metric: telemetry.Metric) -> dict[tuple[str, ...], float]:
    return {labels: series.total for labels, series in dict(place.world.counted.read())[metric].items()}


async def test_the_end_of_a_run_is_counted_once_when_it_is_told_of(place: Place) -> None:
    await place.trigger("say", filter={"cel": 'event.type == "test.happened"'})
    async with place.working():
        await place.send_one()
        async with asyncio.timeout(30):
            while not totals(place, telemetry.RUNS):
                await place.world.wakeup.wait("events", 0.1)
    assert totals(place, telemetry.RUNS) == {("succeeded",): 1}
    assert totals(place, telemetry.STEPS) == {("inline", "succeeded"): 1}


async def test_conclusions_of_windows_are_counted_with_their_reason(place: Place) -> None:
    await place.trigger("once", dedupe={"key": "event.type", "for": "1h"})
    await place.trigger("later", debounce={"for": "1h"})
    for _ in range(3):
        await place.send_one()
    assert totals(place, telemetry.DECISIONS) == {
        ("default", "once", "fired", ""): 1,
        ("default", "once", "notFired", "Duplicate"): 2,
        ("default", "later", "held", "Debounced"): 3,
        ("default", "later", "notFired", "Superseded"): 2,
    }
    assert totals(place, telemetry.EVENTS) == {("default", "events", "stored"): 3}


async def test_events_of_a_namespace_that_a_sender_made_up_are_counted_without_its_name(place: Place) -> None:
    await place.send(event(namespace="made-up"))
    assert totals(place, telemetry.EVENTS) == {("", "events", "stored"): 1}
