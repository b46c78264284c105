"""JSON of strangers: one set of rules for whatever door it comes through."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.clients import cloudevents, foreign_json
from ensue.model.errors import InvalidInput

OWN = '{"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": %s}'
BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t", "content-type": "application/json"}
TEXTS = st.text(st.characters(exclude_categories=[]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | TEXTS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=10,
)


def deep(levels: int) -> str:
    return '[{"a":' * (levels // 2) + "[" * (levels % 2) + "1" + "]" * (levels % 2) + "}]" * (levels // 2)


def through_every_door(text: str) -> list[Any]:
    (binary,) = cloudevents.decode(BINARY, text.encode())
    (structured,) = cloudevents.decode({"content-type": cloudevents.STRUCTURED}, (OWN % text).encode())
    (batched,) = cloudevents.decode({"content-type": cloudevents.BATCHED}, f"[{OWN % text}]".encode())
    return [foreign_json.load(text), binary.data, structured.data, batched.data]


@pytest.mark.parametrize("text", ["1", '"ü"', '{"a": [null]}', r'"\ud83d\ude00"', deep(99), deep(100)])
def test_what_is_json_comes_through_every_door(text: str) -> None:
    assert through_every_door(text) == [json.loads(text)] * 4


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no JSON"),
        ("[NaN]", "NaN is no JSON number"),
        ("-Infinity", "-Infinity is no JSON number"),
        ("1e999", "1e999 is too large a number"),
        ("1" * 5000, "too many digits"),
        (r'"\ud800"', "half of a surrogate pair"),
        (r'{"\uDC00": 1}', "half of a surrogate pair"),
        ("[" * 50_000, "nested deeper than 100 levels"),
    ],
    ids=lambda text: text[:9],
)
def test_what_is_none_comes_through_no_door(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        foreign_json.load(text)
    for headers, body in (
        (BINARY, text),
        ({"content-type": cloudevents.STRUCTURED}, OWN % text),
        ({"content-type": cloudevents.BATCHED}, f"[{OWN % text}]"),
    ):
        with pytest.raises(InvalidInput, match=told):
            cloudevents.decode(headers, body.encode())


def test_a_hundred_and_one_levels_come_through_no_door_of_one_value() -> None:
    with pytest.raises(InvalidInput, match="nested deeper"):
        foreign_json.load(deep(101))
    with pytest.raises(InvalidInput, match="nested deeper"):
        foreign_json.require(json.loads(deep(101)))
    with pytest.raises(InvalidInput, match="nested deeper"):
        cloudevents.decode({"content-type": cloudevents.STRUCTURED}, (OWN % deep(101)).encode())


def test_brackets_in_texts_and_side_by_side_are_no_levels() -> None:
    wide = [{"[{": ["]"]}] * 500
    assert foreign_json.load(json.dumps(wide)) == wide


@given(VALUES)
def test_what_is_required_is_what_can_be_loaded_again(value: Any) -> None:
    try:
        foreign_json.require(value)
    except InvalidInput:
        with pytest.raises(InvalidInput):
            foreign_json.load(json.dumps(value))
    else:
        assert foreign_json.load(json.dumps(value)) == value
