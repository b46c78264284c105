"""relay's conditions (row 172 and the reference's eleven cases)."""

import pytest

from ensue.expr import relay
from ensue.expr.interface import Error, Mapped, Needs
from ensue.expr.relay import Verdict, WrongType
from ensue.model.values import Json
from tests.expr.relay.trees import NOW, answer, connection, missing, output, parameter, scope, secret

HEAD = "unresolvable_error: We could not fully evaluate this resource expression:"
UNKNOWN = parameter("x")


def decide(document: Json) -> object:
    return relay.decide(document, scope(parameters={"yes": True, "no": False}))


@pytest.mark.parametrize(
    ("document", "is_success", "message"),
    [
        (None, True, ""), ([], True, "all checks passed"), (True, True, "all checks passed"),
        (["${true}"], True, "all checks passed"), ([True, parameter("yes")], True, "all checks passed"),
        (False, False, "one or more conditions failed"), ([True, False], False, "one or more conditions failed"),
        ([UNKNOWN, False], False, "one or more conditions failed"),
        ([False, UNKNOWN], False, "one or more conditions failed"),
        ([{"$fn.equals": [parameter("no"), True]}, UNKNOWN], False, "one or more conditions failed"),
        ("${parameters.yes && !parameters.no}", True, "all checks passed"),
    ],
)  # fmt: skip
def test_conditions_decide(document: Json, is_success: bool, message: str) -> None:
    assert decide(document) == Verdict(True, is_success, message)


@pytest.mark.parametrize(
    ("document", "sentences", "absent"),
    [
        ([UNKNOWN, True], ['* parameter "x": not found'], ["parameter:x"]),
        ([UNKNOWN, "str"], ['* parameter "x": not found'], ["parameter:x"]),
        ("${parameters.x}", ['* parameter "x": not found'], ["parameter:x"]),
        (["${steps.'a'.succeeded}", secret("s"), answer("ask", "approval"), output("b", "c"), connection("t", "n")],
         ['* secret "s": not found', '* connection type "t" with name "n": not found',
          '* output "c" of step "b": not found', '* answer "approval" of ask "ask": not found',
          '* status property "succeeded" of step "a": not found'],
         ["status:a/succeeded", "secret:s", "answer:ask/approval", "output:b/c", "connection:t/n"]),
    ],
)  # fmt: skip
def test_conditions_wait_for_what_is_not_known(document: Json, sentences: list[str], absent: list[str]) -> None:
    verdict = decide(document)
    assert isinstance(verdict, Verdict)
    assert (verdict.is_resolved, verdict.is_success) == (False, False)
    assert verdict.message == "\n".join([HEAD, *sentences])
    assert set(verdict.missing) == missing(*absent)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ([[True]], "[]interface {}"), ([{"a": 1}, False], "map[string]interface {}"), ([None], "<nil>"),
        ({}, "map[string]interface {}"), ("true", "string"), ([1], "int"), ([1.5], "float64"), (["a", "b"], "string"),
    ],
)  # fmt: skip
def test_a_condition_that_is_neither_true_nor_false_is_an_error(document: Json, name: str) -> None:
    assert decide(document) == WrongType(name)


def test_an_error_counts_even_when_another_condition_is_false() -> None:
    found = decide([False, "${bogus}"])
    assert isinstance(found, Error)
    assert found.message == 'path "1": evaluating template "${": path "bogus": unknown key bogus'


def test_conditions_ask_for_what_they_need() -> None:
    lazy = Mapped({"steps": {}}, NOW, frozenset({"steps"}))
    assert relay.decide("${steps.a.succeeded}", lazy) == Needs(frozenset({("steps", "a")}))


def test_what_is_unresolvable_is_reported_by_kind() -> None:
    absent = missing("parameter:p", "secret:s", "output:a/b", "connection:t/n", "answer:r/m", "status:a/failed")
    assert relay.unresolvable(tuple(absent)) == {
        "parameters": [{"name": "p"}], "secrets": [{"name": "s"}], "outputs": [{"from": "a", "name": "b"}],
        "connections": [{"type": "t", "name": "n"}], "answers": [{"askRef": "r", "name": "m"}],
        "statuses": [{"action": "a", "property": "failed"}],
    }  # fmt: skip
    assert relay.unresolvable(()) == {}
