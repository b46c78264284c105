"""How a workflow becomes the planner's graph."""

from datetime import timedelta
from typing import Any

import pytest

from ensue.core import checking, graph
from ensue.expr import relay
from ensue.model.run import State
from ensue.model.workflow import Step
from tests.core.playing import workflow


@pytest.mark.parametrize(
    "field",
    [
        {"env": {"A": "${outputs.a.x}"}},
        {"spec": {"deep": [{"er": "v${outputs.a.x}"}]}},
        {"with": {"message": "${outputs['a'].x}"}},
        {"when": ["true", "${outputs.a.x}"]},
        {"continueOnError": "${outputs.a.x}"},
        {"foreach": "${outputs.a.list}"},
        {"matrix": {"axes": {"x": "${outputs.a.list}"}}},
        {"retry": {"limit": 1, "when": "${outputs.a.again}"}},
    ],
)
def test_a_reference_to_an_output_implies_the_dependency(field: dict[str, Any]) -> None:
    built = graph.build(workflow([{"name": "a"}, {"name": "b", **field}]))
    assert built.nodes["b"].needs == {"a": frozenset({State.SUCCEEDED})}
    assert built.nodes["a"].dependants == ("b",)


def test_a_dependency_that_is_written_down_wins_over_an_implied_one() -> None:
    built = graph.build(
        workflow([{"name": "a"}, {"name": "b", "after": {"a": ["any"]}, "env": {"A": "${outputs.a.x}"}}])
    )
    assert State.FAILED in built.nodes["b"].needs["a"]


def test_scripts_imply_nothing() -> None:
    built = graph.build(workflow([{"name": "a"}, {"name": "b", "run": "echo ${outputs.a.x}"}]))
    assert built.nodes["b"].needs == {}


def test_an_escaped_reference_implies_nothing() -> None:
    built = graph.build(workflow([{"name": "a"}, {"name": "b", "env": {"A": "$${outputs.a.x}"}}]))
    assert built.nodes["b"].needs == {}


def test_a_finally_step_that_reads_a_main_steps_output_does_not_wait_for_it_alone() -> None:
    built = graph.build(workflow([{"name": "a"}], [{"name": "z", "env": {"A": "${outputs.a.x}"}}]))
    assert built.nodes["z"].needs == {}
    assert built.nodes["a"].dependants == ()


def test_an_output_of_oneself_or_of_nobody_implies_nothing() -> None:
    built = graph.build(workflow([{"name": "a", "env": {"A": "${outputs.a.x}", "B": "${outputs.none.x}"}}]))
    assert built.nodes["a"].needs == {}


def test_the_same_step_named_twice_is_one_dependency_with_all_its_ends() -> None:
    built = graph.build(workflow([{"name": "a"}, {"name": "b"}]))
    step = built.workflow.spec.steps[1]
    twice = [{"step": "a", "on": ["succeeded"]}, {"step": "a", "on": ["skipped"]}]
    again = type(step).model_validate({**step.model_dump(by_alias=True, exclude_unset=True), "dependsOn": twice})
    made = built.workflow.model_copy(
        update={"spec": built.workflow.spec.model_copy(update={"steps": (built.workflow.spec.steps[0], again)})}
    )
    assert graph.build(made).nodes["b"].needs == {"a": frozenset({State.SUCCEEDED, State.SKIPPED})}


@pytest.mark.parametrize(
    ("step", "engine"),
    [
        ({}, "process"),
        ({"image": "python:3", "run": None}, "container"),
        ({"engine": "ssh"}, "ssh"),
        ({"run": None, "type": "wait", "engine": "process"}, "inline"),
        ({"run": None, "type": "log"}, "inline"),
    ],
)
def test_where_a_step_runs(step: dict[str, Any], engine: str) -> None:
    assert graph.build(workflow([{"name": "a", **step}])).nodes["a"].engine == engine


