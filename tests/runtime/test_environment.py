"""Environment values as texts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr import relay
from ensue.expr.interface import Value
from ensue.model.values import Json
from ensue.runtime import environment
from tests.expr.relay.trees import evaluate

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (1e3, "1000"),
        (1.0, "1"),
        (-0.5, "-0.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1e-7, "1e-7"),
        (12345678901234567890, "12345678901234567890"),
        (True, "true"),
        (None, "null"),
        ([1, 1e3, [2.0], {}], "[1,1000,[2],{}]"),
        ({"b": 1.0, "a": "<é\n>"}, '{"b":1,"a":"<é\\n>"}'),
    ],
)
def test_a_value_in_the_environment_is_a_text_or_json(value: Json, text: str) -> None:
    assert environment.as_texts({"X": value}) == {"X": text}


@given(VALUES.filter(lambda value: not isinstance(value, str)))
def test_what_is_no_text_reads_back_as_the_same_value(value: Json) -> None:
    assert json.loads(environment.as_texts({"X": value})["X"]) == value


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_what_it_is_within_a_text(number: float) -> None:
    for flavour in (relay.NATIVE, relay.RELAY):
        within = evaluate("${n}!", flavour=flavour, n=number)
        assert within == Value(environment.as_texts({"X": number})["X"] + "!")
