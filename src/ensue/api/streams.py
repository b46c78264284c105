"""Answers that take their time, and end when the server does."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from fastapi import Request as HttpRequest
from starlette.responses import StreamingResponse

from ensue.api import views
from ensue.operations.logs import Line

T = TypeVar("T")
Lines = AsyncIterator[Line]
Read = Callable[[bool], Lines]
"""The lines of a log; with True, also those still to come."""
MEDIA_TYPE = "application/x-ndjson"


def closing_of(request: HttpRequest) -> asyncio.Event:
    """Set when the server ends."""
    event = request.app.state.closing
    assert isinstance(event, asyncio.Event)
    return event


async def unless(closing: asyncio.Event, work: Awaitable[T]) -> T | None:
    """What `work` gives; None when the server ends before."""
    task = asyncio.ensure_future(work)
    end = asyncio.ensure_future(closing.wait())
    try:
        await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, end):
            each.cancel()
        await asyncio.wait({task, end})


async def log(read: Read, *, is_followed: bool, tail: int | None, closing: asyncio.Event) -> StreamingResponse:
    """The lines as NDJSON. What makes the log unreadable is raised here, before the answer begins."""
    await anext(read(False), None)
    return StreamingResponse(_encoded(_lines(read, is_followed, tail, closing)), media_type=MEDIA_TYPE)


async def _encoded(lines: AsyncIterator[Line]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield json.dumps(views.line(line), ensure_ascii=False).encode() + b"\n"


async def _lines(read: Read, is_followed: bool, tail: int | None, closing: asyncio.Event) -> AsyncIterator[Line]:
    given: Counter[tuple[str, int]] = Counter()
    if tail is not None:
        last: deque[Line] = deque(maxlen=tail)
        async for line in read(False):
            given[line.step, line.attempt] += 1
            last.append(line)
        for line in last:
            yield line
    if tail is None or is_followed:
        async for line in _until(closing, read(is_followed)):
            if given[line.step, line.attempt] > 0:
                given[line.step, line.attempt] -= 1
            else:
                yield line


async def _until(closing: asyncio.Event, lines: AsyncIterator[Line]) -> AsyncIterator[Line]:
    while (line := await unless(closing, _next(lines))) is not None:
        yield line


async def _next(lines: AsyncIterator[Line]) -> Line | None:
    return await anext(lines, None)
