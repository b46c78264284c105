"""The stream of events, over a real connection: server-sent events and WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import wsproto
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, Request, TextMessage

from ensue.api import holding, serving
from ensue.clients import cloudevents
from ensue.operations import following
from tests.api.conftest import TOKEN, put, says, trigger, workflow

STREAM = "/api/v1/stream"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
Message = dict[str, Any]


@pytest.fixture
async def address(application: Any) -> AsyncIterator[str]:
    listener = serving.bind("127.0.0.1:0")
    async with serving.running(application, listener, application.state.closing):
        yield listener.url


@pytest.fixture
async def reached(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, headers=HEADERS, trust_env=False, timeout=60) as client:
        yield client


async def send(client: httpx.AsyncClient, *ids: str, namespace: str = "default", **more: Any) -> None:
    for id in ids:
        content = {"specversion": "1.0", "id": id, "source": "/shop", "type": "order.paid", **more}
        path = f"/api/v1/namespaces/{namespace}/events"
        answer = await client.post(path, json=content, headers={"Content-Type": cloudevents.STRUCTURED})
        assert answer.status_code == 202, answer.text


async def messages(answer: httpx.Response) -> AsyncIterator[Message]:
    """As a browser reads them: a message for each block, `id` alone for one without data."""
    found: Message = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data", "retry"):
            found[name] = json.loads(value) if name == "data" else value
        elif not line:
            yield found
            found = {}


async def take(client: httpx.AsyncClient, count: int, path: str = STREAM, **more: Any) -> list[Message]:
    """The next messages with data."""
    found = []
    async with client.stream("GET", path, **more) as answer:
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        async for message in messages(answer):
            if "data" in message:
                found.append(message)
            if len(found) == count:
                break
    return found


def names(found: list[Message]) -> list[str]:
    return [message["data"]["spec"]["id"] for message in found]


async def test_events_come_as_they_are_stored_with_what_was_decided(reached: httpx.AsyncClient) -> None:
    await put(reached, workflow("hello", says("hi")))
    await put(reached, trigger("on-paid"))
    async with reached.stream("GET", STREAM) as answer:
        read = messages(answer)
        assert [await anext(read), "id" in await anext(read)] == [{"retry": "1000"}, True]
        await send(reached, "1")
        message = await anext(read)
    assert message["event"] == "event"
    assert (message["data"]["kind"], message["data"]["spec"]["id"]) == ("Event", "1")
    (decision,) = message["data"]["status"]["decisions"]
    assert (decision["trigger"]["name"], decision["conclusion"]) == ("on-paid", "fired")


@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_reader_resumes_after_the_last_it_had(reached: httpx.AsyncClient, how: str) -> None:
    await send(reached, "1", "2", "3", "4")
    first = await take(reached, 2, params={"continue": "0.0"})
    last = first[-1]["id"]
    again: dict[str, Any] = {"headers": {"Last-Event-ID": last}} if how == "header" else {"params": {"continue": last}}
    rest = await take(reached, 2, **again)
    assert (names(first), names(rest)) == (["1", "2"], ["3", "4"])


async def test_what_is_stored_while_nobody_reads_is_not_skipped(reached: httpx.AsyncClient) -> None:
    async with reached.stream("GET", STREAM) as answer:
        read = messages(answer)
        while "id" not in (message := await anext(read)):
            pass
    await send(reached, "1")
    assert names(await take(reached, 1, headers={"Last-Event-ID": message["id"]})) == ["1"]


async def test_a_namespace_and_a_prefix_choose(reached: httpx.AsyncClient) -> None:
    await send(reached, "1", namespace="blue")
    await send(reached, "2", type="com.github.push")
    await send(reached, "3")
    everything = {"continue": "0.0"}
    assert names(await take(reached, 1, "/api/v1/namespaces/blue/stream", params=everything)) == ["1"]
    some = everything | {"fieldSelector": "type=com.github.*"}
    assert names(await take(reached, 1, params=some)) == ["2"]


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"params": {"continue": "yesterday"}}, 400, "invalid_input"),
        ({"headers": {"Last-Event-ID": "x"}}, 400, "invalid_input"),
        ({"params": {"fieldSelector": "colour=red"}}, 400, "invalid_input"),
        ({"headers": {"Authorization": "Bearer no"}}, 401, "unauthenticated"),
        ({"headers": {"Host": "evil.example"}}, 421, "unknown_host"),
    ],
)
async def test_what_is_wrong_is_said_before_anything_is_streamed(
    reached: httpx.AsyncClient, request_: dict[str, Any], status: int, code: str
) -> None:
    answer = await reached.get(STREAM, **request_)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    given = request_.get("headers", {})
    socket = await Socket.open(str(reached.base_url), STREAM, {**HEADERS, **given}, request_.get("params", {}))
    assert (socket.status, socket.problem["code"]) == (status, code)
    await socket.close()


async def test_followers_have_a_number_of_places(reached: httpx.AsyncClient, application: Any) -> None:
    application.state.streams = holding.Gate(most=1, refusal="full")
    async with reached.stream("GET", STREAM) as answer:
        # Kept: an iterator that nobody holds any more closes the answer, and its place is free.
        holder = messages(answer)
        await anext(holder)
        refused = await reached.get(STREAM)
        assert (refused.status_code, refused.json()["detail"]) == (503, "full")
        socket = await Socket.open(str(reached.base_url), STREAM, HEADERS)
        assert (socket.status, socket.problem["code"]) == (503, "unavailable")
        await socket.close()
    async with asyncio.timeout(30):
        while await first_status(reached) != 200:
            pass


async def first_status(client: httpx.AsyncClient) -> int:
    async with client.stream("GET", STREAM) as answer:
        return answer.status_code


async def test_the_stream_ends_when_the_server_does(application: Any) -> None:
    listener = serving.bind("127.0.0.1:0")
    async with httpx.AsyncClient(base_url=listener.url, headers=HEADERS, trust_env=False, timeout=60) as client:
        async with serving.running(application, listener, application.state.closing):
            request = client.build_request("GET", STREAM)
            answer = await client.send(request, stream=True)
            read = messages(answer)
            await anext(read)
            socket = await Socket.open(listener.url, STREAM, HEADERS)
            assert (await socket.message())["type"] == "heartbeat"
        assert ["data" in message async for message in read] in ([], [False])
        assert await socket.closed() == 1001
        await answer.aclose()
        await socket.close()


async def test_a_slow_reader_holds_a_page_and_no_more(
    reached: httpx.AsyncClient, node: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read from the store for somebody who does not read what was sent."""
    monkeypatch.setattr(following, "PAGE", 2)
    reads = 0
    read = node.world.feed.read

    async def counted(*given: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*given)

    monkeypatch.setattr(node.world.feed, "read", counted)
    text = "x" * 500_000
    await send(reached, *(str(number) for number in range(60)), data=text)
    async with reached.stream("GET", STREAM, params={"continue": "0.0"}) as answer:
        known = -1
        while known != reads:
            known = reads
            await asyncio.sleep(0.3)
        # What the sockets of this machine take is some megabytes of the thirty.
        assert reads < 30
        got = [message async for message, _ in _first(messages(answer), 60)]
    assert names(got) == [str(number) for number in range(60)]


