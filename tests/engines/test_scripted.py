"""The engine for tests keeps the promises it is used to test others with."""

from datetime import timedelta

import pytest

from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Outcome, Reason, State, StepKey
from ensue.model.values import Namespace
from ensue.ports.engine import Limits, StepOrder
from tests.engines import suite
from tests.engines.scripted import HANG, Act, ScriptedEngine


def order(step: str, attempt: int = 1, limits: Limits | None = None) -> StepOrder:
    return StepOrder(
        key=StepKey(namespace=Namespace("default"), run=suite.RUN, step=step),
        attempt=attempt,
        step_type="run",
        inputs={},
        command=None,
        limits=limits or Limits(),
    )


class ScriptedBench:
    def __init__(self) -> None:
        self.script: dict[str, tuple[Act, ...]] = {}
        self.engine = ScriptedEngine(script=self.script, is_durable=True)

    def writes(self, *lines: str, limits: Limits | None = None) -> StepOrder:
        self.script["writes"] = (Act(lines=lines),)
        return order("writes", limits=limits)

    def fails(self) -> StepOrder:
        self.script["fails"] = (Act(outcome=Outcome(state=State.FAILED, reason=Reason.ERROR, message="no luck")),)
        return order("fails")

    def hangs(self, limits: Limits | None = None) -> StepOrder:
        self.script["hangs"] = (HANG,)
        return order("hangs", limits=limits)


@pytest.fixture
def bench() -> ScriptedBench:
    return ScriptedBench()


class TestScripted(suite.Behaviour):
    pass


async def test_each_attempt_has_its_act_and_the_last_repeats() -> None:
    failed = Outcome(state=State.FAILED, reason=Reason.EXIT_CODE, exit_code=2)
    engine = ScriptedEngine(script={"a": (Act(outcome=failed), Act())}, is_durable=True)
    states = [(await suite.outcome_of(engine, order("a", attempt))).state for attempt in (1, 2, 3)]
    assert states == [State.FAILED, State.SUCCEEDED, State.SUCCEEDED]


async def test_what_was_asked_is_recorded() -> None:
    engine = ScriptedEngine(script={}, is_durable=True)
    handle = await engine.start(order("a"))
    await engine.wait(handle)
    await engine.destroy(handle)
    assert [asked.verb for asked in engine.asked] == ["start", "wait", "destroy"]
    assert engine.orders[handle].key.step == "a"


async def test_a_lost_attempt_is_lost_and_not_adopted() -> None:
    engine = ScriptedEngine(script={"a": (Act(is_lost=True),)}, is_durable=True)
    handle = await engine.start(order("a"))
    assert (await suite.soon(engine.wait(handle))).is_lost
    assert not await engine.adopt(handle)


async def test_a_refusal_is_raised() -> None:
    script = {"a": (Act(refusal=Fail("never")),), "b": (Act(refusal=Unavailable("not now")),)}
    engine = ScriptedEngine(script=script, is_durable=True)
    with pytest.raises(Fail, match="never"):
        await engine.start(order("a"))
    with pytest.raises(Unavailable):
        await engine.start(order("b"))


@pytest.mark.parametrize("is_durable", [True, False])
async def test_a_crash_takes_what_is_not_durable(is_durable: bool) -> None:
    engine = ScriptedEngine(script={"a": (HANG,)}, is_durable=is_durable)
    handle = await engine.start(order("a"))
    engine.crash()
    assert await engine.adopt(handle) is is_durable
    await engine.destroy(handle)


async def test_a_step_that_ignores_stop_ends_after_its_grace() -> None:
    engine = ScriptedEngine(script={"a": (Act(outcome=None, ignores_stop=True),)}, is_durable=True)
    handle = await engine.start(order("a"))
    await engine.stop(handle, timedelta(milliseconds=50))
    assert not (await suite.soon(engine.wait(handle))).is_lost
    await engine.destroy(handle)
