"""What a definition's expressions name must exist where they stand."""

from typing import Any

import pytest

from ensue import files
from ensue.core import checking
from ensue.model.errors import Problem, Severity
from ensue.model.trigger import Trigger
from tests.core.playing import workflow

OTHERS: list[dict[str, Any]] = [{"name": "build"}, {"name": "test"}]
ANSWER = {"$type": "Answer", "askRef": "build", "name": "colour"}
PARAMETERS = [{"name": "branch"}, {"name": "count"}]


def problems(*steps: dict[str, Any], **spec: Any) -> list[str]:
    spec.setdefault("parameters", PARAMETERS)
    made = workflow([*OTHERS, *steps], spec.pop("finals", []), **spec)
    return [str(problem) for problem in checking.check_workflow(made)]


def of_strict(*steps: dict[str, Any]) -> tuple[Problem, ...]:
    return checking.check_workflow(workflow([*OTHERS, *steps]).model_copy(update={"compat": "strict"}))


def of_relay(*steps: dict[str, Any]) -> tuple[Problem, ...]:
    spec: dict[str, Any] = {"steps": [{"name": "build", "image": "x"}, *steps]}
    body: dict[str, Any] = {"apiVersion": "relay.sh/v1beta1", "kind": "Workflow", "metadata": {"name": "w"}}
    return files.accept({**body, "spec": spec}).problems


def step(field: str, value: Any, **more: Any) -> dict[str, Any]:
    return {"name": "last", field: value, **more}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("${parametrs.branch}", 'there is no "parametrs" to refer to at character 3 (did you mean "parameters"?)'),
        ("${parameters.brunch}", 'there is no parameter "brunch" at character 3 (did you mean "branch"?)'),
        ("x ${parameters.zzz}", 'there is no parameter "zzz" at character 5 (declare it under spec.parameters)'),
        ("${outputs.biuld.x}", 'there is no step "biuld" at character 3 (did you mean "build"?)'),
        ("${steps.tset.failed}", 'there is no step "tset" at character 3 (did you mean "test"?)'),
        ("${steps.test.faild}", 'steps.test has no "faild" at character 3 (did you mean "failed"?)'),
        ("${run.sate}", 'run has no "sate" at character 3 (did you mean "state"?)'),
        ("${outputs.last.x}", 'the step "last" has no outputs before it has ended at character 3'),
        ("${1 + conct('a')}", 'there is no function "conct" at character 7 (did you mean "concat"?)'),
        ("${secrets}", "secrets cannot be read all at once at character 3 (name the one that is meant)"),
        ("${connections}", "connections cannot be read all at once at character 3 (name the one that is meant)"),
        ("${connections.aws}", "connections.aws cannot be read all at once at character 3 (name the one that is"),
        ("${connections[parameters.branch]}", "connections[…] cannot be read all at once at character 3 (name the one"),
        ("${jsonMarshal(connections[parameters.branch] |> x)}", "connections[…] cannot be read all at once at"),
        ("${$['connections'].aws |> main}", "connections.aws cannot be read all at once at character 3 (name the one"),
        ("${matrix.os}", '"matrix" cannot be used here at character 3 (only in steps with matrix or foreach)'),
        ("${step.exitCode}", '"step" cannot be used here at character 3 (only in retry.when)'),
        ("${$}", "$ is everything, secrets included: name what is meant at character 3"),
        ("ok ${1 +}", 'unexpected "}" while scanning an operand at character 9'),
        ("a\nb ${parameters.brnch}\n", 'there is no parameter "brnch" at line 2, character 5 (did you mean "branch"?)'),
        ("${null + 1}", "invalid operation (<nil>) + (float64) at character 8"),
        ("${1 + equals(1)}", 'invocation of function "equals" failed: unexpected number of arguments: 1 (wanted 2'),
        ("${path(object: 1, qery: 2)}", 'invocation of function "path" failed: arg "query": arg not found'),
        ("${merge(objects: [], mod: 1)}", 'the function "merge" takes no argument "mod" at character 3 (did you mean'),
        ("a\n${toString([1])}", 'invocation of function "toString" failed: arg 1: unexpected type []interface'),
        ({"$fn.toString": []}, 'invocation of function "toString" failed: unexpected number of arguments: 0'),
        ({"$fn.jsonUnmarshal": "{"}, 'invocation of function "jsonUnmarshal" failed: invalid JSON: '),
        ({"$fn.nope": []}, 'there is no function "nope"'),
        ({"$type": "Secret"}, 'could not evaluate a Secret type: the required field "name" could not be found'),
        ({"$type": "Output", "from": "biuld", "name": "x"}, 'there is no step "biuld" (did you mean "build"?)'),
    ],
)  # fmt: skip
def test_a_mistake_in_an_expression_is_found_without_running_it(text: Any, finding: str) -> None:
    [found] = problems(step("env", {"A": text}))
    assert found.startswith(f"spec.steps[2].env.A: {finding}")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"when": ["${'yes'}"]}, "when[0]"), ({"when": ["true", "${concat('a')}"]}, "when[1]"),
        ({"continueOnError": "${1 + 1}"}, "continueOnError"),
        ({"retry": {"limit": 1, "when": "${null}"}}, "retry.when"),
    ],
)  # fmt: skip
def test_a_constant_condition_is_true_or_false(given: dict[str, Any], path: str) -> None:
    [found] = problems({"name": "last", **given})
    assert found.startswith(f"spec.steps[2].{path}: ")
    assert found.endswith("is neither true nor false (write true, false or an expression in ${…})")
    [warned] = of_strict({"name": "last", **given})
    assert warned.severity is Severity.WARNING


