"""A host of scripts whose answers a test says: a real server, within the loop of the test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Host:
    url: str = ""
    scripts: dict[str, str] = field(default_factory=dict)
    """By path; another is answered with 404."""
    speaks: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, it answers; else it takes requests and says nothing."""
    asked: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1]
        self.asked.append(path)
        self.agents += [line for line in head.lower().splitlines() if line.startswith("user-agent:")]
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.speaks.wait()
        finally:
            self.at_once -= 1
        body = self.scripts.get(path, "").encode()
        status = "200 OK" if path in self.scripts else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()


@contextlib.asynccontextmanager
async def hosting(**scripts: str) -> AsyncIterator[Host]:
    host = Host(scripts={f"/{name}.sh": text for name, text in scripts.items()})
    host.speaks.set()
    server = await asyncio.start_server(host.answer, "127.0.0.1", 0)
    host.url = "http://{}:{}".format(*server.sockets[0].getsockname())
    try:
        yield host
    finally:
        host.speaks.set()
        server.close()
