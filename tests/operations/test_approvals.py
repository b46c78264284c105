"""Approvals through the operations, with runs that really run: natively and in relay's way."""

import asyncio

import pytest

from ensue import files
from ensue.core import checking
from ensue.model.errors import Conflict, Denied, NotFound
from ensue.model.identity import Identity
from ensue.model.run import Run, State
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import approvals, definitions, runs
from tests.operations.places import ANN, LOG, Place

BOB = Identity(subject="user:bob", groups=("role:approver",))
RUNNER = Identity(subject="user:eve", groups=("role:runner",))
YES, NO = approvals.Said(is_approval=True), approvals.Said(is_approval=False, reason="no")
ASK = {"name": "ask", "approval": {"message": "Shall ${run.name} go?", "form": {"to": {"type": "string"}}}}
DO = {**LOG, "name": "do", "dependsOn": ["ask"]}
RELAY = """\
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: relayed}
spec:
  steps:
  - {name: ask, approval: Go?}
  - {name: do, dependsOn: [ask], type: log, with: {message: done}}
  - name: heard
    type: log
    with: {message: heard}
    when: [!Fn.equals [!Answer [ask, approval], approved]]
"""


async def start(place: Place, name: str) -> Run:
    return await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow=name))


async def relayed(place: Place, approval: str = "Go?") -> Run:
    [document] = files.read(RELAY.replace("approval: Go?", f"approval: {approval}"), "f", known=checking.NOTHING_MORE)
    await definitions.apply_document(ANN, place.world, document, manager="api")
    return await start(place, "relayed")


async def until(place: Place, run: Run, **states: State) -> dict[str, State]:
    """Wait until these steps are there."""
    while True:
        found = {step.key.step: step.state for step in await place.world.history.steps(run.namespace, run.uid)}
        if all(found[name] is state for name, state in states.items()):
            return found
        await asyncio.sleep(0.01)


async def ended(place: Place, run: Run) -> dict[str, State]:
    await runs.wait(ANN, place.world, run.namespace, run.name, 30)
    return await until(place, run)


async def answer(place: Place, run: Run, said: approvals.Said, by: Identity = BOB) -> None:
    await approvals.answer(by, place.world, run.namespace, f"{run.name}.ask", said)


async def test_a_run_goes_on_when_somebody_approved(place: Place) -> None:
    await place.workflow("w", ASK, DO, outputs=[{"name": "to", "value": "${outputs.ask.to}"}])
    async with place.working():
        run = await start(place, "w")
        await until(place, run, ask=State.WAITING)
        (found,) = (await approvals.list_all(BOB, place.world, DEFAULT_NAMESPACE, 10, is_open=True)).items
        assert found.message == f"Shall {run.name} go?"
        assert await approvals.get(BOB, place.world, DEFAULT_NAMESPACE, found.id) == found
        await answer(place, run, approvals.Said(is_approval=True, form={"to": "moon"}))
        assert await ended(place, run) == {"ask": State.SUCCEEDED, "do": State.SUCCEEDED}
    assert (await place.world.history.run(run.namespace, run.name)).outputs == {"to": "moon"}


async def test_a_rejection_fails_the_run(place: Place) -> None:
    await place.workflow("w", ASK, DO)
    async with place.working():
        run = await start(place, "w")
        await until(place, run, ask=State.WAITING)
        await answer(place, run, NO)
        assert await ended(place, run) == {"ask": State.FAILED, "do": State.SKIPPED}
        with pytest.raises(Conflict):
            await answer(place, run, YES)


async def test_who_may_not_approve_is_refused_and_the_run_waits_on(place: Place) -> None:
    await place.workflow("w", ASK, DO)
    async with place.working():
        run = await start(place, "w")
        await until(place, run, ask=State.WAITING)
        with pytest.raises(Denied):
            await answer(place, run, YES, RUNNER)
        with pytest.raises(NotFound):
            await approvals.answer(BOB, place.world, DEFAULT_NAMESPACE, "nothing", YES)
        await until(place, run, ask=State.WAITING)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("approved", {"ask": State.SUCCEEDED, "do": State.SUCCEEDED, "heard": State.SUCCEEDED}),
        ("rejected", {"ask": State.SKIPPED, "do": State.SKIPPED, "heard": State.SKIPPED}),
        ("perhaps", {"ask": State.SKIPPED, "do": State.SKIPPED, "heard": State.SKIPPED}),
    ],
)
@pytest.mark.parametrize("is_early", [False, True])
async def test_the_state_of_a_step_answers_in_relays_way(
    place: Place, word: str, expected: dict[str, State], is_early: bool
) -> None:
    async with place.working():
        run = await relayed(place)
        if not is_early:
            await until(place, run, ask=State.WAITING, heard=State.WAITING)
        await approvals.tell(ANN, place.world, run.namespace, run.name, "ask", {"approval": word})
        assert await ended(place, run) == expected
    assert (await place.world.history.run(run.namespace, run.name)).state is State.SUCCEEDED


@pytest.mark.parametrize("wants", ["approvers: ['user:carol']", "minApprovals: 2", "notStarter: true"])
@pytest.mark.parametrize("word", ["approved", "rejected"])
async def test_early_words_answer_no_step_that_wants_certain_people(place: Place, wants: str, word: str) -> None:
    run = await relayed(place, f"{{message: Go?, {wants}}}")
    with pytest.raises(Conflict, match="does not ask now"):
        await approvals.tell(ANN, place.world, run.namespace, run.name, "ask", {"approval": word})
    assert await place.world.step_states.get(run.namespace, run.uid, "ask") == {}
    await approvals.tell(ANN, place.world, run.namespace, run.name, "ask", {"note": "hello"})
    async with place.working():
        await until(place, run, ask=State.WAITING)


async def test_a_state_that_waits_answers_nothing_and_answers_need_the_right_to_approve(place: Place) -> None:
    async with place.working():
        run = await relayed(place)
        await until(place, run, ask=State.WAITING, heard=State.WAITING)
        told = await approvals.tell(RUNNER, place.world, run.namespace, run.name, "ask", {"approval": "waiting"})
        assert told == {"approval": "waiting"}
        with pytest.raises(Denied):
            await approvals.tell(RUNNER, place.world, run.namespace, run.name, "ask", {"approval": "approved"})
        await until(place, run, ask=State.WAITING)
        await answer(place, run, YES)
        assert await ended(place, run) == dict.fromkeys(("ask", "do", "heard"), State.SUCCEEDED)