@pytest.mark.parametrize("text", ["${'true'}", "${1 == 1}", "${concat('fal', 'se')}", "${parameters.branch}"])
def test_a_condition_that_is_known_already_may_be_a_word(text: str) -> None:
    assert problems(step("when", [text])) == []


@pytest.mark.parametrize("field", ["env", "spec"])
@pytest.mark.parametrize("value", [{"$fn.equals": [1]}, "${concat([1])}", {"$fn.merge": {"objects": [], "x": 1}}])
def test_compatibility_warns_of_calls_that_fail_when_they_are_evaluated(field: str, value: Any) -> None:
    for problems_ in (of_strict(step(field, {"A": value})), of_relay(step(field, {"A": value}, image="x"))):
        assert [problem.severity for problem in problems_] == [Severity.WARNING]


CALLS: list[tuple[Any, bool]] = [
    ({"$fn.equals": [1]}, False), ("${concat([1])}", False), ({"$fn.equal": [1, 2]}, True), ("${equal(1, 2)}", True),
    ({"$fn.merge": {"mode": "deep"}}, False),
]  # fmt: skip


@pytest.mark.parametrize(("call", "is_unknown"), CALLS)
def test_a_condition_that_can_only_fail_is_an_error_but_for_a_function_that_a_trigger_does_not_find(
    call: Any, is_unknown: bool
) -> None:
    """Nothing can come of a step that never begins; a trigger leaves the workflow beside it as it is."""
    [of_step] = of_relay(step("when", [call], image="x"))
    action = {"name": "start", "workflow": "w", "when": [call]}
    spec: dict[str, Any] = {"sources": [{"name": "events", "type": "events"}], "actions": [action]}
    head: dict[str, Any] = {"apiVersion": "relay.sh/v1beta1", "kind": "Trigger", "metadata": {"name": "t"}}
    [of_trigger] = files.accept({**head, "spec": spec}).problems
    assert of_step.severity is Severity.ERROR
    assert (of_trigger.message, of_trigger.path) == (of_step.message, "spec.actions[0].when[0]")
    assert of_trigger.severity is (Severity.WARNING if is_unknown else Severity.ERROR)
    [strict] = of_strict(step("env", {"A": call}))
    assert strict.severity is Severity.WARNING
    [ours] = checking.check_workflow(workflow([*OTHERS, step("env", {"A": call})]))
    assert ours.severity is Severity.ERROR


@pytest.mark.parametrize(
    ("given", "finding", "severity"),
    [
        ({"env": {"A": ANSWER}}, "env.A: an Answer is known in conditions (`when`) alone", Severity.ERROR),
        ({"spec": {"a": [ANSWER]}}, "spec.a[0]: an Answer is known in conditions (`when`) alone", Severity.WARNING),
        ({"when": [{**ANSWER, "askRef": "biuld"}]}, 'when[0]: there is no step "biuld" (did', Severity.WARNING),
    ],
)
def test_an_answer_is_known_in_conditions_alone(given: dict[str, Any], finding: str, severity: Severity) -> None:
    [found] = of_relay({"name": "last", "image": "x", **given})
    assert f"spec.steps[1].{finding}" in str(found)
    assert found.severity is severity
    assert of_relay({"name": "last", "image": "x", "when": [ANSWER]}) == ()


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"when": ["${secrets.key == 'x'}"]}, "when[0]"), ({"continueOnError": "${secrets.key}"}, "continueOnError"),
        ({"image": "x:${secrets.key}", "run": None}, "image"), ({"foreach": "${connections.a.b}"}, "foreach"),
        ({"requires": {"os": "${credentials.key}"}}, "requires.os"), ({"workdir": "${secrets.key}"}, "workdir"),
        ({"retry": {"limit": 1, "when": "${secrets.key}"}}, "retry.when"),
    ],
)  # fmt: skip
def test_secrets_are_allowed_only_where_they_are_used(given: dict[str, Any], path: str) -> None:
    [found] = problems({"name": "last", **given})
    assert found.startswith(f"spec.steps[2].{path}: ")
    assert found.endswith("cannot be used here at character 3 (only in env, spec and with)") or path == "image"


