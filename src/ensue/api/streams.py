"""Answers that take their time, and end when the server does."""

import asyncio
import contextlib
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import HTTPConnection
from starlette.responses import StreamingResponse

from ensue.api import views
from ensue.api.connections import ENDED
from ensue.model.errors import Denied, Unauthenticated
from ensue.operations.logs import Line

T = TypeVar("T")
Lines = AsyncIterator[Line]
Read = Callable[[bool], Lines]
"""The lines of a log; with True, also those still to come."""
MEDIA_TYPE = "application/x-ndjson"


def closing_of(connection: HTTPConnection) -> asyncio.Event:
    """Set when the server ends."""
    event = connection.app.state.closing
    assert isinstance(event, asyncio.Event)
    return event


def ended_of(connection: HTTPConnection) -> asyncio.Event:
    """Set when who asked sends nothing more: what has no end of its own ends then, since they may be gone."""
    event = connection.scope.get(ENDED)
    return event if isinstance(event, asyncio.Event) else asyncio.Event()


async def unless(work: Awaitable[T], *ends: asyncio.Event) -> T | None:
    """What `work` gives; None when one of the ends comes before."""
    task = asyncio.ensure_future(work)
    waiting: set[asyncio.Future[Any]] = {task, *(asyncio.ensure_future(end.wait()) for end in ends)}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A request for lines, as NDJSON."""

    read: Read
    is_followed: bool
    tail: int | None
    ends: tuple[asyncio.Event, ...]

    async def answer(self) -> StreamingResponse:
        """What makes the log unreadable is raised here, before the answer begins."""
        await anext(self.read(False), None)
        return StreamingResponse(_encoded(self._lines()), media_type=MEDIA_TYPE)

    async def _lines(self) -> Lines:
        given: Counter[tuple[str, int]] = Counter()
        if self.tail is not None:
            last: deque[Line] = deque(maxlen=self.tail)
            async for line in self.read(False):
                given[line.step, line.attempt] += 1
                last.append(line)
            for line in last:
                yield line
        if self.tail is None or self.is_followed:
            async for line in until(self.read(self.is_followed), *self.ends):
                if given[line.step, line.attempt] > 0:
                    given[line.step, line.attempt] -= 1
                else:
                    yield line


async def _encoded(lines: AsyncIterator[Line]) -> AsyncIterator[bytes]:
    # What was taken back in the middle ends the answer; whoever asks again is told why.
    with contextlib.suppress(Denied, Unauthenticated):
        async for line in lines:
            yield json.dumps(views.line(line), ensure_ascii=False).encode() + b"\n"


async def until(items: AsyncIterator[T], *ends: asyncio.Event) -> AsyncIterator[T]:
    while (item := await unless(_next(items), *ends)) is not None:
        yield item


async def _next(items: AsyncIterator[T]) -> T | None:
    return await anext(items, None)
