"""Webhooks over HTTP: no token, a signature; claimed paths, secrets, and what senders are told."""

import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ensue.app import Node
from ensue.model.values import Namespace
from ensue.sources import hooks, keys
from tests.api.conftest import EVENTS, TRIGGERS, put, says, trigger, workflow

SECRET = "It's a Secret to Everybody"
HOOK = "/hooks/github"
SOURCES = "/api/v1/namespaces/default/sources"
PUSH = {"ref": "refs/heads/main", "repository": {"url": "https://example.org/r"}, "after": "c0ffee"}


def webhook(path: str = "github", name: str = "hook", **more: Any) -> dict[str, Any]:
    verify = {"type": "github", "secret": {"name": "github-hook"}}
    return {"name": name, "type": "webhook", "with": {"path": path, "verify": verify, **more}}


def source(name: str, path: str, **spec: Any) -> dict[str, Any]:
    own = {"type": "webhook", "with": {"path": path, "verify": {"type": "none"}}}
    return {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Source",
        "metadata": {"name": name},
        "spec": own | spec,
    }


def signed(body: bytes, secret: str = SECRET, **more: str) -> dict[str, Any]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "d-1",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return {"content": body, "headers": headers | more}


@pytest.fixture(autouse=True)
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was changed counts at once."""
    monkeypatch.setattr(hooks, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(keys, "LOOK_SECONDS", 0.0)


@pytest.fixture
async def ready(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A server with a trigger that GitHub's webhook reaches."""
    secret = "/api/v1/namespaces/default/secrets/github-hook"
    assert (await client.put(secret, json={"value": SECRET})).status_code == 201
    await put(client, workflow("hello", says("hi")))
    await put(client, trigger("on-push", webhook()))
    return client


@pytest.fixture
async def stranger(application: Any, ready: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Has no token, and comes by a name of somebody else's."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tunnel.example.net") as client:
        yield client


async def test_a_signed_delivery_becomes_an_event_and_a_run(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    answer = await stranger.post(HOOK, **signed(json.dumps(PUSH).encode()))
    assert (answer.status_code, list(answer.json())) == (202, ["id"])
    event = (await ready.get(f"{EVENTS}/{answer.json()['id']}")).json()
    assert (event["spec"]["type"], event["spec"]["id"], event["spec"]["data"]) == ("com.github.push", "d-1", PUSH)
    assert event["status"]["source"].endswith("/hook")
    (decision,) = (await ready.get(f"{EVENTS}/{answer.json()['id']}/decisions")).json()["items"]
    assert (decision["trigger"]["name"], decision["conclusion"]) == ("on-push", "fired")
    assert "signature" not in json.dumps(event).lower()


async def test_the_same_delivery_again_gets_the_same_answer(stranger: httpx.AsyncClient) -> None:
    request = signed(json.dumps(PUSH).encode())
    first, again = [(await stranger.post(HOOK, **request)).json() for _ in range(2)]
    assert first == again


async def test_both_addresses_of_the_default_namespace_are_the_same(stranger: httpx.AsyncClient) -> None:
    request = signed(json.dumps(PUSH).encode())
    first = await stranger.post(HOOK, **request)
    assert (await stranger.post("/hooks/default/github", **request)).json() == first.json()


@pytest.mark.parametrize(
    "request_",
    [
        signed(b"{}", "another secret"),
        signed(b"{}", **{"X-Hub-Signature-256": "sha256=00"}),
        {"content": b"{}"},
        {"content": b"{}", "headers": {"Authorization": "Bearer x"}},
    ],
)
async def test_a_wrong_signature_is_refused_and_told_nothing(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient, request_: dict[str, Any]
) -> None:
    answer = await stranger.post(HOOK, **request_)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.json()["detail"] == "the request is not authenticated"
    assert (await ready.get(EVENTS)).json()["items"] == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (signed(b"{"), 400),
        (signed(b"[" * 101 + b"]" * 101), 400),
        (signed(b"x", **{"Content-Encoding": "br"}), 415),
        (signed(gzip.compress(b" " * 2_000_000), **{"Content-Encoding": "gzip"}), 413),
        (signed(b" " * 1_000_001), 413),
    ],
)
async def test_a_signed_body_that_cannot_be_read_is_refused(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient, request_: dict[str, Any], status: int
) -> None:
    await put(ready, trigger("on-push", webhook(maxBytes=1_000_000)))
    assert (await stranger.post(HOOK, **request_)).status_code == status


