"""relay's conditions of steps and runs: the table of its operator, row by row."""

from dataclasses import replace

import pytest

from ensue.api import relay_status
from ensue.model.run import Reason, State, StepKey, StepRun
from ensue.model.values import Namespace, RunUid
from tests.core.playing import NOW, new_run

STEPS = [
    (State.PENDING, Reason.NONE, 0, "", "Unknown Unknown Unknown", "WhenConditionUnknown"),
    (State.QUEUED, Reason.NONE, 0, "", "Unknown Unknown Unknown", "WhenConditionUnknown"),
    (State.WAITING, Reason.APPROVAL, 1, "", "Unknown Unknown Unknown", "WhenConditionEvaluating"),
    (State.WAITING, Reason.ANSWER, 1, "", "Unknown Unknown Unknown", "WhenConditionEvaluating"),
    (State.RUNNING, Reason.NONE, 1, "", "False False Unknown", "WhenConditionSatisfied"),
    (State.QUEUED, Reason.BACKOFF, 1, "", "False False Unknown", "WhenConditionSatisfied"),
    (State.SUCCEEDED, Reason.NONE, 1, "", "True False True", "WhenConditionSatisfied"),
    (State.FAILED, Reason.EXIT_CODE, 1, "", "True False False", "WhenConditionSatisfied"),
    (State.TIMED_OUT, Reason.TIMEOUT, 1, "", "True False False", "WhenConditionSatisfied"),
    (State.CANCELLED, Reason.RUN_CANCELLED, 1, "", "True False False", "WhenConditionSatisfied"),
    (State.CANCELLED, Reason.RUN_CANCELLED, 0, "", "True True False", "WhenConditionFailure"),
    (State.SKIPPED, Reason.CONDITION_FALSE, 1, "", "True True False", "WhenConditionNotSatisfied"),
    (State.SKIPPED, Reason.DEPENDENCY_NOT_MET, 0, "", "True True False", "WhenConditionNotSatisfied"),
    (State.SKIPPED, Reason.INVALID_EXPRESSION, 1, "when[0]: x", "True True False", "WhenConditionFailure"),
    (State.FAILED, Reason.INVALID_EXPRESSION, 1, "when[0]: x", "True False False", "WhenConditionFailure"),
    (State.SKIPPED, Reason.MISSING_SECRET, 1, "when[0]: x", "True True False", "WhenConditionFailure"),
    (State.FAILED, Reason.MISSING_SECRET, 1, "when[0]: x", "True False False", "WhenConditionFailure"),
    (State.FAILED, Reason.MISSING_SECRET, 1, "env.A: x", "True False False", "WhenConditionSatisfied"),
    (State.FAILED, Reason.INVALID_EXPRESSION, 1, "env.A: x", "True False False", "WhenConditionSatisfied"),
]
KEY = StepKey(namespace=Namespace("default"), run=RunUid("u"), step="a")


@pytest.mark.parametrize(("state", "reason", "attempt", "message", "expected", "when"), STEPS)
def test_each_state_of_a_step_is_told_as_relay_tells_it(
    state: State, reason: Reason, attempt: int, message: str, expected: str, when: str
) -> None:
    step = StepRun(key=KEY, position=0, state=state, reason=reason, attempt=attempt, message=message)
    found = relay_status.of_step(step)
    assert [one["type"] for one in found] == ["Completed", "Skipped", "Succeeded"]
    assert " ".join(one["status"] for one in found) == expected
    assert found[1]["reason"] == when


@pytest.mark.parametrize(
    ("state", "told"),
    [(State.FAILED, ["", "", "exit code 1"]), (State.SKIPPED, ["", "exit code 1", ""])],
)
def test_a_message_stands_where_it_belongs(state: State, told: list[str]) -> None:
    found = relay_status.of_step(StepRun(key=KEY, position=0, state=state, attempt=1, message="exit code 1"))
    assert [one.get("message", "") for one in found] == told


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "Unknown False Unknown"),
        ({"failed_step": "a"}, "Unknown False False"),
        ({"stopping": State.CANCELLED}, "True False Unknown"),
        ({"state": State.SUCCEEDED, "completed_at": NOW}, "Unknown True True"),
        ({"state": State.FAILED, "completed_at": NOW}, "Unknown True False"),
        ({"state": State.TIMED_OUT, "completed_at": NOW}, "Unknown True False"),
        ({"state": State.CANCELLED, "completed_at": NOW}, "True True False"),
    ],
)
def test_each_state_of_a_run_is_told_as_relay_tells_it(given: dict[str, object], expected: str) -> None:
    found = relay_status.of_run(new_run(**given))
    assert [one["type"] for one in found] == ["Cancelled", "Completed", "Succeeded"]
    assert " ".join(one["status"] for one in found) == expected
    assert all(one["lastTransitionTime"] for one in found)


def test_a_condition_that_cannot_be_evaluated_is_a_message_of_its_step() -> None:
    step = StepRun(key=KEY, position=0, state=State.FAILED, reason=Reason.INVALID_EXPRESSION, message="when[0]: x: y")
    found = relay_status.messages(replace(step, completed_at=NOW))
    assert found == [
        {
            "source": {"whenEvaluation": {"path": "when[0]"}},
            "severity": "Error",
            "observationTime": "2026-01-01T00:00:00.000000Z",
            "details": "x: y",
        }
    ]
    assert relay_status.messages(replace(step, message="env.A: x")) == []
