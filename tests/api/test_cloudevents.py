"""CloudEvents as others send them: the SDK of the specification's authors, and senders that ask before they send."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cloudevents.core.bindings import http as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from ensue.sources import hooks, keys
from tests.api.conftest import EVENTS, put, says, trigger, workflow
from tests.api.test_hooks import source

SECRET = "a secret of the broker"
HOOK = "/hooks/broker"
BEARER = {"Authorization": f"Bearer {SECRET}"}
ORIGIN = {"WebHook-Request-Origin": "events.example.org"}


@pytest.fixture(autouse=True)
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was changed counts at once."""
    for module in (hooks, keys):
        monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(hooks, "MISS_SECONDS", 0.0)


@pytest.fixture
async def ready(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A server with a source for a broker, and a trigger that shares it."""
    assert (await client.put("/api/v1/secrets/broker", json={"value": SECRET})).status_code == 201
    verify = {"type": "bearer", "secret": {"name": "broker"}}
    given = {"path": "broker", "verify": verify, "origins": ["events.example.org"], "rate": "60/m"}
    await put(client, source("broker", "broker", type="cloudevents", **{"with": given}))
    await put(client, workflow("hello", says("hi")))
    await put(client, trigger("on-order", {"name": "broker", "ref": "broker"}, filter={"cel": "event.data.n < 2"}))
    return client


@pytest.fixture
async def stranger(application: Any, ready: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Has no token, and comes by a name of somebody else's."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tunnel.example.net") as client:
        yield client


def order(number: int = 1, **more: Any) -> CloudEvent:
    attributes = {"type": "com.example.order", "source": "/shop", "datacontenttype": "application/json", **more}
    return CloudEvent(attributes=attributes, data={"n": number, "text": "größer"})


def message(event: CloudEvent, mode: str) -> dict[str, Any]:
    write = sdk.to_binary_event if mode == "binary" else sdk.to_structured_event
    made = write(event)
    return {"headers": dict(made.headers), "content": made.body}


@pytest.mark.parametrize("mode", ["binary", "structured"])
@pytest.mark.parametrize("place", [EVENTS, HOOK])
async def test_the_sdk_s_events_come_in_as_they_were_made(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient, mode: str, place: str
) -> None:
    event = order(subject="größe 1", partitionkey="50 %")
    sent = message(event, mode)
    client = ready if place == EVENTS else stranger
    answer = await client.post(place, **{**sent, "headers": sent["headers"] | ({} if client is ready else BEARER)})
    assert answer.status_code == 202, answer.text
    (item,) = answer.json()["items"]
    found = (await ready.get(f"{EVENTS}/{item['id']}")).json()["spec"]
    wanted = {
        "id": event.get_id(), "source": "/shop", "type": "com.example.order", "subject": "größe 1",
        "partitionkey": "50 %", "datacontenttype": "application/json", "data": {"n": 1, "text": "größer"},
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert (await ready.get(f"{EVENTS}/{item['id']}/decisions")).json()["items"] == [] or client is stranger


async def test_a_batch_comes_in_and_the_sdk_reads_it_back(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    events = [order(number) for number in range(3)]
    texts = [JSONFormat().write(event).decode() for event in events]
    headers = {**BEARER, "Content-Type": "application/cloudevents-batch+json"}
    answer = await stranger.post(HOOK, headers=headers, content=f"[{','.join(texts)}]")
    assert (answer.status_code, len(answer.json()["items"])) == (202, 3)
    for event, item in zip(events, answer.json()["items"], strict=True):
        stored = await ready.get(f"{EVENTS}/{item['id']}")
        again = JSONFormat().read(None, json.dumps(stored.json()["spec"]))
        assert (again.get_id(), again.get_data(), item["duplicate"]) == (event.get_id(), event.get_data(), False)
    repeated = await stranger.post(HOOK, headers=headers, content=f"[{texts[0]}]")
    assert repeated.json()["items"] == [{**answer.json()["items"][0], "duplicate": True}]


async def test_a_trigger_decides_about_what_its_source_lets_in(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    concluded = []
    for number in (1, 2):
        sent = message(order(number), "binary")
        answer = await stranger.post(HOOK, content=sent["content"], headers=sent["headers"] | BEARER)
        found = await ready.get(f"{EVENTS}/{answer.json()['items'][0]['id']}/decisions")
        concluded += [item["conclusion"] for item in found.json()["items"]]
    assert concluded == ["fired", "notFired"]


@pytest.mark.parametrize(
    ("headers", "content", "status", "code"),
    [
        ({}, b"{}", 401, "unauthenticated"),
        (BEARER, b"{}", 400, "invalid_input"),
        ({**BEARER, "Content-Type": "application/cloudevents+xml"}, b"<a/>", 415, "unsupported_media_type"),
        ({**BEARER, "Content-Type": "application/cloudevents+json"}, b'{"specversion": "1.0"}', 400, "invalid_input"),
        ({**BEARER, "Content-Type": "application/cloudevents+json"}, b"[" * 9000, 400, "invalid_input"),
        ({**BEARER, "Content-Type": "application/cloudevents+json"}, b"x" * 2_000_000, 413, "too_large"),
    ],
)
async def test_what_is_no_cloudevent_of_the_sender_is_refused(
    stranger: httpx.AsyncClient, headers: dict[str, str], content: bytes, status: int, code: str
) -> None:
    answer = await stranger.post(HOOK, headers=headers, content=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_nothing_of_a_batch_is_kept_when_one_of_it_is_wrong(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    headers = {**BEARER, "Content-Type": "application/cloudevents-batch+json"}
    content = f"[{JSONFormat().write(order()).decode()}, {{}}]"
    answer = await stranger.post(HOOK, headers=headers, content=content)
    assert (answer.status_code, "event 1" in answer.json()["detail"]) == (400, True)
    assert (await ready.get(EVENTS)).json()["items"] == []


async def test_a_sender_that_asks_is_told_that_it_may_send_and_how_often(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.options(HOOK, headers=ORIGIN | {"WebHook-Request-Rate": "500"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["WebHook-Allowed-Origin"] == "events.example.org"
    assert (answer.headers["WebHook-Allowed-Rate"], answer.headers["Allow"]) == ("60", "POST")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (HOOK, {"WebHook-Request-Origin": "other.example.org"}, 403),
        (HOOK, {}, 400),
        (HOOK, ORIGIN | {"WebHook-Request-Rate": "0"}, 400),
        ("/hooks/nobody", ORIGIN, 404),
        ("/hooks/plain", ORIGIN, 405),
    ],
)
async def test_whoever_else_asks_gets_no_consent(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    await put(ready, source("plain", "plain"))
    answer = await stranger.options(path, headers=headers)
    assert answer.status_code == status
    assert not any(name.startswith("webhook-allowed") for name in answer.headers)


@pytest.mark.parametrize("path", ["/api/v1/events", EVENTS])
async def test_the_api_consents_to_whoever_has_the_token(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient, path: str
) -> None:
    answer = await ready.options(path, headers=ORIGIN | {"WebHook-Request-Rate": "10"})
    assert (answer.status_code, answer.headers["WebHook-Allowed-Rate"]) == (200, "*")
    other = await stranger.options(path, headers=ORIGIN | {"Host": "localhost"})
    assert (other.status_code, "webhook-allowed-origin" in other.headers) == (401, False)
