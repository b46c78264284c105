"""The CloudEvents codec: what is sent comes back, and what is wrong is named."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.clients import cloudevents
from ensue.clients.cloudevents import Envelope
from ensue.model.errors import InvalidInput, UnsupportedMediaType

OWN: dict[str, Any] = {"id": "1", "source": "/here", "specversion": "1.0", "type": "t"}
HEADERS = {f"ce-{name}": value for name, value in OWN.items()}
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=20).filter(
    lambda text: not any(0xFDD0 <= ord(letter) <= 0xFDEF for letter in text)
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)


def structured(**given: Any) -> tuple[dict[str, str], bytes]:
    return {"content-type": cloudevents.STRUCTURED}, json.dumps({**OWN, **given}).encode()


def one(message: tuple[dict[str, str], bytes]) -> Envelope:
    (event,) = cloudevents.decode(*message)
    return event


@st.composite
def envelopes(draw: st.DrawFn) -> Envelope:
    attributes: dict[str, Any] = dict(OWN) | {"id": draw(TEXTS), "type": draw(TEXTS)}
    attributes |= draw(st.dictionaries(st.from_regex(r"x[a-z0-9]{0,25}", fullmatch=True), TEXTS, max_size=3))
    if draw(st.booleans()):
        attributes["subject"] = draw(TEXTS)
    kind = draw(st.sampled_from(["none", "json", "bytes"]))
    if kind == "none":
        return Envelope(attributes=attributes)
    if kind == "json":
        attributes["datacontenttype"] = draw(st.sampled_from(["application/json", "Application/Cloud+JSON; x=y"]))
        return Envelope(attributes=attributes, data=draw(JSONS), has_data=True)
    attributes["datacontenttype"] = "application/octet-stream"
    return Envelope(attributes=attributes, data=draw(st.binary(min_size=1)), has_data=True)


@given(envelopes())
def test_an_event_survives_every_mode(event: Envelope) -> None:
    assert one(cloudevents.to_binary(event)) == event
    assert one(cloudevents.to_structured(event)) == event
    _, text = cloudevents.to_structured(event)
    batch = b"[" + text + b"," + text + b"]"
    assert cloudevents.decode({"content-type": cloudevents.BATCHED}, batch) == (event, event)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("a%20b", "a b"),
        ("%22%25", '"%'),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ("%e2%82%ac", "€"),
        ('"a \\"b\\""', 'a "b"'),
        ("100%", "100%"),
        ("%41", "A"),
    ],
)
def test_header_values_are_percent_decoded_once(sent: str, read: str) -> None:
    assert one(({**HEADERS, "ce-subject": sent}, b"")).attributes["subject"] == read


def test_header_values_are_percent_encoded() -> None:
    headers, _ = cloudevents.to_binary(Envelope(attributes={**OWN, "subject": 'Euro € "%'}))
    assert headers["ce-subject"] == "Euro%20%E2%82%AC%20%22%25"


def test_values_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(InvalidInput, match="ce-subject is not percent-encoded UTF-8"):
        cloudevents.decode({**HEADERS, "ce-subject": "%C0%A0"}, b"")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"id": ""}, "the attribute id is missing or empty"),
        ({"type": None}, "the attribute type is missing or empty"),
        ({"specversion": "0.3"}, "specversion '0.3' is not supported"),
        ({"Upper": "x"}, "'Upper' is no name"),
        ({"with-dash": "x"}, "'with-dash' is no name"),
        ({"n": 2**31}, "the attribute n is no text, boolean or integer of 32 bits"),
        ({"n": 1.5}, "the attribute n is no text, boolean or integer of 32 bits"),
        ({"n": {}}, "the attribute n is no text, boolean or integer of 32 bits"),
        ({"subject": 5}, "the attribute subject is no text"),
        ({"subject": "a\x07"}, "control character"),
        ({"subject": ""}, "subject is empty"),
        ({"time": "2026-01-01T00:00:00"}, "time is no RFC 3339"),
        ({"time": "2026-02-30T00:00:00Z"}, "time is no RFC 3339"),
        ({"datacontenttype": "json"}, "datacontenttype is no media type"),
        ({"dataschema": "schema"}, "dataschema is no absolute URI"),
        ({"subject": "x" * 1025}, "the attribute subject has more than 1024 characters"),
        ({"time": "9999-12-31T23:59:59-23:00"}, "time is no RFC 3339"),
        ({"data": 1, "data_base64": "AA=="}, "exclude each other"),
        ({"data_base64": "?"}, "data_base64 is not base64"),
        ({"data_base64": 5}, "data_base64 is not base64"),
        ({"datacontenttype": "text/plain", "data": {"a": 1}}, "is a text, or data_base64"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        cloudevents.decode(*structured(**given))


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        cloudevents.decode({"content-type": cloudevents.STRUCTURED}, b'{"time": "x"}')
    assert caught.value.message.count(";") == 4


def test_null_attributes_are_absent_and_null_data_is_data() -> None:
    event = one(structured(subject=None, data=None))
    assert "subject" not in event.attributes
    assert event.has_data
    assert not one(structured()).has_data
    assert json.loads(cloudevents.to_structured(event)[1])["data"] is None


def test_a_text_under_a_json_type_is_not_parsed_again() -> None:
    event = one(structured(data='{"a": 1}'))
    assert event.data == '{"a": 1}'
    headers, body = cloudevents.to_binary(event)
    assert (headers["content-type"], json.loads(body)) == ("application/json", '{"a": 1}')


def test_base64_without_a_type_assumes_nothing() -> None:
    event = one(structured(data_base64="/w=="))
    assert event.data == b"\xff"
    assert "content-type" not in cloudevents.to_binary(event)[0]


def test_headers_beside_a_structured_body_do_not_count() -> None:
    headers, body = structured()
    assert one(({**headers, "ce-id": "other", "ce-extra": "x"}, body)).attributes == OWN


@pytest.mark.parametrize("type", ["APPLICATION/CLOUDEVENTS+JSON; charset=UTF-8", "application/cloudevents"])
def test_media_types_are_read_in_any_case_and_with_parameters(type: str) -> None:
    assert one(({"content-type": type}, structured()[1])).attributes == OWN


def test_other_formats_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedMediaType, match=r"application/cloudevents\+avro"):
        cloudevents.decode({"content-type": "application/cloudevents+avro"}, b"")


def test_an_absent_time_stays_absent_and_a_given_one_stays_as_it_was() -> None:
    assert "time" not in one(cloudevents.to_structured(one(structured()))).attributes
    exact = "2026-01-01T01:02:03.123456789+05:30"
    assert one(cloudevents.to_binary(one(structured(time=exact)))).attributes["time"] == exact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T01:02:03Z", datetime(2026, 1, 1, 1, 2, 3, tzinfo=UTC)),
        ("2026-01-01t01:02:03.5z", datetime(2026, 1, 1, 1, 2, 3, 500000, tzinfo=UTC)),
        ("2026-01-01T01:02:03.123456789Z", datetime(2026, 1, 1, 1, 2, 3, 123456, tzinfo=UTC)),
        ("2026-01-01T01:02:03-02:00", datetime(2026, 1, 1, 3, 2, 3, tzinfo=UTC)),
        ("2026-01-01 01:02:03Z", None),
        ("2026-13-01T01:02:03Z", None),
        ("yesterday", None),
    ],
)
def test_times_are_read_as_rfc_3339_says(text: str, expected: datetime | None) -> None:
    assert cloudevents.moment(text) == expected


def test_an_empty_batch_holds_no_events_and_a_bad_one_names_its_event() -> None:
    headers = {"content-type": cloudevents.BATCHED}
    assert cloudevents.decode(headers, b"[]") == ()
    with pytest.raises(InvalidInput, match="event 1: the attribute id is missing"):
        cloudevents.decode(headers, json.dumps([OWN, {**OWN, "id": ""}]).encode())
    with pytest.raises(InvalidInput, match="is a JSON array"):
        cloudevents.decode(headers, b"{}")
    with pytest.raises(InvalidInput, match="at most 1000 events"):
        cloudevents.decode(headers, json.dumps([OWN] * 1001).encode())


BROKEN = [b"{", b"\xff", b"[" * 100_000, b'{"a": NaN}', b"nothing", b'"text"', b"5", b"1e999", b'{"id":"\\ud800"}']


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: body[:9])
def test_broken_bodies_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        cloudevents.decode({"content-type": cloudevents.STRUCTURED}, body)


@pytest.mark.parametrize(
    ("type", "body", "data"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("text/plain; charset=latin-1", b"\xe9", "é"),
        ("text/plain", b"\xff", b"\xff"),
        ("text/plain; charset=utf-7", b"+AGE-", b"+AGE-"),
        ("application/xml", "<ü/>".encode(), "<ü/>"),
        ("image/png", b"\x00", b"\x00"),
        ("", b"raw", b"raw"),
    ],
)
def test_a_binary_body_is_read_by_its_type(type: str, body: bytes, data: Any) -> None:
    headers = {**HEADERS, **({"content-type": type} if type else {})}
    assert one((headers, body)).data == data


def test_a_message_says_whether_it_is_a_cloudevent() -> None:
    assert cloudevents.is_cloudevent(HEADERS)
    assert cloudevents.is_cloudevent({"content-type": "Application/CloudEvents-Batch+json"})
    assert not cloudevents.is_cloudevent({"content-type": "application/json"})
