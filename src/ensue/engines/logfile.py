"""An attempt's log on disk: frames of whole lines, the head in `log`, the tail in two files used in turn.

What a reader gets is one sequence that only grows: the head as it is written and, once the attempt has ended, a line
that says how much was cut, then the tail. So an offset means the same bytes whenever it is asked for.
"""

import errno
import os
import struct
import time
from collections.abc import Iterator

HEAD = "log"
TAILS = ("log.0", "log.1")
STREAMS = ("stdout", "stderr", "system")
SYSTEM = 2
LONGEST_LINE = 65536

_FRAME = struct.Struct("<IB3xQ")
_BLOCK = 1 << 18


class File:
    """One file of frames. A write that does not fit on the disk leaves no torn frame."""

    def __init__(self, directory: str, name: str) -> None:
        self.name = name
        path = os.path.join(directory, name)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self.size = 0
        """Bytes of the file."""
        self.held = 0
        """Bytes of log in it."""

    def write(self, stream: int, micros: int, data: bytes) -> None:
        length = _FRAME.size + len(data)
        try:
            if os.writev(self._descriptor, [_FRAME.pack(len(data), stream, micros), data]) != length:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            self.cut_to(self.size, self.held)
            raise
        self.size += length
        self.held += len(data)

    def cut_to(self, size: int, held: int) -> None:
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)
        self.size, self.held = size, held

    def line_after(self, offset: int) -> int:
        """Where the first line at or after byte `offset` of the log in this file starts."""
        start, position = 0, 0
        while position < self.size:
            length, _, _ = _FRAME.unpack(os.pread(self._descriptor, _FRAME.size, position))
            if start + length >= offset:
                data = os.pread(self._descriptor, length, position + _FRAME.size)
                newline = data.find(b"\n", max(offset - start - 1, 0))
                return offset if newline < 0 else start + newline + 1
            start += length
            position += _FRAME.size + length
        return offset

    def close(self) -> None:
        os.close(self._descriptor)


class Writer:
    """Takes whole lines and keeps at most `limit` bytes of them, half at the head and half at the tail."""

    def __init__(self, directory: str, limit: int) -> None:
        self._directory = directory
        self._half = limit // 2
        self._head = File(directory, HEAD)
        self._is_head_full = False
        self._tails: list[File] = []
        self._rotated_out = 0
        self._lost = 0
        self._lost_for = ""

    @property
    def position(self) -> int:
        """The size of the head: what a reader can see now."""
        return self._head.size

    def append(self, stream: int, data: bytes) -> None:
        micros = time.time_ns() // 1000
        if not self._is_head_full:
            room = self._half - self._head.held
            fits = len(data) if len(data) <= room else data.rfind(b"\n", 0, max(room, 0)) + 1
            if fits:
                self._put(self._head, stream, micros, data[:fits])
            if fits == len(data):
                return
            data = data[fits:]
            self._is_head_full = True
        self._put(self._tail_for(len(data)), stream, micros, data)

    def _put(self, file: File, stream: int, micros: int, data: bytes) -> None:
        before = file.size, file.held
        try:
            if self._lost:
                file.write(SYSTEM, micros, lost_line(self._lost, self._lost_for))
            file.write(stream, micros, data)
            self._lost = 0
        except OSError as error:
            file.cut_to(*before)
            self._lost += len(data)
            self._lost_for = os.strerror(error.errno) if error.errno else str(error)

    def _tail_for(self, length: int) -> File:
        if not self._tails:
            self._tails = [File(self._directory, name) for name in TAILS]
        if self._tails[-1].held and self._tails[-1].held + length > self._half:
            self._tails.reverse()
            self._rotated_out += self._tails[-1].held
            self._tails[-1].cut_to(0, 0)
        return self._tails[-1]

    def finish(self) -> dict[str, object]:
        """Close, and say what a reader needs to know beyond the head."""
        skip = self._skip()
        for file in (self._head, *self._tails):
            file.close()
        return {
            "tails": [file.name for file in self._tails],
            "skip": skip,
            "cut": self._rotated_out + skip,
            "lost": self._lost,
            "lost_for": self._lost_for,
            "at": time.time_ns() // 1000,
        }

    def _skip(self) -> int:
        before = 0
        excess = sum(file.held for file in self._tails) - self._half
        for file in self._tails:
            if 0 < excess <= before + file.held:
                return before + file.line_after(excess - before)
            before += file.held
        return 0


