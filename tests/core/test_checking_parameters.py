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


@pytest.mark.parametrize(
    ("declared", "text", "meant"),
    [
        ({"default": True}, "false", "p:=false"), ({"default": False}, "true", "p:=true"),
        ({"default": 3}, "5", "p:=5"),
        ({"default": 3}, "-1.5", "p:=-1.5"), ({"default": 1.5}, "1e3", "p:=1e3"), ({"default": True}, "yes", ""),
        ({"default": True}, "1", ""), ({"default": 3}, "true", ""), ({"default": 3}, "007", ""),
        ({"default": 3}, "NaN", ""), ({"default": 3}, "", ""),
        ({"default": "3"}, "5", ""), ({"default": None}, "5", ""),
        ({}, "true", ""), ({"default": [1]}, "[2]", ""), ({"default": True, "type": "boolean"}, "false", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("version", [RELAY, NATIVE])
def test_a_text_that_reads_as_what_the_default_is_may_be_meant_as_such(
    version: str, declared: dict[str, Json], text: str, meant: str
) -> None:
    defined = workflow(version, {"name": "p", **declared})
    found = checking.doubt(defined, f"p={text}")
    assert (found.remedy if found else "") == (meant and f"write -p {meant} if it is not meant as a text")
    assert checking.doubt(defined, f"p:={text}") is None
    assert checking.doubt(defined, f"q={text}") is None
    assert checking.doubt(defined, "p") is None


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
