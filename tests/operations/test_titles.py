"""Actions that are named by any text, as steps of relay's dialect are."""

from ensue.model.run import State
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.operations import logs, runs
from tests.operations.places import ANN, Place

ACTIONS: list[Json] = [
    {"name": "Say a/b!", "type": "emit", "with": {"type": "said"}},
    {"name": "Größe", "type": "log", "with": {"message": "it is ${outputs.'Say a/b!'.id}"}},
]


async def test_the_actions_of_a_trigger_of_relays_have_titles(place: Place) -> None:
    spec = {"sources": [{"type": "events"}], "filter": {"cel": 'event.type == "go"'}, "actions": ACTIONS}
    await place.apply("Trigger", "titled", spec, version="relay.sh/v1beta1")
    async with place.working():
        uid = await place.send_one(type="go")
        (run,) = await place.runs()
        await runs.wait(ANN, place.world, DEFAULT_NAMESPACE, run.name, 30)
    (ended,) = await place.runs()
    assert (ended.state, ended.event_uid) == (State.SUCCEEDED, uid)
    read = logs.read(ANN, place.world, DEFAULT_NAMESPACE, run.name, logs.Select(step="Größe"))
    assert [line.text async for line in read] == [f"it is {run.uid}/Say%20a%2Fb%21"]
