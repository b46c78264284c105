"""Starts a container, and gives it its input beside whatever else happens to it."""

import asyncio
import contextlib
import os

from ensue.clients.containers.api import Api, Refused
from ensue.clients.containers.feeding import Feed
from ensue.engines import terminal
from ensue.engines.container import places
from ensue.engines.container.phases import Kept
from ensue.model.errors import Fail, Unavailable


class Input:
    """What is being given. The file of it is there until the step has had all that it wants, so that a step whose
    input was cut short, by the end of the server or of the engine, is known by it."""

    def __init__(self, api: Api, name: str, feed: Feed, path: str) -> None:
        self._api = api
        self._name = name
        self._feed = feed
        self._path = path
        self._is_broken = False
        self._task: asyncio.Task[None] | None = None

    def go(self, data: bytes) -> None:
        self._task = asyncio.create_task(self._give(data), name=f"input of {self._name}")

    async def _give(self, data: bytes) -> None:
        try:
            self._is_broken = not await self._feed.give(data)
            if self._is_broken:
                # By the program, which wants no more, or by the engine, which then does not answer.
                await self._api.inspect(self._name)
            self._has_all()
        except Unavailable:
            return
        finally:
            self._feed.close()

    async def end(self) -> None:
        """The container has ended: what it has not read it did not want."""
        if self._task is not None and not self._task.done():
            await self.leave()
            if not self._is_broken:
                self._has_all()

    async def leave(self) -> None:
        """Stop giving."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        # A task that was cancelled before it began has closed nothing.
        self._feed.close()

    def _has_all(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._path)


def is_cut_short(directory: str) -> bool:
    """Whether somebody was giving the input of this attempt and did not come to its end."""
    return os.path.lexists(os.path.join(directory, places.STDIN))


async def begin(api: Api, kept: Kept, phase: str, directory: str) -> Input | None:
    """Start a container; gives what is being given to it. Raises Fail when what it runs is not there, Unavailable."""
    name, path = kept.name(phase), os.path.join(directory, places.STDIN)
    data = await asyncio.to_thread(places.read, path) if kept.is_main(phase) else b""
    feed = Feed(api.dialled, name) if data else None
    try:
        if feed is not None:
            await feed.open()
        await _start(api, name)
    except BaseException:
        if feed is not None:
            feed.close()
        raise
    if kept.has_pty and kept.is_main(phase):
        await api.resize(name, terminal.ROWS, terminal.COLUMNS)
    if feed is None:
        return None
    given = Input(api, name, feed, path)
    given.go(data)
    return given


async def _start(api: Api, name: str) -> None:
    try:
        await api.start(name)
    except Refused as error:
        raise Fail(error.message) from None
