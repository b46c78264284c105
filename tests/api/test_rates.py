"""Who sends too often is told when to come again; nobody uses up the rate of somebody else."""

from typing import Any

import httpx
import pytest

from ensue.model.rate import Rate
from ensue.runtime.pacing import Paces
from tests.api.conftest import EVENTS, put
from tests.api.test_cloudevents import BEARER, HOOK, message, order, ready, stranger, watchful
from tests.api.test_hooks import source

__all__ = ["ready", "stranger", "watchful"]


class Still:
    """A clock that stands, so that nothing is earned."""

    def __call__(self) -> float:
        return 1000.0


@pytest.fixture(autouse=True)
def still(application: Any) -> None:
    application.state.paces = application.state.hooks._paces = Paces(clock=Still())


async def statuses(client: httpx.AsyncClient, place: str, count: int, **more: Any) -> list[int]:
    return [(await client.post(place, **more)).status_code for _ in range(count)]


async def test_a_webhook_with_a_rate_is_answered_429_beyond_it(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    given = {"path": "few", "verify": {"type": "none"}, "rate": {"limit": 2, "per": "1m", "burst": 3}}
    await put(ready, source("few", "few", **{"with": given}))
    assert await statuses(stranger, "/hooks/few", 4, json={}) == [202, 202, 202, 429]
    answer = await stranger.post("/hooks/few", json={})
    assert (answer.json()["code"], answer.headers["Retry-After"]) == ("rate_exceeded", "30")
    assert answer.json()["detail"] == "more than 2/1m sent to /hooks/default/few (the source's rate)"
    assert answer.json()["remedy"] == "try again in 30 s"


async def test_above_the_rate_of_a_setting_its_name_is_said(
    application: Any, ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    application.state.event_rate = application.state.hooks._rate = Rate(limit=1)
    await put(ready, source("one", "one"))
    said = [
        [await client.post(place, **message(order(), "binary")) for _ in range(2)][-1].json()["detail"]
        for client, place in ((stranger, "/hooks/one"), (ready, EVENTS))
    ]
    assert said == [
        "more than 1/1s sent to /hooks/default/one (ENSUE_HOOK_RATE)",
        "more than 1/1s sent to the API in namespace default (ENSUE_EVENT_RATE)",
    ]


async def test_what_is_not_from_the_sender_does_not_count(stranger: httpx.AsyncClient) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    assert set(await statuses(stranger, HOOK, 100, headers=wrong)) == {401}
    sent = message(order(), "binary")
    good = {"content": sent["content"], "headers": sent["headers"] | BEARER}
    assert await statuses(stranger, HOOK, 61, **good) == [202] * 60 + [429]


async def test_each_source_and_namespace_has_a_rate_of_its_own(
    application: Any, ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    application.state.event_rate = Rate(limit=1)
    application.state.hooks._rate = Rate(limit=1)
    for name in ("one", "two"):
        await put(ready, source(name, name))
    places = ["/hooks/one", "/hooks/two", EVENTS, EVENTS.replace("default", "other")]
    for place in places:
        client = ready if place.startswith("/api") else stranger
        assert await statuses(client, place, 2, **message(order(), "binary")) == [202, 429]


async def test_every_event_of_a_batch_counts(application: Any, ready: httpx.AsyncClient) -> None:
    application.state.event_rate = Rate(limit=3)
    text = message(order(), "structured")["content"].decode()
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    batch = {"content": f"[{text}, {text}]", "headers": headers}
    assert await statuses(ready, EVENTS, 2, **batch) == [202, 429]
    assert await statuses(ready, EVENTS, 2, **message(order(), "binary")) == [202, 429]


async def test_the_handshake_names_the_rate_of_the_api(application: Any, ready: httpx.AsyncClient) -> None:
    application.state.event_rate = Rate(limit=2)
    answer = await ready.options(EVENTS, headers={"WebHook-Request-Origin": "events.example.org"})
    assert answer.headers["WebHook-Allowed-Rate"] == "120"
