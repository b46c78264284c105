"""Runs over HTTP."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.conftest import RUNS, WORKFLOWS, ended, put, says, sleeps, started, workflow


async def test_a_run_is_started_and_read_to_its_end(client: httpx.AsyncClient) -> None:
    body = workflow("hello", says("hi"), parameters=[{"name": "to", "default": "all"}])
    address = await started(client, body, parameters={"to": "Ann"}, labels={"team": "red"})
    run = await ended(client, address)
    assert (run["apiVersion"], run["kind"]) == ("ensue.dev/v1alpha1", "Run")
    assert address == f"{RUNS}/{run['metadata']['name']}"
    assert run["metadata"]["labels"] == {"team": "red"}
    assert run["spec"] == {"workflowRef": {"name": "hello"}, "parameters": {"to": "Ann"}}
    assert (run["status"]["state"], run["status"]["startedBy"]) == ("Succeeded", "user:ann")
    (step,) = run["status"]["steps"]
    assert (step["name"], step["state"], step["attempt"], step["engine"]) == ("say", "Succeeded", 1, "inline")
    assert "item" not in step
    by_uid = await client.get(f"{RUNS}/{run['metadata']['uid']}")
    assert by_uid.json() == run


async def test_an_idempotency_key_makes_two_requests_one_run(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi")))
    body, headers = {"workflow": "hello"}, {"Idempotency-Key": "one"}
    first, second = [await client.post(RUNS, json=body, headers=headers) for _ in range(2)]
    assert first.headers["Location"] == second.headers["Location"]
    await put(client, workflow("other", says("hi")))
    other = await client.post(RUNS, json={"workflow": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert len((await client.get(RUNS)).json()["items"]) == 1


async def test_a_repeat_is_answered_whatever_became_of_the_workflow(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi"), parameters=[{"name": "to"}]))
    body, headers = {"workflow": "hello", "parameters": {"to": "Ann"}}, {"Idempotency-Key": "one"}
    first = await client.post(RUNS, json=body, headers=headers)
    assert first.status_code == 201
    await put(client, workflow("hello", says("hi"), parameters=[{"name": "from", "required": True}]))
    changed = await client.post(RUNS, json=body, headers=headers)
    await client.delete(f"{WORKFLOWS}/hello")
    deleted = await client.post(RUNS, json=body, headers=headers)
    assert [answer.headers.get("Location") for answer in (changed, deleted)] == [first.headers["Location"]] * 2


@pytest.mark.parametrize(
    "other",
    [
        {"parameters": {}},
        {"parameters": {"count": 2}},
        {"parameters": {"count": 1, "to": "all"}},
        {"labels": {}},
        {"labels": {"team": "blue"}},
        {"workflow": "none"},
    ],
)
async def test_a_key_used_for_another_request_is_a_conflict(client: httpx.AsyncClient, other: dict[str, Any]) -> None:
    parameters = [{"name": "count", "type": "integer", "default": 1}, {"name": "to", "default": "all"}]
    await put(client, workflow("hello", says("hi"), parameters=parameters))
    body = {"workflow": "hello", "parameters": {"count": 1}, "labels": {"team": "red"}}
    headers = {"Idempotency-Key": "one"}
    assert (await client.post(RUNS, json=body, headers=headers)).status_code == 201
    answer = await client.post(RUNS, json=body | other, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert len((await client.get(RUNS)).json()["items"]) == 1


async def test_of_two_requests_at_once_with_one_key_one_is_a_conflict(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi"), parameters=[{"name": "to", "default": "all"}]))
    bodies = [{"workflow": "hello", "parameters": {"to": name}} for name in ("Ann", "Bob")]
    starts = [client.post(RUNS, json=body, headers={"Idempotency-Key": "one"}) for body in bodies]
    assert sorted([answer.status_code for answer in await asyncio.gather(*starts)]) == [201, 409]


async def until_step(client: httpx.AsyncClient, address: str, name: str, state: str) -> None:
    async with asyncio.timeout(60):
        while (await _steps(client, address))[name] != state:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _steps(client: httpx.AsyncClient, address: str) -> dict[str, str]:
    return {step["name"]: step["state"] for step in (await client.get(address)).json()["status"]["steps"]}


async def begun(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
    """The address of a run whose one step sleeps."""
    address = await started(client, body)
    await until_step(client, address, "sleep", "Waiting")
    return address


async def test_a_long_poll_ends_with_its_time_or_with_the_run(client: httpx.AsyncClient) -> None:
    address = await begun(client, workflow("slow", sleeps()))
    waiting = await client.get(address, params={"waitSeconds": 0.05})
    assert waiting.json()["status"]["state"] == "Running"
    poll = asyncio.create_task(client.get(address, params={"waitSeconds": 30}))
    await asyncio.sleep(0.05)
    assert (await client.post(f"{address}/cancel")).status_code == 202
    assert (await poll).json()["status"]["state"] == "Cancelled"
    assert (await client.get(address, params={"waitSeconds": 61})).status_code == 400


async def test_a_long_poll_ends_when_the_server_does(client: httpx.AsyncClient, application: Any) -> None:
    address = await begun(client, workflow("slow", sleeps()))
    poll = asyncio.create_task(client.get(address, params={"waitSeconds": 60}))
    await asyncio.sleep(0.05)
    application.state.closing.set()
    assert (await asyncio.wait_for(poll, 40)).json()["status"]["state"] == "Running"


async def test_cancel_runs_finally_and_force_does_not(client: httpx.AsyncClient) -> None:
    body = workflow("slow", sleeps(), **{"finally": [says("bye", "bye")]})
    address = await started(client, body)
    await client.post(f"{address}/cancel")
    assert await _states(client, address) == ("Cancelled", {"sleep": "Cancelled", "bye": "Succeeded"})
    assert (await client.post(f"{address}/cancel")).status_code == 409
    address = await started(client, body)
    await client.post(f"{address}/cancel", json={"force": True})
    assert await _states(client, address) == ("Cancelled", {"sleep": "Cancelled", "bye": "Cancelled"})


async def _states(client: httpx.AsyncClient, address: str) -> tuple[str, dict[str, str]]:
    status = (await ended(client, address))["status"]
    return status["state"], {step["name"]: step["state"] for step in status["steps"]}


async def test_a_paused_run_starts_nothing_until_it_is_resumed(client: httpx.AsyncClient) -> None:
    address = await started(client, workflow("two", {"name": "ask", "approval": {}}, says("hi", dependsOn=["ask"])))
    await until_step(client, address, "ask", "Waiting")
    assert (await client.post(f"{address}/pause")).status_code == 200
    approval = f"{address.replace('/runs/', '/approvals/')}.ask"
    assert (await client.post(f"{approval}/approve", json={})).status_code == 200
    await until_step(client, address, "ask", "Succeeded")
    paused = (await client.get(address)).json()["status"]
    assert (paused["state"], paused["reason"]) == ("Waiting", "Paused")
    assert {step["name"]: step["reason"] for step in paused["steps"]} == {"ask": "", "say": "Paused"}
    assert (await client.post(f"{address}/resume")).status_code == 200
    assert (await ended(client, address))["status"]["state"] == "Succeeded"


async def test_explain_says_what_a_run_waits_for(client: httpx.AsyncClient) -> None:
    address = await started(client, workflow("slow", sleeps(), says("hi", dependsOn=["sleep"])))
    await asyncio.sleep(0.2)
    found = (await client.get(f"{address}/explain")).json()["items"]
    assert [item["subject"] for item in found[1:]] == ["sleep", "say"]
    assert "it waits for sleep to end" in found[2]["text"]


async def test_a_log_is_lines_of_json(client: httpx.AsyncClient) -> None:
    address = await started(
        client, workflow("hello", says("one\ntwo\n\u2028three"), says("four", "other", dependsOn=["say"]))
    )
    await ended(client, address)
    whole = await client.get(f"{address}/log")
    assert whole.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in whole.text.split("\n") if line]
    assert [(line["step"], line["text"]) for line in lines] == [
        ("say", "one"),
        ("say", "two"),
        ("say", "\u2028three"),
        ("other", "four"),
    ]
    assert {"step", "attempt", "time", "stream", "text", "offset"} == set(lines[0])
    assert (await client.get(f"{address}/steps/other/log")).text == json.dumps(lines[3], ensure_ascii=False) + "\n"
    for follow in ("false", "true"):
        tail = await client.get(f"{address}/log", params={"tail": 1, "follow": follow})
        assert json.loads(tail.text) == lines[3]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await client.get(f"{address}/log", params={"since": later})).text == ""


async def test_a_followed_log_comes_while_the_run_goes_on(client: httpx.AsyncClient) -> None:
    address = await started(client, workflow("slow", says("first"), sleeps(dependsOn=["say"])))
    follow = asyncio.create_task(client.get(f"{address}/log", params={"follow": "true"}))
    await until_step(client, address, "say", "Succeeded")
    await asyncio.sleep(0.2)
    assert not follow.done()
    await client.post(f"{address}/cancel")
    assert json.loads((await follow).text.splitlines()[0])["text"] == "first"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/steps/none/log", 404),
        ("/log?since=yesterday", 400),
        ("/log?since=2026-01-01T00:00:00", 400),
        ("/log?tail=-1", 400),
    ],
)
async def test_a_log_that_cannot_be_read_is_a_problem(client: httpx.AsyncClient, path: str, status: int) -> None:
    address = await started(client, workflow("hello", says("hi")))
    answer = await client.get(f"{address}{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_runs_are_listed_newest_first_in_pages_and_selected(client: httpx.AsyncClient) -> None:
    await put(client, workflow("other", says("hi")))
    for number in range(3):
        await ended(client, await started(client, workflow("hello", says("hi")), labels={"number": str(number)}))
    await ended(client, (await client.post(RUNS, json={"workflow": "other"})).headers["Location"])
    first = (await client.get(RUNS, params={"limit": 3})).json()
    rest = (await client.get(RUNS, params={"limit": 3, "continue": first["metadata"]["continue"]})).json()
    names = [run["spec"]["workflowRef"]["name"] for run in first["items"] + rest["items"]]
    assert names == ["other", "hello", "hello", "hello"]
    assert rest["metadata"]["continue"] == ""
    assert "steps" not in first["items"][0]["status"]

    async def count(**query: str) -> int:
        return len((await client.get(RUNS, params=query)).json()["items"])

    assert await count(labelSelector="number=1") == 1
    assert await count(fieldSelector="spec.workflowRef=hello") == 3
    assert await count(fieldSelector="status.state=succeeded,spec.workflowRef=other") == 1
    assert await count(fieldSelector="status.state=Failed") == 0


async def test_namespaces_are_apart_and_a_list_may_be_of_all(client: httpx.AsyncClient) -> None:
    await client.put("/api/v1/namespaces/blue/workflows/hello", json=workflow("hello", says("hi")))
    answer = await client.post("/api/v1/namespaces/blue/runs", json={"workflow": "hello"})
    name = answer.json()["metadata"]["name"]
    assert (await client.get(RUNS)).json()["items"] == []
    assert [run["metadata"]["namespace"] for run in (await client.get("/api/v1/runs")).json()["items"]] == ["blue"]
    assert (await client.get(f"{RUNS}/{name}")).status_code == 404
    assert (await client.post("/api/v1/runs", json={"workflow": "hello"})).status_code == 404


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_input"),
        ("continue=nonsense", "invalid_input"),
        ("labelSelector=a", "invalid_input"),
        ("labelSelector=a!=b", "invalid_input"),
        ("fieldSelector=status.mood=good", "invalid_input"),
        ("fieldSelector=status.state=Happy", "invalid_input"),
    ],
)
async def test_a_list_that_is_asked_for_wrongly_says_so(client: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await client.get(f"{RUNS}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "invalid_input"),
        ("[]", 400, "invalid_input"),
        ('{"workflow": NaN}', 400, "invalid_input"),
        ('{"workflow": "hello", "labels": {"a": "\\ud800"}}', 400, "invalid_input"),
        ('{"workflow": "hello", "labels": {"a": "x\\u0000"}}', 400, "invalid_input"),
        ('{"workflow": "hello", "labels": {"": "x"}}', 400, "invalid_input"),
        ("[" * 100_000, 400, "invalid_input"),
        ("{}", 400, "invalid_input"),
        ('{"workflow": "hello", "extra": 1}', 400, "invalid_input"),
        ('{"workflow": "none"}', 404, "not_found"),
        ('{"workflow": "hello"}', 422, "invalid_parameters"),
        ('{"workflow": "hello", "parameters": {"count": "many"}}', 422, "invalid_parameters"),
        ('{"workflow": "hello", "parameters": {"count": 1, "other": 1}}', 422, "invalid_parameters"),
    ],
)
async def test_a_start_that_is_wrong_starts_nothing(
    client: httpx.AsyncClient, body: str, status: int, code: str
) -> None:
    parameters = [{"name": "count", "type": "integer", "required": True}]
    await put(client, workflow("hello", says("hi"), parameters=parameters))
    answer = await client.post(RUNS, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await client.get(RUNS)).json()["items"] == []
