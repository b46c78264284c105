"""The conditions that relay's runs and steps have, told from ours. Pure."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ensue.core import planning
from ensue.model.run import Reason, Run, State, StepRun

View = dict[str, Any]
LONGEST = 1024
"""Characters of a message's details."""


class Status(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class When(StrEnum):
    """What came of a step's conditions."""

    UNKNOWN = "WhenConditionUnknown"
    EVALUATING = "WhenConditionEvaluating"
    SATISFIED = "WhenConditionSatisfied"
    NOT_SATISFIED = "WhenConditionNotSatisfied"
    FAILURE = "WhenConditionFailure"


def of_run(run: Run) -> list[View]:
    """Cancelled, Completed, Succeeded."""
    is_cancelled = State.CANCELLED in (run.stopping, run.state)
    succeeded = Status.FALSE if run.failed_step else Status.UNKNOWN
    if run.state.is_final:
        succeeded = Status.TRUE if run.state is State.SUCCEEDED else Status.FALSE
    since = run.completed_at or run.started_at or run.created_at
    return [
        _condition("Cancelled", Status.TRUE if is_cancelled else Status.UNKNOWN, since),
        _condition("Completed", _said(run.state.is_final), since),
        _condition("Succeeded", succeeded, since, run.reason.value, run.message),
    ]


def of_step(step: StepRun) -> list[View]:
    """Completed, Skipped, Succeeded."""
    when = when_of(step)
    completed, skipped, succeeded = _TABLE[when]
    if when is When.SATISFIED and step.state.is_final:
        completed, succeeded = Status.TRUE, _said(step.state is State.SUCCEEDED)
    elif when is When.FAILURE and step.state is State.FAILED:
        skipped = Status.FALSE
    since = step.completed_at or step.started_at or step.queued_at
    return [
        _condition("Completed", completed, since),
        _condition("Skipped", skipped, since, when.value, "" if when is When.SATISFIED else step.message),
        _condition("Succeeded", succeeded, since, step.reason.value, step.message if when is When.SATISFIED else ""),
    ]


def messages(step: StepRun) -> list[View]:
    """Of a condition that could not be evaluated."""
    if when_of(step) is not When.FAILURE or step.reason not in _ERRORS:
        return []
    path, _, details = step.message.partition(": ")
    source = {"whenEvaluation": {"path": path}}
    at = _moment(step.completed_at)
    return [{"source": source, "severity": "Error", "observationTime": at, "details": details[:LONGEST]}]


def when_of(step: StepRun) -> When:
    """What came of its conditions, as far as it has got."""
    if step.reason in _ERRORS and step.message.startswith("when"):
        return When.FAILURE
    match step.state:
        case State.SKIPPED:
            return When.NOT_SATISFIED
        case State.CANCELLED if step.attempt == 0:
            return When.FAILURE
        case State.WAITING if step.reason in planning.ASKING:
            return When.EVALUATING
        case State.PENDING | State.QUEUED | State.WAITING if step.attempt == 0:
            return When.UNKNOWN
    return When.SATISFIED


_ERRORS = frozenset({Reason.INVALID_EXPRESSION, Reason.MISSING_SECRET})
_TABLE = {
    When.UNKNOWN: (Status.UNKNOWN, Status.UNKNOWN, Status.UNKNOWN),
    When.EVALUATING: (Status.UNKNOWN, Status.UNKNOWN, Status.UNKNOWN),
    When.SATISFIED: (Status.FALSE, Status.FALSE, Status.UNKNOWN),
    When.NOT_SATISFIED: (Status.TRUE, Status.TRUE, Status.FALSE),
    When.FAILURE: (Status.TRUE, Status.TRUE, Status.FALSE),
}


def _said(is_so: bool) -> Status:
    return Status.TRUE if is_so else Status.FALSE


def _condition(type: str, status: Status, since: datetime | None, reason: str = "", message: str = "") -> View:
    at = _moment(since)
    found = {"type": type, "status": status.value, "lastTransitionTime": at, "reason": reason, "message": message}
    return {key: value for key, value in found.items() if value}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
