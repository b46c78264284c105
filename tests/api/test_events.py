"""Events over HTTP: what comes in, the feed, what was decided."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ensue.api import holding, requests
from ensue.clients import cloudevents
from tests.api.conftest import EVENTS, RUNS, ended, put, says, trigger, workflow

Item = dict[str, Any]
BINARY = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/shop", "ce-type": "order.paid"}


def item(id: str = "1", **more: Any) -> Item:
    return {"specversion": "1.0", "id": id, "source": "/shop", "type": "order.paid", **more}


def structured(content: object) -> dict[str, Any]:
    return {"content": json.dumps(content), "headers": {"Content-Type": cloudevents.STRUCTURED}}


async def sent(client: httpx.AsyncClient, content: Item) -> str:
    answer = await client.post(EVENTS, **structured(content))
    assert answer.status_code == 202, answer.text
    (only,) = answer.json()["items"]
    return str(only["id"])


@pytest.fixture
async def ready(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A server with the trigger `on-paid`, which starts the workflow `hello`."""
    await put(client, workflow("hello", says("hi")))
    await put(client, trigger("on-paid", filter={"cel": 'event.type == "order.paid" && event.data.amount > 10'}))
    return client


@pytest.mark.parametrize(
    ("request_", "spec"),
    [
        (structured(item(data={"a": 1})), {"data": {"a": 1}}),
        (structured(item(subject="17", mine=True)), {"subject": "17", "mine": True}),
        (structured(item(data=None)), {"data": None}),
        (structured(item(data_base64="/w==")), {"data_base64": "/w=="}),
        (structured(item(time="2026-05-04T10:00:00.1234567+02:00")), {"time": "2026-05-04T10:00:00.1234567+02:00"}),
        ({"content": b"", "headers": BINARY}, {}),
        (
            {"content": b'{"a": 1}', "headers": {**BINARY, "Content-Type": "application/json"}},
            {"datacontenttype": "application/json", "data": {"a": 1}},
        ),
        (
            {"content": b"hello", "headers": {**BINARY, "Content-Type": "text/plain"}},
            {"datacontenttype": "text/plain", "data": "hello"},
        ),
        (
            {"content": b"\xff", "headers": {**BINARY, "Content-Type": "image/png"}},
            {"datacontenttype": "image/png", "data_base64": "/w=="},
        ),
    ],
)
async def test_an_event_is_read_as_it_was_sent(
    client: httpx.AsyncClient, request_: dict[str, Any], spec: dict[str, Any]
) -> None:
    answer = await client.post(EVENTS, **request_)
    assert answer.status_code == 202, answer.text
    (only,) = answer.json()["items"]
    assert only["duplicate"] is False
    found = (await client.get(f"{EVENTS}/{only['id']}")).json()
    assert found["kind"] == "Event"
    assert found["spec"] == item() | spec
    assert found["status"]["source"] == "events"


async def test_a_repeat_is_answered_as_the_first_was(client: httpx.AsyncClient) -> None:
    first = (await client.post(EVENTS, **structured(item()))).json()["items"][0]
    again = (await client.post(EVENTS, **structured(item(data="other")))).json()["items"][0]
    assert (again["id"], again["duplicate"]) == (first["id"], True)


