"""What running steps said, as JSON: in the shapes that relay's runs have. Pure."""

from datetime import UTC, datetime
from typing import Any

from ensue.api import relay_status
from ensue.model.run import StepRun
from ensue.model.values import Json
from ensue.ports.metadata import Status
from ensue.ports.reports import Finding, Report

View = dict[str, Any]


def told(step: StepRun, report: Report) -> View:
    """The outputs by name, of those that are sensitive no value, and what else there is."""
    outputs = {**report.outputs, **step.outputs} if step.completed_at is None else dict(step.outputs)
    found: View = {"outputs": [_output(name, value, report) for name, value in sorted(outputs.items())]}
    if report.decorators:
        found["decorators"] = [
            {"name": one.name, "link": {"description": one.description, "uri": one.uri}} for one in report.decorators
        ]
    if messages := [*map(_message, report.messages), *relay_status.messages(step)]:
        found["messages"] = messages
    if report.status is not None:
        found["reported"] = _status(report.status)
    return found


def _output(name: str, value: Json, report: Report) -> View:
    if name in report.sensitive:
        return {"name": name, "sensitive": True}
    return {"name": name, "sensitive": False, "value": value}


def _message(one: Finding) -> View:
    about = {"path": "", "expression": one.expression} if one.expression else {"path": ""}
    return {
        "source": {one.source: about},
        "severity": "Error",
        "observationTime": _moment(one.at),
        "details": one.details,
    }


def _status(status: Status) -> View:
    found = {
        "exitCode": status.exit_code,
        "exitTime": _moment(status.exited_at),
        "condition": status.condition or None,
        "conditionTime": _moment(status.conditioned_at),
    }
    return {name: value for name, value in found.items() if value is not None}


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
