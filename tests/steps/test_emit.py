"""Step type `emit`, against a real server."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from ensue.clients import cloudevents
from ensue.clients.outbound import Outbound
from ensue.model.errors import Fail
from ensue.model.run import Outcome, Reason, State
from ensue.steps.emit import EmitInputs, EmitStep
from tests.clients import peer as peers
from tests.clients.peer import Act, Received, answer, peer
from tests.steps.calling import NOW, execute

AT_ONCE = {"limit": 10, "backoff": {"duration": 0, "max": 0}}
EVENT = {"type": "org.example.done"}


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(public_only=False, certificates="")
    yield made
    await made.close()


async def emitted(
    outbound: Outbound, inputs: dict[str, Any], *acts: Act, environment: dict[str, str] | None = None, item: int = -1
) -> tuple[Outcome, list[str], list[Received]]:
    step = EmitStep(outbound=outbound, environment=environment or {})
    async with peer(*(acts or [answer(202)])) as server:
        given = {"sink": f"{server.url}/in?key=t0psecret", "retry": AT_ONCE, **EVENT, **inputs}
        outcome, lines = await execute(step, given, item)
        return outcome, lines, server.received


def arrived(got: Received) -> tuple[dict[str, Any], Any]:
    """Attributes and data, as a receiver reads them."""
    (event,) = cloudevents.decode(got.headers, got.body)
    return dict(event.attributes), event.data if event.has_data else None


async def test_an_event_arrives_with_what_is_known_of_its_origin(outbound: Outbound) -> None:
    outcome, lines, (got,) = await emitted(outbound, {"data": {"a": 1}, "subject": "x/ü", "extensions": {"n": 5}})
    assert arrived(got) == (
        {
            "specversion": "1.0",
            "id": "r1/s",
            "source": "/ensue/runs/r1",
            "type": "org.example.done",
            "subject": "x/ü",
            "time": "2030-01-01T00:00:00Z",
            "datacontenttype": "application/json",
            "n": "5",
        },
        {"a": 1},
    )
    assert (got.method, got.path) == ("POST", "/in?key=t0psecret")
    assert got.headers["prefer"] == "reply"
    assert (outcome.state, outcome.outputs) == (State.SUCCEEDED, {"id": "r1/s", "status": 202})
    assert lines[0] == "event r1/s of type org.example.done"
    assert "t0psecret" not in "".join(lines)


async def test_attempts_of_one_item_send_one_id_and_other_items_another(outbound: Outbound) -> None:
    ids = [arrived((await emitted(outbound, {}, item=item))[2][0])[0]["id"] for item in (-1, 0, 1, 1)]
    assert ids == ["r1/s", "r1/s/0", "r1/s/1", "r1/s/1"]


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize(
    ("inputs", "content_type", "data"),
    [
        ({}, None, None),
        ({"data": None}, "application/json", None),
        ({"data": [1, "ü"]}, "application/json", [1, "ü"]),
        ({"data": "text"}, "application/json", "text"),
        ({"data": "<a/>", "dataContentType": "text/xml"}, "text/xml", "<a/>"),
    ],
)
async def test_both_modes_carry_the_same_event(
    outbound: Outbound, mode: str, inputs: dict[str, Any], content_type: str | None, data: object
) -> None:
    given = {"mode": mode, "id": "a 1", "source": "/me", "dataSchema": "https://a.example/s", **inputs}
    attributes, got = arrived((await emitted(outbound, given))[2][0])
    assert got == data
    assert attributes.get("datacontenttype") == content_type
    assert (attributes["id"], attributes["source"]) == ("a 1", "/me")
    assert attributes["dataschema"] == "https://a.example/s"


@pytest.mark.parametrize(
    ("status", "tries"),
    [
        *[(status, 1) for status in (200, 201, 202, 204, 301, 302, 400, 401, 403, 405, 410, 413, 415)],
        *[(status, 11) for status in (404, 408, 409, 429, 500, 503, 599)],
    ],
)
async def test_the_delivery_contract_says_when_to_try_again(outbound: Outbound, status: int, tries: int) -> None:
    outcome, _, received = await emitted(outbound, {}, answer(status, Location="/other"))
    assert len(received) == tries
    assert outcome.state is (State.SUCCEEDED if status < 300 else State.FAILED)
    assert outcome.outputs["status"] == status
    assert len({(got.headers["ce-id"], got.headers["ce-time"]) for got in received}) == 1


async def test_a_delivery_that_broke_is_made_again(outbound: Outbound) -> None:
    outcome, _, received = await emitted(outbound, {}, peers.hang_up, answer(503, Retry_After="0"), answer(200))
    assert (outcome.state, len(received)) == (State.SUCCEEDED, 3)


def test_the_default_is_ten_retries_after_a_fifth_of_a_second() -> None:
    retry = EmitInputs(type="x").retry
    assert (retry.limit, retry.backoff.duration.total_seconds(), retry.backoff.factor) == (10, 0.2, 2)


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
        ("a plain söcret", "a plain söcret".encode()),
    ],
)
@pytest.mark.parametrize("mode", [None, "binary"])
async def test_a_signature_is_that_of_standard_webhooks(
    outbound: Outbound, secret: str, key: bytes, mode: str | None
) -> None:
    _, _, (got,) = await emitted(outbound, {"sign": {"secret": secret}, "mode": mode, "data": {"ü": 1}, "id": "a.b c"})
    assert got.headers["webhook-id"] == "a%2Eb%20c"
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert got.headers["webhook-signature"] == f"v1,{expected}"
    assert ("ce-id" in got.headers) is (mode == "binary")
    assert arrived(got)[0]["id"] == "a.b c"


@pytest.mark.parametrize("secret", ["", "   ", "whsec_", "whsec_not base64", "whsec_ü"])
def test_a_secret_that_is_none_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EmitInputs.model_validate({**EVENT, "sign": {"secret": secret}})
    messages = [error["msg"] for error in caught.value.errors(include_input=False)]
    assert len(messages) == 1
    assert "not base64" in messages[0] or "empty" in messages[0]


async def test_the_sink_and_extensions_of_the_platform_are_used(outbound: Outbound) -> None:
    async with peer() as server:
        environment = {"K_SINK": server.url, "K_CE_OVERRIDES": '{"extensions": {"team": "a", "stage": "prod"}}'}
        step = EmitStep(outbound=outbound, environment=environment)
        await execute(step, {**EVENT, "extensions": {"stage": "test", "own": True}})
    attributes, _ = arrived(server.received[0])
    assert {name: attributes[name] for name in ("team", "stage", "own")} == {
        "team": "a",
        "stage": "prod",
        "own": "true",
    }


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"extensions": []}'])
async def test_overrides_that_cannot_be_read_are_named(outbound: Outbound, text: str) -> None:
    with pytest.raises(Fail, match="K_CE_OVERRIDES is not as"):
        await emitted(outbound, {}, environment={"K_CE_OVERRIDES": text})


async def test_without_a_sink_the_step_says_what_to_do(outbound: Outbound) -> None:
    with pytest.raises(Fail, match="give `sink`, or set K_SINK"):
        await execute(EmitStep(outbound=outbound, environment={}), EVENT)


REPLY = json.dumps({"specversion": "1.0", "id": "1", "source": "/r", "type": "reply", "data": {"ok": True}}).encode()
STRUCTURED = {"Content_Type": "application/cloudevents+json"}


@pytest.mark.parametrize(
    ("act", "has_reply", "said"),
    [
        (answer(200, REPLY, **STRUCTURED), True, ""),
        (answer(201, REPLY, **STRUCTURED), True, ""),
        (answer(202, REPLY, **STRUCTURED), False, ""),
        (answer(200, b"ok", Content_Type="text/plain"), False, ""),
        (answer(200), False, ""),
        (answer(200, b"{}", **STRUCTURED), False, "the reply is no CloudEvent, and is left out: the attribute id"),
        (answer(200, b"[]", Content_Type="application/cloudevents-batch+json"), False, "several events"),
    ],
)
async def test_a_reply_is_an_output(outbound: Outbound, act: bytes, has_reply: bool, said: str) -> None:
    outcome, lines, _ = await emitted(outbound, {}, act)
    assert outcome.state is State.SUCCEEDED
    assert outcome.outputs.get("reply") == (json.loads(REPLY) if has_reply else None)
    assert said in lines[-1]


async def test_a_reply_may_be_in_headers(outbound: Outbound) -> None:
    headers = {"ce_id": "1", "ce_source": "/r", "ce_type": "reply", "ce_specversion": "1.0"}
    outcome, _, _ = await emitted(outbound, {}, answer(200, b"", **headers))
    assert outcome.outputs["reply"] == {"specversion": "1.0", "id": "1", "source": "/r", "type": "reply"}


async def test_what_is_no_cloudevent_is_not_sent(outbound: Outbound) -> None:
    with pytest.raises(Fail, match="no CloudEvent: source is no URI-reference"):
        await emitted(outbound, {"source": "a b"})
    with pytest.raises(Fail, match="what no text or JSON can"):
        await emitted(outbound, {"data": float("inf")})


async def test_a_forbidden_sink_is_not_allowed(outbound: Outbound) -> None:
    outcome, _ = await execute(
        EmitStep(outbound=outbound, environment={}), {**EVENT, "sink": "http://[fd00:ec2::254]/latest"}
    )
    assert (outcome.reason, outcome.can_retry) == (Reason.NOT_ALLOWED, False)


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        ({"type": ""}, "at least 1"),
        ({"sink": "kafka://x"}, "not a URL"),
        ({"extensions": {"a-b": "c"}}, "not a name of an extension"),
        ({"extensions": {"id": "c"}}, "not a name of an extension"),
        ({"extensions": {"a": [1]}}, "extensions"),
        ({"headers": {"ce-id": "x"}}, "part of the event"),
        ({"headers": {"Webhook-Signature": "x"}}, "part of the event"),
        ({"data": {}, "dataContentType": "text/plain"}, "is a text"),
        ({"mode": "batch"}, "mode"),
        ({"other": 1}, "other"),
    ],
)
def test_wrong_inputs_are_refused(inputs: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        EmitInputs.model_validate({**EVENT, **inputs})
