"""The engine `inline`: step types in the server's own process, for short I/O. Nothing of it survives the process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta

from pydantic import ValidationError

from ensue.engines.memory import CappedLog, LogSink, Resident
from ensue.model.errors import Fail, Retry
from ensue.model.run import Outcome, Reason, State, StepKey
from ensue.model.values import RunUid, format_duration
from ensue.ports.clock import Clock
from ensue.ports.engine import Call, Handle, LogChunk, StepOrder, StepType

logger = logging.getLogger("ensue.engines")

_CANCELLED = Outcome(state=State.CANCELLED, reason=Reason.REQUESTED)


class InlineEngine:
    """Satisfies ports.Engine and ports.DirectEngine: `run` is the same work without a task, a handle and a kept log."""

    name = "inline"
    is_durable = False

    def __init__(self, *, step_types: Mapping[str, StepType], clock: Clock) -> None:
        self._step_types = step_types
        self._clock = clock
        self._residents: dict[Handle, Resident] = {}

    async def run(self, order: StepOrder, log: LogSink) -> Outcome:
        """Do the step here and now. Cancelling the caller stops it; the cancellation is passed on."""
        step_type = self._step_types.get(order.step_type)
        if step_type is None:
            return _failed(Reason.CANNOT_START, f"there is no step type {order.step_type}", can_retry=False)
        try:
            inputs = step_type.inputs.model_validate(order.inputs)
        except ValidationError as error:
            return _failed(Reason.ERROR, _explain(error), can_retry=False)
        lines = CappedLog(limit=order.limits.output, now=self._clock.now, sink=log)
        call = Call(
            key=order.key,
            attempt=order.attempt,
            inputs=inputs,
            now=self._clock.now,
            log=lines.line,
            cause=order.cause,
            started_by=order.started_by,
        )
        try:
            return await _bounded(step_type, call, order.limits.timeout)
        except Fail as error:
            return _failed(Reason.ERROR, str(error))
        except Retry as error:
            return _failed(Reason.ERROR, str(error), retry_after=error.after.total_seconds())
        except Exception as error:
            # A boundary: step types are plugins; a bug in one fails its step.
            logger.exception(
                "step type %s has a bug: step %s of run %s", order.step_type, order.key.title, order.key.run
            )
            return _failed(Reason.ERROR, f"a bug in step type {order.step_type}: {type(error).__name__}: {error}")
        finally:
            lines.close()

    def handle_for(self, key: StepKey, attempt: int) -> Handle:
        return Handle(f"{key.run}/{key.step}.{key.item}.{attempt}")

    async def start(self, order: StepOrder) -> Handle:
        handle = self.handle_for(order.key, order.attempt)
        if handle not in self._residents:
            if order.step_type not in self._step_types:
                raise Fail(f"there is no step type {order.step_type}")
            resident = self._residents[handle] = Resident()
            resident.task = asyncio.create_task(self._reside(order, resident))
            # A task that is cancelled before it began runs none of its own code.
            resident.task.add_done_callback(lambda task: resident.end(_CANCELLED))
        return handle

    async def _reside(self, order: StepOrder, resident: Resident) -> None:
        resident.end(await self.run(order, resident.add))

    async def tail(self, handle: Handle, offset: int = 0) -> AsyncIterator[LogChunk]:
        resident = self._residents.get(handle)
        if resident is not None:
            async for chunk in resident.tail(offset):
                yield chunk

    async def wait(self, handle: Handle) -> Outcome:
        resident = self._residents.get(handle)
        if resident is None:
            return _failed(Reason.LOST, "the server that ran the step is gone")
        return await resident.wait()

    async def stop(self, handle: Handle, grace: timedelta) -> None:
        resident = self._residents.get(handle)
        if resident is not None and resident.task is not None and not resident.has_ended:
            resident.task.cancel()
            # A step type that ignores its cancellation is left to itself.
            asyncio.get_running_loop().call_later(grace.total_seconds(), resident.end, _CANCELLED)

    async def destroy(self, handle: Handle) -> None:
        resident = self._residents.pop(handle, None)
        if resident is not None and resident.task is not None:
            resident.task.cancel()
            resident.end(_CANCELLED)

    async def adopt(self, handle: Handle) -> bool:
        return handle in self._residents

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
        for handle in list(self._residents):
            await self.destroy(handle)


async def _bounded(step_type: StepType, call: Call, limit: timedelta | None) -> Outcome:
    if limit is None:
        return await step_type.execute(call)
    scope = asyncio.timeout(limit.total_seconds())
    try:
        async with scope:
            return await step_type.execute(call)
    except TimeoutError:
        if not scope.expired():
            raise
        message = f"ran longer than {format_duration(limit)}"
        return Outcome(state=State.TIMED_OUT, reason=Reason.TIMEOUT, message=message)


def _failed(reason: Reason, message: str, *, can_retry: bool = True, retry_after: float | None = None) -> Outcome:
    return Outcome(state=State.FAILED, reason=reason, message=message, can_retry=can_retry, retry_after=retry_after)


def _explain(error: ValidationError) -> str:
    """Without the values: they may be secrets."""
    return "; ".join(
        f"{'.'.join(('with', *map(str, each['loc'])))}: {each['msg']}" for each in error.errors(include_input=False)
    )
