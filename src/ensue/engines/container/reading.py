"""Reads the log of an attempt from its engine, as one sequence over all its containers.

It is the same sequence whenever it is read, so an offset means the same bytes after a restart, too.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from ensue.clients.containers.api import Api, Refused
from ensue.clients.containers.frames import Message
from ensue.engines import logfile
from ensue.engines.container.course import Course
from ensue.engines.container.phases import MAIN, Kept
from ensue.engines.memory import CappedLog
from ensue.model.errors import Unavailable
from ensue.ports.engine import LogChunk

RETRY = 1.0


async def read(api: Api, kept: Kept, course: Course | None, offset: int) -> AsyncIterator[LogChunk]:
    """All chunks from `offset` on. An engine that breaks off is asked again from where it was."""
    while True:
        try:
            async for chunk in _read(api, kept, course):
                skip = max(0, offset - chunk.offset)
                if skip < len(chunk.data):
                    offset = chunk.offset + len(chunk.data)
                    yield LogChunk(chunk.offset + skip, chunk.at, chunk.stream, chunk.data[skip:])
            return
        except Unavailable:
            if course is None or course.has_ended:
                return
            await asyncio.sleep(RETRY)


async def _read(api: Api, kept: Kept, course: Course | None) -> AsyncIterator[LogChunk]:
    chunks: list[LogChunk] = []
    capped = CappedLog(limit=kept.output, now=lambda: datetime.now(UTC), sink=chunks.append)
    for phase in kept.phases:
        if course is not None and not await course.begun(phase):
            continue
        lines = _Lines(capped, mends_ends=not kept.is_podman)
        try:
            async for message in _messages(api, kept, phase, is_over=course is None or course.has_ended):
                lines.take(message)
                while chunks:
                    yield chunks.pop(0)
        except Refused:
            # The container is gone, and its log with it.
            continue
        lines.close()
    capped.close()
    for chunk in chunks:
        yield chunk


async def _messages(api: Api, kept: Kept, phase: str, *, is_over: bool) -> AsyncIterator[Message]:
    """Docker may end a log that it follows before the last of it: so the rest is read once more. What is over is not
    followed: a lost container may run on."""
    name, is_framed, count = kept.name(phase), not (kept.has_pty and phase == MAIN), 0
    async for message in api.logs(name, is_framed=is_framed, is_followed=not is_over):
        count += 1
        yield message
    if is_framed and not is_over:
        async for message in api.logs(name, is_framed=True, is_followed=False):
            count -= 1
            if count < 0:
                yield message


class _Lines:
    """Whole lines of the messages of one container. `mends_ends`: Docker's binary log driver forgets the end of a line
    that came in parts; parts of one line have one time."""

    def __init__(self, log: CappedLog, *, mends_ends: bool) -> None:
        self._log = log
        self._mends_ends = mends_ends
        self._pieces = {stream: logfile.Lines() for stream in ("stdout", "stderr")}
        self._open: dict[str, datetime | None] = {}

    def take(self, message: Message) -> None:
        stream, data = message.stream, message.data
        if self._mends_ends and message.at and self._open.get(stream, message.at) != message.at:
            data = b"\n" + data
        if data.endswith(b"\n"):
            self._open.pop(stream, None)
        else:
            self._open[stream] = message.at
        for piece in self._pieces[stream].feed(data):
            self._log.write(stream, piece, message.at)

    def close(self) -> None:
        for stream, pieces in self._pieces.items():
            if rest := pieces.rest():
                self._log.write(stream, rest)
