"""What the owner of a webhook is told of requests that were refused."""

import json
from typing import Any

import httpx
import pytest

from tests.api.conftest import put
from tests.api.test_hooks import HOOK, PUSH, SECRET, signed, source
from tests.api.test_hooks import ready as ready
from tests.api.test_hooks import stranger as stranger
from tests.api.test_hooks import watchful as watchful

TRIGGER = "/api/v1/namespaces/default/triggers/on-push/explain"
SOURCES = "/api/v1/namespaces/default/sources"


async def refusals(client: httpx.AsyncClient, place: str = TRIGGER) -> list[dict[str, Any]]:
    found = (await client.get(place)).json()
    refused: list[dict[str, Any]] = (found["sources"][0] if "sources" in found else found)["refused"]
    return refused


async def test_a_wrong_signature_is_explained_to_the_owner_and_logged_once(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps(PUSH | {"ref": "a-private-branch"}).encode()
    for _ in range(3):
        assert (await stranger.post(HOOK, **signed(body, "another"))).status_code == 401
    (found,) = await refusals(ready)
    assert (found["reason"], found["message"], found["count"], bool(found["time"])) == (
        "SignatureWrong",
        "the signature does not match secret github-hook",
        3,
        True,
    )
    told = "Trigger/on-push/hook of namespace default refused a request: SignatureWrong"
    assert [message.startswith(told) for message in caplog.messages if "refused" in message] == [True]
    assert not [word for word in (SECRET, "a-private-branch", "sha256=") if word in caplog.text + str(found)]


async def test_a_missing_secret_and_an_unreadable_body_are_reasons_of_their_own(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await stranger.post(HOOK, **signed(b"{}", **{"X-Hub-Signature-256": ""}))
    await stranger.post(HOOK, **signed(b'{"private": '))
    await ready.delete("/api/v1/namespaces/default/secrets/github-hook")
    await stranger.post(HOOK, **signed(b"{}"))
    found = {each["reason"]: each["message"] for each in await refusals(ready)}
    assert found == {
        "NoSecret": "there is no secret github-hook that is of use; set it with `ensue secret set github-hook < FILE`",
        "Unreadable": "its body is not what its content type says",
        "SignatureMissing": "the header x-hub-signature-256 is missing",
    }


async def test_what_is_above_the_rate_of_a_source_is_explained(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    own = source("slow", "slow")
    own["spec"]["with"]["rate"] = {"limit": 1, "per": "1h"}
    await put(ready, own)
    assert [(await stranger.post("/hooks/slow", json={})).status_code for _ in range(2)] == [202, 429]
    (found,) = await refusals(ready, f"{SOURCES}/slow/explain")
    assert (found["reason"], found["count"]) == ("RateExceeded", 1)


async def test_a_source_that_refused_nothing_says_nothing(
    ready: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    assert (await stranger.post(HOOK, **signed(b"{}"))).status_code == 202
    assert await refusals(ready) == []
