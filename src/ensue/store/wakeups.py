"""Wake-ups: within a process, and between processes through PostgreSQL. Any may be lost; whoever waits polls too."""

import asyncio
import logging
import uuid
import weakref
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import asyncpg

from ensue.ports.wakeup import Wakeup
from ensue.store import opening

log = logging.getLogger(__name__)

CHANNEL: Final = "ensue_wakeup"
NOTIFY: Final = "SELECT pg_notify($1, $2)"
NOTIFY_SECONDS: Final = 0.005
PROBE_SECONDS: Final = 15.0
PROBE_PATIENCE_SECONDS: Final = 5.0
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 10.0


class LocalWakeup:
    """Enough where one process owns the database.

    A channel with a colon, as `run:UID`, is one of any number: only who waits at that moment is woken.
    """

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._waiting: defaultdict[str, set[asyncio.Future[bool]]] = defaultdict(set)
        self._seen: weakref.WeakKeyDictionary[asyncio.Task[Any], dict[str, int]] = weakref.WeakKeyDictionary()

    def notify(self, *channels: str) -> None:
        for channel in channels:
            if ":" not in channel:
                self._counts[channel] += 1
            for future in self._waiting.pop(channel, ()):
                _settle(future, True)

    def notify_all(self) -> None:
        """When it is not known what was missed."""
        self.notify(*{*self._counts, *self._waiting})

    async def wait(self, channel: str, timeout: float) -> bool:
        if self._catch_up(channel):
            return True
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(timeout, _settle, future, False)
        self._waiting[channel].add(future)
        try:
            return await future
        finally:
            timer.cancel()
            self._forget(channel, future)
            self._catch_up(channel)

    def _catch_up(self, channel: str) -> bool:
        """Whether the channel was notified since this task last waited for it; its first wait counts from the start."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("wait is called from a task")
        seen = self._seen.setdefault(task, {})
        if ":" in channel:
            return False
        count = self._counts[channel]
        is_behind = seen.get(channel, 0) < count
        seen[channel] = count
        return is_behind

    def _forget(self, channel: str, future: "asyncio.Future[bool]") -> None:
        futures = self._waiting.get(channel)
        if futures is not None:
            futures.discard(future)
            if not futures:
                del self._waiting[channel]


class PostgresWakeup:
    """Tells the other processes after a commit, at most once per 5 ms, on a connection of its own.

    `run` keeps the connections until cancelled; without it this is a LocalWakeup. LISTEN needs a session
    of its own, so `url` leads to the server itself, not to a pooler in transaction mode.
    """

    def __init__(self, url: str, *, probe_seconds: float = PROBE_SECONDS) -> None:
        self._url = url
        self._probe_seconds = probe_seconds
        self._probe_patience_seconds = min(PROBE_PATIENCE_SECONDS, probe_seconds)
        self._local = LocalWakeup()
        self._origin = uuid.uuid4().hex
        self._unsent: set[str] = set()
        self._has_unsent = asyncio.Event()
        self._echo = asyncio.Event()
        self.is_listening = False

    def notify(self, *channels: str) -> None:
        self._local.notify(*channels)
        shared = [channel for channel in channels if ":" not in channel]
        if shared:
            self._unsent.update(shared)
            self._has_unsent.set()

    async def wait(self, channel: str, timeout: float) -> bool:
        return await self._local.wait(channel, timeout)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep(self._send))
            tasks.create_task(self._keep(self._listen))

    async def _keep(self, use: Callable[["asyncpg.Connection[Any]"], Any]) -> None:
        """Connect, and again whenever the connection is lost."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(
                    self._url, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS, statement_cache_size=0
                )
                pause = FIRST_PAUSE_SECONDS
                try:
                    await use(connection)
                finally:
                    connection.terminate()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                log.warning("wake-ups between processes are interrupted; polling goes on: %s", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _send(self, connection: "asyncpg.Connection[Any]") -> None:
        while True:
            await self._has_unsent.wait()
            channels, self._unsent = self._unsent, set()
            self._has_unsent.clear()
            try:
                await connection.execute(NOTIFY, CHANNEL, f"{self._origin}:{','.join(sorted(channels))}")
            except BaseException:
                self._unsent |= channels
                self._has_unsent.set()
                raise
            await asyncio.sleep(NOTIFY_SECONDS)

    async def _listen(self, connection: "asyncpg.Connection[Any]") -> None:
        """Hear the others; a notification to ourselves now and then proves that the connection still carries any."""
        await connection.add_listener(CHANNEL, self._hear)
        self.is_listening = True
        self._local.notify_all()
        try:
            while True:
                await self._probe(connection)
                await asyncio.sleep(self._probe_seconds)
        finally:
            self.is_listening = False

    async def _probe(self, connection: "asyncpg.Connection[Any]") -> None:
        self._echo.clear()
        await connection.execute(NOTIFY, CHANNEL, f"{self._origin}:")
        async with asyncio.timeout(self._probe_patience_seconds):
            await self._echo.wait()

    def _hear(self, connection: object, pid: int, channel: str, payload: object) -> None:
        origin, _, channels = str(payload).partition(":")
        if origin != self._origin:
            self._local.notify(*channels.split(","))
        elif not channels:
            self._echo.set()


def wakeup_for(url: str) -> Wakeup:
    """The one that suits a database URL."""
    return LocalWakeup() if url.startswith("sqlite:") else PostgresWakeup(opening.postgres_address(url)[0])


def _settle(future: "asyncio.Future[bool]", was_notified: bool) -> None:
    if not future.done():
        future.set_result(was_notified)