@pytest.mark.parametrize(
    "given",
    [
        {"env": {"A": "${secrets.key}", "B": "${secrets.key.user}", "C": "${connections.aws.x.k} ${credentials.c.p}",
                 "D": "${connections.aws[parameters.branch]}"}},
        {"spec": {"a": [{"b": "${secrets.key}"}]}}, {"retry": {"limit": 1, "when": "${step.exitCode != 128}"}},
        {"matrix": {"axes": {"os": ["a"]}, "include": [{"new": True}]}, "env": {"A": "${matrix.os} ${matrix.new}"}},
        {"foreach": "${outputs.build.hosts}", "env": {"HOST": "${item}", "N": "${index}"}},
        {"when": ["${steps.build.succeeded && parameters.branch == 'main'}"]},
        {"continueOnError": "${path(matrix, 'experimental', false)}", "matrix": {"axes": {"os": ["a"]}}},
        {"env": {"A": "${event.data.after}", "B": "$${nothing.at.all}", "C": "${run.startedBy}"}},
    ],
)  # fmt: skip
def test_what_exists_where_it_stands_is_no_mistake(given: dict[str, Any]) -> None:
    assert problems({"name": "last", **given}) == []


def test_a_matrix_has_only_its_axes() -> None:
    [found] = problems({"name": "last", "matrix": {"axes": {"os": ["a"], "arch": ["b"]}}, "env": {"A": "${matrix.so}"}})
    assert found == 'spec.steps[2].env.A: the matrix has no axis "so" at character 3 (did you mean "os"?)'


def test_a_main_step_cannot_read_what_runs_later_but_finally_can_read_all() -> None:
    final = {"name": "report", "env": {"A": "${outputs.build.x} ${steps.last.state} ${run.state}"}}
    [found] = problems(step("env", {"A": "${outputs.report.x}"}), finals=[final])
    assert '"report" is a step of finally, which runs later' in found


def test_outputs_and_groups_of_a_workflow_are_checked_too() -> None:
    found = problems(
        concurrency={"group": "${secrets.x} ${outputs.build.x}"},
        outputs=[{"name": "a", "value": "${event.x}"}, {"name": "b", "value": ["${outputs.none.x}"]}],
        defaults={"env": {"A": "${parameters.nope}"}},
    )
    assert [line.split(": ")[0] for line in found] == [
        "spec.defaults.env.A", "spec.concurrency.group", "spec.concurrency.group",
        "spec.outputs[0].value", "spec.outputs[1].value[0]",
    ]  # fmt: skip


def test_a_trigger_has_an_event_and_no_parameters() -> None:
    spec = {
        "sources": [{"name": "events", "type": "events"}],
        "actions": [
            {"name": "a", "workflow": "w", "parameters": {"sha": "${event.data.after}"}},
            {"name": "b", "workflow": "w", "parameters": {"sha": "${parameters.sha}", "x": "${outputs.a.x}"}},
        ],
    }
    made = Trigger.model_validate({"metadata": {"name": "t"}, "spec": spec})
    assert [str(problem).partition(" (")[0] for problem in checking.check_trigger(made)] == [
        'spec.actions[1].parameters.sha: there is no parameter "sha" at character 3'
    ]


RELAY = """\
apiVersion: relay.sh/v1beta1
kind: Workflow
metadata: {name: w}
spec:
  steps:
    - name: a
      image: x
      spec:
        known: !Secret key
        other: "$${nothing} ${outputs.b.x} ${parameters.p}"
        wrong: "${bogus} ${secrets} ${connections.aws}"
"""


def test_a_relay_file_is_warned_about_what_may_stay_unresolved() -> None:
    [document] = files.read(RELAY, "f")
    found = [(problem.severity, problem.message, problem.line) for problem in document.problems]
    assert found == [
        (Severity.ERROR, 'there is no step "b" at character 15', 10),
        (Severity.WARNING, 'there is no parameter "p" at character 30', 10),
        (Severity.ERROR, 'there is no "bogus" to refer to at character 3', 11),
        (Severity.ERROR, "secrets cannot be read all at once at character 12", 11),
        (Severity.ERROR, "connections.aws cannot be read all at once at character 23", 11),
    ]


def test_compatibility_lifts_the_ban_on_whole_roots() -> None:
    text = RELAY.replace("spec:\n  steps", "compat: strict\nspec:\n  steps").replace("${bogus} ", "${$} ")
    [document] = files.read(text, "f")
    assert [problem for problem in document.problems if problem.severity is Severity.ERROR] == []
