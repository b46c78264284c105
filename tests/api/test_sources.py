"""How sources and triggers are, over HTTP."""

from typing import Any

import httpx

from tests.api.conftest import put, trigger

SOURCES = "/api/v1/namespaces/default/sources"
TRIGGERS = "/api/v1/namespaces/default/triggers"
HOOK = {"name": "hook", "type": "webhook", "with": {"path": "in", "verify": {"type": "none"}}}


def source(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    return {
        "apiVersion": "ensue.dev/v1alpha1",
        "kind": "Source",
        "metadata": {"name": name},
        "spec": {"type": kind, "with": settings},
    }


async def test_a_source_is_explained_with_its_next_times(client: httpx.AsyncClient) -> None:
    await put(client, source("hourly", "cron", schedule="@hourly"))
    await put(client, trigger("t", {"name": "hourly", "ref": "hourly"}))
    found = (await client.get(f"{SOURCES}/hourly/explain")).json()
    assert {key: found[key] for key in ("kind", "namespace", "name", "key", "type", "state", "triggers")} == {
        "kind": "Source",
        "namespace": "default",
        "name": "hourly",
        "key": "Source/hourly",
        "type": "cron",
        "state": "Active",
        "triggers": ["t"],
    }
    assert len(found["nextTimes"]) == 5
    assert all(time.endswith(":00:00.000000Z") for time in found["nextTimes"])


async def test_the_second_claimant_of_a_path_is_explained_as_broken(client: httpx.AsyncClient) -> None:
    await put(client, trigger("first", HOOK))
    await put(client, trigger("second", HOOK))
    first, second = [(await client.get(f"{TRIGGERS}/{name}/explain")).json() for name in ("first", "second")]
    assert [(one["sources"][0]["state"], one["sources"][0]["hook"]) for one in (first, second)] == [
        ("Active", "http://localhost:8080/hooks/default/in"),
        ("Broken", "http://localhost:8080/hooks/default/in"),
    ]
    assert "belongs to trigger first" in second["sources"][0]["message"]


async def test_a_list_has_the_state_of_every_source_as_explain_says_it(client: httpx.AsyncClient) -> None:
    hook: dict[str, Any] = {"path": "in", "verify": {"type": "none"}}
    await put(client, source("hook", "webhook", **hook))
    await put(client, source("twice", "webhook", **hook))
    await put(client, source("taking", "cloudevents", **{**hook, "path": "other"}))
    await put(client, source("unseen", "cloudevents", **{**hook, "path": "third"}))
    await put(client, source("hourly", "cron", schedule="@hourly"))
    resting = source("resting", "cron", schedule="@hourly")
    await put(client, resting | {"spec": resting["spec"] | {"enabled": False}})
    names = ("hook", "twice", "taking", "hourly", "resting")
    await put(client, trigger("t", *({"name": name, "ref": name} for name in names)))
    listed = {each["metadata"]["name"]: each["status"] for each in (await client.get(SOURCES)).json()["items"]}
    states = {name: [one["state"] for one in status["sources"]] for name, status in listed.items()}
    assert states == {
        "hook": ["Active"],
        "twice": ["Broken"],
        "taking": ["Active"],
        "unseen": ["Unused"],
        "hourly": ["Active"],
        "resting": ["Disabled"],
    }
    for name, (state,) in states.items():
        assert (await client.get(f"{SOURCES}/{name}/explain")).json()["state"] == state
        assert (await client.get(f"{SOURCES}/{name}")).json()["status"] == listed[name]


async def test_what_is_not_there_is_not_explained(client: httpx.AsyncClient) -> None:
    for place in (SOURCES, TRIGGERS):
        answer = await client.get(f"{place}/none/explain")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_source_of_a_trigger_is_asked_of_the_trigger(client: httpx.AsyncClient) -> None:
    await put(client, trigger("first", HOOK))
    answer = await client.get(f"{SOURCES}/hook/explain")
    assert (answer.status_code, answer.json()["remedy"]) == (404, "ensue explain trigger first")
    assert "the trigger first has a source of that name, of its own" in answer.json()["detail"]
    await put(client, trigger("second", {**HOOK, "with": {"path": "other", "verify": {"type": "none"}}}))
    answer = await client.get(f"{SOURCES}/hook/explain")
    assert "the triggers first, second have sources of that name" in answer.json()["detail"]
    assert "trigger" not in (await client.get(f"{SOURCES}/nobody/explain")).json()["detail"]


async def test_an_object_says_the_whole_address_where_requests_come_in(
    client: httpx.AsyncClient, application: Any
) -> None:
    await put(client, source("shared", "webhook", path="other", verify={"type": "none"}))
    await put(client, trigger("own", HOOK, {"name": "shared", "ref": "shared"}))
    found = (await client.get(f"{TRIGGERS}/own")).json()
    assert found["status"]["addresses"] == ["http://localhost:8080/hooks/default/in"]
    application.state.url = "https://ensue.example.org"
    found = (await client.get(f"{SOURCES}/shared")).json()
    assert found["status"]["addresses"] == ["https://ensue.example.org/hooks/default/other"]
    (listed,) = (await client.get(SOURCES)).json()["items"]
    assert listed["status"]["addresses"] == found["status"]["addresses"]
