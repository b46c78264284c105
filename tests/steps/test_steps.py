"""The built-in step types, one call each."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel, ValidationError

from ensue.model.run import Outcome, Reason, State, StepKey
from ensue.model.values import Namespace, RunUid
from ensue.ports.engine import Call, StepType
from ensue.steps.fail import FailStep
from ensue.steps.log import LogStep
from ensue.steps.set_status import SetStatusStep
from ensue.steps.wait import WaitInputs, WaitStep

NOW = datetime(2030, 1, 1, tzinfo=UTC)


async def execute(step_type: StepType, inputs: dict[str, object]) -> tuple[Outcome, list[str]]:
    lines: list[str] = []
    call = Call(
        key=StepKey(namespace=Namespace("default"), run=RunUid("r"), step="s"),
        attempt=1,
        inputs=step_type.inputs.model_validate(inputs),
        now=lambda: NOW,
        log=lines.append,
    )
    return await step_type.execute(call), lines


async def test_log_writes_its_message() -> None:
    outcome, lines = await execute(LogStep(), {"message": "hello"})
    assert (outcome.state, lines) == (State.SUCCEEDED, ["hello"])
    assert (await execute(LogStep(), {"message": "hm", "level": "warning"}))[1] == ["warning: hm"]


async def test_fail_fails_with_its_message_and_is_not_tried_again() -> None:
    outcome, _ = await execute(FailStep(), {"message": "no luck"})
    assert (outcome.state, outcome.reason, outcome.message) == (State.FAILED, Reason.ERROR, "no luck")
    assert not outcome.can_retry
    assert (await execute(FailStep(), {}))[0].message


@pytest.mark.parametrize(("word", "state"), [("succeeded", State.SUCCEEDED), ("failed", State.FAILED)])
async def test_set_status_says_what_the_run_ends_as(word: str, state: State) -> None:
    outcome, _ = await execute(SetStatusStep(), {"state": word, "message": "why"})
    assert (outcome.state, outcome.ends_as, outcome.ends_message) == (State.SUCCEEDED, state, "why")


@pytest.mark.parametrize(
    ("inputs", "delay", "until"),
    [
        ({"for": "1h30m"}, timedelta(minutes=90), None),
        ({"for": "0s"}, timedelta(), None),
        ({"until": "2030-01-02T00:00:00Z"}, None, NOW + timedelta(days=1)),
        ({"until": "2030-01-01T03:00:00+02:00"}, None, NOW + timedelta(hours=1)),
        ({"until": "2029-12-31T00:00:00Z"}, None, NOW - timedelta(days=1)),
    ],
)
async def test_wait_asks_to_be_woken_by_the_clock_of_the_store(
    inputs: dict[str, object], delay: timedelta | None, until: datetime | None
) -> None:
    outcome, _ = await execute(WaitStep(), inputs)
    assert (outcome.state, outcome.reason) == (State.WAITING, Reason.TIMER)
    assert (outcome.delay, outcome.until) == (delay, until)


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        ({}, "either"),
        ({"for": "1h", "until": "2030-01-02T00:00:00Z"}, "either"),
        ({"event": {"filter": "true"}}, "not supported in this version"),
        ({"for": "soon"}, "not a duration"),
        ({"until": "2030-01-02T00:00:00"}, "timezone"),
    ],
)
def test_wait_refuses_what_it_does_not_know(inputs: dict[str, object], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        WaitInputs.model_validate(inputs)


@pytest.mark.parametrize("step_type", [LogStep, FailStep, SetStatusStep, WaitStep])
def test_inputs_are_models_that_refuse_unknown_keys(step_type: type[StepType]) -> None:
    assert issubclass(step_type.inputs, BaseModel)
    with pytest.raises(ValidationError, match="other"):
        step_type.inputs.model_validate({"other": 1})
