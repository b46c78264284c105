"""The triggers of relay's files, with events that really come."""

from pathlib import Path

import pytest

from ensue import files
from ensue.core import deciding
from ensue.model.errors import Severity
from ensue.model.run import Reason, State
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.operations import definitions, events, pushing, runs
from tests.operations.places import ANN, Place, said
from tests.operations.test_pushing import bearer

BOX = """\
apiVersion: v1
name: box
parameters: {kind: {}}
triggers:
  - name: hook
    source: {type: push}
    binding: {key: !Data id, parameters: {kind: !Data kind}}
    when: !Fn.notEquals [!Data kind, boring]
steps:
  - {name: say, type: approval, description: "${parameters.kind}"}
"""


async def apply(place: Place, text: str, tmp_path: Path) -> None:
    for document in files.read(text, str(tmp_path / "box.yaml")):
        await definitions.apply(ANN, place.world, files.body(document))


async def push(place: Place, **data: Json) -> str:
    return (await pushing.push(bearer("box-hook"), place.world, pushing.Pushed(data=data))).uid


async def test_a_false_condition_leaves_no_run_and_a_true_one_a_run_of_the_workflow(
    place: Place, tmp_path: Path
) -> None:
    await apply(place, BOX, tmp_path)
    boring = await push(place, id=1, kind="boring")
    assert await place.explained(boring) == {"box-hook": "notFired Filter"}
    (clause,) = (await place.decision(boring)).verdict.because
    assert (clause.text, dict(clause.values)) == ("!Fn.notEquals [!Data kind, boring]", {"!Data kind": "boring"})
    assert await place.runs() == ()
    # The key of an event that the condition let go is free.
    told = await push(place, id=1, kind="news")
    assert await place.decided(told) == {"box-hook": "fired"}
    (run,) = await place.runs()
    assert (run.name.startswith("box-"), run.name.startswith("box-hook-")) == (True, False)
    assert (run.workflow, run.trigger, dict(run.parameters)) == ("box", "box-hook", {"kind": "news"})
    assert await place.decided(await push(place, id=1, kind="more")) == {"box-hook": "notFired Duplicate"}


async def test_a_condition_that_cannot_be_told_starts_nothing_and_says_why(place: Place, tmp_path: Path) -> None:
    await apply(place, BOX, tmp_path)
    uid = await push(place, id=1)
    assert await place.decided(uid) == {"box-hook": "undecided FilterFailed"}
    assert (await place.decision(uid)).verdict.error.endswith('path "kind": unknown key kind')
    assert await place.runs() == ()


@pytest.mark.parametrize("when", ["", "    when: !Fn.exists [!Data kind]\n"])
async def test_the_run_ends_as_the_workflow_does(place: Place, tmp_path: Path, when: str) -> None:
    text = BOX.replace("    when: !Fn.notEquals [!Data kind, boring]\n", when).replace(
        "type: approval", "type: approval, when: false"
    )
    await apply(place, text, tmp_path)
    async with place.working():
        await push(place, id=1, kind="x")
        (run,) = await place.runs()
        ended = await runs.wait(ANN, place.world, DEFAULT_NAMESPACE, run.name, 30)
    assert ended.state is State.SUCCEEDED
    assert len(await place.runs()) == 1


async def test_a_field_that_an_event_lacks_leaves_the_default_and_is_told(place: Place, tmp_path: Path) -> None:
    text = BOX.replace("{kind: {}}", "{kind: {default: some}}").replace(
        "notEquals [!Data kind, boring]", "exists [!Data id]"
    )
    await apply(place, text, tmp_path)
    lacking = await push(place, id=1)
    decision = await place.decision(lacking)
    assert said(decision) == "fired"
    assert decision.note == "the event has no kind: the default of the parameter kind is taken"
    given = await place.decision(await push(place, id=2, kind="other"))
    assert (said(given), given.note) == ("fired", "")
    again = await events.replay(ANN, place.world, DEFAULT_NAMESPACE, lacking)
    assert (await place.decision(again.uid)).note == f"{deciding.SKIPPED}; {decision.note}"
    assert [dict(run.parameters) for run in await place.runs()] == [
        {"kind": "some"},
        {"kind": "other"},
        {"kind": "some"},
    ]


async def test_a_field_without_a_default_fails_the_run_of_the_workflow_by_its_name(
    place: Place, tmp_path: Path
) -> None:
    await apply(place, BOX.replace("    when: !Fn.notEquals [!Data kind, boring]\n", ""), tmp_path)
    uid = await push(place, id=1)
    assert await place.decided(uid) == {"box-hook": "fired"}
    (run,) = await place.runs()
    assert (run.workflow, run.state, run.reason) == ("box", State.FAILED, Reason.INVALID_PARAMETERS)
    assert run.message.startswith('parameters.kind: could not evaluate a Data type: path "kind": unknown key kind')


async def test_a_function_that_is_not_there_is_warned_of_and_then_told_of_each_event(
    place: Place, tmp_path: Path
) -> None:
    text = BOX.replace("notEquals [!Data kind, boring]", "matchesRegex [!Data kind, 'b.*']")
    (warned,) = (problem for document in files.read(text, "box.yaml") for problem in document.problems)
    assert (warned.severity, warned.path) == (Severity.WARNING, "triggers[0].when")
    assert warned.message == 'there is no function "matchesRegex"'
    await apply(place, text, tmp_path)
    uid = await push(place, id=1, kind="boring")
    assert await place.decided(uid) == {"box-hook": "undecided FilterFailed"}
    error = (await place.decision(uid)).verdict.error
    assert error == 'invocation of function "matchesRegex" failed: function not found'
    assert await place.runs() == ()
