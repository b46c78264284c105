"""What goes on when a definition is deleted, and what does not."""

import pytest

from ensue.model.errors import Conflict, Denied, NotFound
from ensue.model.identity import Identity, Right
from ensue.model.run import Reason, State
from ensue.model.values import DEFAULT_NAMESPACE, Json
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


KEPT = Right(
    name="default/kept", methods=("delete",), resources=("trigger/b",), namespaces=("default",), is_denial=True
)
HELD = Identity(subject="user:bea", groups=("role:editor",), rights=(KEPT,))


async def belonging(place: Place, name: str, manager: str = "api", workflow: str = "build") -> None:
    body: dict[str, Json] = {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Trigger",
        "metadata": {"name": name, "labels": {"relay.sh/workflow": workflow}},
        "spec": {"sources": [{"type": "events"}], "actions": [{"workflow": "build"}]},
    }
    await definitions.apply(ANN, place.world, body, manager=manager)


async def names(place: Place, kind: str) -> list[str]:
    return [one.name for one in await definitions.list_all(ANN, place.world, DEFAULT_NAMESPACE, kind)]


@pytest.fixture
async def owners(place: Place) -> None:
    """A workflow with triggers that belong to it, to another one, or to nobody."""
    await place.workflow("build")
    for name in ("a", "b"):
        await belonging(place, name)
    await belonging(place, "other", workflow="test")
    await belonging(place, "filed", manager="file")
    await place.trigger("own", actions=[{"workflow": "build"}])


@pytest.mark.usefixtures("owners")
async def test_what_belongs_to_a_workflow_goes_with_it_and_each_is_audited(place: Place) -> None:
    gone = await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, "Workflow", "build")
    assert [one.name for one in gone] == ["a", "b"]
    assert await names(place, "Trigger") == ["filed", "other", "own"]
    rows = (await place.world.history.audit(DEFAULT_NAMESPACE, 3)).items
    assert {(row.verb, row.kind, row.name, row.subject) for row in rows} == {
        ("delete", kind, name, "user:ann") for kind, name in (("Workflow", "build"), ("Trigger", "a"), ("Trigger", "b"))
    }


@pytest.mark.usefixtures("owners")
async def test_whoever_takes_a_workflow_over_deletes_what_others_manage_of_it(place: Place) -> None:
    gone = await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, "Workflow", "build", manager=None)
    assert [one.name for one in gone] == ["a", "b", "filed"]


@pytest.mark.usefixtures("owners")
async def test_files_say_themselves_which_triggers_go(place: Place) -> None:
    await place.world.definitions.delete(DEFAULT_NAMESPACE, "Workflow", "build", ANN)
    body: dict[str, Json] = {"steps": [{"name": "x", "type": "log", "with": {"message": "x"}}]}
    about: dict[str, Json] = {"apiVersion": "ensue.dev/v1alpha1", "kind": "Workflow", "metadata": {"name": "build"}}
    await definitions.apply(ANN, place.world, {**about, "spec": body}, manager="file")
    assert await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, "Workflow", "build", manager="file") == ()
    assert await names(place, "Trigger") == ["a", "b", "filed", "other", "own"]


@pytest.mark.usefixtures("owners")
async def test_nothing_goes_for_who_may_not_delete_all_of_it(place: Place) -> None:
    with pytest.raises(Denied, match="b"):
        await definitions.delete(HELD, place.world, DEFAULT_NAMESPACE, "Workflow", "build")
    with pytest.raises(Conflict):
        await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, "Trigger", "filed")
    with pytest.raises(NotFound):
        await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, "Workflow", "test")
    assert await names(place, "Workflow") == ["build"]
    assert await names(place, "Trigger") == ["a", "b", "filed", "other", "own"]
