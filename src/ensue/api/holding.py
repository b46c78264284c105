"""Back-pressure: what is held of bodies under way is bounded, and who comes too many is asked to come again."""

import contextlib
from collections.abc import Iterator
from typing import Final

from ensue.model.errors import Unavailable

MOST: Final = 64 * 1024 * 1024
EACH: Final = 8 * 1024
"""What a request costs beside its body."""


class Gate:
    """Of one process: counts the bytes of bodies as they come, until their requests are answered."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = self._left = most

    @property
    def held(self) -> int:
        """Bytes."""
        return self._most - self._left

    @contextlib.contextmanager
    def holding(self) -> Iterator["Holding"]:
        held = Holding(self)
        try:
            yield held
        finally:
            self._left += held.size

    def take(self, size: int) -> None:
        """Raises Unavailable."""
        if size > self._left:
            raise Unavailable("more events come at once than can be taken in")
        self._left -= size


class Holding:
    """Of one request."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.size = 0

    def add(self, size: int) -> None:
        """Raises Unavailable."""
        self._gate.take(size)
        self.size += size
