"""Runner and stepping together, with a scripted engine on a real database."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from ensue.model.definition import Strict
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Outcome, Reason, State
from ensue.ports.engine import Call, Handle
from ensue.ports.store import Stop
from ensue.runtime.runner import Runner
from tests.core.playing import workflow
from tests.engines.scripted import HANG, Act, ScriptedEngine
from tests.runtime.sites import Site, eventually, scripted, site_at
from tests.store.stores import ANN, DEFAULT, ONE, TWO

FAILED = Outcome(state=State.FAILED, reason=Reason.EXIT_CODE, exit_code=3)
AGAIN = {"limit": 1, "backoff": {"duration": "0s"}}


def step(name: str = "a", **given: Any) -> dict[str, Any]:
    return {"name": name, "engine": "scripted", **given}


class Nap:
    """A step type that sleeps as a task, or until its gate opens, and notes how it was ended."""

    class Inputs(Strict):
        seconds: float = 30

    name: ClassVar[str] = "nap"
    inputs: ClassVar[type[BaseModel]] = Inputs

    def __init__(self) -> None:
        self.begun = self.cut = 0
        self.gate: asyncio.Event | None = None

    async def execute(self, call: Call) -> Outcome:
        assert isinstance(call.inputs, Nap.Inputs)
        self.begun += 1
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(call.inputs.seconds))
        except asyncio.CancelledError:
            self.cut += 1
            raise
        return Outcome(state=State.SUCCEEDED)


def nap(seconds: float = 30, **given: Any) -> dict[str, Any]:
    return {"name": "n", "run": None, "type": "nap", "engine": "inline", "with": {"seconds": seconds}, **given}


async def cancel(site: Site, uid: Any, stop: Stop = Stop.CANCEL) -> None:
    await site.store.runs.stop(DEFAULT, uid, stop, ANN)
    site.wakeup.notify("stops", "steps")


async def test_a_run_goes_through_its_steps_and_leaves_outputs_and_logs(site: Site) -> None:
    left = Outcome(state=State.SUCCEEDED, outputs={"n": 2})
    site.engine = scripted({"a": [Act(outcome=left, lines=("one", "two"))], "b": [Act(lines=("three",))]})
    bye = {"name": "z", "run": None, "type": "log", "with": {"message": "bye ${run.state}"}}
    made = workflow([step("a"), step("b", env={"N": "${outputs.a.n}"})], [bye])
    async with site.serving() as runner:
        run = await site.ended(await site.start(made, runner))
    assert run.state is State.SUCCEEDED
    assert await site.text(run) == "one\ntwo\nthree\nbye Succeeded\n"
    handle = site.engine.handle_for((await site.store.step(run, "b")).key, 1)
    order = site.engine.orders[handle]
    assert order.command is not None
    assert order.command.env["N"] == "2"
    assert order.command.env["ENSUE_RUN_ID"] == run.uid
    assert set(site.engine.calls("destroy")) == set(site.engine.calls("start"))


async def test_a_step_whose_condition_is_false_is_skipped_without_starting(site: Site) -> None:
    engine = site.engine = scripted()
    async with site.serving() as runner:
        made = workflow([step(when=["true", "${parameters.go}"])])
        run = await site.ended(await site.start(made, runner, parameters={"go": False}))
    assert (await site.store.step(run, "a")).reason is Reason.CONDITION_FALSE
    assert engine.calls("start") == []


async def test_a_cancelled_run_stops_its_step_and_runs_finally(site: Site) -> None:
    engine = site.engine = scripted({"a": [HANG]})
    async with site.serving():
        run = await site.start(workflow([step(), step("b", after=["a"])], [step("z")]))
        await eventually(lambda: engine.calls("wait"))
        await cancel(site, run.uid)
        run = await site.ended(run)
    assert run.state is State.CANCELLED
    assert await site.store.states(run) == {"a": State.CANCELLED, "b": State.CANCELLED, "z": State.SUCCEEDED}
    assert len(engine.calls("stop")) == 1


async def test_a_kill_gives_no_grace(site: Site) -> None:
    engine = site.engine = scripted({"a": [Act(outcome=None, ignores_stop=True)]})
    async with site.serving():
        run = await site.start(workflow([step()], [step("z")]))
        await eventually(lambda: engine.calls("wait"))
        await cancel(site, run.uid)
        await eventually(lambda: engine.calls("stop"))
        await cancel(site, run.uid, Stop.KILL)
        run = await site.ended(run, seconds=10)
    assert await site.store.states(run) == {"a": State.CANCELLED, "z": State.CANCELLED}


@pytest.mark.parametrize("error", [Unavailable(), OSError(28, "No space left on device")])
async def test_an_order_to_stop_that_the_engine_could_not_take_is_repeated(tmp_path: Path, error: Exception) -> None:
    class Deaf(ScriptedEngine):
        deaf = 2

        async def stop(self, handle: Handle, grace: timedelta) -> None:
            if self.deaf:
                self.deaf -= 1
                raise error
            await super().stop(handle, grace)

    engine = Deaf(script={"a": [HANG]}, is_durable=True)
    async with site_at(tmp_path, engine, ttl=timedelta(seconds=0.3)) as site, site.serving():
        run = await site.start(workflow([step()]))
        await eventually(lambda: engine.calls("wait"))
        await cancel(site, run.uid)
        assert (await site.ended(run)).state is State.CANCELLED
        assert engine.deaf == 0


async def test_a_failed_step_is_tried_again(site: Site) -> None:
    engine = site.engine = scripted({"a": [Act(outcome=FAILED), Act()]})
    async with site.serving() as runner:
        run = await site.ended(await site.start(workflow([step(retry=AGAIN)]), runner))
    assert run.state is State.SUCCEEDED
    assert len(engine.calls("start")) == 2


@pytest.mark.parametrize(("when", "tries"), [("${step.exitCode}", 1), ("false", 1), ("true", 2)])
async def test_retry_when_is_asked_about_the_failure(site: Site, when: str, tries: int) -> None:
    engine = site.engine = scripted({"a": [Act(outcome=FAILED)]})
    async with site.serving() as runner:
        run = await site.ended(await site.start(workflow([step(retry={**AGAIN, "when": when})]), runner))
    assert run.state is State.FAILED
    assert len(engine.calls("start")) == tries


async def test_a_step_that_cannot_start_fails_and_is_not_tried_again(site: Site) -> None:
    site.engine = scripted({"a": [Act(refusal=Fail("no such program"))]})
    async with site.serving() as runner:
        run = await site.ended(await site.start(workflow([step(retry=AGAIN)]), runner))
    found = await site.store.step(run, "a")
    assert (found.state, found.reason, found.message) == (State.FAILED, Reason.CANNOT_START, "no such program")


async def test_an_end_that_cannot_be_stored_is_a_failure_and_not_a_hang(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    odd = Outcome(state=State.SUCCEEDED, outputs={"x": object()})  # type: ignore[dict-item]
    site.engine = scripted({"a": [Act(outcome=odd)]})
    async with site.serving() as runner:
        run = await site.ended(await site.start(workflow([step(), step("b")]), runner))
    found = await site.store.step(run, "a")
    assert (found.state, found.reason) == (State.FAILED, Reason.ERROR)
    assert "not JSON serializable" in found.message
    assert "cannot be stored" in caplog.text


async def test_a_bug_in_the_engine_fails_the_step_and_its_attempt_is_destroyed(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Buggy(ScriptedEngine):
        async def wait(self, handle: Handle) -> Outcome:
            raise ZeroDivisionError

    engine = site.engine = Buggy(script={"a": [HANG]}, is_durable=True)
    async with site.serving() as runner:
        run = await site.ended(await site.start(workflow([step()]), runner))
        await eventually(lambda: engine.calls("destroy"))
    assert (await site.store.step(run, "a")).reason is Reason.ERROR
    assert "ended by a bug" in caplog.text


async def test_a_log_that_is_lost_says_nothing_about_the_step(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    class Mute(ScriptedEngine):
        async def tail(self, handle: Handle, offset: int = 0) -> Any:
            raise Fail("nothing to read")
            yield

    site.engine = Mute(script={"a": [Act(outcome=FAILED)]}, is_durable=True)
    with caplog.at_level(logging.WARNING):
        async with site.serving() as runner:
            run = await site.ended(await site.start(workflow([step()]), runner))
    assert (await site.store.step(run, "a")).exit_code == 3
    assert "is incomplete" in caplog.text


async def test_no_more_runs_at_once_than_there_are_slots(tmp_path: Path) -> None:
    class Counting(ScriptedEngine):
        most = 0

        async def start(self, order: Any) -> Handle:
            handle = await super().start(order)
            self.most = max(self.most, len([h for h, r in self._residents.items() if not r.has_ended]))
            return handle

    engine = Counting(script={f"s{n}": [Act(delay=0.01)] for n in range(12)}, is_durable=True)
    async with site_at(tmp_path, engine, slots=3) as site, site.serving():
        run = await site.start(workflow([step(f"s{n}") for n in range(12)]))
        assert (await site.ended(run)).state is State.SUCCEEDED
        assert engine.most == 3


# Inline steps


async def test_an_inline_step_is_cut_off_when_the_run_is_cancelled(site: Site) -> None:
    kind = site.step_types["nap"] = Nap()
    async with site.serving() as runner:
        run = await site.start(workflow([nap()]), runner)
        await eventually(lambda: kind.begun)
        await cancel(site, run.uid)
        run = await site.ended(run)
        later = await site.ended(await site.start(workflow([nap(0)]), runner))
    assert (run.state, kind.cut) == (State.CANCELLED, 1)
    assert later.state is State.SUCCEEDED


async def test_a_server_that_goes_waits_for_its_inline_steps(site: Site) -> None:
    kind = site.step_types["nap"] = Nap()
    kind.gate = asyncio.Event()
    async with site.serving() as runner:
        run = await site.start(workflow([nap(), {"name": "b", "after": ["n"], "run": None, "type": "log"}]), runner)
        await eventually(lambda: kind.begun)
        opening = asyncio.create_task(_open_when_leaving(runner, kind.gate))
    await opening
    assert await site.store.states(run) == {"n": State.SUCCEEDED, "b": State.QUEUED}
    assert await site.store.workers.list() == ()


async def _open_when_leaving(runner: Runner, gate: asyncio.Event) -> None:
    await eventually(lambda: runner._is_leaving)
    gate.set()


async def test_an_inline_step_that_outlasts_the_drain_is_lost_and_runs_again(site: Site) -> None:
    kind = site.step_types["nap"] = Nap()
    kind.gate = asyncio.Event()
    async with site.serving(drain=timedelta(0)) as runner:
        run = await site.start(workflow([nap()]), runner)
        await eventually(lambda: kind.begun)
    assert (await site.store.step(run, "n")).state is State.RUNNING
    kind.gate.set()
    async with site.serving():
        await site.ended(run)
    found = await site.store.step(run, "n")
    assert (found.state, found.attempt, found.losses) == (State.SUCCEEDED, 2, 1)


async def test_a_waiting_step_costs_no_task(site: Site) -> None:
    async with site.serving() as runner:
        run = await site.start(workflow([{"name": "w", "run": None, "type": "wait", "with": {"for": "50ms"}}]), runner)
        await site.until(run, "w", State.WAITING)
        assert await site.store.workers.held(ONE) == ()
        await site.store.make_due()
        await site.store.runs.fire_timers()
        assert (await site.ended(run)).state is State.SUCCEEDED


# A second worker


async def test_two_workers_share_the_work(site: Site) -> None:
    engine = site.engine = scripted()
    async with site.serving(ONE), site.serving(TWO):
        runs = [await site.start(workflow([step(), step("b", after=["a"])])) for _ in range(10)]
        for run in runs:
            assert (await site.ended(run)).state is State.SUCCEEDED
    starts = engine.calls("start")
    assert len(starts) == len(set(starts)) == 20
