"""All that is wrong with a file is said at once, whatever the kind of mistake."""

from typing import Any

import pytest

from ensue import files
from ensue import steps as step_types
from ensue.files import mending

HEAD = "apiVersion: ensue.dev/v1alpha1\nkind: %s\nmetadata: {name: x}\nspec:\n"
TRIGGER = HEAD % "Trigger"
WORKFLOW = HEAD % "Workflow"
ACTIONS = "  actions: [{name: a, type: log, with: {message: hi}}]\n"


def found(text: str) -> list[str]:
    documents = files.read(text, "f.yaml", known=step_types.known())
    return [f"{problem.path}: {problem.message}" for document in documents for problem in document.problems]


def remedies(text: str) -> list[str]:
    return [problem.remedy for document in files.read(text, "f.yaml") for problem in document.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            TRIGGER + "  sources: [5, {type: crn}]\n  filter: evnt.x == 1\n" + ACTIONS,
            [
                "spec.sources[0]: must be a mapping, not 5",
                'spec.sources[1].type: there is no source type "crn"',
                "spec.filter.cel: unknown name: evnt at character 1",
            ],
        ),
        (
            TRIGGER + "  sources: [events]\n  throttle: {key: evnt.x, limit: 3, pre: 1m}\n  filter: 'a ='\n" + ACTIONS,
            [
                'spec.throttle.pre: unknown key "pre"',
                "spec.filter.cel: unexpected '=' at character 3",
            ],
        ),
        (
            WORKFLOW + "  timeout: soon\n  steps: [{name: a, run: x, dependsOn: [b]}]\n",
            [
                "spec.timeout: not a duration: write it as 30s, 5m, 1h30m or 2d",
                'spec.steps[0].dependsOn[0]: there is no step "b"',
            ],
        ),
        # What others refer to is missing then: nothing is said of them.
        (
            WORKFLOW + "  parameters: [{name: p, type: 5}]\n  steps: [{name: a, run: x, when: '${parameters.p}'}]\n",
            ["spec.parameters[0].type: must be one of"],
        ),
        (WORKFLOW + "  steps: [5, {name: a, run: x, dependsOn: [b]}]\n", ["spec.steps[0]: must be a mapping, not 5"]),
    ],
)
def test_a_wrong_shape_hides_nothing_else_and_makes_nothing_up(text: str, expected: list[str]) -> None:
    told = found(text)
    assert len(told) == len(expected), told
    for message, wanted in zip(told, expected, strict=True):
        assert message.startswith(wanted)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (TRIGGER + "  sources: [evnts]\n" + ACTIONS, 'did you mean "events"?'),
        (TRIGGER + "  sources: [nightly]\n" + ACTIONS, "write {ref: nightly} for a Source, else {type: …}"),
    ],
)
def test_a_source_in_one_word_is_suggested(text: str, remedy: str) -> None:
    assert remedies(text) == [remedy]


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        ("5/minute", "not a rate: did you mean 5/m?"),
        ("5 per hour", "not a rate: did you mean 5/h?"),
        ("5/2 minutes", "not a rate: write it as 100/1s or 10/m"),
        ("many", "not a rate: write it as 100/1s or 10/m"),
        ("5/" + "ms" * 40 + "!", "not a rate: did you mean 5/m?"),
    ],
)
def test_a_rate_that_is_none_says_what_was_meant(rate: str, told: str) -> None:
    source = f"  type: webhook\n  with: {{path: p, verify: {{type: none}}, rate: {rate}}}\n"
    told_of_source = found(HEAD % "Source" + source)
    assert [each.partition(": ")[2].startswith("not a rate") for each in told_of_source] == [True]
    if not rate.endswith("!"):
        assert told_of_source == [f"spec.with.rate: {told}"]
        assert found(TRIGGER + f"  sources: [events]\n  throttle: {rate}\n" + ACTIONS) == [f"spec.throttle: {told}"]


def test_what_is_taken_out_leaves_the_rest_as_it_is() -> None:
    value: dict[str, Any] = {"spec": {"a": {"b": 1, "c": 2}, "sources": [1, 2]}, "kind": "K"}
    rest = mending.without(value, [("spec", "a", "b"), ("spec", "sources", 0), ("spec", "x", "y")])
    assert rest == {"spec": {"a": {"c": 2}, "sources": [{"name": "left-out-0", "type": "events"}, 2]}, "kind": "K"}
    assert mending.without(value, [("spec", "a", "missing")]) == {"spec": {"sources": [1, 2]}, "kind": "K"}
    for path in (("kind",), ("spec", "other"), ("spec", "list", 0), ("spec", "steps", 0, "name")):
        assert mending.without({**value, "spec": {**value["spec"], "list": [1]}}, [path]) is None
    assert value["spec"]["sources"] == [1, 2]


@pytest.mark.parametrize(
    ("place", "wrong", "is_apart"),
    [
        ("spec.filter.cel", ["spec.sources[0]"], True),
        ("spec.sources[0].type", ["spec.sources[0]"], False),
        ("spec.throttle", ["spec.throttle.per"], False),
        ("spec.sources[10]", ["spec.sources[1]"], True),
        ("spec.throttled", ["spec.throttle"], True),
    ],
)
def test_what_was_taken_out_is_not_spoken_of_again(place: str, wrong: list[str], is_apart: bool) -> None:
    assert mending.is_apart(place, wrong) is is_apart
