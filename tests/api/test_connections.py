"""What a connection sends at once, and to whom."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from ensue.api import connections, serving
from ensue.api.connections import Corked

Loop = Callable[[], asyncio.AbstractEventLoop]


class Wire(asyncio.Transport):
    """Remembers what it was told to do, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.told.append(bytes(data))

    def close(self) -> None:
        self.told.append("close")


async def test_what_one_turn_of_the_loop_writes_is_sent_at_once() -> None:
    wire = Wire()
    corked = Corked(wire, asyncio.get_running_loop())
    corked.write(b"head ")
    corked.write(b"body")
    assert wire.told == []
    await asyncio.sleep(0)
    assert wire.told == [b"head body"]
    corked.write(b"more")
    await asyncio.sleep(0)
    assert wire.told == [b"head body", b"more"]


async def test_closing_sends_what_is_held_first_and_nothing_twice() -> None:
    wire = Wire()
    corked = Corked(wire, asyncio.get_running_loop())
    corked.write(b"the end")
    corked.close()
    await asyncio.sleep(0)
    assert wire.told == [b"the end", "close"]


async def test_much_is_not_held_so_that_a_slow_reader_is_noticed() -> None:
    wire = Wire()
    corked = Corked(wire, asyncio.get_running_loop())
    corked.write(b"x" * connections.HELD_BYTES)
    assert wire.told == []
    corked.write(b"y")
    assert wire.told == [b"x" * connections.HELD_BYTES + b"y"]


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what it was asked for, once the other side has had time to go; `/events` until it has gone."""
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["path"] == "/events":
        await scope[connections.ENDED].wait()
    for _ in range(10):
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": bytes(2**16), "more_body": True})
    await send({"type": "http.response.body", "body": scope["path"].encode() + body})


async def halved(sent: bytes) -> bytes:
    """All that is answered to who sends this and closes its writing side."""
    listener = serving.bind("127.0.0.1:0")
    async with serving.running(answering, listener), asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.socket.getsockname()[1])
        writer.write(sent)
        writer.write_eof()
        found = await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return found


def post(path: str, body: str = "{}", length: int = 2) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}".encode()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize(
    ("sent", "answers"),
    [
        (post("/one"), [b"/one{}"]),
        (post("/one") + post("/two") + post("/three"), [b"/one{}", b"/two{}", b"/three{}"]),
        (post("/events"), [b"/events{}"]),
        (post("/one") + post("/half", "{"), [b"/one{}"]),
        (post("/one") + b"POST /half HTTP/1.1\r\nHo", [b"/one{}"]),
        (post("/half", "{"), []),
        (b"", []),
    ],
)
def test_who_closes_its_writing_side_is_answered_what_came_whole(loop: Loop, sent: bytes, answers: list[bytes]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        found = runner.run(halved(sent))
    ended = [piece.rpartition(b"\r\n")[2] for piece in found.split(b"\r\n0\r\n\r\n")[:-1]]
    assert ended == answers
