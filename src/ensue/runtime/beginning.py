"""Starts an attempt on its engine: asked again while that cannot be reached, ended by whoever stops the attempt."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ensue.model.errors import OtherVersion, Unavailable
from ensue.model.run import Lease, Outcome, Reason, State
from ensue.ports.clock import Clock
from ensue.ports.engine import Engine, Handle, StepOrder
from ensue.ports.store import Runs
from ensue.runtime.hiding import Confidence

log = logging.getLogger("ensue.steps")

START_PATIENCE = 60.0
"""Seconds in which an engine that cannot be reached is asked again."""

UNSTOPPED = Outcome(state=State.CANCELLED, reason=Reason.REQUESTED)


@dataclass(slots=True, kw_only=True)
class Stop:
    """How an attempt under way can be ended."""

    lease: Lease
    confidence: Confidence
    task: "asyncio.Task[Any] | None" = None
    handle: Handle | None = None
    is_asked: bool = False
    is_kill: bool = False


Complete = Callable[[], Awaitable[StepOrder]]
"""The order with all that its step is to find. Raises Unavailable as long as that is not known."""
Tell = Callable[[str, float | None], Awaitable[None]]
"""Why an engine cannot start the attempt now, and for how many seconds it is asked again; None: as long as it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the store is told of a start, for who asks what a step waits for. That it is away costs no start."""

    runs: Runs
    clock: Clock
    lease: Lease

    async def wait(self, handle: Handle, why: str, seconds: float | None) -> None:
        until = None if seconds is None else self.clock.now() + timedelta(seconds=seconds)
        message = why if until is None else f"{why}; it is asked again until {until.isoformat(timespec='seconds')}"
        log.warning("%s of run %s cannot start yet: %s", self.lease.key.title, self.lease.run_name, message)
        await self.handle(handle, message)

    async def handle(self, handle: Handle, message: str = "") -> None:
        try:
            await self.runs.note_handle(self.lease, handle, message)
        except Unavailable as error:
            log.warning("handle of %s was not recorded: %s", self.lease.key.title, error)


async def begin(engine: Engine, complete: Complete, stop: Stop, tell: Tell) -> Handle | Outcome:
    """Start, and ask again while the engine cannot be reached; an upgrade, as long as steps of the old version run."""
    delay, waited, told = 0.1, 0.0, ""
    while not stop.is_asked:
        try:
            return await _starting(engine, complete, stop)
        except asyncio.CancelledError:
            if not stop.is_asked:
                raise
        except Unavailable as error:
            is_upgrade = isinstance(error, OtherVersion)
            if waited > START_PATIENCE and not is_upgrade:
                # An answer that was lost may have been a start.
                stop.handle = engine.handle_for(stop.lease.key, stop.lease.attempt)
                message = f"the engine cannot be reached: {error}"
                return Outcome(state=State.FAILED, reason=Reason.CANNOT_START, message=message)
            if error.message != told:
                told = error.message
                await tell(told, None if is_upgrade else max(0.0, START_PATIENCE - waited))
            waited += 0.0 if is_upgrade else delay
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)
    stop.handle = engine.handle_for(stop.lease.key, stop.lease.attempt)
    return UNSTOPPED


async def _starting(engine: Engine, complete: Complete, stop: Stop) -> Handle:
    """A start may take long, as when an image is pulled: a stop ends it."""
    start = asyncio.create_task(_start(engine, complete))
    stop.task = start
    try:
        return await start
    finally:
        stop.task = None
        start.cancel()


async def _start(engine: Engine, complete: Complete) -> Handle:
    return await engine.start(await complete())
