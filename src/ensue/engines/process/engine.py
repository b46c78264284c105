"""The engine `process`: what the server knows of steps that a supervisor runs for it."""

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

from ensue.engines import ending, layout, logfile, removing
from ensue.engines.process.link import Answer, Link
from ensue.model.errors import Fail, OtherVersion
from ensue.model.run import Outcome, StepKey
from ensue.model.values import RunUid, from_micros
from ensue.ports.engine import Handle, LogChunk, StepOrder

log = logging.getLogger("ensue.engines.process")

_POLL = 0.3
LINGER = timedelta(seconds=60)


class ProcessEngine:
    """Satisfies ports.Engine. `step_user`: whom steps run as that name no user; empty: whoever the server is."""

    name = "process"
    is_durable = True

    def __init__(self, *, data_dir: Path, step_user: str, linger: timedelta = LINGER) -> None:
        if sys.platform != "linux":
            raise Fail("the process engine needs Linux", remedy="use the container engine")
        self._paths = layout.Layout(str(data_dir))
        self._user = step_user
        self._boot = layout.boot_id()
        self._link = Link(paths=self._paths, linger=linger.total_seconds())

    def handle_for(self, key: StepKey, attempt: int) -> Handle:
        """The handle that start gives for this attempt, without starting it."""
        return self._handle(layout.attempt_name(key.run, key.step, key.item, attempt))

    def _handle(self, name: str) -> Handle:
        started = layout.read_json(os.path.join(self._paths.attempt(name), layout.STARTED))
        boot = started.get("boot") if started else None
        return Handle(f"{boot or self._boot}/{name}")

    async def start(self, order: StepOrder) -> Handle:
        command = order.command
        if command is None:
            raise Fail(f"step type {order.step_type} has no command to run")
        name = layout.attempt_name(order.key.run, order.key.step, order.key.item, order.attempt)
        if not layout.is_name(name):
            raise Fail(f"{order.key.run}/{order.key.step} is no name for a directory")
        handle = self._handle(name)
        if not handle.startswith(self._boot):
            return handle
        limits = order.limits
        answer = await self._link.ask(
            "start",
            attempt=name,
            argv=command.argv,
            env=dict(command.env),
            script=command.script,
            script_at=command.script_at,
            workdir=command.workdir,
            stdin=command.stdin.decode("latin-1"),
            pty=command.has_pty,
            user=command.user or self._user,
            parameters=json.dumps(dict(order.parameters)),
            limits={
                "timeout": limits.timeout.total_seconds() if limits.timeout else None,
                "grace": limits.grace.total_seconds(),
                "memory": limits.memory,
                "output": limits.output,
            },
        )
        if answer.get("error") == "cannot_start":
            raise Fail(str(answer.get("message")))
        return handle

    async def tail(self, handle: Handle, offset: int = 0) -> AsyncIterator[LogChunk]:
        reader = logfile.Reader(self._paths.attempt(_name(handle)), offset)
        while True:
            for frame in reader.head():
                yield _chunk(frame)
            answer = await self._ask(handle, "more", after=reader.position)
            if answer["state"] == "running":
                continue
            summary = answer["exit"]["log"] if answer["state"] == "ended" else {}
            for frame in reader.ending(summary):
                yield _chunk(frame)
            return

    async def wait(self, handle: Handle) -> Outcome:
        answer = await self._ask(handle, "wait")
        if answer["state"] == "ended":
            return ending.outcome(self._paths.attempt(_name(handle)), answer["exit"])
        return ending.lost(str(answer.get("why", "the step's supervisor ended before the step")))

    async def _ask(self, handle: Handle, operation: str, **fields: object) -> Answer:
        """The attempt's state: from its directory where that says it, else from its supervisor."""
        while True:
            known = self._recorded(handle)
            if known is not None:
                return known
            with contextlib.suppress(OtherVersion):
                answer = await self._link.ask(operation, attempt=_name(handle), **fields)
                if answer["state"] != "lost":
                    return answer
                return self._recorded(handle) or answer
            if not layout.is_locked(os.path.join(self._paths.attempt(_name(handle)), layout.LOCK)):
                return self._recorded(handle) or {"state": "lost"}
            await asyncio.sleep(_POLL)
            if operation != "wait":
                return {"state": "running"}

    def _recorded(self, handle: Handle) -> Answer | None:
        directory = self._paths.attempt(_name(handle))
        ended = layout.read_json(os.path.join(directory, layout.EXIT))
        if ended is not None:
            return {"state": "ended", "exit": ended}
        if not handle.startswith(f"{self._boot}/"):
            return {"state": "lost", "why": "the machine was restarted while the step ran"}
        if not os.path.exists(directory):
            return {"state": "lost", "why": "nothing is left of the attempt"}
        return None

    async def stop(self, handle: Handle, grace: timedelta) -> None:
        if self._recorded(handle) is None:
            await self._link.ask("stop", attempt=_name(handle), grace=grace.total_seconds())

    async def adopt(self, handle: Handle) -> bool:
        answer: dict[str, Any] = await self._ask(handle, "look")
        return bool(answer["state"] != "lost")

    async def destroy(self, handle: Handle) -> None:
        directory = self._paths.attempt(_name(handle))
        if not _exists(directory):
            return
        if not _exists(os.path.join(directory, layout.EXIT)):
            await self._end(handle)
        await removing.remove(directory)

    async def _end(self, handle: Handle) -> None:
        try:
            await self._link.ask("destroy", attempt=_name(handle))
        except OtherVersion:
            # All versions know how to stop.
            await self.stop(handle, timedelta(0))
            raise

    async def sweep(self, current: Collection[Handle]) -> int:
        """End and forget every attempt that is not one of these; returns how many there were. What cannot be removed
        stays, and stops nobody: containers leave files that only root may remove."""
        wanted = {_name(handle) for handle in current}
        found = [name for run in _names(self._paths.attempts) for name in self._attempts(run) if name not in wanted]
        for name in found:
            try:
                await self.destroy(self._handle(name))
            except (OSError, OtherVersion) as error:
                log.warning("cannot free what %s left: %s", name, error)
        return len(found)

    async def runs(self) -> Collection[RunUid]:
        return {RunUid(name) for name in (*_names(self._paths.attempts), *_names(self._paths.workspaces))}

    async def remove_run(self, run: RunUid) -> None:
        """Forget all attempts of a run, and its workspace."""
        if not layout.is_part(run):
            return
        for name in self._attempts(run):
            await self.destroy(self._handle(name))
        await removing.remove(os.path.join(self._paths.attempts, run))
        await removing.remove(self._paths.workspace(run))

    def _attempts(self, run: str) -> list[str]:
        return [f"{run}/{name}" for name in _names(os.path.join(self._paths.attempts, run))]

    async def retire(self) -> None:
        """Nobody comes after this server: end the supervisor too, unless it still has steps."""
        await self._link.retire()

    async def close(self) -> None:
        self._link.close()


def _name(handle: Handle) -> str:
    name = handle.partition("/")[2]
    if not layout.is_name(name):
        raise Fail(f"{handle} is no handle of the process engine")
    return name


def _chunk(frame: logfile.Frame) -> LogChunk:
    offset, micros, stream, data = frame
    return LogChunk(offset, from_micros(micros), stream, data)


def _names(directory: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory) if layout.is_part(name))
    except FileNotFoundError:
        return []


def _exists(path: str) -> bool:
    return os.path.lexists(path)
