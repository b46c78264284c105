"""What a server counts, as Prometheus reads it."""

import json
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from ensue.app import Node
from tests.api.conftest import EVENTS, ended, put, says, started, trigger, workflow
from tests.api.test_hooks import HOOK, PUSH, ready, signed, stranger, watchful
from tests.operations.places import Place
from tests.runtime.sites import eventually

__all__ = ["ready", "stranger", "watchful"]


async def metrics(client: httpx.AsyncClient) -> dict[str, Any]:
    """Samples by their name and labels."""
    answer = await client.get("/metrics")
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    return {
        sample.name + "".join(f" {value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def send(client: httpx.AsyncClient, namespace: str = "default", **given: Any) -> httpx.Response:
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/t", "ce-type": "t", **given}
    return await client.post(EVENTS.replace("default", namespace), headers=headers)


async def test_events_and_what_was_concluded_are_counted(client: httpx.AsyncClient) -> None:
    await put(client, workflow("hello", says("hi")))
    for name, filter_ in (
        ("yes", "true"),
        ("no", 'event.type == "t" && event.id == "x"'),
        ("odd", "int(event.type) > 1"),
    ):
        await put(client, trigger(name, filter={"cel": filter_}))
    for id in ("1", "2", "2"):
        assert (await send(client, **{"ce-id": id})).status_code == 202
    found = await metrics(client)
    assert found["ensue_events_total default stored events"] == 2
    assert found["ensue_events_total default duplicate events"] == 1
    assert found["ensue_verdicts_total default yes yes"] == 2
    assert found["ensue_verdicts_total default odd could not tell"] == 2
    assert found["ensue_decisions_total fired default  yes"] == 2
    assert found["ensue_decisions_total undecided default FilterFailed odd"] == 2
    assert found["ensue_intake_seconds_count"] == 3
    assert found["ensue_intake_seconds_bucket +Inf"] == 3
    assert found["ensue_commit_events_sum"] >= 3


async def test_the_ends_of_runs_and_attempts_are_counted(client: httpx.AsyncClient) -> None:
    fails = {"name": "f", "type": "fail", "with": {"message": "no"}, "dependsOn": [{"step": "say"}]}
    await ended(client, await started(client, workflow("w", says("hi"), fails)))
    found = await metrics(client)
    assert found["ensue_steps_total inline succeeded"] == 1
    assert found["ensue_steps_total inline failed"] == 1


async def test_what_is_refused_is_counted_with_its_reason(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    assert (await stranger.post(HOOK, **signed(b"{}", "wrong"))).status_code == 401
    assert (await stranger.post(HOOK, **signed(b"{"))).status_code == 400
    assert (await stranger.post(HOOK, content=b"{}")).status_code == 401
    assert (await stranger.post("/hooks/nobody")).status_code == 404
    assert (await stranger.post(HOOK, **signed(b"{}"))).status_code == 202
    assert (await ready.post(EVENTS, json={})).status_code == 400
    found = await metrics(ready)
    title = "Trigger/on-push/hook"
    refused = {name: value for name, value in found.items() if name.startswith("ensue_events_refused_total")}
    assert refused == {
        f"ensue_events_refused_total default SignatureWrong {title}": 1,
        f"ensue_events_refused_total default SignatureMissing {title}": 1,
        f"ensue_events_refused_total default Unreadable {title}": 1,
        "ensue_events_refused_total  not_found ": 1,
        "ensue_events_refused_total  invalid_input events": 1,
    }
    assert found[f"ensue_events_total default stored {title}"] == 1


async def test_names_that_senders_make_up_are_no_labels(ready: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    for number in range(20):
        assert (await send(ready, f"made-up-{number}")).status_code == 202
        assert (await stranger.post(f"/hooks/made-up-{number}/path-{number}")).status_code == 404
    text = (await ready.get("/metrics")).text
    assert ("made-up" in text, "path-" in text) == (False, False)
    assert (await metrics(ready))["ensue_events_total  stored events"] == 20


async def test_events_of_default_have_its_name_before_anything_is_defined(client: httpx.AsyncClient) -> None:
    assert (await send(client, "default")).status_code == 202
    assert (await metrics(client))["ensue_events_total default stored events"] == 1


async def test_what_waits_is_shown(client: httpx.AsyncClient) -> None:
    await started(client, workflow("sleeper", {"name": "s", "type": "wait", "with": {"for": "1h"}}))
    await put(client, workflow("hello", says("hi")))
    await put(client, trigger("slow", debounce={"for": "1h"}))
    await send(client)
    found = await metrics(client)
    assert found["ensue_open_runs Running"] + found.get("ensue_open_runs Waiting", 0) >= 1
    assert found["ensue_held_events"] == 1
    assert found["ensue_held_bytes"] == 0
    assert "ensue_untold_runs" in found
    assert [name for name in found if name.startswith("ensue_build_info")]


async def test_what_a_debounce_lets_go_is_counted_as_what_became_of_it(client: httpx.AsyncClient, node: Node) -> None:
    await put(client, workflow("hello", says("hi")))
    await put(client, trigger("slow", debounce={"for": "1h"}))
    for id in ("1", "2"):
        await send(client, **{"ce-id": id})
    await Place(node=node).make_due()
    node.world.wakeup.notify("timers")

    async def counts() -> dict[str, float]:
        found = await metrics(client)
        return {name: count for name, count in found.items() if name.startswith("ensue_decisions_total")}

    fired = "ensue_decisions_total fired default  slow"

    async def is_let_go() -> bool:
        return fired in await counts()

    await eventually(is_let_go)
    assert await counts() == {
        "ensue_decisions_total held default Debounced slow": 2,
        "ensue_decisions_total notFired default Superseded slow": 1,
        fired: 1,
    }


async def test_metrics_need_a_token_and_are_spoken_as_openmetrics_too(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    assert (await stranger.get("/metrics", headers={"Host": "localhost"})).status_code == 401
    answer = await ready.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_a_source_and_its_trigger_are_named(ready: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    assert (await stranger.post(HOOK, **signed(json.dumps(PUSH).encode()))).status_code == 202
    found = await metrics(ready)
    assert found["ensue_events_total default stored Trigger/on-push/hook"] == 1
    assert found["ensue_decisions_total fired default  on-push"] == 1
