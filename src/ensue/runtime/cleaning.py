"""Frees what engines keep of runs that ended elsewhere: who ends a run need not be the one that has its files."""

import asyncio
import logging
from collections.abc import Iterable

from ensue.model.errors import EnsueError
from ensue.ports.engine import Engine
from ensue.ports.store import History

log = logging.getLogger("ensue.cleaner")

PERIOD = 600.0


class Cleaner:
    """Runs until cancelled, in each process that has engines."""

    def __init__(self, *, engines: Iterable[Engine], history: History, period: float = PERIOD) -> None:
        self._engines = tuple(engines)
        self._history = history
        self._period = period

    async def run(self) -> None:
        while True:
            try:
                await self.clean()
            except (EnsueError, OSError) as error:
                log.warning("cannot free what ended runs left: %s", error)
            await asyncio.sleep(self._period)

    async def clean(self) -> int:
        """One look; returns how many runs were freed."""
        freed = 0
        for engine in self._engines:
            held = await engine.runs()
            for run in await self._history.over(held) if held else ():
                await engine.remove_run(run)
                freed += 1
        return freed
