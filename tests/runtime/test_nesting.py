"""Steps that are workflows, from their start to the answer of their run."""

import pytest

from ensue.model.run import Reason, State
from ensue.ports.store import Stop
from tests.runtime.nests import at_work, begun, calls, child_of, define, naps, runs, says
from tests.runtime.sites import Site, eventually
from tests.store.stores import ANN, DEFAULT

ONE_PARAMETER = [{"name": "sha", "type": "string", "required": True}]


async def test_a_step_is_a_run_of_another_workflow_and_has_its_outputs(site: Site) -> None:
    outputs = [{"name": "sha", "value": "got ${parameters.sha}"}]
    await define(site, "inner", [says()], parameters=ONE_PARAMETER, outputs=outputs)
    outer = await define(
        site,
        "outer",
        [calls(parameters={"sha": "${parameters.sha}"}), says("${outputs.call.sha}", name="after")],
        parameters=ONE_PARAMETER,
    )
    async with at_work(site):
        run = await site.ended(await begun(site, "outer", outer, parameters={"sha": "abc"}))
    child = await child_of(site, run)
    assert (run.state, child.state) == (State.SUCCEEDED, State.SUCCEEDED)
    assert (await site.store.step(run, "call")).outputs == {"sha": "got abc"}
    assert (await site.store.step(run, "call")).child == child.name
    assert "got abc" in await site.text(run, "after")
    assert child.parent is not None
    assert (child.parent.key.run, child.parent.attempt, child.started_by) == (run.uid, 1, run.started_by)


async def test_a_step_that_waits_for_its_run_takes_no_slot(site: Site) -> None:
    site.slots = 1
    await define(site, "inner", [naps(), says(dependsOn=[{"step": "nap"}])])
    outer = await define(site, "outer", [calls()])
    async with at_work(site):
        run = await begun(site, "outer", outer)
        await site.until(run, "call", State.WAITING)
        assert (await site.store.step(run, "call")).reason is Reason.WORKFLOW
        await site.until(await child_of(site, run), "nap", State.WAITING)
        await site.store.make_due()
        site.wakeup.notify("timers")
        assert (await site.ended(run)).state is State.SUCCEEDED


@pytest.mark.parametrize(
    ("steps", "given", "state", "reason", "message"),
    [
        (
            [{"name": "f", "run": None, "type": "fail", "with": {"message": "no"}}],
            {},
            State.FAILED,
            Reason.STEP_FAILED,
            "failed: step f failed",
        ),
        ([naps()], {"timeout": "20ms"}, State.TIMED_OUT, Reason.TIMEOUT, "timed out: the run took longer"),
    ],
)
async def test_what_becomes_of_the_run_becomes_of_the_step(
    site: Site, steps: list[dict[str, object]], given: dict[str, str], state: State, reason: Reason, message: str
) -> None:
    await define(site, "inner", steps, **given)
    outer = await define(site, "outer", [calls()])
    async with at_work(site):
        run = await site.ended(await begun(site, "outer", outer))
    step, child = await site.store.step(run, "call"), await child_of(site, run)
    assert (run.state, step.state, step.reason) == (State.FAILED, state, reason)
    assert step.message.startswith(f"run {child.name} of workflow inner {message}")


@pytest.mark.parametrize(
    ("given", "reason", "message"),
    [
        (calls("nowhere"), Reason.CANNOT_START, "there is no workflow nowhere in namespace default"),
        (calls(), Reason.INVALID_PARAMETERS, 'workflow inner: the parameter "sha" is required'),
        (calls(parameters={"sha": 1}), Reason.INVALID_PARAMETERS, '"sha" must be a string, not 1'),
        (calls(parameters={"sha": "a", "shaa": "b"}), Reason.INVALID_PARAMETERS, 'no parameter "shaa"'),
        (calls("${outputs.none.name}"), Reason.INVALID_EXPRESSION, "workflow: "),
        (calls(parameters={"sha": "${nothing()}"}), Reason.INVALID_EXPRESSION, "parameters.sha"),
    ],
)
async def test_a_step_whose_run_cannot_begin_fails_and_says_why(
    site: Site, given: dict[str, object], reason: Reason, message: str
) -> None:
    await define(site, "inner", [says()], parameters=ONE_PARAMETER)
    outer = await define(site, "outer", [given])
    async with at_work(site):
        run = await site.ended(await begun(site, "outer", outer))
    step = await site.store.step(run, "call")
    assert (step.state, step.reason) == (State.FAILED, reason)
    assert message in step.message
    assert len(await runs(site)) == 1


