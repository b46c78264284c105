"""Takes an attempt's log from its engine to storage, in compressed segments whose index is in the store."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ensue.core import folding
from ensue.model.errors import EnsueError, Unavailable
from ensue.model.run import Lease
from ensue.model.values import RunUid, from_micros, to_micros
from ensue.ports.engine import LogChunk
from ensue.ports.storage import Storage
from ensue.ports.store import Logs, LogSegment
from ensue.runtime import patience
from ensue.runtime.hiding import Masked, Screen
from ensue.runtime.patience import patiently

log = logging.getLogger("ensue.logs")

SEGMENT_BYTES = 256 * 1024
SMALL_BYTES = 2048
"""A rest this small goes into the index row: a file and its fsync would cost more (docs/decisions)."""
FIRST_FLUSH = 0.25
LONGEST_FLUSH = 5.0
FLUSH_GROWTH = 1.5
KEEP_TRYING = timedelta(seconds=30)
MANY_SEGMENTS = 4
MERGED_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogLine:
    """One piece of a log as readers get it; `text` ends at a line end where the step's did."""

    offset: int
    at: datetime
    stream: str
    text: str
    size: int
    """The bytes it had; more or fewer than the text has where they were not valid UTF-8, or were a secret."""

    @property
    def end(self) -> int:
        return self.offset + self.size


class Shipper:
    """One attempt's way out. `pump` and `close` are called by one task, in this order."""

    def __init__(self, *, lease: Lease, logs: Logs, storage: Storage, screen: Screen) -> None:
        self._lease = lease
        self._logs = logs
        self._storage = storage
        self._screen = screen
        self._lines: list[LogLine] = []
        self._size = 0
        self._shipped: list[LogSegment] = []
        self._lock = asyncio.Lock()
        self._interval = FIRST_FLUSH
        self.is_fenced = False

    def add(self, chunk: LogChunk) -> None:
        if chunk.data:
            self._take(self._screen.add(chunk))

    def _take(self, masked: Iterable[Masked]) -> None:
        for chunk, data in masked:
            text = data.decode("utf-8", "replace").replace("\0", "\ufffd")
            self._lines.append(LogLine(chunk.offset, chunk.at, chunk.stream, text, len(chunk.data)))
            self._size += len(chunk.data)

    async def pump(self, chunks: AsyncIterator[LogChunk]) -> None:
        """Ship until the log ends. What is read while the store is away waits in the attempt's directory."""
        flusher = asyncio.create_task(self._flush_now_and_then())
        try:
            async for chunk in chunks:
                self.add(chunk)
                if self._size >= SEGMENT_BYTES:
                    # Shielded: a segment that is indexed must not be shipped again by `close`.
                    await asyncio.shield(self.flush())
                if self.is_fenced:
                    return
        finally:
            flusher.cancel()
            await asyncio.wait([flusher])

    async def flush(self) -> None:
        async with self._lock:
            if not self._lines:
                return
            lines, size = list(self._lines), self._size
            segment = await self._store(lines)
            if not await patiently(lambda: self._logs.add(self._lease, [segment])):
                self.is_fenced = True
            self._shipped.append(segment)
            del self._lines[: len(lines)]
            self._size -= size

    async def close(self) -> tuple[LogSegment, ...]:
        """What is left, to be recorded together with the attempt's end."""
        async with self._lock:
            self._take(self._screen.rest())
            if len(self._shipped) > MANY_SEGMENTS and not self.is_fenced:
                await self._merge()
            lines, self._lines, self._size = self._lines, [], 0
            if not lines:
                return ()
            body = encode(lines)
            if len(body) <= SMALL_BYTES:
                return (_segment(self._lease, lines, body=body),)
            return (await self._store(lines),)

    async def _flush_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            if self._lines:
                self._interval = min(self._interval * FLUSH_GROWTH, LONGEST_FLUSH)
                await asyncio.shield(self.flush())

    async def _store(self, lines: Sequence[LogLine]) -> LogSegment:
        """Write a segment; when storage stays unusable, one that says so in its place."""
        started = asyncio.get_running_loop().time()
        delay = patience.FIRST_PAUSE
        while True:
            try:
                return await self._write(lines)
            except (OSError, Unavailable) as error:
                if asyncio.get_running_loop().time() - started > KEEP_TRYING.total_seconds():
                    log.error("log of %s could not be kept: %s", self._lease.key.title, error)
                    return _segment(self._lease, lines, body=_apology(lines, error))
                await asyncio.sleep(delay)
                delay = min(delay * 2, patience.LONGEST_PAUSE)

    async def _write(self, lines: Sequence[LogLine]) -> LogSegment:
        key = _key(self._lease, lines[0].offset, lines[-1].end)
        await self._storage.write(key, _compressed(encode(lines)))
        return _segment(self._lease, lines, key=key)

    async def _merge(self) -> None:
        """Many small segments become few; the small ones are deleted when the index no longer names them."""
        try:
            merged = [await self._join(part) for part in _parts(self._shipped)]
            if await self._logs.compact(self._lease, merged):
                kept = {segment.key for segment in merged}
                for segment in self._shipped:
                    if segment.key and segment.key not in kept:
                        await self._storage.delete(segment.key)
        except (EnsueError, OSError) as error:
            log.warning("segments of %s stay small: %s", self._lease.key.title, error)

    async def _join(self, part: Sequence[LogSegment]) -> LogSegment:
        """One segment of several that follow each other. Files of gzip behind each other are one, so their lines
        need not be read."""
        first, last = part[0], part[-1]
        if len(part) == 1:
            return first
        key = _key(self._lease, first.start, last.end)
        files = [await self._storage.read(each.key) if each.key else _compressed(each.body) for each in part]
        await self._storage.write(key, b"".join(files))
        return replace(first, end=last.end, last_at=last.last_at, key=key, body="")


