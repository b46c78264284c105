"""Firing: what begins when a trigger fires."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ensue.core import firing
from ensue.core.firing import Failure
from ensue.expr.interface import Mapped
from ensue.model.run import Reason
from ensue.model.trigger import Trigger

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = Mapped(roots={"event": {"data": {"w": "build-a", "n": 1}}}, now=NOW)


def trigger(*actions: dict[str, Any], **spec: Any) -> Trigger:
    sources = [{"name": "events", "type": "events"}]
    given = {"sources": sources, "actions": [{"name": f"a{n}", **one} for n, one in enumerate(actions)], **spec}
    return Trigger.model_validate({"metadata": {"name": "t"}, "spec": given})


@pytest.mark.parametrize(
    ("actions", "is_start"),
    [
        ([{"workflow": "w"}], True),
        ([{"workflow": "w", "type": "workflow", "parameters": {"a": 1}, "env": {}}], True),
        ([{"workflow": "w", "when": ["true"]}], False),
        ([{"workflow": "w", "timeout": "1m"}], False),
        ([{"workflow": "w"}, {"workflow": "w"}], False),
        ([{"run": "true"}], False),
    ],
)
def test_an_action_with_nothing_but_a_workflow_and_its_parameters_starts_it(
    actions: list[dict[str, Any]], is_start: bool
) -> None:
    assert (firing.start_of(trigger(*actions)) is not None) == is_start


@pytest.mark.parametrize(
    ("workflow", "allow", "found"),
    [
        ("build", [], "build"),
        ("${event.data.w}", ["build-*"], "build-a"),
        ("${event.data.w}", ["build-?", "x"], "build-a"),
        ("${event.data.w}", ["deploy-*"], Reason.NOT_ALLOWED),
        ("${event.data.w}", [], Reason.NOT_ALLOWED),
        ("${event.data.n}", ["*"], Reason.INVALID_PARAMETERS),
        ("${event.data.none}", ["*"], Reason.INVALID_PARAMETERS),
        ("${secrets.name}", ["*"], Reason.INVALID_PARAMETERS),
    ],
)
def test_a_computed_workflow_needs_a_pattern_that_allows_it(
    workflow: str, allow: list[str], found: str | Reason
) -> None:
    made = trigger({"workflow": workflow}, allow={"workflows": allow})
    target = firing.target(made, made.spec.actions[0], SCOPE)
    assert (target.reason if isinstance(target, Failure) else target) == found


def test_actions_become_steps_each_after_the_one_before() -> None:
    made = trigger(
        {"run": "one"},
        {"run": "two"},
        {"run": "three", "dependsOn": [{"step": "a0", "on": ["failed"]}]},
        {"run": "four"},
    )
    body = firing.actions_body(made)
    steps = body["spec"]["steps"]  # type: ignore[index, call-overload]
    assert [step.get("dependsOn") for step in steps] == [  # type: ignore[union-attr]
        None,
        [{"step": "a0", "on": ["succeeded"]}],
        [{"step": "a0", "on": ["failed"]}],
        [{"step": "a2", "on": ["succeeded"]}],
    ]


def test_the_same_actions_have_the_same_body_whatever_the_trigger_is_called() -> None:
    one, other = trigger({"run": "x"}), trigger({"run": "x"}, description="another")
    assert firing.hash_of(firing.actions_body(one)) == firing.hash_of(firing.actions_body(other))
    assert firing.hash_of(firing.actions_body(one)) != firing.hash_of(firing.actions_body(trigger({"run": "y"})))
