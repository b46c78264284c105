"""An engine for tests: what every attempt does is written down beforehand, what is asked of it is recorded."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ensue.engines.memory import CappedLog, Resident
from ensue.model.errors import EnsueError
from ensue.model.run import Outcome, Reason, State, StepKey
from ensue.model.values import RunUid, format_duration
from ensue.ports.engine import Handle, LogChunk, StepOrder

SUCCEEDED = Outcome(state=State.SUCCEEDED)
LOST = Outcome(state=State.FAILED, reason=Reason.LOST, message="lost, as scripted")
_CANCELLED = Outcome(state=State.CANCELLED, reason=Reason.REQUESTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What one attempt does: wait, write lines, then end as `outcome` (None: it hangs until it is stopped)."""

    outcome: Outcome | None = SUCCEEDED
    delay: float = 0.0
    gate: asyncio.Event | None = None
    """It ends no earlier than this is set."""
    last_lines: tuple[str, ...] = ()
    """Written after that."""
    lines: tuple[str, ...] = ()
    is_lost: bool = False
    """The engine loses sight of it after the delay: wait says LOST, adopt says no."""
    refusal: EnsueError | None = None
    """What start raises."""
    ignores_stop: bool = False
    """It ends only when its grace is over."""


HANG = Act(outcome=None)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the engine."""

    verb: str
    handle: Handle


class ScriptedEngine:
    """Satisfies ports.Engine. `script`: step name to what its attempts do, the last for all further ones; a step
    that is not in it succeeds. One object is the outside world: a new server gets the same engine."""

    def __init__(self, *, script: Mapping[str, Sequence[Act]], is_durable: bool, name: str = "scripted") -> None:
        self.script = script
        self.is_durable = is_durable
        self.name = name
        self.asked: list[Asked] = []
        self.orders: dict[Handle, StepOrder] = {}
        self._residents: dict[Handle, Resident] = {}
        self._lost: set[Handle] = set()

    def calls(self, verb: str) -> list[Handle]:
        return [asked.handle for asked in self.asked if asked.verb == verb]

    def crash(self) -> None:
        """What the end of the server's process does to its steps: nothing, where they are durable."""
        if not self.is_durable:
            for handle in list(self._residents):
                self._forget(handle)

    def handle_for(self, key: StepKey, attempt: int) -> Handle:
        return Handle(f"{key.run}/{key.step}.{key.item}.{attempt}")

    async def start(self, order: StepOrder) -> Handle:
        handle = self.handle_for(order.key, order.attempt)
        self.asked.append(Asked("start", handle))
        act = self._act(order)
        if act.refusal is not None:
            raise act.refusal
        if handle not in self._residents:
            self.orders[handle] = order
            resident = self._residents[handle] = Resident()
            resident.task = asyncio.create_task(self._play(handle, order, act))
        return handle

    def _act(self, order: StepOrder) -> Act:
        acts = self.script.get(order.key.step, ())
        return acts[min(order.attempt, len(acts)) - 1] if acts else Act()

    async def _play(self, handle: Handle, order: StepOrder, act: Act) -> None:
        resident = self._residents[handle]
        lines = CappedLog(limit=order.limits.output, now=lambda: datetime.now(UTC), sink=resident.add)
        limit = order.limits.timeout
        try:
            async with asyncio.timeout(limit.total_seconds() if limit else None):
                for line in act.lines:
                    lines.line(line)
                await asyncio.sleep(act.delay)
                if act.gate is not None:
                    await act.gate.wait()
                for line in act.last_lines:
                    lines.line(line)
                if act.outcome is None and not act.is_lost:
                    await asyncio.Event().wait()
        except TimeoutError:
            message = f"ran longer than {format_duration(limit)}" if limit else ""
            resident.end(Outcome(state=State.TIMED_OUT, reason=Reason.TIMEOUT, message=message))
        finally:
            lines.close()
        if act.is_lost:
            self._lost.add(handle)
        resident.end(LOST if act.is_lost else act.outcome or SUCCEEDED)

    async def tail(self, handle: Handle, offset: int = 0) -> AsyncIterator[LogChunk]:
        self.asked.append(Asked("tail", handle))
        resident = self._residents.get(handle)
        if resident is not None:
            async for chunk in resident.tail(offset):
                yield chunk

    async def wait(self, handle: Handle) -> Outcome:
        self.asked.append(Asked("wait", handle))
        resident = self._residents.get(handle)
        return LOST if resident is None else await resident.wait()

    async def stop(self, handle: Handle, grace: timedelta) -> None:
        self.asked.append(Asked("stop", handle))
        resident = self._residents.get(handle)
        if resident is None or resident.has_ended:
            return
        delay = grace.total_seconds() if self._act(self.orders[handle]).ignores_stop else 0
        asyncio.get_running_loop().call_later(delay, self._end, handle)

    def _end(self, handle: Handle) -> None:
        resident = self._residents.get(handle)
        if resident is not None:
            resident.end(_CANCELLED)
            if resident.task is not None:
                resident.task.cancel()

    async def destroy(self, handle: Handle) -> None:
        self.asked.append(Asked("destroy", handle))
        self._forget(handle)

    def _forget(self, handle: Handle) -> None:
        self._end(handle)
        self._residents.pop(handle, None)

    async def adopt(self, handle: Handle) -> bool:
        self.asked.append(Asked("adopt", handle))
        return handle in self._residents and handle not in self._lost

    async def sweep(self, current: Collection[Handle]) -> int:
        others = [handle for handle in self._residents if handle not in current]
        for handle in others:
            await self.destroy(handle)
        return len(others)

    async def runs(self) -> Collection[RunUid]:
        return ()

    async def remove_run(self, run: RunUid) -> None:
        for handle in [handle for handle in self._residents if handle.startswith(f"{run}/")]:
            await self.destroy(handle)

    async def close(self) -> None:
        if not self.is_durable:
            self.crash()
