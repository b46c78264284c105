"""The engine inline, and what it makes of step types' errors."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from pydantic import BaseModel

from ensue.engines.inline import InlineEngine
from ensue.model.definition import Strict
from ensue.model.errors import Fail, Retry
from ensue.model.run import Outcome, Reason, State, StepKey
from ensue.model.values import Json, Namespace
from ensue.ports.engine import Call, Limits, LogChunk, StepOrder
from tests.engines import suite


class PlayInputs(Strict):
    lines: tuple[str, ...] = ()
    ends: str = "well"


class Play:
    name: ClassVar[str] = "play"
    inputs: ClassVar[type[BaseModel]] = PlayInputs

    async def execute(self, call: Call) -> Outcome:
        assert isinstance(call.inputs, PlayInputs)
        for line in call.inputs.lines:
            call.log(line)
        match call.inputs.ends:
            case "badly":
                raise Fail("no luck")
            case "later":
                raise Retry(timedelta(seconds=7), "busy")
            case "never":
                await asyncio.Event().wait()
            case "own timeout":
                raise TimeoutError("of the network")
            case "bug":
                raise ZeroDivisionError("oh")
        return Outcome(state=State.SUCCEEDED)


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def uid(self) -> str:
        return "uid"

    def draw(self) -> float:
        return 0.5


class InlineBench:
    def __init__(self) -> None:
        self.engine = InlineEngine(step_types={"play": Play()}, clock=Clock())

    def order(self, limits: Limits | None = None, step_type: str = "play", **inputs: Json) -> StepOrder:
        return StepOrder(
            key=StepKey(namespace=Namespace("default"), run=suite.RUN, step=str(inputs.get("ends", "work"))),
            attempt=1,
            step_type=step_type,
            inputs=inputs,
            command=None,
            limits=limits or Limits(),
        )

    def writes(self, *lines: str, limits: Limits | None = None) -> StepOrder:
        return self.order(limits, lines=list(lines))

    def fails(self) -> StepOrder:
        return self.order(ends="badly")

    def hangs(self, limits: Limits | None = None) -> StepOrder:
        return self.order(limits, ends="never")

    async def run(self, order: StepOrder) -> tuple[Outcome, list[LogChunk]]:
        chunks: list[LogChunk] = []
        return await self.engine.run(order, chunks.append), chunks


@pytest.fixture
def bench() -> InlineBench:
    return InlineBench()


class TestInline(suite.Behaviour):
    pass


async def test_the_short_way_gives_the_same(bench: InlineBench) -> None:
    outcome, chunks = await bench.run(bench.writes("a", "b"))
    assert outcome.state is State.SUCCEEDED
    assert suite.text(chunks) == "a\nb\n"
    assert (await bench.run(bench.fails()))[0].message == "no luck"


async def test_a_wish_to_be_tried_later_is_passed_on(bench: InlineBench) -> None:
    outcome, _ = await bench.run(bench.order(ends="later"))
    assert (outcome.state, outcome.reason, outcome.retry_after) == (State.FAILED, Reason.ERROR, 7.0)
    assert outcome.message == "busy"


async def test_a_bug_is_logged_and_fails_the_step(bench: InlineBench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "ensue.engines"):
        outcome, _ = await bench.run(bench.order(ends="bug"))
    assert outcome.state is State.FAILED
    assert "ZeroDivisionError" in outcome.message
    assert caplog.records[0].exc_info is not None


async def test_a_step_types_own_timeout_is_not_the_limit(bench: InlineBench) -> None:
    outcome, _ = await bench.run(bench.order(Limits(timeout=timedelta(seconds=9)), ends="own timeout"))
    assert (outcome.state, outcome.reason) == (State.FAILED, Reason.ERROR)


async def test_wrong_inputs_fail_without_showing_values(bench: InlineBench) -> None:
    outcome, _ = await bench.run(bench.order(ends={"secret": "hunter2"}, other=1))
    assert outcome.state is State.FAILED
    assert not outcome.can_retry
    assert "with.ends" in outcome.message
    assert "with.other" in outcome.message
    assert "hunter2" not in outcome.message


async def test_an_unknown_step_type_cannot_start(bench: InlineBench) -> None:
    outcome, _ = await bench.run(bench.order(step_type="nope"))
    assert outcome.reason is Reason.CANNOT_START
    with pytest.raises(Fail, match="nope"):
        await bench.engine.start(bench.order(step_type="nope"))


async def test_cancelling_the_short_way_is_passed_on(bench: InlineBench) -> None:
    task = asyncio.create_task(bench.run(bench.hangs()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_another_engine_knows_nothing_of_it(bench: InlineBench) -> None:
    handle = await bench.engine.start(bench.hangs())
    other = InlineBench().engine
    assert not await other.adopt(handle)
    assert (await other.wait(handle)).is_lost
    await bench.engine.close()
