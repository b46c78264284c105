"""What the settings and the request say about an event, whoever sent it."""

import json
from typing import Any

import pytest

from ensue.clients import envelopes
from ensue.sources import webhook
from ensue.sources.webhook import Reason, Refused, Settings
from tests.sources.webhook.sending import NOW, UID, received, refused, request, settings, signed

JSON = {"content-type": "application/json"}
CE = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/there", "ce-type": "com.example.done"}


def structured(**given: Any) -> bytes:
    return json.dumps({"specversion": "1.0", "id": "1", "source": "/there", "type": "t", **given}).encode()


@pytest.mark.parametrize(
    ("given", "headers", "wanted"),
    [
        ({}, {}, "dev.ensue.webhook.v1"),
        ({"eventType": "com.example.built"}, {}, "com.example.built"),
        ({"eventTypeHeader": "X-Event"}, {"x-event": "built"}, "built"),
        ({"eventTypeHeader": "X-Event", "eventType": "other"}, {"x-event": "built"}, "built"),
        ({"eventTypeHeader": "X-Event", "eventType": "other"}, {}, "other"),
        ({"eventTypeHeader": "X-Event", "eventType": "other"}, {"x-event": "no word"}, "other"),
        ({"eventTypeHeader": "X-Event", "preset": "github"}, {"x-github-event": "push"}, "com.github.push"),
        ({"eventType": "mine", "preset": "github"}, {"x-github-event": "push"}, "mine"),
    ],
)
def test_the_type_is_that_of_the_header_the_settings_or_the_preset(
    given: dict[str, Any], headers: dict[str, str], wanted: str
) -> None:
    assert received(settings(**given), request(b"{}", JSON | headers)).type == wanted


@pytest.mark.parametrize(
    ("given", "headers", "wanted"),
    [
        ({}, {}, UID),
        ({}, {"idempotency-key": "k"}, "k"),
        ({}, {"x-id": "signed"}, UID),
        ({"eventIdHeader": "X-Build"}, {"x-build": "b-1", "idempotency-key": "k"}, "b-1"),
        ({"eventIdHeader": "X-Build"}, {"x-build": "\x01"}, UID),
        ({"eventIdHeader": "X-Build"}, {"x-build": "x" * 257}, UID),
    ],
)
def test_the_id_is_that_of_a_header_or_made_here(given: dict[str, Any], headers: dict[str, str], wanted: str) -> None:
    assert received(settings(**given), request(b"{}", JSON | headers)).id == wanted


def test_an_id_in_the_payload_that_is_too_long_for_the_index_is_made_here() -> None:
    sent = request(json.dumps({"id": "e" * 257}).encode(), JSON)
    assert received(settings(preset="stripe"), sent).id == UID


def test_no_header_reaches_the_event_but_by_name() -> None:
    secrets = {
        "authorization": "Bearer hidden-1",
        "cookie": "hidden-2",
        "proxy-authorization": "hidden-3",
        "x-gitlab-token": "hidden-4",
        **signed("github", b"{}"),
    }
    for sender in ("generic", "github", "gitlab", "slack"):
        found = received(settings(preset=sender), request(b"{}", JSON | secrets, query={"key": "hidden-5"}))
        assert "hidden" not in repr(found)
        assert signed("github", b"{}")["x-hub-signature-256"] not in repr(found)


def test_what_is_redacted_is_in_no_attribute_either() -> None:
    payload = {"id": "evt_hidden", "type": "hidden.type", "data": {"object": {"id": "hidden"}}}
    given = settings(preset="stripe", redact=["/id", "data.type", "data.data.object.id"])
    found = received(given, request(json.dumps(payload).encode(), JSON))
    assert "hidden" not in repr(found)
    assert "***" not in (found.id, found.subject)
    assert found.type == "com.stripe.unknown"


def test_a_token_that_a_sender_repeats_in_its_payload_is_not_kept() -> None:
    body = b'{"secret": "hidden", "ref": "r"}'
    assert received(settings(preset="gitea"), request(body, JSON)).data == {"secret": "***", "ref": "r"}


def test_a_cloudevent_in_headers_keeps_its_attributes() -> None:
    headers = JSON | CE | {"ce-subject": "a%20b", "ce-time": "2026-01-02T03:04:05Z", "ce-dataschema": "https://x/y",
        "ce-traceparent": "00-1", "ce-ensuereplayof": "forged"}  # fmt: skip
    found = received(settings(eventType="ignored"), request(b'{"a": 1}', headers))
    assert (found.id, found.source, found.type, found.subject) == ("1", "/there", "com.example.done", "a b")
    assert found.time.isoformat() == "2026-01-02T03:04:05+00:00"
    assert (found.data, found.data_schema) == ({"a": 1}, "https://x/y")
    assert found.extensions == {"traceparent": "00-1"}


