"""Waits for moments on a clock that may be set while one waits: a sleep of that length would miss the jump."""

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import NoReturn

from ensue.ports.clock import Clock

LOOK_SECONDS = 1.0
"""How long a jump of the clock may go unnoticed."""
LEAST_SECONDS = 0.01
"""Between two looks, however many wait."""

SET_BACK = timedelta(minutes=1)
"""Less is the usual care for a clock that runs fast."""


class Alarms:
    """Any number of tasks may wait while `run` does: one look at the clock serves all."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[asyncio.Future[None], datetime] = {}
        self._has_new = asyncio.Event()
        self._latest = clock.now()

    async def until(self, moment: datetime) -> None:
        """Until the clock shows it; sooner when the clock is set back."""
        if self._clock.now() >= moment:
            return
        bell = asyncio.get_running_loop().create_future()
        self._waiting[bell] = moment
        self._has_new.set()
        try:
            await bell
        finally:
            self._waiting.pop(bell, None)

    async def run(self) -> NoReturn:
        while True:
            self._has_new.clear()
            self._ring()
            await asyncio.sleep(LEAST_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait()):
                    await self._has_new.wait()

    def _ring(self) -> None:
        now = self._clock.now()
        is_set_back = now < self._latest - SET_BACK
        self._latest = now
        for bell, moment in self._waiting.items():
            if (moment <= now or is_set_back) and not bell.done():
                bell.set_result(None)

    def _wait(self) -> float | None:
        moments = [moment for bell, moment in self._waiting.items() if not bell.done()]
        if not moments:
            return None
        return min(LOOK_SECONDS, max(0.0, (min(moments) - self._clock.now()).total_seconds()))
