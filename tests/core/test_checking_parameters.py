"""Parameters of relay's workflows, which may come in transfer encoding."""

import pytest

from ensue.core import checking
from ensue.model.values import Json
from ensue.model.workflow import Workflow

HI: Json = {"$encoding": "base64", "data": "aGk="}
OCTET: Json = {"$encoding": "base64", "data": "/w=="}
WRONG: Json = {"$encoding": "base32", "data": "aGk="}
RELAY, NATIVE = "relay.sh/v1beta1", "ensue.dev/v1alpha1"


def workflow(api_version: str, *parameters: Json) -> Workflow:
    spec = {"steps": [{"name": "say", "image": "busybox"}], "parameters": list(parameters)}
    return Workflow.model_validate({"apiVersion": api_version, "metadata": {"name": "w"}, "spec": spec}, strict=False)


def test_defaults_and_values_of_relay_are_what_they_stand_for() -> None:
    declared: list[Json] = [
        {"name": "a", "default": HI},
        {"name": "b", "default": "x"},
        {"name": "c", "type": "string"},
    ]
    given: dict[str, Json] = {"b": [HI, {"in": HI}], "c": HI, "nobody": HI, "bytes": OCTET}
    values, problems = checking.check_parameters(workflow(RELAY, *declared), given)
    meant: dict[str, Json] = {"a": "hi", "b": ["hi", {"in": "hi"}], "c": "hi", "nobody": "hi", "bytes": OCTET}
    assert values == meant
    assert [problem.message for problem in problems if "no parameter" not in problem.message] == []
    assert checking.check_parameters(workflow(RELAY, *declared), values)[0] == values


def test_our_own_workflows_take_such_a_mapping_as_it_is() -> None:
    declared = workflow(NATIVE, {"name": "a", "default": HI}, {"name": "b"}, {"name": "c", "default": WRONG})
    assert checking.check_parameters(declared, {"b": WRONG}) == ({"a": HI, "b": WRONG, "c": WRONG}, ())
    assert checking.check_workflow(declared) == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "parameters.a: the parameter \"a\" cannot be decoded: there is no encoding 'base32'"),
        (
            {"a": "x", "b": [WRONG]},
            "parameters.b: the parameter \"b\" cannot be decoded: there is no encoding 'base32'",
        ),
        (
            {"a": {"$encoding": "base64", "data": "?"}},
            'parameters.a: the parameter "a" cannot be decoded: the data is not base64',
        ),
    ],
)
def test_what_cannot_be_decoded_is_an_error_of_its_parameter(given: dict[str, Json], message: str) -> None:
    declared = workflow(RELAY, {"name": "a", "default": WRONG}, {"name": "b", "default": None})
    assert [str(problem) for problem in checking.check_parameters(declared, given)[1]] == [message]


def test_a_default_that_cannot_be_decoded_is_found_before_a_run() -> None:
    (problem,) = checking.check_workflow(workflow(RELAY, {"name": "a", "default": WRONG}))
    assert str(problem) == (
        "spec.parameters[0].default: the default cannot be decoded: there is no encoding 'base32' (change the default)"
    )