@pytest.mark.parametrize("time", ["2026-01-02T05:04:05.123456789+02:00", ""])
@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_a_cloudevent_has_its_time_as_it_was_sent_or_none(mode: str, time: str) -> None:
    if mode == "binary":
        sent = request(b"{}", JSON | CE | ({"ce-time": time} if time else {}))
    else:
        sent = request(structured(**({"time": time} if time else {})), {"content-type": "application/cloudevents+json"})
    found = received(settings(), sent)
    assert envelopes.to_json(found).get("time", "") == time


@pytest.mark.parametrize(
    ("given", "data", "kind"),
    [
        ({"data": {"a": [1]}}, {"a": [1]}, "application/json"),
        ({}, None, "application/json"),
        ({"data": "x", "datacontenttype": "text/plain"}, "x", "text/plain"),
        ({"data_base64": "AP8=", "datacontenttype": "image/png"}, "AP8=", "image/png"),
    ],
)
def test_a_cloudevent_in_the_body_keeps_its_data(given: dict[str, Any], data: Any, kind: str) -> None:
    sent = request(structured(**given), {"content-type": "application/cloudevents+json; charset=utf-8"})
    found = received(settings(), sent)
    assert (found.data, found.data_content_type, found.time) == (data, kind, NOW)


def test_a_cloudevent_in_the_body_may_hold_what_a_body_may_hold() -> None:
    deepest: Any = 1
    for _ in range(100):
        deepest = [deepest]
    sent = request(structured(data=deepest), {"content-type": "application/cloudevents+json"})
    assert received(settings(), sent).data == deepest


def test_the_data_of_a_cloudevent_is_redacted() -> None:
    sent = request(structured(data={"token": "x"}), {"content-type": "application/cloudevents+json"})
    assert received(settings(redact=["data.token"]), sent).data == {"token": "***"}


@pytest.mark.parametrize(
    ("headers", "body", "status", "told"),
    [
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", 415, "one event at a time"),
        ({"content-type": "application/cloudevents+xml"}, b"<a/>", 415, "not understood"),
        ({"content-type": "application/cloudevents+json"}, b"[]", 400, "a CloudEvent is a JSON object"),
        ({"content-type": "application/cloudevents+json"}, b'{"id": ""}', 400, "the attribute id is missing"),
        ({"content-type": "application/cloudevents+json"}, structured(data=float("nan")), 400, "NaN"),
        ({"content-type": "application/cloudevents+json"}, b"[" * 5000, 400, "nested deeper"),
        ({"content-type": "application/cloudevents+json"}, structured(id="x" * 1025), 400, "more than 1024"),
        ({"content-type": "application/cloudevents+json"}, structured(**{"X" * 9999: "x"}), 400, "XXX"),
        ({**JSON, "ce-specversion": "0.3"}, b"{}", 400, "specversion '0.3' is not supported"),
        ({**JSON, **CE}, b"{", 400, "no JSON"),
        ({**JSON, **CE, "ce-x": "%ff"}, b"{}", 400, "not percent-encoded"),
    ],
)
def test_a_cloudevent_that_is_wrong_is_refused_by_name(
    headers: dict[str, str], body: bytes, status: int, told: str
) -> None:
    result = refused(webhook.decode(settings(), request(body, headers)))
    assert result.status == status
    assert told in result.message
    assert len(result.message) <= 300


@pytest.mark.parametrize("sender", ["github", "gitlab", "gitea", "bitbucket", "slack", "stripe"])
def test_headers_that_no_signature_covers_cannot_turn_a_senders_event_into_another(sender: str) -> None:
    found = received(settings(preset=sender), request(b"{}", JSON | CE))
    assert found.type != "com.example.done"
    assert found.source != "/there"


@pytest.mark.parametrize(
    "given",
    [settings("standard-webhooks"), settings("hmac", _header="x-signature"), settings("github", preset="generic")],
)
def test_what_is_signed_in_its_body_alone_is_no_event_of_headers_that_anybody_adds(given: Settings) -> None:
    result = refused(webhook.decode(given, request(b"{}", JSON | CE)))
    assert (result.status, result.reason) == (415, Reason.UNSIGNED)
    assert "application/cloudevents+json" in result.told
    whole = {**CE, "content-type": "application/cloudevents+json"}
    assert received(given, request(structured(), whole)).type == "t"


def test_a_token_in_a_header_vouches_for_the_other_headers() -> None:
    assert received(settings("bearer"), request(b"{}", JSON | CE)).type == "com.example.done"


@pytest.mark.parametrize("url", ["https://x/a b", "https://x/\u2003y"])
def test_a_source_has_no_white_space(url: str) -> None:
    sent = request(json.dumps({"externalURL": url}).encode(), JSON)
    found = received(settings(preset="alertmanager"), sent)
    assert found.source.startswith("https://x/")
    assert not any(letter.isspace() for letter in found.source)


def test_a_source_that_is_too_long_is_that_of_the_hook() -> None:
    sent = request(json.dumps({"externalURL": "https://x/" + " " * 1000}).encode(), JSON)
    assert received(settings(preset="alertmanager"), sent).source == "/hooks/shop/p"


def test_a_refusal_is_no_event() -> None:
    assert isinstance(webhook.decode(settings(), request(b"{", JSON)), Refused)
