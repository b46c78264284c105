"""What goes on when a definition is deleted, and what does not."""

from ensue.model.run import Reason, State
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import definitions
from tests.operations.places import ANN, Place, event
from tests.runtime.sites import eventually

WAIT = {"name": "nap", "type": "wait", "with": {"for": "300ms"}}
LAST = {"name": "last", "type": "log", "with": {"message": "done"}, "dependsOn": ["nap"]}


async def delete(place: Place, kind: str, name: str) -> None:
    await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, kind, name)


async def test_a_run_goes_on_without_its_workflow_and_trigger(place: Place) -> None:
    await place.workflow("build", WAIT, LAST)
    await place.trigger("t", actions=[{"name": "go", "workflow": "build"}])
    await place.send_one()
    await delete(place, "Trigger", "t")
    await delete(place, "Workflow", "build")

    async def is_over() -> bool:
        return [run.state for run in await place.runs()] == [State.SUCCEEDED]

    async with place.working():
        await eventually(is_over)
    assert await is_over()


async def test_a_trigger_without_its_workflow_starts_runs_that_say_so(place: Place) -> None:
    await place.workflow("build")
    await place.trigger("t", actions=[{"name": "go", "workflow": "build"}])
    await delete(place, "Workflow", "build")
    uid = await place.send_one()
    assert await place.decided(uid) == {"t": "fired"}
    (run,) = await place.runs()
    assert (run.state, run.reason) == (State.FAILED, Reason.INVALID_PARAMETERS)
    assert run.message == "there is no workflow build"
    await place.workflow("build")
    await place.send_one()
    assert (await place.runs())[-1].state is State.QUEUED


async def test_what_a_deleted_trigger_held_never_fires_and_says_why(place: Place) -> None:
    await place.trigger("t", debounce={"for": "1h"})
    held = [await place.send_one() for _ in range(2)]
    await delete(place, "Trigger", "t")
    await place.make_due()
    await place.world.decisions.release()
    assert [await place.decided(uid) for uid in held] == [{"t": "notFired Superseded"}, {"t": "notFired Disabled"}]
    assert await place.runs() == ()
    assert await place.decided((await place.send(event()))[0].uid) == {}