async def test_a_batch_is_answered_in_its_order(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": cloudevents.BATCHED}
    content = json.dumps([item("1"), item("2"), item("1")])
    items = (await client.post(EVENTS, content=content, headers=headers)).json()["items"]
    assert [each["duplicate"] for each in items] == [False, False, True]
    assert items[0]["id"] == items[2]["id"] != items[1]["id"]
    assert (await client.post(EVENTS, content="[]", headers=headers)).json() == {"items": []}


async def test_nothing_of_a_batch_is_kept_when_one_is_wrong(client: httpx.AsyncClient) -> None:
    content = json.dumps([item("1"), item("2", type="")])
    answer = await client.post(EVENTS, content=content, headers={"Content-Type": cloudevents.BATCHED})
    assert (answer.status_code, "event 1: the attribute type" in answer.json()["detail"]) == (400, True)
    assert (await client.get(EVENTS)).json()["items"] == []


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ({"json": {"order": 17}}, 400, ["no CloudEvent"]),
        ({"content": b""}, 400, ["no CloudEvent"]),
        ({"content": b"{}", "headers": {"ce-id": "1"}}, 400, ["source", "specversion", "type"]),
        (structured(item(specversion="0.3", time="today")), 400, ["specversion", "time"]),
        (structured({}), 400, ["id", "source", "type"]),
        (structured([]), 400, ["JSON object"]),
        ({"content": b"{", "headers": {"Content-Type": cloudevents.STRUCTURED}}, 400, ["no JSON"]),
        ({"content": b"x", "headers": {"Content-Type": "application/cloudevents+xml"}}, 415, ["not understood"]),
        (structured(item(id="i" * 1025)), 400, ["id"]),
        (structured(item(data=float("inf"))), 400, ["JSON"]),
        ({"content": b"1e999", "headers": {**BINARY, "Content-Type": "application/json"}}, 400, ["JSON"]),
        ({"content": b'"\\ud800"', "headers": {**BINARY, "Content-Type": "application/json"}}, 400, ["character"]),
        (
            {"content": b"[" * 101 + b"]" * 101, "headers": {**BINARY, "Content-Type": "application/json"}},
            400,
            ["100 levels"],
        ),
        (
            {"content": b"[" * 100_000, "headers": {**BINARY, "Content-Type": "application/json"}},
            400,
            ["deep"],
        ),
    ],
)
async def test_what_is_no_event_is_a_problem_that_says_what_is_wrong(
    client: httpx.AsyncClient, request_: dict[str, Any], status: int, words: list[str]
) -> None:
    answer = await client.post(EVENTS, **request_)
    assert answer.status_code == status, answer.text
    assert [word for word in words if word not in answer.json()["detail"]] == []
    assert (await client.get(EVENTS)).json()["items"] == []


async def test_plain_json_is_told_what_to_send(client: httpx.AsyncClient) -> None:
    remedy = (await client.post(EVENTS, json={"order": 17})).json()["remedy"]
    assert "ce-specversion" in remedy
    assert cloudevents.STRUCTURED in remedy


async def test_a_message_may_be_as_large_as_the_setting_says(client: httpx.AsyncClient, application: Any) -> None:
    assert (await client.post(EVENTS, **structured(item("big", data="x" * 65536)))).status_code == 202
    application.state.event_bytes = 1000
    answer = await client.post(EVENTS, **structured(item("bigger", data="x" * 1000)))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_who_comes_too_many_is_asked_to_come_again(client: httpx.AsyncClient, application: Any) -> None:
    application.state.gate = holding.Gate(most=holding.EACH + 1000)
    assert (await client.post(EVENTS, **structured(item("1", data="x" * 2000)))).status_code == 503
    answers = await asyncio.gather(*(client.post(EVENTS, **structured(item(str(number)))) for number in range(5)))
    assert {answer.status_code for answer in answers} == {202, 503}
    assert {answer.headers.get("Retry-After") for answer in answers if answer.status_code == 503} == {"1"}
    assert (await client.post(EVENTS, **structured(item("last")))).status_code == 202


