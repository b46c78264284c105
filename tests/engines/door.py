"""A way to a container engine that can be shut, as one that is ending shuts its own: who is in goes on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path


class Door:
    def __init__(self, path: Path, engine: Path) -> None:
        self.path = path
        self._engine = engine
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    def shut(self) -> None:
        assert self._server is not None
        self._server.close()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(self._engine)
        ways = [_carry(reader, there_writer), _carry(there_reader, writer)]
        self._tasks |= (tasks := {asyncio.create_task(way) for way in ways})
        await asyncio.wait(tasks)
        self._tasks -= tasks

    async def close(self) -> None:
        self.shut()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def to(engine: Path, path: Path) -> AsyncIterator[Door]:
    door = Door(path, engine)
    await door.open()
    try:
        yield door
    finally:
        await door.close()