async def _first(read: AsyncIterator[Message], count: int) -> AsyncIterator[tuple[Message, int]]:
    number = 0
    async for message in read:
        if "data" in message:
            number += 1
            yield message, number
        if number == count:
            return


async def test_the_same_comes_over_websocket(reached: httpx.AsyncClient) -> None:
    await send(reached, "1", "2")
    socket = await Socket.open(str(reached.base_url), STREAM, HEADERS, {"continue": "0.0"})
    found = [await socket.message(), await socket.message()]
    assert [(each["type"], each["data"]["spec"]["id"]) for each in found] == [("event", "1"), ("event", "2")]
    await socket.say("is not listened to")
    await send(reached, "3")
    message = await socket.message()
    while message["type"] == "heartbeat":
        message = await socket.message()
    assert message["data"]["spec"]["id"] == "3"
    await socket.close()
    header = {**HEADERS, "Last-Event-ID": found[0]["id"]}
    again = await Socket.open(str(reached.base_url), "/api/v1/namespaces/default/stream", header)
    assert (await again.message())["data"]["spec"]["id"] == "2"
    await again.close()


class Socket:
    """A WebSocket as a client has it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._events = self._received()
        self._text = ""
        self.status = 0
        self.problem: Message = {}

    @classmethod
    async def open(cls, url: str, path: str, headers: dict[str, str], query: dict[str, str] | None = None) -> "Socket":
        parts = httpx.URL(url).join(path).copy_merge_params(query or {})
        socket = cls(*await asyncio.open_connection(parts.host, parts.port))
        more = [(name.encode(), value.encode()) for name, value in headers.items() if name != "Host"]
        request = Request(host=headers.get("Host", "localhost"), target=parts.raw_path.decode(), extra_headers=more)
        socket._send(request)
        match await anext(socket._events):
            case AcceptConnection():
                socket.status = 101
            case RejectConnection(status_code=status):
                socket.status = status
                body = b""
                while not (part := await anext(socket._events)).body_finished:
                    body += part.data
                socket.problem = json.loads(body + part.data)
        return socket

    async def message(self) -> Message:
        text = ""
        async with asyncio.timeout(30):
            while not isinstance(event := await anext(self._events), TextMessage) or not event.message_finished:
                text += getattr(event, "data", "")
        found: Message = json.loads(text + event.data)
        return found

    async def closed(self) -> int:
        async with asyncio.timeout(30):
            while not isinstance(event := await anext(self._events), CloseConnection):
                pass
        return int(event.code)

    async def say(self, text: str) -> None:
        self._send(TextMessage(data=text))

    async def close(self) -> None:
        self._writer.close()

    def _send(self, event: Any) -> None:
        self._writer.write(self._connection.send(event))

    async def _received(self) -> AsyncIterator[Any]:
        while data := await self._reader.read(65536):
            self._connection.receive_data(data)
            for event in self._connection.events():
                yield event