async def test_a_body_that_does_not_come_is_not_waited_for(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    monkeypatch.setattr(requests, "READ_SECONDS", 0.05)
    answer = await client.post(EVENTS, content=chunks(), headers=BINARY)
    assert (answer.status_code, answer.json()["code"]) == (408, "too_slow")


async def test_nobody_else_may_mark_an_event_as_a_replay(client: httpx.AsyncClient) -> None:
    uid = await sent(client, item(ensuereplayof="another"))
    assert (await client.get(f"{EVENTS}/{uid}")).json()["spec"] == item()


async def names(client: httpx.AsyncClient, **query: Any) -> tuple[list[str], str]:
    page = (await client.get(EVENTS, params=query)).json()
    return [each["metadata"]["name"] for each in page["items"]], page["metadata"]["continue"]


async def test_events_are_listed_newest_first_page_by_page(client: httpx.AsyncClient) -> None:
    all_sent = [await sent(client, item(str(number))) for number in range(3)]
    page, after = await names(client, limit=2)
    rest, end = await names(client, limit=2, **{"continue": after})
    assert (page + rest, end) == (all_sent[::-1], "")


async def test_the_feed_can_be_read_on_when_more_has_come(client: httpx.AsyncClient) -> None:
    first = await sent(client, item("1"))
    page, after = await names(client, order="stored")
    second = await sent(client, item("2"))
    rest, end = await names(client, order="stored", **{"continue": after})
    assert (page, rest) == ([first], [second])
    assert await names(client, order="stored", **{"continue": end}) == ([], end)


async def test_events_of_other_namespaces_are_listed_across_all_alone(client: httpx.AsyncClient) -> None:
    uid = await sent(client, item())
    other = "/api/v1/namespaces/blue/events"
    assert (await client.post(other, **structured(item()))).json()["items"][0]["duplicate"] is False
    assert len((await client.get("/api/v1/events")).json()["items"]) == 2
    assert len((await client.get(other)).json()["items"]) == 1
    assert (await client.get(f"{other}/{uid}")).status_code == 404
    assert (await client.get(EVENTS, params={"continue": "x"})).status_code == 400


async def test_an_event_starts_a_run_and_says_why(ready: httpx.AsyncClient) -> None:
    uid = await sent(ready, item(data={"amount": 40}))
    (decision,) = (await ready.get(f"{EVENTS}/{uid}/decisions")).json()["items"]
    assert (decision["trigger"]["name"], decision["conclusion"], decision["answer"]) == ("on-paid", "fired", "yes")
    assert {"clause": "event.data.amount > 10", "values": {"event.data.amount": 40}} in decision["because"]
    run = await ended(ready, f"{RUNS}/{decision['run']['name']}")
    assert run["status"]["state"] == "Succeeded"
    assert (run["spec"]["triggerRef"], run["spec"]["eventRef"]) == ({"name": "on-paid"}, {"uid": uid})


async def test_a_trigger_that_did_not_fire_is_explained_with_the_clause_that_decided(ready: httpx.AsyncClient) -> None:
    uid = await sent(ready, item(data={"amount": 4}))
    (decision,) = (await ready.get(f"{EVENTS}/{uid}/explain")).json()["items"]
    assert (decision["conclusion"], decision["reason"], "run" in decision) == ("notFired", "Filter", False)
    assert decision["because"] == [{"clause": "event.data.amount > 10", "values": {"event.data.amount": 4}}]
    other = await sent(ready, item("2", type="order.sent"))
    assert (await ready.get(f"{EVENTS}/{other}/decisions")).json()["items"] == []
    (decision,) = (await ready.get(f"{EVENTS}/{other}/explain")).json()["items"]
    assert decision["because"] == [{"clause": 'event.type == "order.paid"', "values": {"event.type": "order.sent"}}]


async def test_a_filter_that_could_not_tell_says_so(ready: httpx.AsyncClient) -> None:
    uid = await sent(ready, item(data={}))
    (decision,) = (await ready.get(f"{EVENTS}/{uid}/decisions")).json()["items"]
    assert (decision["conclusion"], decision["answer"]) == ("undecided", "could not tell")
    assert "amount" in decision["error"]


async def test_a_replay_is_a_new_event_that_names_the_first(ready: httpx.AsyncClient) -> None:
    uid = await sent(ready, item(data={"amount": 40}))
    answer = await ready.post(f"{EVENTS}/{uid}/replay", json={"trigger": "on-paid"})
    assert answer.status_code == 202
    found = (await ready.get(f"{EVENTS}/{answer.json()['id']}")).json()
    assert (found["status"]["replayOf"], found["spec"]["data"]) == (uid, {"amount": 40})
    (decision,) = (await ready.get(f"{EVENTS}/{answer.json()['id']}/decisions")).json()["items"]
    assert decision["conclusion"] == "fired"
    assert (await ready.post(f"{EVENTS}/{uid}/replay")).status_code == 202
    assert (await ready.post(f"{EVENTS}/{uid}/replay", json={"trigger": "none"})).status_code == 404
    assert (await ready.post(f"{EVENTS}/{uid}/replay", json={"triger": "x"})).status_code == 400


async def test_the_beginning_of_an_id_will_do_for_people(ready: httpx.AsyncClient) -> None:
    uid = await sent(ready, item(data={"amount": 40}))
    short = uid[:-4]
    assert (await ready.get(f"{EVENTS}/{short}")).json()["metadata"]["uid"] == uid
    for path in ("decisions", "explain"):
        found, wanted = [(await ready.get(f"{EVENTS}/{name}/{path}")).json() for name in (short, uid)]
        assert found == wanted != {"items": []}
    replayed = (await ready.post(f"{EVENTS}/{short}/replay")).json()["id"]
    assert (await ready.get(f"{EVENTS}/{replayed}")).json()["status"]["replayOf"] == uid
    several = await ready.get(f"{EVENTS}/{uid[:8]}")
    assert (several.status_code, several.json()["remedy"]) == (400, "give more of the id")
    assert uid in several.json()["detail"]


@pytest.mark.parametrize("path", ["", "/decisions", "/explain"])
async def test_an_event_that_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"{EVENTS}/none{path}")).status_code == 404
    assert (await client.post(f"{EVENTS}/none/replay")).status_code == 404
