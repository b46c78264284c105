"""Events as they are kept are those that were sent."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.clients import cloudevents, envelopes
from ensue.clients.cloudevents import Envelope
from ensue.model.errors import InvalidInput
from ensue.model.event import DataForm, Event
from ensue.model.values import Namespace

NOW = datetime(2026, 5, 4, tzinfo=UTC)
ITEM = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def read(**more: Any) -> Event:
    attributes = ITEM | {name: value for name, value in more.items() if name != "data"}
    envelope = Envelope(attributes=attributes, data=more.get("data"), has_data="data" in more)
    return envelopes.to_event(envelope, Namespace("default"), "uid", NOW)


@given(JSON)
def test_json_comes_back_as_it_was_sent(data: Any) -> None:
    try:
        "".join(str(data)).encode()
    except UnicodeEncodeError:
        return
    assert envelopes.to_json(read(data=data)) == ITEM | {"data": data}


@pytest.mark.parametrize(
    ("given_", "form", "item"),
    [
        ({}, DataForm.NONE, {}),
        ({"data": None}, DataForm.JSON, {"data": None}),
        ({"data": b"\xff"}, DataForm.BASE64, {"data_base64": "/w=="}),
        ({"data": "x", "datacontenttype": "text/plain"}, DataForm.TEXT, {"data": "x", "datacontenttype": "text/plain"}),
        ({"data": "x"}, DataForm.JSON, {"data": "x"}),
        ({"mine": 7, "yours": True}, DataForm.NONE, {"mine": 7, "yours": True}),
        ({"ensuereplayof": "x"}, DataForm.NONE, {}),
        (
            {"time": "2026-05-04T10:00:00Z", "subject": "s"},
            DataForm.NONE,
            {"time": "2026-05-04T10:00:00Z", "subject": "s"},
        ),
    ],
)
def test_how_data_was_sent_and_the_attributes_are_kept(
    given_: dict[str, Any], form: DataForm, item: dict[str, Any]
) -> None:
    event = read(**given_)
    assert (event.data_form, envelopes.to_json(event)) == (form, ITEM | item)


def test_an_event_without_a_time_has_the_one_at_which_it_came() -> None:
    assert (read().time, read().time_text) == (NOW, "")
    assert read(time="2026-05-04T02:00:00+02:00").time == NOW


@pytest.mark.parametrize(
    "more",
    [
        {"id": "i" * 1025},
        {"source": "ü" * 600},
        {"data": float("nan")},
        {"data": [float("inf")]},
        {"data": "\ud800"},
        {"data": {"\udfff": 1}},
    ],
)
def test_what_cannot_be_kept_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read(**more)


@pytest.mark.parametrize(("levels", "is_kept"), [(100, True), (101, False), (100_000, False)])
def test_data_has_a_hundred_levels_at_most(levels: int, is_kept: bool) -> None:
    data: Any = 1
    for number in range(levels):
        data = [data] if number % 2 else {"a": data}
    if is_kept:
        assert read(data=data).data == data
    else:
        with pytest.raises(InvalidInput):
            read(data=data)


def test_many_levels_side_by_side_are_not_deep() -> None:
    assert read(data=[[1]] * 1000).data == [[1]] * 1000


def test_what_is_read_can_be_sent_on() -> None:
    item = envelopes.to_json(read(data={"a": 1}, subject="s"))
    envelope = Envelope(
        attributes={k: str(v) for k, v in item.items() if k != "data"}, data=item["data"], has_data=True
    )
    headers, body = cloudevents.to_structured(envelope)
    (again,) = cloudevents.decode(headers, body)
    assert envelopes.to_json(envelopes.to_event(again, Namespace("default"), "uid", NOW)) == item