@pytest.mark.parametrize("path", ["/hooks/none", "/hooks/blue/github", "/hooks/a%20b", "/hooks/BAD/github"])
async def test_a_path_that_nobody_claims_is_not_found(stranger: httpx.AsyncClient, path: str) -> None:
    answer = await stranger.post(path, **signed(b"{}"))
    assert answer.status_code in (400, 404)
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_only_posts_come_in(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get(HOOK)).status_code == 405
    assert (await stranger.get("/api/v1/events")).status_code == 421


async def test_a_shared_source_lets_in_for_all_triggers_that_refer_to_it(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await put(ready, source("inbox", "inbox"))
    for name in ("a", "b"):
        await put(ready, trigger(name, {"name": "inbox", "ref": "inbox"}))
    uid = (await stranger.post("/hooks/inbox", json={"a": 1})).json()["id"]
    event = (await ready.get(f"{EVENTS}/{uid}")).json()
    assert (event["status"]["source"], event["spec"]["data"]) == ("Source/inbox", {"a": 1})
    decisions = (await ready.get(f"{EVENTS}/{uid}/decisions")).json()["items"]
    assert [(each["trigger"]["name"], each["conclusion"]) for each in decisions] == [("a", "fired"), ("b", "fired")]


async def test_a_source_that_is_not_enabled_lets_nothing_in(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await put(ready, source("inbox", "inbox", enabled=False))
    answer = await stranger.post("/hooks/inbox", json={})
    assert (answer.status_code, "not enabled" in answer.json()["detail"]) == (404, True)
    await put(ready, source("inbox", "inbox"))
    assert (await stranger.post("/hooks/inbox", json={})).status_code == 202


async def test_the_second_claimant_of_a_path_is_visibly_broken_and_the_first_goes_on(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await put(ready, source("late", "github"))
    (problem,) = (await ready.get(f"{SOURCES}/late")).json()["status"]["problems"]
    assert (problem["path"], "belongs to trigger on-push" in problem["message"]) == ("spec.with.path", True)
    assert [each["status"].get("problems") for each in (await ready.get(TRIGGERS)).json()["items"]] == [None]
    uid = (await stranger.post(HOOK, **signed(json.dumps(PUSH).encode()))).json()["id"]
    assert (await ready.get(f"{EVENTS}/{uid}")).json()["status"]["source"].endswith("/hook")
    assert (await ready.delete(f"{TRIGGERS}/on-push")).status_code == 204
    assert "problems" not in (await ready.get(f"{SOURCES}/late")).json()["status"]
    assert (await stranger.post(HOOK, json={})).status_code == 202


async def test_a_secret_that_changes_counts_from_then_on(ready: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    secret = "/api/v1/namespaces/default/secrets/github-hook"
    assert (await stranger.post(HOOK, **signed(b"{}"))).status_code == 202
    assert (await ready.put(secret, json={"value": "new"})).status_code == 200
    assert (await stranger.post(HOOK, **signed(b"{}"))).status_code == 401
    assert (await stranger.post(HOOK, **signed(b"{}", "new"))).status_code == 202
    assert (await ready.delete(secret)).status_code == 204
    assert (await stranger.post(HOOK, **signed(b"{}", "new"))).status_code == 401


async def test_each_opening_of_a_secret_is_audited_and_not_each_delivery(
    node: Node, ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for _ in range(3):
        assert (await stranger.post(HOOK, **signed(b"{}"))).status_code == 202
    uid = (await ready.get(f"{TRIGGERS}/on-push")).json()["metadata"]["uid"]
    rows = (await node.world.history.audit(Namespace("default"), 100)).items
    assert [row.subject for row in rows if (row.verb, row.kind) == ("read", "Secret")] == [f"source:{uid}/hook"]


async def test_a_body_seen_before_is_refused_where_the_source_says_so(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    verify = {"type": "github", "secret": {"name": "github-hook"}, "rejectRepeatedBody": True}
    await put(ready, trigger("on-push", webhook(verify=verify)))
    assert (await stranger.post(HOOK, **signed(b"{}"))).status_code == 202
    assert (await stranger.post(HOOK, **signed(b"{}", **{"X-GitHub-Delivery": "d-2"}))).status_code == 401
    assert (await stranger.post(HOOK, **signed(b'{"n": 2}'))).status_code == 202


async def test_slack_is_told_its_challenge_and_it_is_no_event(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await put(
        ready, source("slack", "slack", **{"with": {"path": "slack", "preset": "slack", "verify": {"type": "none"}}})
    )
    answer = await stranger.post("/hooks/slack", json={"type": "url_verification", "challenge": "abc"})
    assert (answer.status_code, answer.text) == (200, "abc")
    assert (await ready.get(EVENTS)).json()["items"] == []


@pytest.mark.parametrize(
    ("content", "kind", "spec"),
    [
        (b"hello", "text/plain", {"data": "hello", "datacontenttype": "text/plain"}),
        (b"\xff", "image/png", {"data_base64": "/w==", "datacontenttype": "image/png"}),
        (b"a=1", "application/x-www-form-urlencoded", {"data": {"a": "1"}, "datacontenttype": "application/json"}),
    ],
)
async def test_the_payload_is_kept_as_it_was_sent(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient, content: bytes, kind: str, spec: dict[str, Any]
) -> None:
    await put(ready, source("inbox", "inbox"))
    answer = await stranger.post("/hooks/inbox", content=content, headers={"Content-Type": kind})
    found = (await ready.get(f"{EVENTS}/{answer.json()['id']}")).json()["spec"]
    assert {name: found[name] for name in spec} == spec


async def test_a_source_without_its_secret_says_so(ready: httpx.AsyncClient) -> None:
    await put(ready, trigger("later", webhook("later", verify={"type": "github", "secret": {"name": "none"}})))
    (problem,) = (await ready.get(f"{TRIGGERS}/later")).json()["status"]["problems"]
    assert (problem["path"], problem["remedy"]) == (
        "spec.sources[0].with.verify",
        "set it with `ensue secret set none < FILE`",
    )
    await ready.put("/api/v1/secrets/none", json={"value": "x"})
    assert "problems" not in (await ready.get(f"{TRIGGERS}/later")).json()["status"]


async def test_bytes_and_texts_are_stored_as_what_they_are(ready: httpx.AsyncClient) -> None:
    await put(ready, source("open", "open"))
    found = []
    for kind, body in (("image/png", b"\x00\xff"), ("text/plain", b"hello"), ("application/json", b"null"), ("", b"")):
        answer = await ready.post("/hooks/open", content=body, headers={"Content-Type": kind})
        spec = (await ready.get(f"{EVENTS}/{answer.json()['id']}")).json()["spec"]
        found.append({name: spec[name] for name in ("data", "data_base64") if name in spec})
    assert found == [{"data_base64": "AP8="}, {"data": "hello"}, {"data": None}, {}]


async def test_definitions_are_checked_for_paths_only_when_one_was_changed(
    ready: httpx.AsyncClient, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(ready, source("first", "same"))
    await put(ready, source("second", "same"))
    asked, snapshot = [], node.world.definitions.snapshot

    async def counted(namespace: Namespace, *given: Any) -> Any:
        asked.append(namespace)
        return await snapshot(namespace, *given)

    monkeypatch.setattr(node.world.definitions, "snapshot", counted)
    place = "/api/v1/namespaces/default/sources/second"
    told = [(await ready.get(place)).json()["status"] for _ in range(3)]
    assert "belongs to source first" in json.dumps(told[0])
    assert told[0] == told[1] == told[2]
    assert len(asked) <= 1
    await ready.delete("/api/v1/namespaces/default/sources/first")
    assert "belongs to" not in json.dumps((await ready.get(place)).json())


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_a_webhook_without_a_container_takes_post_alone(ready: httpx.AsyncClient, method: str) -> None:
    answer = await ready.request(method, HOOK)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert (await ready.request(method, "/hooks/nobody")).status_code == 404


async def test_a_webhook_whose_container_nobody_needs_says_so_and_what_to_apply(client: httpx.AsyncClient) -> None:
    asked = {"type": "container-webhook", "with": {"image": "i", "tenant": "ours"}}

    async def told(name: str) -> tuple[int, str, str]:
        answer = (await client.post(f"/hooks/{name}", content=b"{}")).json()
        return answer["status"], answer["detail"].partition(": ")[2] or answer["detail"], answer.get("remedy", "")

    await put(client, source("door", "-", **asked))
    status, why, remedy = await told("door")
    assert (status, why) == (503, "no enabled trigger sees it, and no tenant is told of its events")
    assert "`sources: [{ref: door}]`" in remedy
    await put(client, trigger("own", {"name": "hook", **asked}, enabled=False))
    assert await told("own") == (503, "its trigger is not enabled", "ensue trigger enable own")
    tenant = {"apiVersion": "ensue.dev/v1alpha1", "kind": "Tenant", "metadata": {"name": "ours"}}
    await put(client, {**tenant, "spec": {"triggerEventSink": {"api": {"url": "http://sink.example"}}}})
    assert await told("door") == (503, "the container of the webhook door is not up here; try again", "")
