"""Running runs again over HTTP."""

from typing import Any

import httpx
import pytest

from tests.api.conftest import RUNS, ended, put, says, sleeps, started, trigger, workflow

FAILING = {"name": "bad", "type": "fail", "with": {"message": "no"}, "dependsOn": ["say"]}
PARAMETERS = [{"name": "to", "default": "all"}]


async def failed(client: httpx.AsyncClient) -> dict[str, Any]:
    body = workflow("hello", says("hi ${parameters.to}"), FAILING, parameters=PARAMETERS)
    return await ended(client, await started(client, body, parameters={"to": "Ann"}, labels={"team": "red"}))


def states(run: dict[str, Any]) -> list[tuple[str, str, str, int]]:
    steps = run["status"]["steps"]
    return [(each["name"], each["state"], each["reason"], each["attempt"]) for each in steps]


async def test_a_rerun_is_a_new_run_of_what_was_run_that_names_the_old_one(client: httpx.AsyncClient) -> None:
    old = await failed(client)
    await put(client, workflow("hello", says("changed")))
    answer = await client.post(f"{RUNS}/{old['metadata']['name']}/rerun")
    assert answer.status_code == 201, answer.text
    new = await ended(client, answer.headers["Location"])
    assert new["spec"] == old["spec"] | {"rerunOf": old["metadata"]["uid"]}
    assert new["metadata"]["labels"] == {"team": "red"}
    assert new["status"]["definitionHash"] == old["status"]["definitionHash"]
    assert states(new) == [("say", "Succeeded", "", 1), ("bad", "Failed", "Error", 1)]


@pytest.mark.parametrize("body", [{"failed": True}, {"from": "bad"}])
async def test_what_succeeded_need_not_run_again(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    old = await failed(client)
    answer = await client.post(f"{RUNS}/{old['metadata']['name']}/rerun", json=body)
    new = await ended(client, answer.headers["Location"])
    assert states(new)[0] == ("say", "Succeeded", "Reused", 0)
    assert states(new)[1][1:] == ("Failed", states(old)[1][2], 1)


async def test_parameters_may_be_given_anew(client: httpx.AsyncClient) -> None:
    old = await failed(client)
    path = f"{RUNS}/{old['metadata']['name']}/rerun"
    answer = await client.post(path, json={"parameters": {"to": "Bob"}})
    assert answer.json()["spec"]["parameters"] == {"to": "Bob"}
    wrong = await client.post(path, json={"parameters": {"two": "Bob"}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_parameters")


async def test_an_idempotency_key_makes_two_requests_one_rerun(client: httpx.AsyncClient) -> None:
    old = await failed(client)
    path, headers = f"{RUNS}/{old['metadata']['name']}/rerun", {"Idempotency-Key": "one"}
    first, second = [await client.post(path, headers=headers) for _ in range(2)]
    assert first.headers["Location"] == second.headers["Location"]
    other = await client.post(path, json={"failed": True}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({"from": "sey"}, 404, "say"),
        ({"from": "say", "failed": True}, 400, "leave one"),
        ({"form": "say"}, 400, ""),
        ({"failed": "yes"}, 400, ""),
    ],
)
async def test_what_cannot_be_run_again_is_said(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, word: str
) -> None:
    old = await failed(client)
    answer = await client.post(f"{RUNS}/{old['metadata']['name']}/rerun", json=body)
    assert (answer.status_code, word in answer.json().get("remedy", "")) == (status, True)


async def test_a_run_under_way_or_without_a_failure_is_a_conflict(client: httpx.AsyncClient) -> None:
    address = await started(client, workflow("slow", sleeps()))
    answer = await client.post(f"{address}/rerun")
    assert (answer.status_code, "ensue cancel" in answer.json()["remedy"]) == (409, True)
    await client.post(f"{address}/cancel", json={"force": True})
    address = await started(client, workflow("good", says("hi")))
    await ended(client, address)
    assert (await client.post(f"{address}/rerun", json={"failed": True})).status_code == 409
    assert (await client.post(f"{RUNS}/none/rerun")).status_code == 404


async def test_a_run_that_an_event_started_can_be_run_again(client: httpx.AsyncClient) -> None:
    act = {"name": "say", "type": "log", "with": {"message": "it is ${event.data.n}"}}
    await put(client, trigger("on", actions=[act]))
    item = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"n": 7}}
    await client.post("/api/v1/events", json=item, headers={"Content-Type": "application/cloudevents+json"})
    (old,) = (await client.get(RUNS)).json()["items"]
    await ended(client, f"{RUNS}/{old['metadata']['name']}")
    answer = await client.post(f"{RUNS}/{old['metadata']['name']}/rerun")
    new = await ended(client, answer.headers["Location"])
    assert (new["status"]["state"], new["spec"]["triggerRef"]) == ("Succeeded", {"name": "on"})
    assert new["spec"]["eventRef"] == old["spec"]["eventRef"]
