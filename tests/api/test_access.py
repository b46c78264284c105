"""Tokens over the API: who comes with one, what it may, and when it is worth nothing any more."""

import asyncio
from typing import Any

import httpx
import pytest

from ensue.app import Node
from ensue.model.errors import StoreUnreachable
from tests.api.conftest import EVENTS, RUNS, TRIGGERS, WORKFLOWS, ended, put, says, sleeps, started, trigger, workflow

TOKENS = "/api/v1/tokens"
PERMISSIONS = "/api/v1/namespaces/default/permissions"


async def made(client: httpx.AsyncClient, *groups: str, subject: str = "bob", **more: Any) -> dict[str, Any]:
    answer = await client.post(TOKENS, json={"subject": subject, "groups": list(groups), **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def bearer(client: httpx.AsyncClient, *groups: str, **more: Any) -> dict[str, str]:
    """The header of a new token."""
    return {"Authorization": f"Bearer {(await made(client, *groups, **more))['status']['token']}"}


def permission(name: str, *, namespace: str = "default", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Permission",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"subjects": ["user:bob"], "resources": ["*"], "methods": ["*"], **spec},
    }


async def code(client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], **more: Any) -> int:
    return (await client.request(method, path, headers=headers, **more)).status_code


async def test_a_token_is_shown_once_and_makes_its_bearer_who_it_says(client: httpx.AsyncClient) -> None:
    found = await made(client, "role:viewer", "ops", scopes=["get:run/*"], expires="1h", description="for tests")
    secret = found["status"]["token"]
    assert secret.startswith("ensue_")
    listed = await client.get(TOKENS)
    assert secret not in listed.text
    (entry,) = listed.json()["items"]
    assert entry["metadata"]["name"] == found["metadata"]["name"]
    assert (entry["spec"]["subject"], entry["status"]["createdBy"]) == ("user:bob", "user:ann")
    seen = await client.get("/api/v1/whoami", headers={"Authorization": f"Bearer {secret}"})
    assert seen.json()["spec"] == {
        "subject": "user:bob",
        "groups": ["role:viewer", "ops"],
        "scopes": ["get:run/*"],
    }


async def test_a_repeat_with_its_key_makes_no_second_token_and_tells_no_secret(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "one"}
    bodies = ({"subject": "bob"}, {"subject": "bob"}, {"subject": "eve"})
    first, again, other = [await client.post(TOKENS, json=body, headers=headers) for body in bodies]
    assert first.status_code == 201
    assert [(answer.status_code, answer.json()["code"]) for answer in (again, other)] == [(409, "conflict")] * 2
    id, secret = first.json()["metadata"]["name"], first.json()["status"]["token"]
    assert f"ensue token delete {id}" in again.json()["remedy"]
    assert "another request" in other.json()["detail"]
    assert secret not in again.text
    assert len((await client.get(TOKENS)).json()["items"]) == 1
    await client.delete(f"{TOKENS}/{id}")
    assert (await client.post(TOKENS, json=bodies[0], headers=headers)).status_code == 201


async def test_keys_are_their_senders_own(client: httpx.AsyncClient) -> None:
    admin = await bearer(client, "admin") | {"Idempotency-Key": "one"}
    assert await code(client, "POST", TOKENS, admin, json={"subject": "eve"}) == 201
    answer = await client.post(TOKENS, json={"subject": "eve"}, headers={"Idempotency-Key": "one"})
    assert answer.status_code == 201


async def test_a_deleted_token_is_not_known(client: httpx.AsyncClient) -> None:
    found = await made(client, "role:viewer")
    headers = {"Authorization": f"Bearer {found['status']['token']}"}
    assert await code(client, "GET", RUNS, headers) == 200
    assert (await client.delete(f"{TOKENS}/{found['metadata']['name']}")).status_code == 204
    answer = await client.get(RUNS, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert (await client.delete(f"{TOKENS}/{found['metadata']['name']}")).status_code == 404


async def test_an_expired_token_is_not_known(client: httpx.AsyncClient, node: Node) -> None:
    headers = await bearer(client, "role:viewer", expires="1ms")
    assert await code(client, "GET", RUNS, headers) == 401
    (token,) = await node.world.tokens.list()
    assert token.expires_at is not None


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        ({"subject": "system:ensue"}, "user:NAME"),
        ({"subject": "a b"}, "user:NAME"),
        ({"subject": "bob", "groups": ["system"]}, "letters"),
        ({"subject": "bob", "groups": ["role:edtor@team"]}, 'did you mean "editor"'),
        ({"subject": "bob", "groups": ["role:editor@Team"]}, "role:ROLE@NAMESPACE"),
        ({"subject": "bob", "groups": ["scope:viewer"]}, "scopes"),
        ({"subject": "bob", "scopes": ["everything"]}, "METHODS:RESOURCES"),
        ({"subject": "bob", "scopes": ["gett:run/*"]}, 'did you mean "get"'),
        ({"subject": "bob", "scopes": ["get:rum/*"]}, 'did you mean "run"'),
        ({"subject": "bob", "expires": "soon"}, ""),
        ({"subject": "bob", "expires": "0s"}, ""),
    ],
)
async def test_a_token_that_would_mean_nothing_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], remedy: str
) -> None:
    answer = await client.post(TOKENS, json=body)
    assert answer.status_code == 400, answer.text
    assert remedy in answer.json().get("remedy", "")
    assert (await client.get(TOKENS)).json()["items"] == []