def lost_line(count: int, reason: str) -> bytes:
    return f"[ensue] {count} bytes of output were lost here: {reason}\n".encode()


def cut_line(count: int) -> bytes:
    return f"[ensue] {count} bytes of output were cut here\n".encode()


class Lines:
    """Turns what is read from a pipe into pieces that end at a line end, or are as long as a line may be."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        end = data.rfind(b"\n") + 1
        if end:
            head, self._pending = self._pending + data[:end], data[end:]
            first = head.find(b"\n") + 1
            while first > LONGEST_LINE:
                yield head[:LONGEST_LINE]
                head, first = head[LONGEST_LINE:], first - LONGEST_LINE
            yield head
        else:
            self._pending += data
        while len(self._pending) >= LONGEST_LINE:
            yield self._pending[:LONGEST_LINE]
            self._pending = self._pending[LONGEST_LINE:]

    def rest(self) -> bytes:
        rest, self._pending = self._pending, b""
        return rest


Frame = tuple[int, int, str, bytes]
"""Offset, microseconds since 1970, stream, bytes."""


class Reader:
    """Reads an attempt's log in order; may be asked again as it grows."""

    def __init__(self, directory: str, offset: int = 0) -> None:
        self._directory = directory
        self._wanted = offset
        self._offset = 0
        self.position = 0
        """How far the head file was read."""

    def head(self) -> Iterator[Frame]:
        """What the head holds that was not read yet."""
        for size, micros, stream, data in _frames(os.path.join(self._directory, HEAD), self.position):
            self.position += size
            yield from self._frame(micros, stream, data)

    def ending(self, summary: dict[str, object]) -> Iterator[Frame]:
        """What follows the head once the attempt has ended; `summary` is what `Writer.finish` gave."""
        yield from self.head()
        at, cut, lost, skip = (_number(summary, key) for key in ("at", "cut", "lost", "skip"))
        if cut:
            yield from self._frame(at, SYSTEM, cut_line(cut))
        tails = summary.get("tails")
        for name in tails if isinstance(tails, list) else ():
            for _, micros, stream, data in _frames(os.path.join(self._directory, name), 0):
                kept = data[skip:]
                skip = max(0, skip - len(data))
                yield from self._frame(micros, stream, kept)
        if lost:
            yield from self._frame(at, SYSTEM, lost_line(lost, str(summary.get("lost_for", ""))))

    def _frame(self, micros: int, stream: int, data: bytes) -> Iterator[Frame]:
        start, self._offset = self._offset, self._offset + len(data)
        if self._offset > self._wanted:
            at = max(start, self._wanted)
            yield at, micros, STREAMS[stream], data[at - start :]


def _number(summary: dict[str, object], key: str) -> int:
    value = summary.get(key)
    return value if isinstance(value, int) else 0


def _frames(path: str, position: int) -> Iterator[tuple[int, int, int, bytes]]:
    """Whole frames from a file position on: bytes of the frame, time, stream, data."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        block = b""
        while more := os.pread(descriptor, _BLOCK, position):
            position += len(more)
            block += more
            at = 0
            while len(block) - at >= _FRAME.size:
                length, stream, micros = _FRAME.unpack_from(block, at)
                end = at + _FRAME.size + length
                if end > len(block):
                    break
                yield end - at, micros, stream, block[at + _FRAME.size : end]
                at = end
            block = block[at:]
    finally:
        os.close(descriptor)
