"""Requests to an ASGI application, without a socket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks as the one whose token it has."""

    app: ASGIApp
    token: str = ""

    async def __call__(
        self, method: str, path: str, body: bytes | object = b"", media_type: str = "", **headers: str
    ) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {self.token}"} if self.token else {}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}
        if media_type:
            given["content-type"] = media_type
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "raw_path": raw.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), text.encode("latin-1")) for name, text in given.items()],
        }
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": data}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        begun, *rest = sent
        return Reply(
            status=begun["status"],
            headers={name.decode(): text.decode("latin-1") for name, text in begun["headers"]},
            body=b"".join(part.get("body", b"") for part in rest),
        )

    async def get(self, path: str) -> Reply:
        return await self("GET", path)

    async def put(self, path: str, value: object, media_type: str = "application/json") -> Reply:
        return await self("PUT", path, value, media_type)

    async def post(self, path: str, value: object, media_type: str = "application/json") -> Reply:
        return await self("POST", path, value, media_type)