def test_defaults_fill_what_a_step_does_not_say() -> None:
    defaults = {"timeout": "5m", "env": {"A": "1", "B": "1"}, "requires": {"os": "linux"}, "retry": {"limit": 2}}
    own = {"name": "b", "timeout": "1s", "env": {"B": "2"}, "requires": {"arch": "arm"}, "retry": {"limit": 0}}
    built = graph.build(workflow([{"name": "a"}, own], [{"name": "z"}], defaults=defaults))
    taken, kept, final = (built.nodes[name].step for name in "abz")
    assert (taken.timeout, taken.env, taken.retry.limit) == (final.timeout, {"A": "1", "B": "1"}, 2)
    assert kept.timeout == timedelta(seconds=1)
    assert (kept.env, kept.retry.limit) == ({"A": "1", "B": "2"}, 0)
    assert built.nodes["b"].selector == "arch=arm,os=linux"


@pytest.mark.parametrize(
    "labels", [{}, {"arch": "arm"}, {"os": "linux", "arch": "arm"}, {"x": ""}, {"x": "a=b"}, {"x": "a,b", "y": ",=,"}]
)
def test_a_selector_gives_its_labels_back(labels: dict[str, str]) -> None:
    assert graph.labels_of(graph.selector_of(labels)) == labels


def test_only_a_run_that_something_must_happen_to_by_itself_has_timers() -> None:
    assert not graph.build(workflow([{"name": "a"}])).has_timers
    assert graph.build(workflow([{"name": "a"}], timeout="1h")).has_timers
    assert graph.build(workflow([{"name": "a"}], [{"name": "z", "pendingTimeout": "1h"}])).has_timers
    assert graph.build(workflow([{"name": "a", "run": None, "type": "wait"}])).has_timers


@pytest.mark.parametrize(
    "steps",
    [
        [{"name": "a", "env": {"X": "${outputs.b.x}"}}, {"name": "b", "after": ["a"]}],
        [{"name": "a", "when": ["${outputs.b.x}"]}, {"name": "b", "with": {"x": "${outputs.a.y}"}}],
    ],
)
def test_a_cycle_of_implied_dependencies_is_an_error(steps: list[dict[str, Any]]) -> None:
    problems = checking.check_workflow(workflow(steps))
    assert [problem.message for problem in problems if "wait for each other" in problem.message] == [
        "the steps wait for each other: a → b → a"
    ]


def test_a_cycle_that_defaults_close_is_an_error() -> None:
    made = workflow([{"name": "a", "after": ["b"]}, {"name": "b"}], defaults={"env": {"X": "${outputs.a.x}"}})
    assert any("wait for each other" in problem.message for problem in checking.check_workflow(made))


RELAY_STEP = {"name": "c", "image": "x"}
ENDS = frozenset({State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.SKIPPED, State.CANCELLED})


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"dependsOn": [{"step": "a"}]}, {"a": "succeeded"}),
        ({"dependsOn": [{"step": "a"}, {"step": "b"}], "when": ["${steps.a.failed}"]}, {"a": "any", "b": "succeeded"}),
        ({"dependsOn": [{"step": "a"}], "when": ["${steps.a.skipped || steps.b.succeeded}"]}, {"a": "any", "b": "any"}),
        ({"when": ["${steps.'a'.succeeded}"]}, {"a": "any"}),
        ({"dependsOn": [{"step": "a"}], "when": [True, "${parameters.p == 1}"]}, {"a": "succeeded"}),
        ({"spec": {"v": {"$type": "Output", "from": "a", "name": "v"}}}, {"a": "succeeded"}),
        ({"spec": {"v": {"$type": "Output", "taskName": "a", "name": "v"}}}, {"a": "succeeded"}),
        ({"when": [{"$fn.equals": [{"$type": "Output", "from": "a", "name": "v"}, 1]}]}, {"a": "succeeded"}),
        ({"env": {"A": "${outputs.a.v}"}, "when": ["${steps.a.failed}"]}, {"a": "any"}),
        ({"when": [{"$fn.equals": [{"$type": "Answer", "askRef": "a", "name": "v"}, 1]}]}, {}),
        ({"env": {"A": "${steps.a.failed}"}}, {}),
    ],
)
def test_in_files_of_relay_conditions_say_which_ends_of_a_step_will_do(
    step: dict[str, object], expected: dict[str, str]
) -> None:
    found = graph.needs_of(Step.model_validate({**RELAY_STEP, **step}), {"a", "b"}, relay.RELAY)
    words = {frozenset({State.SUCCEEDED}): "succeeded", ENDS: "any"}
    assert {name: words[ends] for name, ends in found.items()} == expected
