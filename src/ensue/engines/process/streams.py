"""What flows between a step and its supervisor: input to it, output into its log. Standard library only."""

import functools
import os
from collections.abc import Callable

from ensue.engines import logfile
from ensue.engines.process import spawning
from ensue.engines.process.loop import READ, WRITE, Fenced

_READ_SIZE = 1 << 16
_LAST_READS = 1024
"""How often a pipe is read after the step's end: a stray that cannot be told apart may write for ever."""


class Streams:
    def __init__(
        self, loop: Fenced, log: logfile.Writer, child: spawning.Child, stdin: bytes, on_growth: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._log = log
        self._pipes = {descriptor: (stream, logfile.Lines()) for stream, descriptor in child.outputs}
        self._stdin = child.stdin
        self._left = memoryview(stdin)
        self._on_growth = on_growth

    def open(self) -> None:
        for descriptor in self._pipes:
            self._loop.watch(descriptor, READ, functools.partial(self._read, descriptor))
        if self._stdin is not None:
            self._loop.watch(self._stdin, WRITE, self._write)

    def close(self) -> None:
        """Read what is there, and close, whoever may still hold the other side."""
        for descriptor in list(self._pipes):
            for _ in range(_LAST_READS):
                if not self._read(descriptor):
                    break
            if descriptor in self._pipes:
                self._close_output(descriptor)
        self._close_input()

    def drop(self) -> None:
        """Close without another look."""
        for descriptor in self._pipes:
            self._loop.unwatch(descriptor)
            os.close(descriptor)
        self._pipes.clear()
        self._close_input()

    def _read(self, descriptor: int) -> bool:
        """One read; False at the end, or when nothing is there now."""
        stream, lines = self._pipes[descriptor]
        try:
            data = os.read(descriptor, _READ_SIZE)
        except BlockingIOError:
            return False
        except OSError:
            # A pty whose other side was closed.
            data = b""
        before = self._log.position
        if data:
            for piece in lines.feed(data):
                self._log.append(stream, piece)
        else:
            self._close_output(descriptor)
        if self._log.position != before:
            self._on_growth()
        return bool(data)

    def _close_output(self, descriptor: int) -> None:
        stream, lines = self._pipes.pop(descriptor)
        self._loop.unwatch(descriptor)
        os.close(descriptor)
        if rest := lines.rest():
            self._log.append(stream, rest)

    def _write(self) -> None:
        if self._stdin is None:
            return
        try:
            self._left = self._left[os.write(self._stdin, self._left) :]
        except BlockingIOError:
            return
        except OSError:
            self._left = self._left[:0]
        if not self._left:
            self._close_input()

    def _close_input(self) -> None:
        if self._stdin is not None:
            self._loop.unwatch(self._stdin)
            os.close(self._stdin)
            self._stdin = None
