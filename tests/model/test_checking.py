"""Checks of workflows beyond their shape, and of the parameters of a run."""

# ruff: noqa: E501 (tables with whole messages)

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from ensue.core import checking, checking_graph, checking_paths
from ensue.expr import spelling
from ensue.model.errors import InvalidParameters
from ensue.model.values import Json
from ensue.model.workflow import Workflow


def workflow(**spec: object) -> Workflow:
    spec.setdefault("steps", [{"name": "a", "run": "x"}])
    return Workflow.model_validate({"metadata": {"name": "w"}, "spec": spec})


def findings(**spec: object) -> list[str]:
    return [str(problem) for problem in checking.check_workflow(workflow(**spec))]


A = {"name": "a", "run": "x"}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"name": "b"}, 'spec.steps[0]: the step "b" does nothing (give it run, image, workflow, approval or type)'),
        (
            {**A, "approval": {}},
            "spec.steps[0].approval: a step has either run or approval, not both (make two steps of it)",
        ),
        (
            {"name": "a", "image": "x", "workflow": "y"},
            "spec.steps[0].image: a step has either workflow or image, not both (make two steps of it)",
        ),
        (
            {**A, "type": "http"},
            "spec.steps[0].type: `run` implies the type run, but the type is http (remove `run` or `type`)",
        ),
        ({"name": "a", "type": "htp"}, 'spec.steps[0].type: there is no step type "htp" (did you mean "http"?)'),
        ({**A, "engine": "proces"}, 'spec.steps[0].engine: there is no engine "proces" (did you mean "process"?)'),
        (
            {"name": "a", "image": "x", "engine": "process"},
            (
                'spec.steps[0].engine: the step "a" is what its image runs, and the engine process has no images'
                " (use the engine container, or give the step run, input or command)"
            ),
        ),
        (
            {"name": "a", "image": "x", "engine": "ssh"},
            "spec.steps[0].engine: the engine ssh runs no images (use process, container, kubernetes, tekton, or leave it out)",
        ),
        (
            {"name": "a", "image": "x", "input": ["true"], "engine": "process"},
            "spec.steps[0].engine: the engine process runs the step without its image, on the programs of this machine",
        ),
        (
            {"name": "a", "type": "http", "engine": "process"},
            "spec.steps[0].engine: the engine process cannot run steps of type http (remove it)",
        ),
        (
            {**A, "matrix": {"axes": {"a": [1]}}, "foreach": [1]},
            "spec.steps[0].foreach: a step has either matrix or foreach, not both (make the list an axis of the matrix)",
        ),
        (
            {**A, "workdir": "../x"},
            ('spec.steps[0].workdir: the working directory "../x" is outside of the run\'s workspace'
            " (write a path relative to the workspace)"),
        ),
        (
            {"name": "a", "run": "echo ${parameters.x}"},
            ("spec.steps[0].run: `${parameters.x}` stays as it is: scripts are never templated"
            " (pass the value through env)"),
        ),
        (
            {"name": "a", "image": "x", "command": ["sh", "-ec", "echo $(HOST)"]},
            ('spec.steps[0].command[2]: `$(HOST)` would put a value into a script (write "$HOST", which the shell reads'
            " as a value)"),
        ),
        ({**A, "when": ["maybe"]}, 'spec.steps[0].when[0]: "maybe" is not a condition (write true, false or an expression in ${…})'),
        ({**A, "parameters": {"a": 1}}, "spec.steps[0].parameters: parameters belong to a step with `workflow` (pass values to a script through env)"),
        ({**A, "outputs": [{"name": "a b"}]}, 'spec.steps[0].outputs[0].name: "a b" is no name for an output (use letters, digits, `_`, `-` and `.`, a letter or `_` first)'),
    ],
)  # fmt: skip
def test_each_mistake_of_a_step_has_one_finding(step: dict[str, object], expected: str) -> None:
    assert findings(steps=[step]) == [expected]


