"""What is shown of runs within runs."""

from ensue.api import views
from ensue.model.run import State
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import logs, runs
from tests.operations.places import ANN, Place
from tests.runtime.sites import eventually


async def test_a_log_holds_the_lines_of_the_runs_within_and_each_names_the_other(place: Place) -> None:
    say = {"name": "say", "type": "log", "with": {"message": "hello"}}
    fail = {"name": "fail", "type": "fail", "dependsOn": ["say"], "with": {"message": "no"}}
    await place.workflow("inner", say, fail)
    await place.workflow("outer", {"name": "call", "workflow": "inner", "retry": {"limit": 1, "backoff": "1ms"}})
    async with place.working():
        run = await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="outer"))

        async def has_ended() -> bool:
            return (await place.world.history.run(DEFAULT_NAMESPACE, run.uid)).state is State.FAILED

        await eventually(has_ended)
    lines = [line async for line in logs.read(ANN, place.world, DEFAULT_NAMESPACE, run.name, logs.Select())]
    assert [(line.step, line.text) for line in lines if line.text == "hello"] == [
        ("call/say", "hello"),
        ("call#2/say", "hello"),
    ]
    whole = await runs.get(ANN, place.world, DEFAULT_NAMESPACE, run.name)
    (step,) = views.whole(whole)["status"]["steps"]
    child = await place.world.history.run(DEFAULT_NAMESPACE, step["runRef"]["name"])
    assert views.run(child)["spec"]["parentRef"] == {"uid": run.uid, "step": "call", "attempt": 2}
