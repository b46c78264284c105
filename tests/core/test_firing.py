"""Firing: what begins when a trigger fires."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ensue.core import firing, graph
from ensue.core.firing import Failure, Given
from ensue.expr.interface import Mapped
from ensue.model.run import Reason
from ensue.model.trigger import Trigger
from ensue.model.values import Json
from ensue.model.workflow import Workflow

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


LACKING: Json = {"$type": "Data", "query": "noop"}
DEFAULTED: Json = {"name": "noop", "default": True}
NO_FIELD = 'could not evaluate a Data type: path "noop": unknown key noop'


def bound(value: Json, parameter: Json, version: str = "relay.sh/v1beta1", compat: str = "", **event: Any) -> Given:
    action = {"name": "start", "workflow": "w", "parameters": {"noop": value}}
    spec = {"sources": [{"name": "e", "type": "events"}], "actions": [action]}
    made = Trigger.model_validate({"apiVersion": version, "metadata": {"name": "t"}, "spec": spec})
    body = {"metadata": {"name": "w"}, "spec": {"parameters": [parameter], "steps": [{"name": "a", "run": "true"}]}}
    workflow = Workflow.model_validate({"apiVersion": version, "compat": compat, **body})
    return firing.bind(made, made.spec.actions[0], graph.build(workflow), Mapped(roots={"event": event}, now=NOW))


@pytest.mark.parametrize(
    ("given", "values", "failure"),
    [
        (bound(LACKING, DEFAULTED), {"noop": True}, ""),
        (bound("${event.noop}", DEFAULTED), {"noop": True}, ""),
        (bound(LACKING, {"name": "noop", "default": None}), {"noop": None}, ""),
        (bound(LACKING, DEFAULTED, noop=False), {"noop": False}, ""),
        (bound(LACKING, DEFAULTED, noop=None), {"noop": None}, ""),
        (bound(LACKING, {"name": "noop"}), {}, NO_FIELD),
        (bound(LACKING, {"name": "noop", "required": True}), {}, NO_FIELD),
        (bound({"$fn.toString": [LACKING]}, DEFAULTED), {}, NO_FIELD),
        (bound("no ${event.noop}", DEFAULTED), {}, "unknown key noop"),
        (bound(LACKING, DEFAULTED, compat="strict"), {}, NO_FIELD),
        (bound("${event.noop}", DEFAULTED, version="ensue.dev/v1alpha1"), {}, "unknown key noop"),
    ],
)
def test_a_field_that_the_event_lacks_leaves_a_parameter_of_relays_its_default(
    given: Given, values: dict[str, Json], failure: str
) -> None:
    message = "" if given.failure is None else given.failure.message
    assert dict(given.parameters) == values
    assert message.startswith("parameters.noop: ") == bool(failure)
    assert failure in message


@pytest.mark.parametrize(
    ("event", "note"),
    [({}, "the event has no noop: the default of the parameter noop is taken"), ({"noop": None}, "")],
)
def test_a_default_that_is_taken_is_told(event: dict[str, Any], note: str) -> None:
    assert bound(LACKING, DEFAULTED, **event).note == note