async def test_a_denial_says_what_is_missing_and_is_audited_once(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "role:viewer@default")
    answer = await client.delete(f"{WORKFLOWS}/hello", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "denied")
    assert await code(client, "DELETE", f"{WORKFLOWS}/hello", headers) == 403
    assert "may not delete workflow/hello in namespace default" in answer.json()["detail"]
    assert "role:editor@default" in answer.json()["remedy"]
    rows = (await client.get("/api/v1/namespaces/default/audit")).json()["items"]
    refused = [row for row in rows if row["status"]["outcome"] == "Refused"]
    assert [(row["spec"]["subject"], row["spec"]["verb"]) for row in refused] == [("user:bob", "delete")]


async def test_a_permission_takes_effect_and_is_taken_back(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi")))
    headers = await bearer(client)
    start = {"workflow": "hello"}
    assert await code(client, "POST", RUNS, headers, json=start) == 403
    await put(client, permission("starts", resources=["run/hello"], methods=["start"]))
    assert await code(client, "POST", RUNS, headers, json=start) == 201
    assert await code(client, "GET", RUNS, headers) == 403
    await put(client, permission("never", effect="Deny", resources=["run/*"], methods=["start"]))
    answer = await client.post(RUNS, headers=headers, json=start)
    assert "the permission default/never denies it" in answer.json()["detail"]
    assert "changes permission default/never" in answer.json()["remedy"]
    assert (await client.delete(f"{PERMISSIONS}/never")).status_code == 204
    assert await code(client, "POST", RUNS, headers, json=start) == 201


async def test_a_scope_narrows_whatever_the_groups_give(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "admin", scopes=["get,list:*@default"])
    assert await code(client, "GET", RUNS, headers) == 200
    assert await code(client, "GET", "/api/v1/runs", headers) == 403
    assert await code(client, "DELETE", f"{WORKFLOWS}/hello", headers) == 403
    assert await code(client, "POST", TOKENS, headers, json={"subject": "x", "groups": ["admin"]}) == 403


async def test_nobody_gives_himself_more_by_way_of_permissions(client: httpx.AsyncClient) -> None:
    await put(client, permission("all", namespaces=["*"]))
    headers = await bearer(client)
    assert await code(client, "PUT", f"{WORKFLOWS}/hello", headers, json=workflow("hello", says("hi"))) == 201
    mine = permission("mine")
    assert await code(client, "PUT", f"{PERMISSIONS}/mine", headers, json=mine) == 403
    assert await code(client, "DELETE", f"{PERMISSIONS}/all", headers) == 403
    assert await code(client, "POST", TOKENS, headers, json={"subject": "bob", "groups": ["admin"]}) == 403


async def test_the_admin_of_a_namespace_writes_permissions_for_that_one_alone(client: httpx.AsyncClient) -> None:
    headers = await bearer(client, "role:admin@default")
    own = permission("own", subjects=["group:ops"])
    wide = permission("wide", namespaces=["default", "other"])
    assert await code(client, "PUT", f"{PERMISSIONS}/own", headers, json=own) == 201
    assert await code(client, "PUT", f"{PERMISSIONS}/wide", headers, json=wide) == 403
    await put(client, wide)
    assert await code(client, "DELETE", f"{PERMISSIONS}/wide", headers) == 403
    assert await code(client, "PUT", f"{PERMISSIONS}/wide", headers, json=permission("wide")) == 403
    other = permission("own", namespace="other")
    path = "/api/v1/namespaces/other/permissions/own"
    assert await code(client, "PUT", path, headers, json=other) == 403


async def test_a_denial_of_everything_is_taken_back_by_an_admin(client: httpx.AsyncClient) -> None:
    await put(client, permission("oops", subjects=["*"], effect="Deny", namespaces=["*"]))
    assert (await client.get(RUNS)).status_code == 403
    assert (await client.delete(f"{PERMISSIONS}/oops")).status_code == 204
    assert (await client.get(RUNS)).status_code == 200


async def test_a_trigger_acts_as_who_applied_it_as_long_as_they_may(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi")))
    await put(client, permission("edits", resources=["trigger/*"], methods=["apply", "get"]))
    headers = await bearer(client)
    assert await code(client, "PUT", f"{TRIGGERS}/sly", headers, json=trigger("sly")) == 201
    await send(client)
    (run,) = (await client.get(RUNS)).json()["items"]
    assert (run["status"]["state"], run["status"]["reason"]) == ("Failed", "NotAllowed")
    assert "user:bob may not start run/hello" in run["status"]["message"]
    await put(client, permission("starts", resources=["run/hello"], methods=["start"]))
    await send(client)
    run = (await client.get(RUNS)).json()["items"][0]
    assert run["status"]["startedBy"] == "user:bob"
    assert run["status"]["reason"] != "NotAllowed"


async def test_a_token_with_scopes_lends_its_triggers_no_more_than_those(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi")))
    headers = await bearer(client, "admin", scopes=["apply,get:trigger/*@default"])
    assert await code(client, "PUT", f"{TRIGGERS}/sly", headers, json=trigger("sly")) == 201
    await send(client)
    (run,) = (await client.get(RUNS)).json()["items"]
    assert run["status"]["reason"] == "NotAllowed"


async def test_a_step_lets_in_no_event_that_who_started_its_run_may_not(client: httpx.AsyncClient) -> None:
    emits = {"name": "emit", "type": "emit", "with": {"type": "org.example.built"}}
    await put(client, workflow("tells", emits))
    await put(client, permission("starts", resources=["run/tells"], methods=["start", "get"]))
    headers = await bearer(client)
    steps = []
    for _ in range(2):
        answer = await client.post(RUNS, headers=headers, json={"workflow": "tells"})
        steps.append((await ended(client, answer.headers["Location"]))["status"]["steps"][0])
        await put(client, permission("sends", resources=["event/*"], methods=["create"]))
    assert [(step["state"], step["reason"]) for step in steps] == [("Failed", "NotAllowed"), ("Succeeded", "")]
    assert "user:bob may not create Event" in steps[0]["message"]


async def send(client: httpx.AsyncClient) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "", "ce-source": "/t", "ce-type": "t"}
    number = len((await client.get(EVENTS)).json()["items"])
    answer = await client.post(EVENTS, headers=headers | {"ce-id": f"e{number}"})
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("path", ["/log?follow=true", "?waitSeconds=60"])
async def test_who_follows_a_run_is_cut_off_when_the_token_goes(client: httpx.AsyncClient, path: str) -> None:
    address = await started(client, workflow("hello", sleeps()))
    found = await made(client, "role:viewer")
    headers = {"Authorization": f"Bearer {found['status']['token']}"}
    following = asyncio.create_task(client.get(f"{address}{path}", headers=headers))
    await asyncio.sleep(0.1)
    assert not following.done()
    await client.delete(f"{TOKENS}/{found['metadata']['name']}")
    answer = await asyncio.wait_for(following, 30)
    assert (answer.status_code, "hello" in answer.text) == (200 if "log" in path else 401, False)


async def test_a_refusal_stays_one_while_the_store_is_away(client: httpx.AsyncClient, node: Node) -> None:
    headers = await bearer(client, "role:viewer")
    assert await code(client, "GET", RUNS, headers) == 200

    async def away(*_: object) -> None:
        raise StoreUnreachable

    node.world.audit.add = away  # type: ignore[method-assign,assignment]
    assert await code(client, "DELETE", f"{WORKFLOWS}/hello", headers) == 403
