"""Secrets over HTTP: values go in, no answer has one."""

import base64
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from ensue.app import Node
from ensue.model.secret import MAX_VALUE, SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE

SECRETS = "/api/v1/namespaces/default/secrets"
VALUE = "s3cret-vålue"


def keys(found: dict[str, Any]) -> list[str]:
    return [key["key"] for key in found["status"]["keys"]]


async def stored(node: Node, name: str, **given: str) -> bytes:
    place = SecretPlace(namespace=DEFAULT_NAMESPACE, name=name, **given)
    return node.world.vault.open(place, (await node.world.secrets.stale("", 100))[place])


async def test_a_secret_is_set_listed_and_deleted(client: httpx.AsyncClient, node: Node) -> None:
    created = await client.put(f"{SECRETS}/token", json={"value": VALUE})
    assert (created.status_code, keys(created.json())) == (201, ["value"])
    assert (await client.put(f"{SECRETS}/token", json={"value": "other"})).status_code == 200
    binary = base64.b64encode(b"\xff\0\xfe").decode()
    assert (await client.put(f"{SECRETS}/token/B.in_-", json={"base64": binary})).status_code == 201
    assert await stored(node, "token", key="B.in_-") == b"\xff\0\xfe"
    own = await client.put(f"{SECRETS}/token", json={"value": VALUE}, params={"workflow": "build"})
    assert (own.status_code, own.json()["spec"]) == (201, {"workflowRef": {"name": "build"}})
    items = (await client.get(SECRETS)).json()["items"]
    assert [(keys(item), item["spec"]) for item in items] == [
        (["B.in_-", "value"], {}),
        (["value"], {"workflowRef": {"name": "build"}}),
    ]
    assert (await client.get(f"{SECRETS}/token")).json() == items[0]
    assert (await client.get(f"{SECRETS}/token", params={"workflow": "build"})).json() == items[1]
    assert (await client.delete(f"{SECRETS}/token/value")).status_code == 204
    assert keys((await client.get(f"{SECRETS}/token")).json()) == ["B.in_-"]
    assert (await client.delete(f"{SECRETS}/token")).status_code == 204
    assert (await client.get(f"{SECRETS}/token")).status_code == 404
    assert (await client.delete(f"{SECRETS}/token")).status_code == 404
    assert (await client.delete(f"{SECRETS}/token", params={"workflow": "build"})).status_code == 204


@pytest.mark.parametrize("name", ["jiraURL", "aws.accessKeyID", "aws__My Account", "rotate", "A" * 253])
async def test_a_secret_has_the_name_that_relay_gave_it(client: httpx.AsyncClient, node: Node, name: str) -> None:
    path = f"{SECRETS}/{quote(name, safe='')}"
    assert (await client.put(path, json={"value": VALUE})).json()["metadata"]["name"] == name
    assert (await client.put(f"{path}/a.B", json={"value": VALUE})).status_code == 201
    assert await stored(node, name) == VALUE.encode()
    assert keys((await client.get(path)).json()) == ["a.B", "value"]
    assert (await client.get(f"{SECRETS}/{quote(name.swapcase())}")).status_code == 404
    assert (await client.delete(f"{path}/a.B")).status_code == 204
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_a_namespace_sees_its_own_and_the_short_path_all(client: httpx.AsyncClient) -> None:
    await client.put(f"{SECRETS}/a", json={"value": VALUE})
    await client.put("/api/v1/namespaces/blue/secrets/b", json={"value": VALUE})
    names = {
        path: [item["metadata"]["name"] for item in (await client.get(path)).json()["items"]]
        for path in (SECRETS, "/api/v1/namespaces/blue/secrets", "/api/v1/secrets")
    }
    assert list(names.values()) == [["a"], ["b"], ["b", "a"]]
    assert (await client.get("/api/v1/secrets/a")).status_code == 200
    assert (await client.get("/api/v1/secrets/b")).status_code == 404


