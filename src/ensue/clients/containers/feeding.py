"""Gives a container its standard input, over a connection that becomes a stream once the engine has answered."""

import asyncio

from ensue.clients.containers import dialing
from ensue.clients.containers.hosts import Host
from ensue.model.errors import Unavailable

ANSWER_SECONDS = 20.0


class Feed:
    """Open before the container starts, then `give` all of it: the container sees the end of its input after that."""

    def __init__(self, host: Host, name: str) -> None:
        self._host = host
        self._name = name
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None

    async def open(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._reader, self._writer = await dialing.dial(self._host)
                path = f"/containers/{self._name}/attach?stream=1&stdin=1"
                self._writer.write(
                    f"POST {path} HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                    "Content-Length: 0\r\n\r\n".encode()
                )
                head = await self._reader.readuntil(b"\r\n\r\n")
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Unavailable(f"the container engine at {self._host} does not answer: {error}") from None
        if head.split(b" ", 2)[1] not in (b"101", b"200"):
            self.close()
            raise Unavailable(f"the container engine at {self._host} takes no input for {self._name}")

    async def give(self, data: bytes) -> bool:
        """However long that takes; False when the other side wants no more, or is gone."""
        writer = self._writer
        assert writer is not None
        try:
            # What is still here is not given yet.
            writer.transport.set_write_buffer_limits(0)
            writer.write(data)
            await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            else:
                # TLS has no end of one direction: that of both is the end of the input too.
                writer.close()
                await writer.wait_closed()
        except OSError:
            return False
        return True

    def close(self) -> None:
        if self._writer is not None:
            # Not `close`, which would wait for a container that reads nothing.
            self._writer.transport.abort()
            self._writer = None
