"""Workflows over HTTP."""

import httpx
import pytest

from ensue.app import Node
from ensue.model.identity import SYSTEM
from ensue.operations import definitions
from tests.api.conftest import WORKFLOWS, says, workflow

ADDRESS = f"{WORKFLOWS}/hello"


async def test_a_workflow_is_created_read_replaced_and_deleted(client: httpx.AsyncClient) -> None:
    created = await client.put(ADDRESS, json=workflow("hello", says("hi")))
    assert (created.status_code, created.headers["Location"]) == (201, ADDRESS)
    body = created.json()
    assert (body["metadata"]["namespace"], body["metadata"]["generation"]) == ("default", 1)
    assert (body["status"]["manager"], body["status"]["dialect"]) == ("api", "ensue")
    assert created.headers["ETag"] == f'"{body["status"]["hash"]}"'
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