@pytest.mark.parametrize(
    "step",
    [
        {"name": "a", "image": "x"},
        {"name": "a", "image": "x", "run": "y", "engine": "container"},
        {"name": "a", "type": "run", "run": "y"},
        {"name": "a", "type": "container", "image": "x", "args": ["a"]},
        {"name": "a", "run": "echo ${HOME} $(date)", "workdir": "sub/dir", "when": ["${run.name}", "TRUE"]},
        {"name": "a", "image": "x", "command": ["sh", "-c", "echo $(date) $$(HOME)"]},
        {"name": "a", "image": "x", "command": ["prog"], "args": ["$(HOST)"]},
        {"name": "a", "type": "http", "engine": "inline", "with": {"url": "x"}},
        {"name": "a", "type": "approval"},
        {"name": "a", "image": "x", "engine": "${parameters.engine}"},
    ],
)
def test_what_is_meant_to_work_has_no_finding(step: dict[str, object]) -> None:
    assert findings(steps=[step], parameters=[{"name": "engine"}]) == []


def test_names_are_unique_in_the_whole_workflow() -> None:
    assert findings(steps=[A, A], **{"finally": [A]}) == [
        'spec.steps[1].name: another step is named "a" (rename one; the other is spec.steps[0])',
        'spec.finally[0].name: another step is named "a" (rename one; the other is spec.steps[0])',
    ]


def test_dependencies_exist_on_the_same_side_and_form_no_loop() -> None:
    def step(name: str, *needs: str) -> dict[str, object]:
        return {"name": name, "run": "x", "depends_on": [{"step": need} for need in needs]}

    assert findings(steps=[step("build", "buld", "tset"), step("test", "test")]) == [
        'spec.steps[0].dependsOn[0]: there is no step "buld" (did you mean "build"?)',
        'spec.steps[0].dependsOn[1]: there is no step "tset" (did you mean "test"?)',
        'spec.steps[1].dependsOn[0]: the step "test" depends on itself (remove the dependency)',
    ]
    assert findings(steps=[step("z"), step("a", "b"), step("b", "c", "z"), step("c", "a")]) == [
        "spec.steps[1].dependsOn: the steps wait for each other: a → b → c → a (remove one of these dependencies)"
    ]
    assert findings(steps=[step("a", "z")], **{"finally": [step("z", "a")]}) == [
        'spec.steps[0].dependsOn[0]: a main step cannot depend on "z", a step of finally (move one of the two)',
        (
            'spec.finally[0].dependsOn[0]: a step of finally cannot depend on "a", a step of the main part (remove it:'
            " finally runs when all main steps have ended; test steps.NAME.succeeded in `when`)"
        ),
    ]


@given(st.dictionaries(st.integers(0, 9).map(str), st.lists(st.integers(0, 9).map(str), max_size=3), max_size=10))
def test_a_loop_is_found_exactly_when_there_is_one(edges: dict[str, list[str]]) -> None:
    loop = checking_graph.find_cycle(edges)
    for name, following in zip(loop, [*loop[1:], *loop[:1]], strict=True):
        assert following in edges[name]
    left = dict(edges)
    while ready := [name for name, targets in left.items() if not any(target in left for target in targets)]:
        for name in ready:
            del left[name]
    assert bool(loop) == bool(left)


class Ping(BaseModel):
    model_config = ConfigDict(extra="forbid")
    host: str
    count: int = 1


@pytest.mark.parametrize(
    ("with_", "expected"),
    [
        ({"host": "h", "count": 2}, []),
        ({"host": "${outputs.b.b}", "count": "${parameters.count}"}, []),
        ({}, ['spec.steps[0].with: "host" is required']),
        ({"host": "h", "cuont": 2}, ['spec.steps[0].with.cuont: unknown key "cuont" (did you mean "count"?)']),
        (
            {"host": "h", "count": "x"},
            ["spec.steps[0].with.count: Input should be a valid integer, unable to parse string as an integer"],
        ),
    ],
)
def test_with_is_checked_against_the_step_types_model(with_: dict[str, object], expected: list[str]) -> None:
    known = checking.Known(step_types={"ping": Ping})
    steps = [{"name": "a", "type": "ping", "with": with_}, {"name": "b", "run": "x"}]
    found = checking.check_workflow(workflow(steps=steps, parameters=[{"name": "count"}]), known)
    assert [str(problem) for problem in found] == expected


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ({"type": "integer", "default": "x"}, ['spec.parameters[0].default: the default must be an integer, not "x" (change the default)']),
        ({"type": "integer", "default": True}, ["spec.parameters[0].default: the default must be an integer, not true (change the default)"]),
        ({"type": "integer", "default": 1.0}, []),
        ({"type": "string", "default": None}, []),
        ({"required": True, "default": 1}, ["spec.parameters[0].default: a required parameter has no default (remove `required` or `default`)"]),
        ({"enum": ["a", 1], "default": True}, ['spec.parameters[0].default: the default must be one of "a", 1, not true (change the default)']),
        ({"type": "string", "enum": ["a", 1]}, ["spec.parameters[0].enum[1]: must be a string, as the parameter's type says"]),
    ],
)  # fmt: skip
def test_declared_parameters_agree_with_themselves(parameter: dict[str, object], expected: list[str]) -> None:
    assert findings(parameters=[{"name": "p", **parameter}]) == expected


