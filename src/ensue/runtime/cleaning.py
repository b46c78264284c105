"""Frees what engines keep of runs that ended elsewhere: who ends a run need not be the one that has its files."""

import asyncio
import logging
from collections.abc import Iterable

from ensue.model.errors import EnsueError
from ensue.model.values import RunUid
from ensue.ports.engine import Engine
from ensue.ports.store import History
from ensue.runtime.patience import forever

log = logging.getLogger("ensue.cleaner")

PERIOD = 600.0


class Cleaner:
    """Runs until cancelled, in each process that has engines."""

    def __init__(self, *, engines: Iterable[Engine], history: History, period: float = PERIOD) -> None:
        self._engines = tuple(engines)
        self._history = history
        self._period = period
        self._told: set[tuple[str, RunUid]] = set()
        """What cannot be freed, once that was said: by engine and run."""

    async def run(self) -> None:
        await forever(self._look, "free what ended runs left", log)

    async def _look(self) -> None:
        await self.clean()
        await asyncio.sleep(self._period)

    async def clean(self) -> int:
        """One look; returns how many runs were freed. What cannot be freed keeps nothing else: it waits for the
        next look."""
        return sum([await self._clean(engine) for engine in self._engines])

    async def _clean(self, engine: Engine) -> int:
        try:
            held = await engine.runs()
            over = await self._history.over(held) if held else ()
        except (EnsueError, OSError) as error:
            log.warning("cannot find what engine %s keeps of ended runs: %s", engine.name, error)
            return 0
        self._told &= {(name, run) for name, run in self._told if name != engine.name or run in over}
        return sum([await self._is_freed(engine, run) for run in over])

    async def _is_freed(self, engine: Engine, run: RunUid) -> bool:
        try:
            await engine.remove_run(run)
        except (EnsueError, OSError) as error:
            level = logging.DEBUG if (engine.name, run) in self._told else logging.WARNING
            log.log(level, "cannot free what engine %s keeps of run %s: %s", engine.name, run, error)
            self._told.add((engine.name, run))
            return False
        return True
