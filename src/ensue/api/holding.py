"""Back-pressure: what is held of bodies under way is bounded, and who comes too many is asked to come again."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

from ensue.model.errors import Unavailable

MOST: Final = 64 * 1024 * 1024
EACH: Final = 8 * 1024
"""What a request costs beside its body."""
SLOW_SECONDS: Final = 2.0
"""How long a body may take when others want its room."""


class Gate:
    """Of one process: counts the bytes of bodies as they come, until their requests are answered.

    When there is no room, bodies that have been coming for long make it: nobody holds it by being slow."""

    def __init__(self, *, most: int = MOST, refusal: str = "more events come at once than can be taken in") -> None:
        self._most = self._left = most
        self._refusal = refusal
        self._reading: dict[Holding, float] = {}

    @property
    def held(self) -> int:
        """Bytes."""
        return self._most - self._left

    @property
    def most_of_one(self) -> int:
        """Bytes that what a body becomes is counted as at most: half, so that small ones still come in beside it."""
        return self._most // 2

    @contextlib.contextmanager
    def holding(self) -> Iterator["Holding"]:
        held = Holding(self)
        try:
            yield held
        finally:
            self._left += held.size

    def take(self, size: int) -> None:
        """Raises Unavailable."""
        while size > self._left and self._give_up_slowest():
            pass
        if size > self._left:
            raise Unavailable(self._refusal)
        self._left -= size

    @contextlib.asynccontextmanager
    async def reading(self, holding: "Holding", seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError after so many seconds, or before when somebody else needs the room."""
        now = asyncio.get_running_loop().time()
        async with asyncio.timeout(seconds) as scope:
            holding.scope = scope
            self._reading[holding] = now
            try:
                yield
            finally:
                self._reading.pop(holding, None)

    def _give_up_slowest(self) -> bool:
        """Those who began first come first."""
        now = asyncio.get_running_loop().time()
        slowest = next(iter(self._reading), None)
        if slowest is None or slowest.scope is None or now - self._reading[slowest] < SLOW_SECONDS:
            return False
        del self._reading[slowest]
        slowest.scope.reschedule(now)
        self._left += slowest.size
        slowest.size = 0
        return True


class Holding:
    """Of one request."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.size = 0
        self.scope: asyncio.Timeout | None = None

    def reading(self, seconds: float) -> contextlib.AbstractAsyncContextManager[None]:
        """While its body comes."""
        return self._gate.reading(self, seconds)

    def add(self, size: int) -> None:
        """Raises Unavailable."""
        self._gate.take(size)
        self.size += size

    def grow(self, size: int) -> None:
        """For what its body becomes; one alone always has room for it. Raises Unavailable."""
        self.add(min(size, self._gate.most_of_one))
