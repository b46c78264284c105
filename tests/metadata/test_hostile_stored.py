"""Clients that mean harm, on samples and on runs in each database: the documented answer, nothing of other steps."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ensue.metadata import bodies
from ensue.model.run import Outcome, Reason, State
from ensue.model.values import Json
from ensue.ports import reports
from ensue.ports.store import Ending
from tests.metadata.asking import Asker
from tests.metadata.sides import Side, Stored

NULS = [
    ("GET", "/outputs/%00/x"), ("GET", "/outputs/a/b%00"), ("PUT", "/outputs/%00"), ("PUT", "/outputs/a%00/metadata"),
    ("GET", "/secrets/%00"), ("GET", "/state/%00"), ("GET", "/environment/%00"), ("POST", "/decorators/%00"),
    ("POST", "/logs/%00/messages"), ("POST", "/workflows/a%00b/run"), ("GET", "/nowhere%00"),
]  # fmt: skip
Receive = Callable[[], Awaitable[dict[str, Any]]]
MEGABYTE = b"x" * 2**20
TOKENS = [
    "", "x", "ens_", "null", "Bearer", "a" * 10_000, "eyJhbGciOiJub25lIn0.e30.", "../../etc/passwd", "' OR 1=1 --",
    "%00", "ens_" + "A" * 43,
]  # fmt: skip
PATHS = [
    "/../outputs/two/mine", "/outputs/one/..%2F..%2Ftwo", "/outputs/%2e%2e/mine", "/outputs/two%2Fmine",
    "/outputs//mine", "/secrets/%00", "/secrets/..%2Fhello", "/secrets/%ff", "/state/" + "a" * 5000,
    "/spec?q=" + "(" * 5000,
    "/spec?q=%ff&lang=%00", "/environment/" + "%F0%9F%92%A9" * 100, "/outputs/one/two/three",
    "/outputs/one/' OR 1=1 --",
]  # fmt: skip


async def sent(step: Asker, path: str, receive: Receive) -> tuple[int, str]:
    said: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "PUT",
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {step.token}".encode())],
    }
    await step.app(scope, receive, send)  # type: ignore[arg-type]
    return said[0]["status"], json.loads(said[1]["body"])["error"]["code"]


async def test_a_hundred_megabytes_are_cut_off_after_the_first_and_leave_nothing(side: Side) -> None:
    given = 0

    async def receive() -> dict[str, Any]:
        nonlocal given
        given += 1
        return {"type": "http.request", "body": MEGABYTE, "more_body": given < 100}

    assert await sent(side.one, "/outputs/big", receive) == (413, "rma_api_request_too_large_error")
    assert given <= 2
    assert (await side.two.get("/outputs/one/big")).status == 404
    assert (await side.one.put("/outputs/big", "small")).status == 201


async def test_a_slow_body_is_given_up_and_leaves_nothing(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_SECONDS", 0.05)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"1", "more_body": True}

    assert await sent(side.one, "/outputs/slow", receive) == (408, "rma_api_request_timeout_error")
    assert (await side.two.get("/outputs/one/slow")).status == 404


async def test_a_client_that_goes_away_leaves_nothing(side: Side) -> None:
    messages: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": b'"half', "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> dict[str, Any]:
        return next(messages)

    assert (await sent(side.one, "/outputs/half", receive))[0] == 408
    assert (await side.two.get("/outputs/one/half")).status == 404


async def test_a_token_that_is_none_is_told_nothing(side: Side) -> None:
    for token in (*TOKENS, side.one.token[:-1], side.one.token + "x", side.one.token.swapcase()):
        stranger = Asker(app=side.one.app, token=token)
        for path in ("/spec", "/secrets/hello", "/outputs/two/mine"):
            found = await stranger.get(path)
            assert (found.status, found.body) == (401, b"401 unauthorized\n"), token


async def test_no_path_leads_to_another_step_or_secret(side: Side) -> None:
    await side.two.put("/outputs/mine", "of two")
    for path in PATHS:
        found = await side.one.get(path)
        assert found.status in (301, 400, 403, 404, 405, 422), path
        assert b"of two" not in found.body
        assert b"world" not in found.body
    assert (await side.one.get("/spec")).json["value"]["foo"] == "bar"


async def test_a_name_with_a_nul_is_the_same_bad_request_on_every_store(side: Side) -> None:
    for method, path in NULS:
        found = await side.one(method, path, {}, "application/json")
        assert (found.status, found.body) == (400, b"400 Bad Request"), path


async def test_a_nul_in_a_body_is_kept_in_a_value_and_refused_in_a_name(side: Side) -> None:
    given: Json = {"a\0b": ["c\0d"]}
    assert (await side.one.put("/outputs/zero", given)).status == 201
    kept = (await side.two.get("/outputs/one/zero")).json["value"]
    assert kept == {"a\0b": [{"$encoding": "base64", "data": "YwBk"}]}
    assert (await side.one.post("/events", {"data": {}, "key": "a\0b"})).code == bodies.MALFORMED
    octets = "application/octet-stream"
    assert (await side.one("POST", "/logs", b"\x12\x02a\0", octets)).code == bodies.MALFORMED
    told = await side.one.post("/decorators/d", {"type": "link", "description": "a\0b", "uri": "http://x"})
    assert told.code == "rma_model_write_error"


async def test_the_outputs_of_a_step_are_four_mebibytes_and_no_more(side: Side) -> None:
    # A text is two characters longer as JSON.
    for number in range(4):
        assert (await side.one("PUT", f"/outputs/{number}", MEGABYTE[:-2], "text/plain")).status == 201
    found = await side.one.put("/outputs/more", 1)
    assert (found.status, found.code) == (413, "rma_api_request_too_large_error")
    assert (await side.two.get("/outputs/one/more")).status == 404
    assert (await side.one("PUT", "/outputs/3", MEGABYTE[:-3], "text/plain")).status == 201
    assert (await side.one.put("/outputs/more", 1)).status == 201
    assert (await side.two.put("/outputs/own", "x" * 1000)).status == 201


async def test_a_step_speaks_of_so_many_outputs_and_no_more(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_OUTPUTS", 2)
    assert (await side.one.put("/outputs/a", 1)).status == 201
    assert (await side.one.put("/outputs/b/metadata", {"sensitive": True})).status == 201
    for path, body in (("/outputs/c", 1), ("/outputs/c/metadata", {"sensitive": True})):
        assert (await side.one.put(path, body)).code == "rma_api_request_too_large_error"
    for path, body in (("/outputs/a", 2), ("/outputs/b", 2), ("/outputs/a/metadata", {"sensitive": False})):
        assert (await side.one.put(path, body)).status == 201
    assert (await side.two.put("/outputs/c", 1)).status == 201


async def test_what_is_no_protobuf_is_refused_and_the_next_good_one_is_taken(side: Side) -> None:
    octets = "application/octet-stream"
    for body in (b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", b"\x12\x7fabc", b"\x0f", b"\x1b" * 1000):
        found = await side.one("POST", "/logs", body, octets)
        assert (found.status, found.code) == (500, "rma_model_read_error"), body
    assert (await side.one("POST", "/logs", b"\x12\x06stdout", octets)).status == 201


async def test_the_token_of_a_step_of_a_run_that_was_cancelled_ends_with_it(stored: Stored) -> None:
    ending = Ending(outcome=Outcome(state=State.CANCELLED, reason=Reason.RUN_CANCELLED))
    await stored.place.world.runs.finish(stored.leases["two"], ending)
    for method, path in (("GET", "/spec"), ("PUT", "/outputs/x"), ("POST", "/events"), ("POST", "/logs")):
        assert (await stored.side.two(method, path, b"{}", "application/json")).status == 401
    assert (await stored.side.one.get("/spec")).status == 200
