"""Clients that mean harm, on a real socket: documented answers, bounded memory, and nobody else is kept waiting."""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ensue.metadata import application, bodies
from ensue.metadata.refusals import Refused
from ensue.metadata.sample_tokens import Subject
from ensue.model.errors import StoreUnreachable
from ensue.ports.metadata import Caller
from tests.metadata import samples, serving
from tests.metadata.asking import Asker
from tests.metadata.sides import sample_side

FOO = Subject(run="1234", name="foo")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with serving.sample(tmp_path) as addresses:
        yield addresses[FOO]


def opened(address: str) -> socket.socket:
    at = urlsplit(address)
    return socket.create_connection((str(at.hostname), at.port or 0), timeout=30)


def sent(address: str, head: str, body: bytes = b"") -> bytes:
    """The whole answer; the connection is closed by the other side or by this one."""
    with opened(address) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def put(address: str, length: int) -> str:
    token = urlsplit(address).password
    about = f"Authorization: Bearer {token}\nContent-Type: text/plain\nContent-Length: {length}\n"
    return f"PUT /outputs/big HTTP/1.1\nHost: x\nConnection: close\n{about}\n"


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_hundred_megabytes_are_refused_before_they_come(address: str) -> None:
    found = sent(address, put(address, 100 * 2**20), b"x" * 1000)
    assert found.startswith(b"HTTP/1.1 413")
    assert b"rma_api_request_too_large_error" in found


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off(address: str) -> None:
    token = urlsplit(address).password
    head = f"PUT /outputs/big HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\nTransfer-Encoding: chunked\n\n"
    before = resident()
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with opened(address) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode())
        try:
            for _ in range(1600):
                connection.sendall(chunk)
        except OSError:
            pass
        else:
            connection.shutdown(socket.SHUT_WR)
    assert resident() - before < 64 * 2**20
    assert sent(address, put(address, 2), b"ok").startswith(b"HTTP/1.1 201")


def test_a_body_without_a_token_is_not_read(address: str) -> None:
    head = f"PUT /outputs/big HTTP/1.1\nHost: x\nContent-Length: {100 * 2**20}\n\n"
    with opened(address) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")


async def test_a_slow_body_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_SECONDS", 0.05)
    step = samples.stage().step()

    async def never(*_: object) -> dict[str, object]:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits so long")

    found = await raw(step, never)
    assert found == (408, "rma_api_request_timeout_error")


async def test_of_too_many_bodies_at_once_the_next_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_AT_ONCE", 0)
    found = await samples.stage().step().put("/outputs/x", 1)
    assert (found.status, found.code, found.headers["retry-after"]) == (429, "rma_api_too_many_requests_error", "1")


async def test_a_step_cannot_keep_the_others_out() -> None:
    room = bodies.Room()
    with contextlib.ExitStack() as held:
        for _ in range(bodies.MOST_OF_ONE):
            held.enter_context(room.one("a"))
        with pytest.raises(Refused), room.one("a"):
            pass
        with room.one("b"):
            pass
    with room.one("a"):
        pass


async def test_however_a_step_writes_its_token_its_bodies_are_counted_together() -> None:
    side = sample_side()
    token = side.one.token
    basic = [base64.b64encode(f"{user}:{token}".encode()).decode() for user in ("", "token")]
    headers = [f"Bearer {token}", f"bearer   {token}", *(f"Basic {one}" for one in basic), f"BASIC  {basic[0]} "]
    spellings = itertools.islice(itertools.cycle(headers), bodies.MOST_OF_ONE)
    never, reading = asyncio.Event(), asyncio.Semaphore(0)

    async def receive() -> dict[str, object]:
        reading.release()
        await never.wait()
        return {"type": "http.disconnect"}

    held = [asyncio.create_task(raw(side.one, receive, header)) for header in spellings]
    for _ in held:
        await reading.acquire()
    for header in headers:
        found = await side.nobody("PUT", "/outputs/x", b"1", "application/json", authorization=header)
        assert (found.status, found.code) == (429, "rma_api_too_many_requests_error")
    assert (await side.two.put("/outputs/x", 1)).status == 201
    never.set()
    await asyncio.gather(*held)
    assert (await side.one.put("/outputs/x", 1)).status == 201


