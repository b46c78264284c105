"""Sees one attempt through: begins its containers one after the other, ends them in time, records the end.

All it knows can be learnt again from the attempt's directory and from the engine, so a later server takes up where one
was killed.
"""

import asyncio
import functools
import json
import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ensue.clients.containers.api import Api, Refused, State
from ensue.clients.containers.feeding import Feed
from ensue.engines import outputs
from ensue.engines.container import ending, places
from ensue.engines.process import layout, spawning
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Outcome
from ensue.model.values import Json

log = logging.getLogger("ensue.engines.container")

SETUP, MAIN, TEARDOWN = "setup", "main", "teardown"
TEARDOWN_SECONDS = 300.0
"""The longest time that a teardown may take."""
ENGINE_PATIENCE = 300.0
"""Seconds for which an engine may be away before what it ran counts as lost."""
LONGEST_WAIT = 600.0
RETRY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What `order.json` says of an attempt."""

    container: str
    """The name of its container; those of other phases have it as their beginning."""
    phases: tuple[str, ...]
    timeout: float | None
    grace: float
    memory: int | None
    output: int
    has_pty: bool
    is_podman: bool
    stop_signal: str
    boot: str
    platform: str = ""

    def name(self, phase: str) -> str:
        return self.container if phase == MAIN else f"{self.container}.{phase}"

    def as_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def read(cls, directory: str) -> "Kept | None":
        found: Any = layout.read_json(os.path.join(directory, places.ORDER))
        return None if found is None else cls(**{**found, "phases": tuple(found["phases"])})


class Course:
    """`run` is one task; the rest may be called from any."""

    def __init__(
        self, *, api: Api, directory: str, kept: Kept, bodies: Mapping[str, dict[str, Any]] | None = None
    ) -> None:
        """`bodies`: what the containers after the setup were made of, where that is still known."""
        self.api = api
        self.directory = directory
        self.kept = kept
        self._bodies = bodies
        self._begun = {phase: asyncio.Event() for phase in kept.phases}
        self._skipped: set[str] = set()
        self._changed = asyncio.Event()
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._stop: Any = layout.read_json(os.path.join(directory, places.STOP))
        self._asked: set[str] = set()
        self._deadline = self._kill_at = math.inf
        self._was_away = False
        self.task: asyncio.Task[None] | None = None

    def go(self) -> None:
        self.task = asyncio.create_task(self._run(), name=f"container {self.kept.container}")

    async def begun(self, phase: str) -> bool:
        """Whether it has a container that was started; known once that is decided."""
        await self._begun[phase].wait()
        return phase not in self._skipped

    @property
    def has_ended(self) -> bool:
        return self._outcome.done()

    async def wait(self) -> Outcome:
        return await asyncio.shield(self._outcome)

    def stop(self, cause: str, grace: float) -> None:
        """Ask what runs to end, and kill it after the grace; the first cause counts, and the shortest grace."""
        now = time.time()
        known = self._stop or {"cause": cause, "at": now, "kill_at": math.inf}
        self._stop = {**known, "kill_at": min(float(known["kill_at"]), now + grace)}
        layout.write_json(os.path.join(self.directory, places.STOP), self._stop)
        self._changed.set()

    async def close(self) -> None:
        """Let go of it; what runs goes on."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait({self.task})
        if not self._outcome.done():
            self._outcome.cancel()

    def forget(self) -> None:
        if not self._outcome.done():
            self._outcome.set_result(ending.outcome(self.directory, ending.record(ending.LOST, "it was destroyed")))

    async def _run(self) -> None:
        try:
            ended = await self._see_through()
        except Exception as error:
            # A bug costs this step, which says so, and nothing else.
            log.exception("a bug in the course of %s", self.kept.container)
            ended = ending.record(ending.BUG, f"{type(error).__name__}: {error}")
        ended["limits"] = {"timeout": self.kept.timeout, "memory": self.kept.memory}
        await self._record(ended)
        for phase in self.kept.phases:
            self._pass_over(phase)
        if not self._outcome.done():
            self._outcome.set_result(await asyncio.to_thread(ending.outcome, self.directory, ended))

    async def _record(self, ended: ending.Record) -> None:
        """A full disk is waited for."""
        path = os.path.join(self.directory, places.EXIT)
        while True:
            try:
                await asyncio.to_thread(layout.write_json, path, ended, is_durable=True)
            except FileNotFoundError:
                # Its directory was removed: nobody will ask.
                return
            except OSError as error:
                log.warning("cannot record the end of %s: %s", self.kept.container, error)
                await asyncio.sleep(RETRY)
            else:
                return

    async def _see_through(self) -> ending.Record:
        ended = await self._set_up() if SETUP in self.kept.phases else None
        if ended is None:
            ended = await self._carry(MAIN)
        else:
            self._pass_over(MAIN)
        is_killed = self._stop is not None and self._stop["kill_at"] <= self._stop["at"]
        if TEARDOWN in self.kept.phases and not is_killed:
            return await self._tear_down(ended)
        return ended

    async def _set_up(self) -> ending.Record | None:
        """What keeps the step from beginning, if anything does."""
        ended = await self._carry(SETUP)
        if not ending.is_good(ended):
            return {**ended, "during": SETUP}
        found = await asyncio.to_thread(places.read_bounded, os.path.join(self.directory, places.STEP, places.ENV))
        values = outputs.parse(found)
        if values.problem:
            message = values.problem.replace("outputs", "environment", 1)
            return ending.record(ending.CANNOT_START, message, during=SETUP)
        return await self._hand_on(values.values) if values.values else None

    async def _hand_on(self, values: Mapping[str, Json]) -> ending.Record | None:
        """What the setup says of the environment, to the containers that follow."""
        if self._bodies is None:
            return ending.record(ending.LOST, "the server was restarted between the setup and the step")
        more = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()]
        for phase, body in self._bodies.items():
            name, changed = self.kept.name(phase), {**body, "Env": [*body["Env"], *more]}
            await self._patiently(functools.partial(self.api.remove, name))
            await self._patiently(functools.partial(self.api.create, name, changed, self.kept.platform))
        return None

    async def _tear_down(self, ended: ending.Record) -> ending.Record:
        """It has a time of its own, and only a failure of it that follows a success counts."""
        self._stop, self._asked, self._kill_at = None, set(), math.inf
        self._deadline = time.time() + TEARDOWN_SECONDS
        after = await self._carry(TEARDOWN)
        if ending.is_good(ended) and not ending.is_good(after):
            return {**after, "during": TEARDOWN}
        return ended

    def _pass_over(self, phase: str) -> None:
        if not self._begun[phase].is_set():
            self._skipped.add(phase)
            self._begun[phase].set()

    async def _carry(self, phase: str) -> ending.Record:
        """One container, from wherever it is to its end."""
        name = self.kept.name(phase)
        state = await self._found(name)
        if state is not None and state.status == "created" and self._stop is None:
            try:
                await self._patiently(lambda: begin(self.api, self.kept, phase, self.directory))
            except Fail as error:
                return ending.record(ending.CANNOT_START, error.message)
            state = await self._found(name)
        if state is None:
            return ending.record(ending.LOST, "its container is gone")
        if state.status == "created":
            self._pass_over(phase)
            return ending.record(ending.STOPPED)
        self._begun[phase].set()
        self._bound(state)
        return await self._verdict(name, await self._until_end(name))

    def _bound(self, state: State) -> None:
        """The time of the attempt counts from the start of its first container."""
        if self._deadline == math.inf and self.kept.timeout is not None and state.started_at is not None:
            self._deadline = state.started_at.timestamp() + self.kept.timeout

    async def _verdict(self, name: str, state: State | None) -> ending.Record:
        if state is None:
            return ending.record(ending.LOST, "its container is gone")
        was_restarted = self.kept.boot != layout.boot_id()
        if was_restarted and state.exit_code and self._stop is None:
            return ending.record(ending.LOST, "the machine was restarted while the step ran")
        if state.exit_code in ending.INIT_CODES and self._stop is None:
            lines = await self._patiently(lambda: self.api.last_lines(name, 5))
            if why := ending.why_not_begun(state.program, lines or b""):
                return ending.record(ending.CANNOT_START, why)
        is_ours = self._stop is not None and not _ended_before(state, self._stop["at"])
        return ending.of(
            state,
            stopped_for=self._stop["cause"] if is_ours else "",
            was_away=self._was_away,
            memory=self.kept.memory,
            is_podman=self.kept.is_podman,
        )

    async def _until_end(self, name: str) -> State | None:
        """Waits for the end, and brings it about when its time has come."""
        waiting = asyncio.create_task(self._ended(name))
        try:
            while not waiting.done():
                await self._act(name)
                alarm = min(self._deadline, self._kill_at)
                change = asyncio.create_task(self._changed.wait())
                seconds = None if alarm == math.inf else max(0.0, alarm - time.time())
                await asyncio.wait({waiting, change}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
                self._changed.clear()
            return waiting.result()
        finally:
            waiting.cancel()

    async def _act(self, name: str) -> None:
        now = time.time()
        if self._stop is None and now >= self._deadline:
            self.stop(ending.TIMEOUT, self.kept.grace)
        if self._stop is None:
            return
        self._deadline, self._kill_at = math.inf, float(self._stop["kill_at"])
        try:
            if name not in self._asked:
                await self.api.kill(name, self.kept.stop_signal)
                self._asked.add(name)
            if now >= self._kill_at:
                await self.api.kill(name, "SIGKILL")
                self._kill_at = now + RETRY
        except (Unavailable, Refused) as error:
            log.warning("cannot end container %s: %s", name, error)
            self._kill_at = now + RETRY

    async def _ended(self, name: str) -> State | None:
        """The container when it does not run any more; None when it is gone, or its engine is for long."""
        away_since = math.inf
        while True:
            try:
                await self.api.wait(name, LONGEST_WAIT)
                state = await self.api.inspect(name)
                if state is None or state.has_ended:
                    return state
                away_since = math.inf
            except Unavailable as error:
                now = time.monotonic()
                if away_since == math.inf:
                    log.warning("waiting for container %s: %s", name, error)
                away_since = min(away_since, now)
                if now - away_since > ENGINE_PATIENCE:
                    return None
                self._was_away = True
            except Refused as error:
                if error.status == 404:
                    return None
                log.warning("waiting for container %s: %s", name, error)
            await asyncio.sleep(RETRY if away_since < math.inf else 0.05)

    async def _found(self, name: str) -> State | None:
        found: State | None = await self._patiently(lambda: self.api.inspect(name))
        return found

    async def _patiently(self, ask: Callable[[], Any]) -> Any:
        """An answer, unless the engine is away for long."""
        began = time.monotonic()
        while True:
            try:
                return await ask()
            except Unavailable:
                self._was_away = True
                if time.monotonic() - began > ENGINE_PATIENCE:
                    return None
                await asyncio.sleep(RETRY)
            except Refused as error:
                log.warning("container %s: %s", self.kept.container, error)
                return None


def _ended_before(state: State, at: float) -> bool:
    return state.finished_at is not None and state.finished_at.timestamp() < at


async def begin(api: Api, kept: Kept, phase: str, directory: str) -> None:
    """Start a container and give it its input. Raises Fail when what it runs is not there, Unavailable."""
    name, path = kept.name(phase), os.path.join(directory, places.STDIN)
    data = await asyncio.to_thread(places.read, path) if phase == MAIN else b""
    feed = Feed(api.host, name) if data else None
    try:
        if feed is not None:
            await feed.open()
        try:
            await api.start(name)
        except Refused as error:
            raise Fail(error.message) from None
        if kept.has_pty and phase == MAIN:
            await api.resize(name, spawning.ROWS, spawning.COLUMNS)
        if feed is not None:
            await feed.give(data)
            os.unlink(path)
    finally:
        if feed is not None:
            feed.close()