def encode(lines: Iterable[LogLine]) -> str:
    """A line of JSON for each: offset, microseconds, stream, text, bytes."""
    return "".join(
        json.dumps(
            [line.offset, to_micros(line.at), line.stream, line.text, line.size],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        + "\n"
        for line in lines
    )


def decode(body: str) -> list[LogLine]:
    rows = (json.loads(line) for line in body.split("\n") if line)
    return [LogLine(offset, from_micros(at), stream, text, size) for offset, at, stream, text, size in rows]


async def read(storage: Storage, segment: LogSegment) -> list[LogLine]:
    """The lines of a segment, wherever it is. Raises NotFound when storage has lost it."""
    if segment.body:
        return decode(segment.body)
    data = await storage.read(segment.key)
    return decode(gzip.decompress(data).decode())


def _compressed(text: str) -> bytes:
    return gzip.compress(text.encode(), compresslevel=1, mtime=0)


def _parts(segments: Sequence[LogSegment]) -> Iterator[list[LogSegment]]:
    """What becomes one file each."""
    part: list[LogSegment] = []
    for segment in segments:
        part.append(segment)
        if segment.end - part[0].start >= MERGED_BYTES:
            yield part
            part = []
    if part:
        yield part


def _apology(lines: Sequence[LogLine], error: Exception) -> str:
    start, size = lines[0].offset, lines[-1].end - lines[0].offset
    text = f"{size} bytes of log could not be kept: {error}\n"
    return encode([LogLine(start, lines[0].at, "system", text, size)])


def _segment(lease: Lease, lines: Sequence[LogLine], *, key: str = "", body: str = "") -> LogSegment:
    return LogSegment(
        step=lease.key.step,
        item=lease.key.item,
        attempt=lease.attempt,
        start=lines[0].offset,
        end=lines[-1].end,
        first_at=lines[0].at,
        last_at=lines[-1].at,
        key=key,
        body=body,
    )


def folder(run: RunUid) -> str:
    """Where the logs of a run lie in storage."""
    return f"logs/{run}"


def _key(lease: Lease, start: int, end: int) -> str:
    item = "" if lease.key.item < 0 else f".{lease.key.item}"
    return f"{folder(lease.key.run)}/{folding.folded(lease.key.step)}{item}.{lease.attempt}/{start}-{end}.jsonl.gz"
