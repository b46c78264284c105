"""Changing definitions over HTTP: patches, rehearsals, versions, managers."""

import asyncio
from typing import Any

import httpx
import pytest

from ensue.app import Node
from ensue.model.errors import Problem
from ensue.model.identity import SYSTEM
from ensue.operations import definitions
from ensue.ports.origins import FILE, Origin
from tests.api.conftest import TRIGGERS, WORKFLOWS, put, says, trigger, workflow

ADDRESS = f"{WORKFLOWS}/hello"
MERGE = {"Content-Type": "application/merge-patch+json"}


async def patch(client: httpx.AsyncClient, body: Any, address: str = ADDRESS, **given: Any) -> httpx.Response:
    return await client.patch(address, json=body, **{**given, "headers": MERGE | given.get("headers", {})})


async def test_a_patch_changes_a_part(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi"), description="old"))
    answer = await patch(client, {"spec": {"description": "new"}, "metadata": {"labels": {"a": "b"}}})
    body = answer.json()
    assert (answer.status_code, body["spec"]["description"], body["metadata"]["generation"]) == (200, "new", 2)
    assert (body["metadata"]["labels"], body["spec"]["steps"][0]["name"]) == ({"a": "b"}, "say")
    assert answer.headers["ETag"] == (await client.get(ADDRESS)).headers["ETag"]
    removed = (await patch(client, {"spec": {"description": None}, "metadata": {"labels": {"a": None}}})).json()
    assert ("description" in removed["spec"], removed["metadata"].get("labels")) == (False, {})
    assert (await patch(client, {})).json()["metadata"]["generation"] == 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"spec": {"steps": []}}, 422, "invalid_definition"),
        ({"spec": {"stepz": []}}, 422, "invalid_definition"),
        ({"spec": None}, 422, "invalid_definition"),
        ({"metadata": {"name": "other"}}, 400, "invalid_input"),
        ({"metadata": {"namespace": "other"}}, 400, "invalid_input"),
        (["a"], 400, "invalid_input"),
    ],
)
async def test_a_patch_that_leads_nowhere_good_is_refused(
    client: httpx.AsyncClient, body: Any, status: int, code: str
) -> None:
    await put(client, workflow("hello", says("hi")))
    before = (await client.get(ADDRESS)).json()
    answer = await patch(client, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.get(ADDRESS)).json() == before


