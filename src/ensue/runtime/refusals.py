"""Records what was refused, without letting who asks a thousand times a second fill the audit log."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ensue.model.identity import Refused
from ensue.ports.access import AuditLog

QUIET_SECONDS: Final = 60.0
MOST: Final = 1000
"""Different refusals a minute that are recorded each by itself."""


class Refusals:
    def __init__(self, *, audit: AuditLog, clock: Callable[[], float]) -> None:
        self._audit = audit
        self._clock = clock
        self._told: OrderedDict[Refused, tuple[float, int]] = OrderedDict()
        """When each was recorded, and how often it happened since."""

    async def note(self, refused: Refused) -> None:
        now = self._clock()
        self._forget(now)
        if refused not in self._told and len(self._told) >= MOST:
            refused = replace(refused, name="")
            if refused not in self._told and len(self._told) >= 2 * MOST:
                return
        at, times = self._told.get(refused, (float("-inf"), 0))
        if now - at < QUIET_SECONDS:
            self._told[refused] = at, times + 1
            return
        self._told[refused] = now, 0
        self._told.move_to_end(refused)
        await self._audit.add([(refused, times + 1)])

    def _forget(self, now: float) -> None:
        """Those that did not happen again."""
        while self._told:
            first = next(iter(self._told))
            at, times = self._told[first]
            if now - at < QUIET_SECONDS or (times and now - at < 2 * QUIET_SECONDS):
                return
            del self._told[first]
