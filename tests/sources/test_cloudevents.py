"""The source type `cloudevents`: what of a message its sender vouches for."""

import json

import pytest

from ensue.sources import cloudevents
from ensue.sources.webhook import Reason
from tests.sources.webhook.sending import NAME, refused, request

EVENT = {"specversion": "1.0", "id": "1", "source": "/a", "type": "t"}
BINARY = {"content-type": "application/json"} | {f"ce-{name}": value for name, value in EVENT.items()}
STRUCTURED = {"content-type": "application/cloudevents+json"}
BATCHED = {"content-type": "application/cloudevents-batch+json"}


def given(type_: str) -> cloudevents.Settings:
    secret = {} if type_ == "none" else {"secret": NAME}
    return cloudevents.Settings.model_validate({"path": "p", "verify": {"type": type_, **secret}})


def test_a_signature_over_the_body_takes_no_attributes_from_headers() -> None:
    result = refused(cloudevents.decode(given("standard-webhooks"), request(b"{}", BINARY)))
    assert (result.status, result.reason) == (415, Reason.UNSIGNED)


@pytest.mark.parametrize("type_", ["bearer", "none"])
def test_without_a_signature_attributes_may_be_headers(type_: str) -> None:
    found = cloudevents.decode(given(type_), request(b"{}", BINARY))
    assert isinstance(found, tuple)
    assert [each.attributes["type"] for each in found] == ["t"]


@pytest.mark.parametrize(("body", "headers"), [(EVENT, STRUCTURED), ([EVENT, EVENT], BATCHED)])
def test_a_signature_over_the_body_takes_events_that_are_the_body(body: object, headers: dict[str, str]) -> None:
    found = cloudevents.decode(given("github"), request(json.dumps(body).encode(), headers | {"ce-type": "forged"}))
    assert isinstance(found, tuple)
    assert {each.attributes["type"] for each in found} == {"t"}