async def test_a_text_is_kept_as_utf8(client: httpx.AsyncClient, node: Node) -> None:
    await client.put(f"{SECRETS}/token", json={"value": VALUE})
    assert await stored(node, "token") == VALUE.encode()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"value": "a-value", "base64": "YQ=="},
        {"value": 1},
        {"value": ""},
        {"base64": "a-value!"},
        {"base64": "a-value\u00e9"},
        {"value": "a-value", "more": 1},
        [],
    ],
)
async def test_a_body_that_is_no_value_is_refused_and_not_repeated(client: httpx.AsyncClient, body: object) -> None:
    answer = await client.put(f"{SECRETS}/token", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert "a-value" not in answer.text
    assert (await client.get(SECRETS)).json()["items"] == []


async def test_half_of_a_surrogate_pair_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.put(f"{SECRETS}/token", content=rb'{"value": "\ud800"}', headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path", ["%20token", "token%20", ".token", "tok%00en", "t%C3%B6ken", "token/a%2Fb", "token/%20"]
)
async def test_names_that_cannot_be_are_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.put(f"{SECRETS}/{path}", json={"value": VALUE})
    assert answer.status_code in (400, 404)
    assert (await client.put(f"{SECRETS}/a", json={"value": VALUE}, params={"workflow": "B"})).status_code == 400


async def test_the_largest_value_fits_into_a_body_and_no_larger_one(client: httpx.AsyncClient, node: Node) -> None:
    value = bytes(MAX_VALUE)
    answer = await client.put(f"{SECRETS}/big", json={"base64": base64.b64encode(value).decode()})
    assert answer.status_code == 201, answer.text
    assert await stored(node, "big") == value
    answer = await client.put(f"{SECRETS}/big", json={"base64": base64.b64encode(value + b"x").decode()})
    assert (answer.status_code, "larger" in answer.text) == (400, True)
    answer = await client.put(f"{SECRETS}/big", json={"base64": "a" * 2**21})
    assert answer.status_code == 413


async def test_rotation_says_the_new_key_and_how_many(client: httpx.AsyncClient, node: Node) -> None:
    await client.put(f"{SECRETS}/token", json={"value": VALUE})
    await client.put("/api/v1/namespaces/blue/secrets/b", json={"value": VALUE})
    done = (await client.post("/api/v1/secrets/rotate", json={})).json()
    assert done == {"keyId": node.world.vault.current(), "resealed": 2}
    again = (await client.post("/api/v1/secrets/rotate", json={"newKey": False})).json()
    assert again == {**done, "resealed": 0}
    assert (await client.post("/api/v1/secrets/rotate", json={"newKey": "yes"})).status_code == 400
    assert await stored(node, "token") == VALUE.encode()


async def test_a_key_that_cannot_be_used_is_a_problem_with_a_remedy(client: httpx.AsyncClient, tmp_path: Path) -> None:
    await client.put(f"{SECRETS}/token", json={"value": VALUE})
    (tmp_path / "data" / "secret.key").chmod(0o644)
    answer = await client.put(f"{SECRETS}/token", json={"value": VALUE})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "secrets_locked")
    assert "chmod 600" in problem["remedy"]
    assert (await client.get(SECRETS)).status_code == 200


async def test_no_answer_has_a_value(client: httpx.AsyncClient) -> None:
    forms = (VALUE, base64.b64encode(VALUE.encode()).decode(), VALUE.encode().hex(), "vålue", "v\\u00e5lue")
    answers = [
        await client.put(f"{SECRETS}/token", json={"value": VALUE}),
        await client.put(f"{SECRETS}/token/key", json={"value": VALUE, "base64": VALUE}),
        await client.put(f"{SECRETS}/Token", json={"value": VALUE}),
        await client.get(SECRETS),
        await client.get(f"{SECRETS}/token"),
        await client.post("/api/v1/secrets/rotate", json={}),
        await client.delete(f"{SECRETS}/token/none"),
        await client.get("/api/v1/secrets"),
        await client.get("/openapi.json"),
    ]
    assert [form for form in forms for answer in answers if form in answer.text] == []
