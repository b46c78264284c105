"""What definitions of the same files would run."""

from typing import Any

import pytest

from ensue.core import checking_calls
from ensue.model.errors import Severity
from ensue.model.workflow import Workflow


def made(name: str, *steps: dict[str, Any], **spec: Any) -> Workflow:
    return Workflow.model_validate({"metadata": {"name": name}, "spec": {"steps": list(steps), **spec}})


def calls(name: str, **given: Any) -> dict[str, Any]:
    return {"name": "call", "workflow": name, **given}


SAY = {"name": "say", "type": "log"}
DEPLOY = made("deploy", SAY, parameters=[{"name": "sha", "required": True}, {"name": "where"}])


@pytest.mark.parametrize(
    ("step", "found"),
    [
        (calls("deploy", parameters={"sha": "a"}), []),
        (calls("${parameters.name}"), []),
        (calls("depoy"), [(Severity.HINT, 'there is no workflow "depoy" in these files', 'did you mean "deploy"?')]),
        (
            calls("other"),
            [
                (
                    Severity.HINT,
                    'there is no workflow "other" in these files',
                    "it must be on the server when the step runs",
                )
            ],
        ),
        (
            calls("deploy", parameters={"shaa": "a"}),
            [
                (Severity.WARNING, 'the workflow deploy has no parameter "shaa"', 'did you mean "sha"?'),
                (Severity.WARNING, 'the workflow deploy requires the parameter "sha"', "give it under parameters"),
            ],
        ),
    ],
)
def test_what_is_not_there_or_does_not_fit_is_said(
    step: dict[str, Any], found: list[tuple[Severity, str, str]]
) -> None:
    known = checking_calls.workflows([DEPLOY])
    problems = list(checking_calls.check(made("w", SAY, step), known))
    assert [(one.severity, one.message, one.remedy) for one in problems] == found


def test_what_a_workflow_may_reach_is_followed_round_in_circles() -> None:
    a, b, c = made("a", calls("b")), made("b", calls("a")), made("c", SAY)
    known = checking_calls.workflows([a, b, c])
    assert checking_calls.reached(a, known) == [a, b]
    assert checking_calls.reached(made("d", calls("${parameters.x}")), known)[1:] == [a, b, c]


def test_of_what_is_there_and_broken_nothing_is_said() -> None:
    caller = made("caller", calls("other"))
    assert list(checking_calls.check(caller, {}, {("default", "other")})) == []
