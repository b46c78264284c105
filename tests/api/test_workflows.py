"""Workflows over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest

from ensue.app import Node
from ensue.model.identity import SYSTEM
from ensue.operations import definitions
from ensue.ports.store import StoredDefinition
from tests.api.conftest import WORKFLOWS, says, workflow

ADDRESS = f"{WORKFLOWS}/hello"


async def test_the_triggers_that_go_with_a_workflow_are_answered(client: httpx.AsyncClient) -> None:
    await client.put(ADDRESS, json=workflow("hello", says("hi")))
    trigger = {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Trigger",
        "metadata": {"name": "daily", "labels": {"relay.sh/workflow": "hello"}},
        "spec": {"sources": [{"type": "events"}], "actions": [{"workflow": "hello"}]},
    }
    address = ADDRESS.replace("workflows/hello", "triggers/daily")
    assert (await client.put(address, json=trigger)).status_code == 201
    answer = await client.delete(ADDRESS)
    assert (answer.status_code, [one["metadata"]["name"] for one in answer.json()["items"]]) == (200, ["daily"])
    assert (await client.get(address)).status_code == 404


async def test_a_workflow_is_created_read_replaced_and_deleted(client: httpx.AsyncClient) -> None:
    created = await client.put(ADDRESS, json=workflow("hello", says("hi")))
    assert (created.status_code, created.headers["Location"]) == (201, ADDRESS)
    body = created.json()
    assert (body["metadata"]["namespace"], body["metadata"]["generation"]) == ("default", 1)
    assert (body["status"]["manager"], body["status"]["dialect"]) == ("api", "ensue")
    read = await client.get(ADDRESS)
    assert (read.json(), read.headers["ETag"]) == (body, created.headers["ETag"])
    replaced = await client.put(ADDRESS, json=workflow("hello", says("hello")))
    assert (replaced.status_code, replaced.json()["metadata"]["generation"]) == (200, 2)
    assert [each["metadata"]["name"] for each in (await client.get(WORKFLOWS)).json()["items"]] == ["hello"]
    assert (await client.delete(ADDRESS)).status_code == 204
    assert (await client.get(ADDRESS)).status_code == 404
    assert (await client.delete(ADDRESS)).status_code == 404


async def test_what_was_read_can_be_written_back(client: httpx.AsyncClient) -> None:
    await client.put(ADDRESS, json=workflow("hello", says("hi")))
    body = (await client.get(ADDRESS)).json()
    assert (await client.put(ADDRESS, json=body)).json() == body


async def test_a_write_may_depend_on_what_is_there(client: httpx.AsyncClient) -> None:
    body = workflow("hello", says("hi"))
    assert (await client.put(ADDRESS, json=body, headers={"If-Match": "*"})).status_code == 412
    tag = (await client.put(ADDRESS, json=body, headers={"If-None-Match": "*"})).headers["ETag"]
    again = await client.put(ADDRESS, json=body, headers={"If-None-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (412, "precondition_failed")
    other = workflow("hello", says("other"))
    assert (await client.put(ADDRESS, json=other, headers={"If-Match": tag})).status_code == 200
    assert (await client.put(ADDRESS, json=body, headers={"If-Match": tag})).status_code == 412
    assert (await client.delete(ADDRESS, headers={"If-Match": tag})).status_code == 412


async def test_the_etag_changes_with_labels_and_not_with_a_repeat(client: httpx.AsyncClient) -> None:
    body = workflow("hello", says("hi"))
    tag = (await client.put(ADDRESS, json=body)).headers["ETag"]
    assert (await client.put(ADDRESS, json=body)).headers["ETag"] == tag
    labelled = body | {"metadata": {"name": "hello", "labels": {"team": "red"}}}
    changed = await client.put(ADDRESS, json=labelled, headers={"If-Match": tag})
    assert (changed.status_code, changed.headers["ETag"] != tag) == (200, True)
    assert (await client.put(ADDRESS, json=body, headers={"If-Match": tag})).status_code == 412


async def test_of_writes_that_depend_on_the_same_state_one_succeeds(client: httpx.AsyncClient) -> None:
    bodies = [workflow("hello", says(str(number))) for number in range(8)]

    async def write_all(**headers: str) -> list[int]:
        answers = [client.put(ADDRESS, json=body, headers=headers) for body in bodies]
        return sorted([answer.status_code for answer in await asyncio.gather(*answers)])

    assert await write_all(**{"If-None-Match": "*"}) == [201, *[412] * 7]
    tag = (await client.get(ADDRESS)).headers["ETag"]
    await client.put(ADDRESS, json=workflow("hello", says("now")))
    assert await write_all(**{"If-Match": tag}) == [412] * 8
    tag = (await client.get(ADDRESS)).headers["ETag"]
    assert await write_all(**{"If-Match": tag}) == [200, *[412] * 7]


async def test_a_delete_may_not_take_what_was_changed_meanwhile(client: httpx.AsyncClient, node: Node) -> None:
    tag = (await client.put(ADDRESS, json=workflow("hello", says("hi")))).headers["ETag"]
    find = node.world.definitions.get

    async def find_and_be_late(*where: Any) -> StoredDefinition:
        found = await find(*where)
        await definitions.apply(SYSTEM, node.world, workflow("hello", says("newer")), take_over=True)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(node.world.definitions, "get", find_and_be_late)
        late = await client.delete(ADDRESS, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await client.delete(ADDRESS, headers={"If-Match": "*"})).status_code == 204


async def test_an_invalid_workflow_is_refused_with_all_its_problems(client: httpx.AsyncClient) -> None:
    body = workflow("hello", {"name": "a", "run": "true", "dependsOn": ["b"]}, {"name": "c", "rum": "true"})
    answer = await client.put(ADDRESS, json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["status"]) == (422, "invalid_definition", 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= set(problem)
    (unknown,) = [each for each in problem["problems"] if each["path"] == "spec.steps[1].rum"]
    assert (unknown["severity"], "run" in unknown["remedy"]) == ("error", True)
    assert (await client.get(ADDRESS)).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"metadata": {"name": "other"}}, 400),
        ({"metadata": {"name": "hello", "namespace": "other"}}, 400),
        ({"metadata": []}, 422),
        ({"kind": "Trigger"}, 400),
        ({"apiVersion": "ensue.dev/v9"}, 422),
        ({"spec": {"steps": []}}, 422),
    ],
)
async def test_a_body_that_does_not_fit_its_address_is_refused(
    client: httpx.AsyncClient, change: dict[str, object], status: int
) -> None:
    assert (await client.put(ADDRESS, json=workflow("hello", says("hi")) | change)).status_code == status


async def test_what_another_manages_is_taken_over_only_on_request(client: httpx.AsyncClient, node: Node) -> None:
    await definitions.apply(SYSTEM, node.world, workflow("hello", says("hi")), manager="git")
    conflict = await client.put(ADDRESS, json=workflow("hello", says("mine")))
    assert (conflict.status_code, "git" in conflict.json()["detail"]) == (409, True)
    taken = await client.put(ADDRESS, json=workflow("hello", says("mine")), params={"takeOver": "true"})
    assert (taken.status_code, taken.json()["status"]["manager"]) == (200, "api")
