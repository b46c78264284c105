"""Bounds how often sources let something in: of this process, in memory."""

import time
from collections.abc import Callable
from datetime import timedelta

from ensue.core import pacing
from ensue.model.errors import RateExceeded
from ensue.model.rate import Rate

MOST = 10_000
"""Names that are remembered; of more, those that were used longest ago begin anew."""


class Paces:
    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._unused_at: dict[str, float] = {}

    def take(self, name: str, rate: Rate | None, count: int = 1, *, bound: str = "") -> None:
        """Raises RateExceeded, which says the rate and what it bounds; no rate is no bound."""
        if rate is None:
            return
        unused_at, wait = pacing.take(rate, self._unused_at.pop(name, 0.0), self._clock(), count)
        self._unused_at[name] = unused_at
        if len(self._unused_at) > MOST:
            del self._unused_at[next(iter(self._unused_at))]
        if wait:
            raise RateExceeded(f"more than {rate.text} {bound or name}", after=timedelta(seconds=wait))

    def __len__(self) -> int:
        return len(self._unused_at)
