"""Events that tell of runs: that they began, where a trigger may listen."""

import pytest

from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import events, runs
from tests.operations.places import ANN, LOG, Place

STARTED = "dev.ensue.run.started.v1"
HEARS = {"cel": f'event.type == "{STARTED}"'}


async def types(place: Place) -> list[str]:
    return [row[0] for row in await place.rows("SELECT type FROM outbox ORDER BY seq")]


async def start(place: Place) -> None:
    await place.workflow("w")
    await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="w"))


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"filter": HEARS}, True),
        ({}, True),
        ({"filter": {"cel": 'event.type.startsWith("dev.ensue.run.")'}}, True),
        ({"filter": {"cel": f'event.type in ["a", "{STARTED}"] && event.data.workflow == "w"'}}, True),
        ({"filter": {"prefix": {"type": "dev."}}}, True),
        ({"filter": {"cel": 'event.type == "dev.ensue.run.failed.v1"'}}, False),
        ({"filter": {"exact": {"type": "push"}}}, False),
        ({"filter": {"cel": "false"}}, False),
        ({"filter": HEARS, "enabled": False}, False),
        ({"filter": HEARS, "sources": [{"ref": "hook"}]}, False),
    ],
)
async def test_that_a_run_began_is_told_where_a_trigger_may_listen(
    place: Place, spec: dict[str, object], told: bool
) -> None:
    await place.trigger("t", **spec)
    await start(place)
    assert await types(place) == ([STARTED] if told else [])


async def test_a_run_that_began_is_an_event_that_fires(place: Place) -> None:
    await place.trigger("t", filter=HEARS, actions=[LOG])
    await start(place)
    await place.world.intake.tell(await place.world.feed.outbox())
    first, second = await place.runs()
    assert (first.workflow, second.trigger) == ("w", "t")
    (stored,) = (await events.list_all(ANN, place.world, DEFAULT_NAMESPACE)).items
    event = stored.event
    assert (event.type, event.subject) == (STARTED, first.uid)
    assert isinstance(event.data, dict)
    assert (event.data["name"], event.data["workflow"], event.data["state"]) == (first.name, "w", "Queued")


async def test_a_trigger_does_not_answer_the_starts_of_its_own_runs(place: Place) -> None:
    await place.trigger("t")
    await start(place)
    for _ in range(3):
        await place.world.intake.tell(await place.world.feed.outbox())
    assert len(await place.runs()) == 2
    decided = await place.rows("SELECT note FROM decisions WHERE reason = 'Loop'")
    assert decided == [("it fired on the way to the run that began",)]


async def test_a_trigger_that_is_deleted_hears_no_more(place: Place) -> None:
    await place.trigger("t", filter=HEARS)
    await place.world.definitions.delete(DEFAULT_NAMESPACE, "Trigger", "t", ANN)
    await start(place)
    assert await types(place) == []