async def test_cancelling_a_run_cancels_those_within_it_and_waits_for_them(site: Site) -> None:
    await define(site, "innermost", [naps()], finals=[says("tidied", name="tidy")])
    await define(site, "inner", [calls("innermost")])
    outer = await define(site, "outer", [calls()])
    async with at_work(site):
        run = await begun(site, "outer", outer)
        await site.until(run, "call", State.WAITING)
        child = await child_of(site, run)
        await site.until(child, "call", State.WAITING)
        innermost = await child_of(site, child)
        await site.until(innermost, "nap", State.WAITING)
        await site.store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
        site.wakeup.notify("stops", "timers")
        assert (await site.ended(run)).state is State.CANCELLED
    assert await runs(site) == [("outer", "Cancelled"), ("inner", "Cancelled"), ("innermost", "Cancelled")]
    assert (await site.store.step(innermost, "tidy")).state is State.SUCCEEDED
    assert (await site.store.step(run, "call")).reason is Reason.RUN_CANCELLED


async def test_killing_a_run_kills_those_within_it(site: Site) -> None:
    await define(site, "inner", [naps()], finals=[naps(name="tidy")])
    outer = await define(site, "outer", [calls()])
    async with at_work(site):
        run = await begun(site, "outer", outer)
        await site.until(run, "call", State.WAITING)
        child = await child_of(site, run)
        await site.until(child, "nap", State.WAITING)
        await site.store.runs.stop(DEFAULT, run.uid, Stop.CANCEL, ANN)
        site.wakeup.notify("stops", "timers")
        await site.until(child, "tidy", State.WAITING)
        await site.store.runs.stop(DEFAULT, run.uid, Stop.KILL, ANN)
        site.wakeup.notify("stops", "timers")
        assert (await site.ended(run)).state is State.CANCELLED
    assert (await site.store.run_of(child)).is_killed


async def test_a_step_that_takes_too_long_cancels_its_run_and_times_out(site: Site) -> None:
    await define(site, "inner", [naps()])
    outer = await define(site, "outer", [calls(timeout="30ms")])
    async with at_work(site):
        run = await site.ended(await begun(site, "outer", outer))
    step, child = await site.store.step(run, "call"), await child_of(site, run)
    assert (step.state, step.reason) == (State.TIMED_OUT, Reason.TIMEOUT)
    assert step.message == f"run {child.name} of workflow inner took longer than 30ms"
    assert child.state is State.CANCELLED


async def test_a_run_that_is_cancelled_by_itself_fails_the_one_around_it(site: Site) -> None:
    await define(site, "inner", [naps()])
    outer = await define(site, "outer", [calls(), says(name="on", dependsOn=[{"step": "call", "on": ["cancelled"]}])])
    async with at_work(site):
        run = await begun(site, "outer", outer)
        await site.until(run, "call", State.WAITING)
        await site.store.runs.stop(DEFAULT, (await child_of(site, run)).uid, Stop.CANCEL, ANN)
        site.wakeup.notify("stops", "timers")
        run = await site.ended(run)
    assert (run.state, run.failed_step) == (State.FAILED, "call")
    step = await site.store.step(run, "call")
    assert (step.state, step.reason) == (State.CANCELLED, Reason.REQUESTED)
    assert (await site.store.step(run, "on")).state is State.SUCCEEDED


async def test_another_try_is_another_run(site: Site) -> None:
    fails = {"name": "f", "run": None, "type": "fail", "with": {"message": "no"}}
    await define(site, "inner", [fails])
    retry = {"limit": 5, "backoff": {"duration": "0s"}, "when": "${step.attempt < 3}"}
    outer = await define(site, "outer", [calls(retry=retry, continueOnError="${parameters.soft}")])
    async with at_work(site):
        run = await site.ended(await begun(site, "outer", outer, parameters={"soft": True}))
    assert [state for name, state in await runs(site) if name == "inner"] == ["Failed"] * 3
    assert (run.state, (await site.store.step(run, "call")).attempt) == (State.SUCCEEDED, 3)
    attempts = await site.store.history.attempts(DEFAULT, run.uid)
    assert len({attempt.message for attempt in attempts}) == 3


async def test_pausing_a_run_pauses_those_within_it_until_it_is_resumed(site: Site) -> None:
    await define(site, "inner", [naps()])
    outer = await define(site, "outer", [calls()])
    async with at_work(site):
        run = await begun(site, "outer", outer)
        await site.until(run, "call", State.WAITING)
        child = await child_of(site, run)
        for is_paused in (True, False):
            await site.store.runs.pause(DEFAULT, run.uid, is_paused, ANN)
            site.wakeup.notify("timers")

            async def follows(is_paused: bool = is_paused) -> bool:
                return (await site.store.run_of(child)).is_paused is is_paused

            await eventually(follows)
            assert (await site.store.run_of(run)).is_paused is is_paused


async def test_a_workflow_may_run_itself_but_not_for_ever(site: Site) -> None:
    outer = await define(site, "outer", [calls("outer")])
    async with at_work(site):
        run = await site.ended(await begun(site, "outer", outer))
    assert run.state is State.FAILED
    assert len(await runs(site)) == 10
    (refused,) = await site.store.rows("SELECT message FROM step_runs WHERE reason = 'NotAllowed'")
    assert refused[0] == f"more than 10 runs within each other: {' → '.join(['outer'] * 11)}"
