"""Templates in every string of a JSON value."""

import pytest

from ensue.expr import documents, reference
from ensue.expr.interface import Error, Mapped, Needs, Unresolved, Value
from ensue.model.values import Json
from tests.core.playing import NOW

SCOPE = Mapped(roots={"p": {"n": 1, "s": "x"}, "outputs": {}}, now=NOW, lazy=frozenset({"outputs"}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), (True, True), (1, 1), (1.5, 1.5), ([], []), ({}, {}),
        ("${p.n}", 1),
        (["${p.n}", {"a": ["<${p.s}>"]}], [1, {"a": ["<x>"]}]),
        ({"${p.n}": "${p.n}"}, {"${p.n}": 1}),
        ({"a": "$${p.n}"}, {"a": "${p.n}"}),
    ],
)  # fmt: skip
def test_every_string_is_replaced_and_nothing_else(value: Json, expected: Json) -> None:
    assert documents.evaluate(value, SCOPE, reference.compile) == Value(expected)


def test_the_given_value_stays_as_it_is() -> None:
    value: dict[str, Json] = {"a": ["${p.n}"]}
    documents.evaluate(value, SCOPE, reference.compile)
    assert value == {"a": ["${p.n}"]}


def test_an_error_goes_before_what_is_missing_or_needed() -> None:
    value: list[Json] = ["${outputs.a}", "${p.q}", "${!}"]
    assert isinstance(documents.evaluate(value, SCOPE, reference.compile), Error)


def test_all_that_is_needed_is_asked_for_together() -> None:
    value: list[Json] = ["${outputs.a}", {"x": "${outputs.b.c}"}, "${p.q}"]
    assert documents.evaluate(value, SCOPE, reference.compile) == Needs(frozenset({("outputs", "a"), ("outputs", "b")}))


def test_all_that_is_missing_is_named() -> None:
    found = documents.evaluate(["${p.q}", "${p.n}", {"x": "${p.r}"}], SCOPE, reference.compile)
    assert found == Unresolved(["${p.q}", 1, {"x": "${p.r}"}], ("p.q", "p.r"))


def test_strings_are_found_in_values_and_not_in_keys() -> None:
    assert list(documents.strings({"k": ["a", {"j": "b"}], "n": 1, "z": None, "s": "c"})) == ["a", "b", "c"]
