"""Connections to PostgreSQL for transactions that leave nothing behind in their session.

asyncpg's own pool resets a session after each use, a round trip more, and its proxies forget the connection
when it breaks, just when its state is asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import asyncpg

CLOSE_SECONDS: Final = 5.0

Connection: TypeAlias = "asyncpg.Connection[Any]"


class Pool:
    """At most `size` connections, made when needed; the last one used is the next, so that its caches stay warm."""

    def __init__(self, *, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    async def acquire(self) -> Connection:
        """Waits in line; raises what connecting raises."""
        await self._free.acquire()
        try:
            while self._idle:
                if not (connection := self._idle.pop()).is_closed():
                    return connection
            return await self._connect()
        except BaseException:
            self._free.release()
            raise

    def release(self, connection: Connection) -> None:
        if not connection.is_closed():
            self._idle.append(connection)
        self._free.release()

    async def close(self) -> None:
        """When all are released."""
        idle, self._idle = self._idle, []
        for connection in idle:
            try:
                await connection.close(timeout=CLOSE_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()
