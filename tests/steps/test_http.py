"""Step type `http`, against a real server."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ensue.clients.outbound import Outbound
from ensue.engines.inline import InlineEngine
from ensue.model.errors import Fail
from ensue.model.run import Outcome, Reason, State, StepKey
from ensue.model.values import Namespace, RunUid
from ensue.ports.engine import Limits, StepOrder
from ensue.steps.http import HttpInputs, HttpStep
from tests.clients import peer as peers
from tests.clients.peer import Act, answer, peer
from tests.runtime.sites import RealClock
from tests.steps.calling import execute

AT_ONCE = {"backoff": {"duration": 0, "max": 0}}
OK = answer()
JSON = {"Content_Type": "application/json"}


@pytest.fixture
async def step() -> AsyncIterator[HttpStep]:
    outbound = Outbound(public_only=False, certificates="")
    yield HttpStep(outbound=outbound)
    await outbound.close()


async def ended(step: HttpStep, inputs: dict[str, Any], *acts: Act) -> tuple[Outcome, list[str], list[peers.Received]]:
    async with peer(*acts) as server:
        given = {"retry": AT_ONCE, **inputs, "url": f"{server.url}{inputs.get('url', '/hook')}"}
        outcome, lines = await execute(step, given)
        return outcome, [line.replace(server.url, "") for line in lines], server.received


async def test_an_answer_becomes_outputs(step: HttpStep) -> None:
    outcome, lines, received = await ended(
        step,
        {"query": {"q": "a b", "n": 1, "on": True, "tag": ["x", "y"], "none": None}},
        answer(200, b'{"a": 1}', **JSON),
    )
    assert outcome.state is State.SUCCEEDED
    assert outcome.outputs["status"] == 200
    assert outcome.outputs["json"] == {"a": 1}
    assert outcome.outputs["headers"] == {"content-length": "8", "content-type": "application/json"}
    assert "body" not in outcome.outputs
    assert received[0].method == "GET"
    assert received[0].path == "/hook?q=a+b&n=1&on=true&tag=x&tag=y"
    assert [re.sub(r"\d+ ms", "…", line) for line in lines] == ["GET /hook: 200 (…)"]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"hello", "text/plain", {"body": "hello"}),
        (b"hello", "", {"body": "hello"}),
        (b"gr\xfcn", "text/plain; charset=ISO-8859-1", {"body": "grün"}),
        ("grün".encode("utf-16"), 'text/plain; charset="utf-16"', {"body": "grün"}),
        (b"\xff\xfe\xfa", "image/png", {"body": {"$encoding": "base64", "data": "//76"}}),
        (b"\xff", "text/plain; charset=punycode", {"body": {"$encoding": "base64", "data": "/w=="}}),
        (b"[1, null]", "application/problem+json; charset=utf-8", {"json": [1, None]}),
        (b"null", "application/json", {"json": None}),
        (b"{", "application/json", {"body": "{"}),
        (b"[NaN]", "application/json", {"body": "[NaN]"}),
        (rb'"\ud800"', "application/json", {"body": r'"\ud800"'}),
        (b"[" * 100_000, "application/json", {"body": "[" * 100_000}),
        (b"1" * 5000, "application/json", {"body": "1" * 5000}),
        (b"", "application/json", {}),
    ],
)
async def test_a_body_is_json_or_text_or_bytes(
    step: HttpStep, body: bytes, content_type: str, expected: dict[str, object]
) -> None:
    outcome, _, _ = await ended(step, {}, answer(200, body, **({"Content_Type": content_type} if content_type else {})))
    assert {name: value for name, value in outcome.outputs.items() if name in ("json", "body")} == expected


@pytest.mark.parametrize(
    ("inputs", "method", "content_type", "body"),
    [
        ({}, "GET", None, b""),
        ({"method": "delete"}, "DELETE", None, b""),
        ({"json": {"ü": [1]}}, "POST", "application/json", '{"ü":[1]}'.encode()),
        ({"json": None}, "POST", "application/json", b"null"),
        ({"json": 1, "method": "PUT"}, "PUT", "application/json", b"1"),
        ({"form": {"a": "x y", "b": [1, 2], "c": None}}, "POST", "application/x-www-form-urlencoded", b"a=x+y&b=1&b=2"),
        ({"body": "text"}, "POST", "text/plain; charset=utf-8", b"text"),
        ({"body": ""}, "POST", "text/plain; charset=utf-8", b""),
        ({"body": "<a/>", "headers": {"Content-Type": "text/xml"}}, "POST", "text/xml", b"<a/>"),
    ],
)
async def test_a_body_is_sent_as_what_it_is(
    step: HttpStep, inputs: dict[str, Any], method: str, content_type: str | None, body: bytes
) -> None:
    _, _, (got,) = await ended(step, inputs)
    assert (got.method, got.headers.get("content-type"), got.body) == (method, content_type, body)


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ({"bearer": "t0ken\n"}, "Bearer t0ken"),
        ({"user": "ann", "password": "p:ß"}, "Basic YW5uOnA6w58="),
        ({"user": "ann"}, "Basic YW5uOg=="),
    ],
)
async def test_auth_becomes_a_header(step: HttpStep, auth: dict[str, str], expected: str) -> None:
    _, _, (got,) = await ended(step, {"auth": auth})
    assert got.headers["authorization"] == expected


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"method": "POST"}, "r1/s.2"),
        ({"method": "PATCH"}, "r1/s.2"),
        ({"method": "POST", "headers": {"Idempotency-Key": "mine"}}, "mine"),
        ({"method": "PUT"}, None),
        ({}, None),
    ],
)
async def test_all_attempts_of_a_step_send_one_idempotency_key(
    step: HttpStep, inputs: dict[str, Any], expected: str | None
) -> None:
    async with peer() as server:
        await execute(step, {"url": server.url, **inputs}, item=2)
    assert server.received[0].headers.get("idempotency-key") == expected


async def test_the_key_of_a_step_of_any_title_can_be_sent(step: HttpStep) -> None:
    async with peer() as server:
        await execute(step, {"url": server.url, "method": "POST"}, step="Größe: a/b!")
    assert server.received[0].headers["idempotency-key"] == "r1/Gr%C3%B6%C3%9Fe%3A%20a%2Fb%21"


@pytest.mark.parametrize(
    ("inputs", "acts", "tries", "state"),
    [
        ({}, [answer(503), OK], 2, State.SUCCEEDED),
        ({}, [peers.hang_up, answer(502), OK], 3, State.SUCCEEDED),
        ({}, [answer(503)], 3, State.FAILED),
        ({"retry": 0}, [answer(503)], 1, State.FAILED),
        ({"retry": {"limit": 4, **AT_ONCE}}, [answer(503)], 5, State.FAILED),
        ({}, [answer(500)], 1, State.FAILED),
        ({"retry": {"statuses": [500, "503-504"], **AT_ONCE}}, [answer(500), answer(503), OK], 3, State.SUCCEEDED),
        ({}, [answer(404)], 1, State.FAILED),
        ({"json": 1}, [answer(503)], 1, State.FAILED),
        ({"json": 1}, [peers.hang_up], 1, State.FAILED),
        ({"json": 1}, [answer(429), OK], 2, State.SUCCEEDED),
        ({"json": 1, "retry": {"methods": ["post"], **AT_ONCE}}, [peers.hang_up, answer(503), OK], 3, State.SUCCEEDED),
        ({"json": 1, "headers": {"Idempotency-Key": "k"}}, [answer(503), OK], 2, State.SUCCEEDED),
        ({"expect": [503, "2xx"]}, [answer(503)], 1, State.SUCCEEDED),
        ({"expect": 404}, [answer(404)], 1, State.SUCCEEDED),
        ({"expect": 404}, [OK], 1, State.FAILED),
    ],
)
async def test_what_may_pass_is_tried_again(
    step: HttpStep, inputs: dict[str, Any], acts: list[Act], tries: int, state: State
) -> None:
    outcome, lines, received = await ended(step, inputs, *acts)
    assert (len(received), len(lines), outcome.state) == (tries, tries, state)
    assert [("again in" in line) for line in lines] == [True] * (tries - 1) + [False]


async def test_retry_after_is_waited_for_and_passed_on_to_the_retry_of_the_step(step: HttpStep) -> None:
    retry = {"limit": 1, "backoff": {"duration": "1ms", "max": "20ms"}}
    outcome, lines, _ = await ended(step, {"retry": retry}, answer(429, Retry_After="7"))
    assert lines[0].endswith("; again in 20ms")
    assert (outcome.state, outcome.can_retry, outcome.retry_after) == (State.FAILED, True, 7.0)
    dated = answer(503, Retry_After="Tue, 01 Jan 2030 00:01:00 GMT")
    assert (await ended(step, {"retry": 0}, dated))[0].retry_after == 60.0


async def test_a_failure_says_what_was_answered_and_shows_no_query(step: HttpStep) -> None:
    body = b"  <h1>No\x00 such\n\n thing</h1>  " + b"x" * 1000
    async with peer(answer(404, body, Content_Type="text/html")) as server:
        url = f"{server.url}/a?token=t0psecret".replace("//", "//ann:hidden@")
        outcome, lines = await execute(step, {"url": url, "query": {"k": "t0psecret"}})
    start = f"GET {server.url}/a: answered 404: <h1>No such thing</h1> xxx"
    assert outcome.message.startswith(start)
    assert len(outcome.message) == len(f"GET {server.url}/a: answered 404: ") + 200
    assert outcome.outputs["status"] == 404
    assert not re.search("t0psecret|hidden|ann", outcome.message + "".join(lines))


async def test_a_redirect_that_is_not_followed_says_so(step: HttpStep) -> None:
    outcome, _, _ = await ended(step, {}, answer(301, b"moved", Location="/there"))
    assert outcome.message.endswith("answered 301, and redirects are not followed")
    outcome, _, received = await ended(step, {"redirects": True}, answer(301, Location="/there"), answer(200, b"x"))
    assert (outcome.outputs["body"], received[1].path) == ("x", "/there")


async def test_a_longer_answer_than_allowed_fails(step: HttpStep) -> None:
    outcome, _, _ = await ended(step, {"maxBytes": 10}, answer(200, b"x" * 11))
    assert outcome.state is State.FAILED
    assert outcome.message.endswith("answered 200 with more than 10 bytes")
    assert outcome.outputs["status"] == 200
    assert "body" not in outcome.outputs
    assert (await ended(step, {"maxBytes": 10}, answer(200, b"x" * 10)))[0].state is State.SUCCEEDED


async def test_a_forbidden_address_is_not_allowed_and_not_tried_again(step: HttpStep) -> None:
    outcome, lines = await execute(step, {"url": "http://169.254.169.254/latest/meta-data?x=y"})
    assert (outcome.state, outcome.reason, outcome.can_retry) == (State.FAILED, Reason.NOT_ALLOWED, False)
    assert "169.254.169.254 is link-local" in outcome.message
    assert len(lines) == 1


async def test_a_slow_answer_fails_and_cancelling_ends_a_wait_at_once(step: HttpStep) -> None:
    outcome, _, _ = await ended(step, {"timeout": 0.1, "retry": 0}, peers.silence)
    assert outcome.message.endswith("no whole answer within 100ms")
    async with peer(answer(503)) as server:
        retry = {"backoff": {"duration": "1h", "max": "1h"}}
        task = asyncio.create_task(execute(step, {"url": server.url, "retry": retry}))
        await server.is_asked()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("inputs", [{"json": float("nan")}, {"body": "\ud800"}, {"json": ["\ud800"]}])
async def test_a_body_that_cannot_be_written_fails(step: HttpStep, inputs: dict[str, Any]) -> None:
    with pytest.raises((Fail, ValidationError)):
        await execute(step, {"url": "http://127.0.0.1:9/", **inputs})


@pytest.mark.parametrize(
    ("inputs", "part"),
    [
        ({"url": "example.org"}, "not a URL"),
        ({"url": "ftp://example.org"}, "not a URL"),
        ({"url": "http://a b"}, "not a URL"),
        ({"method": "CONNECT"}, "not a method"),
        ({"method": "GET\r\n"}, "not a method"),
        ({"headers": {"a b": "c"}}, "not the name of a header"),
        ({"headers": {"Host": "c"}}, "not for a step to set"),
        ({"headers": {"Content-Length": "0"}}, "not for a step to set"),
        ({"headers": {"a": "b\r\nc: d"}}, "one line"),
        ({"json": 1, "body": "x"}, "give one of"),
        ({"auth": {}}, "give either"),
        ({"auth": {"bearer": "a", "user": "b"}}, "give either"),
        ({"auth": {"bearer": "a"}, "headers": {"authorization": "b"}}, "give either"),
        ({"timeout": 0}, "greater than"),
        ({"expect": "2x"}, "not a status"),
        ({"expect": 99}, "not a status"),
        ({"expect": [True]}, "not a status"),
        ({"maxBytes": "1Gi"}, "less than"),
        ({"retry": {"limit": 21}}, "less than"),
        ({"retry": True}, "retry"),
        ({"other": 1}, "other"),
    ],
)
def test_wrong_inputs_are_refused(inputs: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        HttpInputs.model_validate({"url": "http://a.example", **inputs})


@given(st.dictionaries(st.text(), st.text()), st.text(), st.text())
def test_no_header_method_or_url_breaks_out_of_its_line(headers: dict[str, str], method: str, url: str) -> None:
    for given_ in ({"headers": headers}, {"method": method}, {"url": f"http://a.example/{url}"}):
        try:
            inputs = HttpInputs.model_validate({"url": "http://a.example", **given_})
        except ValidationError:
            continue
        texts = [inputs.url, inputs.method or "", *inputs.headers, *inputs.headers.values()]
        assert not any(re.search(r"[\r\n\0]", text) for text in texts)


async def test_the_timeout_of_the_step_ends_all_its_tries(step: HttpStep) -> None:
    engine = InlineEngine(step_types={"http": step}, clock=RealClock())
    async with peer(answer(503)) as server:
        order = StepOrder(
            key=StepKey(namespace=Namespace("default"), run=RunUid("r1"), step="s"),
            attempt=1,
            step_type="http",
            inputs={"url": server.url, "retry": {"backoff": {"duration": "1h", "max": "1h"}}},
            command=None,
            limits=Limits(timeout=timedelta(seconds=1.5)),
        )
        outcome = await engine.run(order, lambda chunk: None)
    assert (outcome.state, outcome.reason) == (State.TIMED_OUT, Reason.TIMEOUT)
    assert len(server.received) == 1
