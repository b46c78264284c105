"""Routes of the stream of events: server-sent events, and the same over WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import APIRouter, Header, Query, WebSocket
from fastapi import Request as HttpRequest
from starlette.requests import HTTPConnection
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from ensue.api import complaining, problems, requests, streams, views
from ensue.api.holding import Gate
from ensue.model.errors import EnsueError
from ensue.operations import following
from ensue.operations.following import Stretch

MOST_STREAMS = 256
BUSY = "this server has as many followers of events as it can"
MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
PAUSE = b"retry: 1000\n\n"
"""How long whoever lost the connection waits before coming again, in milliseconds."""
SERVER_ENDS, MAY_COME_AGAIN = 1001, 1000

router = APIRouter(tags=["events"])


class Following(StreamingResponse):
    """Takes one of the places for followers, for as long as it lasts."""

    def __init__(self, places: Gate, content: AsyncIterator[bytes]) -> None:
        super().__init__(content, media_type=MEDIA_TYPE, headers=HEADERS)
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._places.holding() as place:
            place.add(1)
            await super().__call__(scope, receive, send)


@router.get("/stream")
async def stream_events(
    request: HttpRequest,
    last: Annotated[str, Header(alias="Last-Event-ID")] = "",
    after: Annotated[str, Query(alias="continue")] = "",
    field_selector: Annotated[str, Query(alias="fieldSelector")] = "",
) -> Response:
    """Events as they are stored, with what was decided about them, as server-sent events: from now on, or after
    `Last-Event-ID`."""
    return Following(_places_of(request), _as_text(await _follow(request, field_selector, last or after)))


@router.websocket("/stream")
async def stream_on_socket(socket: WebSocket) -> None:
    """The same, a JSON text for each."""
    query = socket.query_params
    after = socket.headers.get("last-event-id", "") or query.get("continue", "")
    try:
        complaining.require_asked(socket, ("continue", "fieldSelector"))
        with _places_of(socket).holding() as place:
            place.add(1)
            stretches = await _follow(socket, query.get("fieldSelector", ""), after)
            await socket.accept()
            await _serve(socket, stretches)
    except EnsueError as error:
        await socket.send_denial_response(problems.of(error))


async def _serve(socket: WebSocket, stretches: AsyncIterator[Stretch]) -> None:
    """Until either side goes; what the other says is not listened to."""
    gone = asyncio.Event()
    listening = asyncio.create_task(_listen(socket, gone))
    try:
        async for stretch in streams.until(stretches, gone):
            for message in _messages(stretch):
                await socket.send_text(_dumped(message))
        if not gone.is_set():
            await socket.close(SERVER_ENDS if streams.closing_of(socket).is_set() else MAY_COME_AGAIN)
    except WebSocketDisconnect:
        pass
    finally:
        listening.cancel()
        await asyncio.wait({listening})


async def _listen(socket: WebSocket, gone: asyncio.Event) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
    gone.set()


async def _follow(connection: HTTPConnection, fields: str, after: str) -> AsyncIterator[Stretch]:
    select = requests.event_filter(requests.scope_of(connection), fields)
    stretches = await following.follow(requests.identity_of(connection), requests.world_of(connection), select, after)
    return streams.until(stretches, streams.closing_of(connection), streams.ended_of(connection))


def _places_of(connection: HTTPConnection) -> Gate:
    return cast(Gate, connection.app.state.streams)


async def _as_text(stretches: AsyncIterator[Stretch]) -> AsyncIterator[bytes]:
    yield PAUSE
    async for stretch in stretches:
        parts = [_event(message) for message in _messages(stretch)]
        yield "".join(parts).encode()


def _event(message: views.View) -> str:
    if message["type"] == "heartbeat":
        # A cursor without data dispatches nothing, and is what the reader resumes from.
        return f": heartbeat\nid: {message['id']}\n\n"
    return f"id: {message['id']}\nevent: {message['type']}\ndata: {_dumped(message['data'])}\n\n"


def _messages(stretch: Stretch) -> list[views.View]:
    found = [
        {
            "id": stored.cursor,
            "type": "event",
            "data": views.event(stored, stretch.decisions.get(stored.event.uid, ())),
        }
        for stored in stretch.items
    ]
    is_at_end = bool(found) and found[-1]["id"] == stretch.after
    return found if is_at_end else [*found, {"id": stretch.after, "type": "heartbeat"}]


def _dumped(value: views.View) -> str:
    return json.dumps(value, separators=(",", ":"))
