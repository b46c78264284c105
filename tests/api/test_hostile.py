"""Senders that mean harm, over TCP: each costs little, and the next good one is served."""

import asyncio
import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ensue.api import connections, holding, requests, serving
from ensue.api.holding import Gate
from ensue.app import Node
from ensue.sources import hooks
from ensue.sources.hooks import Hooks
from ensue.store.driver import Driver
from tests.api.test_hooks import HOOK, SECRET, ready, signed

__all__ = ["ready"]

GOOD = signed(json.dumps({"ref": "refs/heads/main", "after": "c0ffee"}).encode())


class Door:
    """A server on a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def say(self, sent: bytes = b"") -> bytes:
        """The first line of what is answered; nothing when the connection is closed."""
        async with self.open() as (reader, writer):
            with contextlib.suppress(ConnectionError):
                writer.write(sent)
                await writer.drain()
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                return await reader.readuntil(b"\r\n")
        return b""

    async def takes_a_good_one(self) -> bool:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False) as client:
            answer = await client.post(HOOK, **GOOD)
        return answer.status_code == 202 and bool(answer.json()["id"])


@pytest.fixture
async def door(application: Any, ready: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    # A slow reader would be cut off before it has the answer.
    monkeypatch.setattr(connections, "LINGER_SECONDS", 60.0)
    listener = serving.bind("127.0.0.1:0")
    async with serving.running(application, listener):
        yield Door(listener.socket.getsockname()[1])


def post(body: bytes = b"", *headers: str, path: str = HOOK, length: int | None = None) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def authentic(body: bytes, *headers: str) -> bytes:
    """A body that was signed: harm may come from a sender that is known."""
    return post(body, *(f"{name}: {value}" for name, value in signed(body)["headers"].items()), *headers)


BOMB = gzip.compress(b"\0" * 100_000_000, mtime=0)
CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"
PIECE = b"100000\r\n" + bytes(2**20) + b"\r\n"
START = f"POST {HOOK} HTTP/1.1\r\nHost: x\r\n"

TABLE: dict[str, tuple[bytes, int]] = {
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20, 400),
    "a line without end": (b"GET /" + b"a" * 200_000, 431),
    "a head of many lines": (START.encode() + b"a: b\r\n" * 20_000 + b"\r\n", 431),
    "a header without end": (START.encode() + b"a: " + b"b" * 200_000, 431),
    "a length that is no number": (f"{START}Content-Length: many\r\n\r\n".encode(), 400),
    "a negative length": (f"{START}Content-Length: -1\r\n\r\n".encode(), 400),
    "two lengths": (f"{START}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab".encode(), 400),
    "a length and pieces": (f"{START}Content-Length: 5\r\n{CHUNKED}0\r\n\r\n".encode(), 400),
    "a length beyond all bounds": (post(length=10**15), 413),
    "a length beyond the source's": (post(length=11 * 2**20), 413),
    "pieces of no length": (f"{START}{CHUNKED}zz\r\n".encode(), 400),
    "a piece whose length has no end": (f"{START}{CHUNKED}1;{'x' * 200_000}".encode(), 431),
    "pieces beyond the source's bound": (START.encode() + CHUNKED.encode() + PIECE * 12, 413),
    "a path with NUL": (post(path="/hooks/a%00b"), 400),
    "a path up": (post(path="/hooks/..%2f..%2fetc%2fpasswd"), 404),
    "a path that nobody has": (post(path="/hooks/nobody"), 404),
    "another protocol": (f"{START}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n".encode(), 400),
    "no signature": (post(b"{}"), 401),
    "a wrong signature": (post(b"{}", "X-Hub-Signature-256: sha256=" + "0" * 64), 401),
    "a signature of bytes that are no text": (post(b"{}", "X-Hub-Signature-256: sha256=\xff\xfe"), 401),
    "no JSON": (authentic(b"{"), 400),
    "deep JSON": (authentic(b"[" * 1_000_000), 400),
    "deep JSON that ends": (authentic(b"[" * 5_000 + b"]" * 5_000), 400),
    "a number of many digits": (authentic(b"9" * 1_000_000), 400),
    "half a character": (authentic(b'"\\ud800"'), 400),
    "a bomb": (authentic(BOMB, "Content-Encoding: gzip"), 413),
    "what is not packed as it says": (authentic(b"{}", "Content-Encoding: gzip"), 400),
    "an unknown packing": (authentic(b"{}", "Content-Encoding: br"), 415),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
async def test_what_cannot_be_taken_is_refused_and_the_next_good_one_is_not(door: Door, name: str) -> None:
    sent, status = TABLE[name]
    answer = await door.say(sent)
    assert answer.split(b" ")[1:2] == [str(status).encode()], answer
    assert await door.takes_a_good_one()


async def test_a_head_that_does_not_come_is_not_waited_for(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    assert await door.say(START.encode() + b"a: ") == b"HTTP/1.1 408 Request Timeout\r\n"
    assert await door.say() == b""


async def test_a_body_that_does_not_come_is_not_waited_for(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "READ_SECONDS", 0.2)
    assert (await door.say(post(b"{", length=100))).split()[1] == b"408"


async def test_slow_bodies_make_room_for_those_that_come(
    application: Any, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "SLOW_SECONDS", 0.0)
    application.state.gate = gate = Gate(most=210_000)
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(door.open()) for _ in range(3)]
        for _, writer in slow:
            writer.write(post(bytes(60_000), length=10**6))
            await writer.drain()
        for _ in range(1000):
            await asyncio.sleep(0.01)
            if gate.held > 3 * 60_000:
                break
        body = authentic(json.dumps({"ref": "x" * 50_000}).encode(), "Connection: close")
        assert (await door.say(body)).split()[1] == b"202"
        assert (await slow[0][0].readuntil(b"\r\n")).split()[1] == b"408"
    assert await door.takes_a_good_one()


async def test_many_slow_senders_leave_room_for_the_others(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_WAITING", 20)
    async with contextlib.AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(door.open()) for _ in range(60)]
        for _, writer in slow:
            writer.write(START.encode())
        assert await door.takes_a_good_one()
        # Who came first has waited longest.
        for reader, _ in slow[:30]:
            with contextlib.suppress(ConnectionError):
                assert (await reader.read(10)) in (b"HTTP/1.1 4", b"")


async def test_who_goes_on_sending_after_the_answer_is_cut_off(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.1)
    async with door.open() as (_, writer):
        writer.write(post(length=10**9, path="/hooks/nobody"))
        with pytest.raises(ConnectionError):
            await _send_on(writer)


async def _send_on(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(bytes(2**16))
        await writer.drain()


class Counted:
    """A driver that counts how often the database is asked."""

    def __init__(self, driver: Driver) -> None:
        self.count = 0
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        if name in ("fetch", "read", "write"):
            self.count += 1
        return getattr(self._driver, name)


@pytest.fixture
def asked(node: Node, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """How often webhooks ask the database."""
    counted = Counted(node.driver)
    for port in (node.world.definitions, node.world.secrets):
        monkeypatch.setattr(port, "_driver", counted)
    return counted


async def test_wrong_signatures_do_not_ask_the_database(door: Door, asked: Counted) -> None:
    assert await door.takes_a_good_one()
    asked.count, began = 0, time.monotonic()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}", timeout=60, trust_env=False) as client:
        for _ in range(200):
            assert (await client.post(HOOK, **signed(b"{}", SECRET + "x"))).status_code == 401
    # The revision and the secret are looked at once a second.
    assert asked.count <= 4 * (time.monotonic() - began + 1)


async def test_made_up_paths_and_namespaces_hardly_ask_the_database(
    application: Any, door: Door, asked: Counted
) -> None:
    watching: Hooks = application.state.hooks
    began, statuses = time.monotonic(), set()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{door.port}", timeout=60, trust_env=False) as client:
        for number in range(1500):
            statuses.add((await client.post(f"/hooks/made-up-{number}/x")).status_code)
            statuses.add((await client.post(f"/hooks/made-up-{number}")).status_code)
    seconds = time.monotonic() - began + 1
    assert asked.count <= hooks.NEW_NAMESPACES.limit * seconds + seconds / hooks.MISS_SECONDS * 2
    assert statuses <= {404, 429}
    assert len(watching._known) <= hooks.MOST
    assert await door.takes_a_good_one()


async def test_what_was_held_is_free_again_whatever_became_of_it(application: Any, door: Door) -> None:
    for sent, _ in TABLE.values():
        await door.say(sent)
    assert await door.takes_a_good_one()
    assert application.state.gate.held == 0


async def test_a_body_counts_as_what_it_becomes_not_as_what_was_sent(application: Any, door: Door) -> None:
    gate = application.state.gate = Gate(most=1_000_000)
    packed = authentic(gzip.compress(b'"' + b"a" * 100_000 + b'"', mtime=0), "Content-Encoding: gzip")
    assert len(packed) < 2000
    with gate.holding() as others:
        others.add(700_000)
        assert b" 503 " in await door.say(packed)
    assert b" 202 " in await door.say(packed)
    assert gate.held == 0


async def test_one_body_alone_always_has_room(application: Any, door: Door) -> None:
    application.state.gate = Gate(most=300_000)
    packed = authentic(gzip.compress(b'"' + b"a" * 900_000 + b'"', mtime=0), "Content-Encoding: gzip")
    assert b" 202 " in await door.say(packed)
