"""Attempts that live in this process: their log, capped, and their outcome."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from ensue.engines import logfile
from ensue.model.run import Outcome
from ensue.ports.engine import LogChunk

LogSink = Callable[[LogChunk], None]


class CappedLog:
    """Hands lines on as chunks: the head at once, then, when closed, what was cut and the tail."""

    def __init__(self, *, limit: int, now: Callable[[], datetime], sink: LogSink) -> None:
        self._half = limit // 2
        self._now = now
        self._sink = sink
        self._offset = 0
        self._is_head_full = False
        self._tail: deque[tuple[datetime, str, bytes]] = deque()
        self._held = 0
        self._cut = 0

    def line(self, text: str) -> None:
        self.write("stdout", f"{text}\n".encode(errors="replace"))

    def write(self, stream: str, data: bytes, at: datetime | None = None) -> None:
        """One line; a long one becomes several chunks. `at`: when it was written, if not now."""
        for start in range(0, len(data), logfile.LONGEST_LINE):
            self._keep(at or self._now(), stream, data[start : start + logfile.LONGEST_LINE])

    def _keep(self, at: datetime, stream: str, data: bytes) -> None:
        if not self._is_head_full and self._offset + len(data) <= self._half:
            self._emit(at, stream, data)
            return
        self._is_head_full = True
        self._tail.append((at, stream, data))
        self._held += len(data)
        while self._held > self._half:
            gone = len(self._tail.popleft()[2])
            self._held -= gone
            self._cut += gone

    def _emit(self, at: datetime, stream: str, data: bytes) -> None:
        offset, self._offset = self._offset, self._offset + len(data)
        self._sink(LogChunk(offset, at, stream, data))

    def close(self) -> None:
        if self._cut:
            self._emit(self._now(), "system", logfile.cut_line(self._cut))
            self._cut = 0
        while self._tail:
            self._emit(*self._tail.popleft())


class Resident:
    """One attempt in memory, for any number of readers. `task` does the work and may be cancelled."""

    def __init__(self) -> None:
        self._chunks: list[LogChunk] = []
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @property
    def has_ended(self) -> bool:
        return self._outcome.done()

    def add(self, chunk: LogChunk) -> None:
        self._chunks.append(chunk)
        self._wake()

    def end(self, outcome: Outcome) -> None:
        """The first outcome counts."""
        if not self._outcome.done():
            self._outcome.set_result(outcome)
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self) -> Outcome:
        return await asyncio.shield(self._outcome)

    async def tail(self, offset: int) -> AsyncIterator[LogChunk]:
        read = 0
        while True:
            changed, has_ended = self._changed, self.has_ended
            while read < len(self._chunks):
                chunk = self._chunks[read]
                read += 1
                skip = max(0, offset - chunk.offset)
                if skip < len(chunk.data):
                    yield LogChunk(chunk.offset + skip, chunk.at, chunk.stream, chunk.data[skip:])
            if has_ended:
                return
            await changed.wait()
