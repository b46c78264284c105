"""HEAD, answered as GET is, without the body. Plain ASGI, around everything else."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

OLD_ENOUGH = {"version": "3.0", "spec_version": "2.3"}
"""Of a server whose streams look for the end of the connection themselves."""


class Heading:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        head = Head(send)
        await self._app({**scope, "method": "GET", "asgi": OLD_ENOUGH}, head.receive, head.send)


class Head:
    """One answer: its start goes out, and whatever would go on sending finds the other side gone."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_answered = asyncio.Event()
        self._has_body = False

    async def receive(self) -> Message:
        if not self._has_body:
            self._has_body = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._is_answered.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] != "http.response.start":
            return
        await self._send(message)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        self._is_answered.set()
