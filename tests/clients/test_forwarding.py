"""Requests that are handed on to a server on this machine, and its answers."""

import asyncio

import pytest

from ensue.clients import forwarding
from ensue.clients.forwarding import Asked
from ensue.model.errors import Unavailable
from tests.clients.peer import answer, hang_up, peer

HEADERS = {"x-own": "1", "authorization": "Basic abc", "cookie": "session=s", "host": "ensue.test", "te": "x"}


def asked(method: str = "POST", query: str = "", body: bytes = b"") -> Asked:
    return Asked(method=method, headers=HEADERS | {"content-length": "99"}, query=query, body=body)


def hold(size: int) -> None:
    pass


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_method_query_headers_and_body_are_handed_on(method: str) -> None:
    body = b"" if method in ("GET", "OPTIONS") else b"\x00body"
    async with peer(answer(207, b"done")) as server:
        found = await forwarding.forward(server.url, asked(method, "a=1&a=2&b=%2F", body), hold)
    (received,) = server.received
    assert (received.method, received.path, received.body) == (method, "/?a=1&a=2&b=%2F", body)
    assert {name: received.headers.get(name) for name in HEADERS} == {
        "x-own": "1",
        "authorization": "Basic abc",
        "cookie": None,
        "host": f"127.0.0.1:{server.port}",
        "te": None,
    }
    assert (found.status, found.content) == (207, b"done")


async def test_headers_of_the_answer_come_back_but_for_those_that_concern_more_than_it() -> None:
    given = answer(
        302,
        b"x",
        Content_Type="text/html",
        Location="/there",
        X_Own="yes",
        Set_Cookie="a=b",
        Connection="X-Hop",
        X_Hop="1",
        Strict_Transport_Security="max-age=1",
        Content_Security_Policy="default-src 'self'",
    )
    async with peer(given) as server:
        found = await forwarding.forward(server.url, asked(), hold)
    assert found.status == 302
    assert found.headers == {
        "content-type": "text/html",
        "location": "/there",
        "x-own": "yes",
        "content-security-policy": "default-src 'self', sandbox",
        "x-content-type-options": "nosniff",
    }


async def test_an_encoded_answer_stays_as_it_is() -> None:
    async with peer(answer(200, b"\x1f\x8bno gzip", Content_Encoding="gzip")) as server:
        found = await forwarding.forward(server.url, asked("GET"), hold)
    assert (found.content, found.headers["content-encoding"]) == (b"\x1f\x8bno gzip", "gzip")


async def test_an_answer_is_counted_as_it_comes_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    async with peer(answer(200, b"x" * 1000)) as server:
        await forwarding.forward(server.url, asked(), held.append)
        assert sum(held) == 1000
        monkeypatch.setattr(forwarding, "LARGEST", 999)
        with pytest.raises(Unavailable, match="more than 999 bytes"):
            await forwarding.forward(server.url, asked(), hold)


async def test_an_answer_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = asyncio.Event()

    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not gone.is_set():
            writer.write(b"x")
            await asyncio.sleep(0.01)

    async def say_nothing(writer: asyncio.StreamWriter) -> None:
        await gone.wait()

    monkeypatch.setattr(forwarding, "SECONDS", 0.3)
    for act in (trickle, say_nothing):
        gone.clear()
        async with peer(act) as server:
            with pytest.raises(Unavailable, match="does not answer within"):
                await forwarding.forward(server.url, asked(), hold)
            gone.set()
            await asyncio.sleep(0.05)


async def test_a_server_that_hangs_up_is_said() -> None:
    async with peer(hang_up) as server:
        with pytest.raises(Unavailable, match="does not answer"):
            await forwarding.forward(server.url, asked(), hold)
    with pytest.raises(Unavailable, match="does not answer"):
        await forwarding.forward(server.url, asked(), hold)
