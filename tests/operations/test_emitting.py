"""Events that steps let in here: what they cause, and that they come once."""

from dataclasses import replace

from ensue.model.run import State
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import events, logs, runs
from tests.operations.places import ANN, LOG, Place
from tests.runtime.sites import eventually

SAY = {"name": "say", "type": "emit", "with": {"type": "org.example.built", "data": {"n": 1}}}


async def ended(place: Place) -> bool:
    return all(run.state.is_final for run in await place.runs())


async def test_what_a_step_emits_is_an_event_of_its_namespace_that_fires(place: Place) -> None:
    trigger = await place.trigger("t", filter={"cel": 'event.type == "org.example.built"'}, actions=[LOG])
    await place.workflow("w", SAY)
    async with place.working():
        first = await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="w"))

        async def has_fired() -> bool:
            return len(await place.runs()) == 2 and await ended(place)

        await eventually(has_fired)
    emitting, fired = await place.runs()
    assert (emitting.uid, emitting.state, fired.trigger) == (first.uid, State.SUCCEEDED, "t")
    whole = await runs.get(ANN, place.world, DEFAULT_NAMESPACE, first.name)
    uid = str(whole.steps[0].outputs["uid"])
    event = (await events.get(ANN, place.world, DEFAULT_NAMESPACE, uid)).event
    assert (event.source, event.id, event.data) == (f"/ensue/runs/{first.uid}", f"{first.uid}/say", {"n": 1})
    assert (event.cause.run, fired.cause.triggers) == (first.uid, (trigger.uid,))
    lines = [line.text async for line in logs.read(ANN, place.world, DEFAULT_NAMESPACE, first.name, logs.Select())]
    assert lines == [f"event {first.uid}/say of type org.example.built let in as {uid}"]


async def test_a_loop_of_events_that_runs_emit_ends(place: Place) -> None:
    await place.trigger("t", filter={"cel": 'event.type == "org.example.built"'}, actions=[SAY])
    async with place.working():
        await place.send_one(type="org.example.built")

        async def is_stopped() -> bool:
            return bool(await place.rows("SELECT 1 FROM decisions WHERE reason = 'Loop'")) and await ended(place)

        await eventually(is_stopped)
    assert len(await place.runs()) == 11


async def test_another_attempt_lets_in_no_second_event(place: Place) -> None:
    await place.workflow("w", SAY)
    async with place.working():
        run = await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="w"))
        await eventually(lambda: ended(place))
    page = await events.list_all(ANN, place.world, DEFAULT_NAMESPACE)
    (stored,) = [one.event for one in page.items if one.event.type == "org.example.built"]
    again = replace(stored, uid=f"{stored.uid[:-1]}x")
    (accepted,) = await place.world.intake.accept([again])
    assert (accepted.uid, accepted.is_duplicate) == (stored.uid, True)
    assert stored.id == f"{run.uid}/say"
