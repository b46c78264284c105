"""How much waits, on either database."""

import pytest

from ensue.operations import metrics
from ensue.ports.levels import Level
from ensue.store import levels
from tests.operations.places import ANN, Place


async def test_an_empty_database_has_nothing_waiting(place: Place) -> None:
    assert await metrics.levels(ANN, place.world) == Level()


async def test_what_waits_is_counted(place: Place) -> None:
    await place.trigger("at-once")
    await place.trigger("held", debounce={"for": "1h", "key": "event.id"})
    await place.trigger("broken", actions=[{"name": "a", "type": "wait", "with": {"for": "1h"}, "engine": "inline"}])
    for _ in range(3):
        await place.send_one()
    found = await metrics.levels(ANN, place.world)
    assert (found.held_events, sum(found.open_runs.values())) == (3, 6)
    assert found.queued_steps == {"inline": 6}
    # A trigger that sees every event is told when a run begins.
    assert (found.untold, found.untold_seconds < 600) == (6, True)


async def test_ends_that_are_not_told_of_yet_are_counted_with_the_age_of_the_first(place: Place) -> None:
    await place.workflow("w", parameters=[{"name": "must", "required": True}])
    await place.trigger("ends-as-it-begins", actions=[{"name": "act", "workflow": "w"}])
    await place.send_one()
    await place.execute("UPDATE outbox SET created_at = created_at - 60000000")
    found = await metrics.levels(ANN, place.world)
    assert (found.untold, 60 <= found.untold_seconds < 600) == (1, True)


async def test_counting_ends_at_a_bound(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "MOST", 2)
    await place.trigger("held", debounce={"for": "1h", "key": "event.id"})
    for _ in range(3):
        await place.send_one()
    assert (await metrics.levels(ANN, place.world)).held_events == 2