async def raw(step: Asker, receive: object, header: str = "") -> tuple[int, str]:
    said: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        said.append(message)

    scope = {
        "type": "http",
        "method": "PUT",
        "raw_path": b"/outputs/x",
        "query_string": b"",
        "headers": [(b"authorization", (header or f"Bearer {step.token}").encode())],
    }
    await step.app(scope, receive, send)  # type: ignore[arg-type]
    body = said[1]["body"]
    assert isinstance(body, bytes)
    status = said[0]["status"]
    assert isinstance(status, int)
    return status, json.loads(body)["error"]["code"]


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/outputs/..%2F..%2Fetc%2Fpasswd",
        "/outputs/%2e%2e/x",
        "/secrets/%00",
        "/secrets/%ff",
        "/state/" + "a" * 5000,
        "/outputs/one/two/three",
        "/spec?q=" + "(" * 5000,
        "/spec?q=" + "a." * 4000,
        "/spec?q=%ff&lang=%00",
        "/spec?" + "&".join(["q=x"] * 2000),
        "/environment/%F0%9F%92%A9",
    ],
)
async def test_no_path_leads_anywhere_else(path: str) -> None:
    found = await samples.stage().step().get(path)
    assert found.status in (301, 400, 404, 405, 422), found
    assert b"root:" not in found.body


def test_many_slow_heads_keep_nobody_waiting(address: str) -> None:
    slow = [opened(address) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(b"GET /spec HT")
        assert b"pong" in sent(address, "GET /healthz HTTP/1.1\nHost: x\nConnection: close\n\n")
    finally:
        for connection in slow:
            connection.close()


def test_what_is_no_http_is_refused(address: str) -> None:
    assert not sent(address, "\x00\x01\x02\n\n").startswith(b"HTTP/1.1 200")
    assert b"pong" in sent(address, "GET /healthz HTTP/1.1\nHost: x\nConnection: close\n\n")


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
def test_who_asks_for_another_protocol_is_answered_in_this_one(
    address: str, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    token, length = urlsplit(address).password, "Content-Length: 2\n"
    upgrade = f"Upgrade: {protocol}\nConnection: Upgrade\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
    upgrade += "Sec-WebSocket-Version: 13\n"
    with opened(address) as connection:
        for request, status in (
            (f"GET /healthz HTTP/1.1\nHost: x\n{upgrade}\n", 200),
            (f"GET /spec HTTP/1.1\nHost: x\n{upgrade}\n", 401),
            (f"GET /nowhere HTTP/1.1\nHost: x\n{upgrade}\n", 404),
            (f"PUT /outputs/up HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\n{length}{upgrade}\nok", 201),
            ("GET /healthz HTTP/1.1\nHost: x\n\n", 200),
        ):
            connection.sendall(request.replace("\n", "\r\n").encode())
            assert connection.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())
    assert not caplog.records


def test_who_closes_its_writing_side_is_answered_all_that_came_whole(address: str) -> None:
    ask = f"GET /spec HTTP/1.1\nHost: x\nAuthorization: Bearer {urlsplit(address).password}\n\n"
    assert sent(address, ask * 3 + "GET /spec HT").count(b"HTTP/1.1 200 OK") == 3


def test_the_token_is_never_in_an_answer(address: str) -> None:
    token = str(urlsplit(address).password)
    for path in ("/spec", "/environment", "/nope", "/secrets/nope"):
        head = f"GET {path} HTTP/1.1\nHost: x\nConnection: close\nAuthorization: Bearer {token}\n\n"
        assert token.encode() not in sent(address, head)


async def test_while_the_database_is_away_a_step_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = samples.stage()
    step = stage.step()

    async def away(token: str) -> Caller:
        raise StoreUnreachable

    async def silent(token: str) -> Caller:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits so long")

    monkeypatch.setattr(application, "ANSWER_SECONDS", 0.05)
    for identify in (away, silent):
        monkeypatch.setattr(stage.door, "identify", identify)
        for found, code in (
            (await step.get("/spec"), "rma_model_read_error"),
            (await step.put("/outputs/x", 1), "rma_model_write_error"),
        ):
            assert (found.status, found.code, found.headers["retry-after"]) == (503, code, "1")
