"""A way to PostgreSQL on which answers can be lost."""

import asyncio
import contextlib
import urllib.parse
from collections.abc import AsyncIterator


class Proxy:
    """Forwards connections. `swallow` makes commits succeed whose answer nobody hears."""

    def __init__(self, url: str) -> None:
        self._target = urllib.parse.urlsplit(url)
        self._left = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._swallowed = asyncio.Semaphore(0)

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return self._target._replace(netloc=f"{self._target.username}@127.0.0.1:{port}").geturl()

    async def swallow(self, count: int) -> None:
        """The answers of the next commits are lost, and their connections with them. Returns when they are."""
        self._left += count
        for _ in range(count):
            await self._swallowed.acquire()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._target.hostname is not None
        there_reader, there_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        ends = {writer, there_writer}
        self._writers |= ends
        is_deaf = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forward(reader, there_writer, is_deaf, is_to_server=True))
                both.create_task(self._forward(there_reader, writer, is_deaf, is_to_server=False))
        except* (OSError, EOFError):
            pass
        finally:
            for each in ends:
                each.close()
            self._writers -= ends

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_deaf: asyncio.Event, *, is_to_server: bool
    ) -> None:
        while data := await reader.read(65536):
            if is_to_server and self._left > 0 and b"COMMIT" in data:
                self._left -= 1
                is_deaf.set()
            elif is_deaf.is_set() and not is_to_server:
                # The answer that says that the commit took place.
                self._swallowed.release()
                raise EOFError
            writer.write(data)
            await writer.drain()
        raise EOFError


@contextlib.asynccontextmanager
async def to(url: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(url)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