PARAMETERS = [
    {"name": "name", "type": "string", "required": True},
    {"name": "times", "type": "integer", "default": 1},
    {"name": "tone", "enum": ["soft", "loud"], "default": "soft"},
    {"name": "free"},
]


def test_defaults_are_applied_to_the_parameters_of_a_run() -> None:
    resolved, problems = checking.check_parameters(workflow(parameters=PARAMETERS), {"name": "x", "times": 2.0})
    assert not problems
    assert resolved == {"name": "x", "times": 2, "tone": "soft", "free": None}
    assert isinstance(resolved["times"], int)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 'parameters.name: the parameter "name" is required (give it under `parameters`)'),
        ({"name": 3}, 'parameters.name: the parameter "name" must be a string, not 3'),
        ({"name": "x", "times": True}, 'parameters.times: the parameter "times" must be an integer, not true'),
        ({"name": "x", "tone": "lo"}, 'parameters.tone: the parameter "tone" must be one of "soft", "loud", not "lo"'),
        ({"name": "x", "tims": 1}, 'parameters.tims: the workflow has no parameter "tims" (did you mean "times"?)'),
    ],
)
def test_parameters_that_do_not_fit_are_named(given: dict[str, Json], expected: str) -> None:
    _, problems = checking.check_parameters(workflow(parameters=PARAMETERS), given)
    assert [str(problem) for problem in problems] == [expected]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("string", "5", "5"),
        ("any", "5", "5"),
        ("integer", "-5", -5),
        ("number", "1.5", 1.5),
        ("number", "2", 2),
        ("boolean", "true", True),
        ("array", "[1, 2]", [1, 2]),
        ("object", '{"a": null}', {"a": None}),
        ("null", "", None),
    ],
)
def test_a_text_of_the_command_line_becomes_the_declared_type(kind: str, text: str, expected: Json) -> None:
    declared = workflow(parameters=[{"name": "p", "type": kind}])
    name, value = checking.read_assignment(declared, f"p={text}")
    assert (name, type(value), value) == ("p", type(expected), expected)


@pytest.mark.parametrize(
    "text", ["p", "=x", "p=x", "p=1.0", "p=yes", "p:=nope", "p:=NaN", "p=" + "9" * 30, "p:=" + "[" * 100_000]
)
def test_a_text_that_does_not_fit_is_refused(text: str) -> None:
    declared = workflow(parameters=[{"name": "p", "type": "integer"}])
    with pytest.raises(InvalidParameters):
        checking.read_assignment(declared, text)


def test_json_is_taken_as_it_is_after_a_colon() -> None:
    assert checking.read_assignment(workflow(), 'p:={"a": [1, "=x"]}') == ("p", {"a": [1, "=x"]})
    assert checking.read_assignment(workflow(), "url=a=b") == ("url", "a=b")


@given(st.lists(st.text() | st.integers(0, 999), min_size=1).filter(lambda path: isinstance(path[0], str)))
def test_paths_are_read_as_they_are_written(path: list[str | int]) -> None:
    assert checking_paths.parse(checking_paths.render(tuple(path))) == tuple(path)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("stpes", "steps"), ("depends_on", "dependsOn"), ("Timeout", "timeout"), ("xyz", None), ("s", None)],
)
def test_only_near_words_are_suggested(word: str, expected: str | None) -> None:
    assert spelling.closest(word, ["steps", "dependsOn", "timeout"]) == expected
