"""What steps are told over HTTP."""

import httpx
import pytest

from tests.api.conftest import RUNS, ended, says, sleeps, started, workflow


async def test_a_step_is_told_something_and_the_run_shows_it(client: httpx.AsyncClient) -> None:
    address = await started(client, workflow("slow", sleeps()))
    first = await client.put(f"{address}/steps/sleep/state", json={"approval": "approved", "by": {"name": "Ann"}})
    assert (first.status_code, first.json()) == (200, {"approval": "approved", "by": {"name": "Ann"}})
    second = await client.put(f"{address}/steps/sleep/state", json={"approval": "rejected"})
    told = {"approval": "rejected", "by": {"name": "Ann"}}
    assert second.json() == told
    run = (await client.get(address)).json()
    assert run["spec"]["state"] == {"steps": {"sleep": told}}
    assert "state" not in (await client.get(RUNS)).json()["items"][0]["spec"]
    await client.post(f"{address}/cancel", json={"force": True})
    assert (await ended(client, address))["spec"]["state"] == {"steps": {"sleep": told}}


async def test_a_run_is_named_by_its_uid_too(client: httpx.AsyncClient) -> None:
    address = await started(client, workflow("slow", sleeps()))
    uid = (await client.get(address)).json()["metadata"]["uid"]
    assert (await client.put(f"{RUNS}/{uid}/steps/sleep/state", json={"x": 1})).json() == {"x": 1}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[1]", 400, "invalid_input"),
        (b"{", 400, "invalid_input"),
        (b'{"": 1}', 400, "invalid_input"),
        (b'{"a\\u0000": 1}', 400, "invalid_input"),
        (b'{"x": NaN}', 400, "invalid_input"),
        (b'{"x": "' + b"y" * 66_000 + b'"}', 413, "too_large"),
    ],
)
async def test_what_cannot_be_a_state_is_refused(
    client: httpx.AsyncClient, body: bytes, status: int, code: str
) -> None:
    address = await started(client, workflow("slow", sleeps()))
    answer = await client.put(f"{address}/steps/sleep/state", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "state" not in (await client.get(address)).json()["spec"]


async def test_what_is_not_there_and_what_has_ended_is_told_nothing(client: httpx.AsyncClient) -> None:
    address = await started(client, workflow("hello", says("hi")))
    await ended(client, address)
    places = (f"{address}/steps/say/state", f"{address}/steps/none/state", f"{RUNS}/none/steps/say/state")
    answers = [await client.put(place, json={"x": 1}) for place in places]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (409, "conflict"),
        (404, "not_found"),
        (404, "not_found"),
    ]
