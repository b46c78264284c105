"""An attempt's log on disk: frames of whole lines, the head in `log`, the tail in two files used in turn.

What a reader gets is one sequence that only grows: the head as it is written and, once the attempt has ended, a line
that says how much was cut, then the tail. So an offset means the same bytes whenever it is asked for.
"""

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

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self.size = 0
        """Bytes of the file."""
        self.held = 0
        """Bytes of log in it."""

    def write(self, stream: int, micros: int, data: bytes) -> None:
        length = _FRAME.size + len(data)
        try:
            if os.writev(self._descriptor, [_FRAME.pack(len(data), stream, micros), data]) != length:
                raise OSError("the disk is full")
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
            raise
        self.size += length
        self.held += len(data)

    def clear(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.size = self.held = 0

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
        self._head = File(os.path.join(directory, HEAD))
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
        try:
            if self._lost:
                self._store(SYSTEM, micros, lost_line(self._lost, self._lost_for))
                self._lost = 0
            self._store(stream, micros, data)
        except OSError as error:
            self._lost += len(data)
            self._lost_for = os.strerror(error.errno) if error.errno else str(error)

    def _store(self, stream: int, micros: int, data: bytes) -> None:
        if not self._is_head_full:
            room = self._half - self._head.held
            fits = len(data) if len(data) <= room else data.rfind(b"\n", 0, max(room, 0)) + 1
            if fits:
                self._head.write(stream, micros, data[:fits])
            if fits == len(data):
                return
            data = data[fits:]
            self._is_head_full = True
        self._store_in_tail(stream, micros, data)

    def _store_in_tail(self, stream: int, micros: int, data: bytes) -> None:
        if not self._tails:
            self._tails = [File(os.path.join(self._directory, name)) for name in TAILS]
        if self._tails[-1].held + len(data) > self._half and self._tails[-1].held:
            oldest = self._tails.pop(0)
            self._rotated_out += oldest.held
            oldest.clear()
            self._tails.append(oldest)
        self._tails[-1].write(stream, micros, data)

    def finish(self) -> dict[str, object]:
        """Close, and say what a reader needs to know beyond the head."""
        names = list(TAILS)
        skip = 0
        if self._tails:
            held = sum(file.held for file in self._tails)
            skip = self._skip(held - self._half) if held > self._half else 0
            if self._rotated_out and self._is_swapped():
                names.reverse()
        for file in (self._head, *self._tails):
            file.close()
        return {
            "tails": names if self._tails else [],
            "skip": skip,
            "cut": self._rotated_out + skip,
            "lost": self._lost,
            "lost_for": self._lost_for,
            "at": time.time_ns() // 1000,
        }