async def test_a_patch_says_what_it_is(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi")))
    answer = await client.patch(ADDRESS, json={"spec": {}})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    operations = await client.patch(ADDRESS, json=[], headers={"Content-Type": "application/json-patch+json"})
    remedy = "set Content-Type: application/merge-patch+json"
    assert (operations.status_code, operations.json()["remedy"]) == (415, remedy)
    assert (await patch(client, [])).status_code == 400
    assert (await patch(client, {}, f"{WORKFLOWS}/nobody")).status_code == 404


async def test_patches_at_once_all_hold_and_those_with_a_condition_once(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi")))
    answers = await asyncio.gather(*(patch(client, {"metadata": {"labels": {f"l{n}": "x"}}}) for n in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    found = await client.get(ADDRESS)
    assert found.json()["metadata"]["labels"] == {f"l{n}": "x" for n in range(4)}
    condition = {"If-Match": found.headers["ETag"]}
    answers = await asyncio.gather(
        *(patch(client, {"spec": {"description": str(number)}}, headers=condition) for number in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_a_rehearsal_answers_as_if_and_changes_nothing(client: httpx.AsyncClient) -> None:
    dry = {"dryRun": "true"}
    created = await client.put(ADDRESS, json=workflow("hello", says("hi")), params=dry)
    assert (created.status_code, created.json()["metadata"]["generation"]) == (201, 1)
    assert (await client.get(ADDRESS)).status_code == 404
    await put(client, workflow("hello", says("hi")))
    before = await client.get(ADDRESS)
    assert (await patch(client, {"spec": {"description": "x"}}, params=dry)).json()["metadata"]["generation"] == 2
    assert (await client.put(ADDRESS, json=workflow("hello"), params=dry)).status_code == 422
    after = await client.get(ADDRESS)
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])


async def test_the_history_comes_in_pages_and_outlives_the_definition(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await put(client, workflow("hello", says(str(number))))
    await client.delete(ADDRESS)
    seen: list[int] = []
    after = ""
    for size in (2, 2, 1):
        page = (await client.get(f"{ADDRESS}/history", params={"limit": 2, "continue": after})).json()
        assert len(page["items"]) == size
        assert page["items"][0]["status"]["appliedBy"] == "user:ann"
        seen += [version["metadata"]["generation"] for version in page["items"]]
        after = page["metadata"]["continue"]
    assert (seen, after) == ([5, 4, 3, 2, 1], "")
    assert (await client.get(f"{WORKFLOWS}/nobody/history")).status_code == 404
    assert (await client.get(f"{ADDRESS}/history", params={"continue": "x"})).status_code == 400


async def test_what_a_file_defines_names_its_file_and_what_is_wrong_there(
    client: httpx.AsyncClient, node: Node
) -> None:
    await definitions.apply(SYSTEM, node.world, workflow("hello", says("hi")), manager=FILE)
    problem = Problem(message="unknown key", path="spec.x", file="/a.yaml", line=7)
    key = ("default", "Workflow", "hello")
    await node.world.origins.claim([Origin(key=key, follower="", file="/a.yaml", line=3, problems=(problem,))])
    for body in ((await client.get(ADDRESS)).json(), (await client.get(WORKFLOWS)).json()["items"][0]):
        assert (body["status"]["file"], body["status"]["manager"]) == ("/a.yaml:3", "file")
        assert [(each["file"], each["line"]) for each in body["status"]["problems"]] == [("/a.yaml", 7)]
    for answer in (
        await client.delete(ADDRESS),
        await patch(client, {"spec": {"description": "x"}}),
        await client.put(ADDRESS, json=workflow("hello", says("x"))),
    ):
        assert (answer.status_code, "/a.yaml:3" in answer.json()["detail"]) == (409, True)
    assert (await patch(client, {"spec": {"description": "x"}}, params={"takeOver": "true"})).status_code == 200
    assert (await client.delete(ADDRESS)).status_code == 204


async def test_of_two_files_that_define_the_same_the_one_that_does_not_count_has_the_problem(
    client: httpx.AsyncClient, node: Node
) -> None:
    twice = Problem(message="in two files", file="/d/dup.yaml", line=3)
    away = Problem(message="there is no such file", file="/away")
    rows = [
        Origin(key=("default", "Workflow", "a"), follower="", file="/d/sub/a.yaml", line=3, problems=(twice,)),
        Origin(key=("default", "Workflow", "b"), follower="", file="/away/b.yaml", line=1, problems=(away,)),
    ]
    await node.world.origins.claim(rows)
    listed = (await client.get("/api/v1/files")).json()["items"]
    assert [
        (
            each["metadata"]["name"],
            len(each["status"]["defines"]),
            [one["message"] for one in each["status"]["problems"]],
        )
        for each in listed
    ] == [
        ("/away/b.yaml", 1, ["there is no such file"]),
        ("/d/dup.yaml", 0, ["in two files"]),
        ("/d/sub/a.yaml", 1, []),
    ]


async def test_a_delete_may_take_over(client: httpx.AsyncClient, node: Node) -> None:
    await definitions.apply(SYSTEM, node.world, workflow("hello", says("hi")), manager="git")
    refused = await client.delete(ADDRESS)
    assert (refused.status_code, "git" in refused.json()["detail"]) == (409, True)
    assert (await client.delete(ADDRESS, params={"takeOver": "true"})).status_code == 204


async def test_a_trigger_is_switched_by_a_patch(client: httpx.AsyncClient) -> None:
    await put(client, trigger("t"))
    switched = await patch(client, {"spec": {"enabled": False}}, f"{TRIGGERS}/t")
    assert (switched.status_code, switched.json()["spec"]["enabled"]) == (200, False)


async def test_a_put_says_whether_anything_came_of_it(client: httpx.AsyncClient) -> None:
    async def result(body: dict[str, Any], **params: str) -> str:
        return str((await client.put(ADDRESS, json=body, params=params)).headers["Ensue-Result"])

    first, second = workflow("hello", says("hi")), workflow("hello", says("ho"))
    assert await result(first, dryRun="true") == "created"
    assert await result(first) == "created"
    assert await result(first) == "unchanged"
    assert await result(second, dryRun="true") == "configured"
    assert await result(second) == "configured"
