"""Sees one attempt through: begins its containers one after the other, ends them in time, records the end.

All it knows can be learnt again from the attempt's directory and from the engine, so a later server takes up where one
was killed.
"""

import asyncio
import contextlib
import functools
import logging
import math
import os
import time
from typing import Any

from ensue.clients.containers.api import Api, Refused
from ensue.clients.containers.shapes import State
from ensue.engines import layout
from ensue.engines.container import beginning, ending, environment, places
from ensue.engines.container.asking import Asking, Gone
from ensue.engines.container.phases import MAIN, SETUP, TEARDOWN, Kept
from ensue.model.errors import Fail, Unavailable
from ensue.model.run import Outcome

log = logging.getLogger("ensue.engines.container")

TEARDOWN_SECONDS = 300.0
"""The longest time that a teardown may take."""
START_PATIENCE = 60.0
"""Seconds for which an engine may fail to start what it has."""
RETRY = 1.0


class Course:
    """`run` is one task; the rest may be called from any."""

    def __init__(self, *, api: Api, directory: str, kept: Kept, given: beginning.Input | None = None) -> None:
        """`given`: what it is being given since it was begun."""
        self.api = api
        self.directory = directory
        self.kept = kept
        self._given = given
        self._begun = {phase: asyncio.Event() for phase in kept.phases}
        self._skipped: set[str] = set()
        self._changed = asyncio.Event()
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._stop: ending.Record | None = layout.read_json(os.path.join(directory, places.STOP))
        self._asked: set[str] = set()
        self._deadline = self._kill_at = math.inf
        self._asking = Asking(api, sees_late=kept.is_podman)
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
        self._changed.set()
        try:
            layout.write_json(os.path.join(self.directory, places.STOP), self._stop)
        except OSError as error:
            # Who asked asks the next server again.
            log.warning("cannot record that %s is being ended: %s", self.kept.container, error)

    async def close(self) -> None:
        """Let go of it; what runs goes on."""
        if self._given is not None:
            await self._given.leave()
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
        except Gone as gone:
            ended = ending.record(ending.LOST, str(gone))
        except Exception as error:
            # A bug costs this step, which says so, and nothing else.
            log.exception("a bug in the course of %s", self.kept.container)
            ended = ending.record(ending.BUG, f"{type(error).__name__}: {error}")
        ended["limits"] = {"timeout": self.kept.timeout, "memory": self.kept.memory}
        await self._record(ended)
        self._remove(places.BODIES)
        for phase in self.kept.phases:
            self._pass_over(phase)
        if not self._outcome.done():
            self._outcome.set_result(await asyncio.to_thread(ending.outcome, self.directory, ended))

    async def _record(self, ended: ending.Record) -> None:
        """A full disk is waited for; what a power cut takes, the engine still knows."""
        path = os.path.join(self.directory, places.EXIT)
        while True:
            try:
                await asyncio.to_thread(layout.write_json, path, ended)
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
        if await self._has_begun(MAIN):
            await self._note_setup()
            return None
        ended = await self._carry(SETUP)
        if not ending.is_good(ended):
            return {**ended, "during": SETUP}
        path = os.path.join(self.directory, places.STEP, places.ENV)
        try:
            await self._hand_on(environment.variables(await asyncio.to_thread(places.read_bounded, path)))
        except (Fail, Refused) as error:
            return ending.record(ending.CANNOT_START, error.message, during=SETUP)
        return None

    async def _has_begun(self, phase: str) -> bool:
        state = await self._asking.state(self.kept.name(phase))
        return state is not None and state.status != "created"

    async def _note_setup(self) -> None:
        """An earlier server saw it through."""
        state = await self._asking.state(self.kept.name(SETUP))
        if state is not None:
            self._bound(state)
        self._begun[SETUP].set()

    async def _hand_on(self, variables: list[str]) -> None:
        """What the setup says of the environment, to the containers that follow, once. Raises Refused."""
        path = os.path.join(self.directory, places.BODIES)
        bodies: Any = await asyncio.to_thread(layout.read_json, path) if variables else None
        for phase, body in (bodies or {}).items():
            changed = {**body, "Env": [*body["Env"], *variables]}
            await self._asking.patiently(functools.partial(self._make_anew, self.kept.name(phase), changed))
        self._remove(places.BODIES)

    async def _make_anew(self, name: str, body: dict[str, Any]) -> None:
        await self.api.remove(name)
        try:
            await self.api.create(name, body, self.kept.platform)
        except Refused as error:
            if error.status == 409:
                raise Unavailable(error.message) from None
            raise

    def _remove(self, file: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self.directory, file))

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
        state = await self._asking.state(name)
        if state is not None and state.status == "created" and self._stop is None:
            try:
                state = await self._asking.patiently(functools.partial(self._begin, phase), START_PATIENCE)
            except Fail as error:
                return ending.record(ending.CANNOT_START, error.message)
            except Gone as gone:
                return await self._not_begun(phase, gone)
        if state is None:
            return ending.record(ending.LOST, "its container is gone")
        if state.status == "created":
            self._pass_over(phase)
            return ending.record(ending.STOPPED)
        self._begun[phase].set()
        self._bound(state)
        if phase == MAIN and self._given is None and beginning.is_cut_short(self.directory):
            return await self._cut_short(name)
        ended = await self._until_end(name, state)
        if phase == MAIN and self._given is not None:
            await self._given.end()
            if beginning.is_cut_short(self.directory):
                return await self._cut_short(name)
        return await self._verdict(name, ended)

    async def _begin(self, phase: str) -> State | None:
        """The container once it was started; one that was is not started again, nor one that is to end."""
        name = self.kept.name(phase)
        state = await self.api.inspect(name)
        if state is None or state.status != "created" or self._stop is not None:
            return state
        given = await beginning.begin(self.api, self.kept, phase, self.directory)
        self._given = given or self._given
        return await self.api.inspect(name)

    async def _not_begun(self, phase: str, gone: Gone) -> ending.Record:
        """The engine may fail to start what it has, again and again: that is not the step's fault."""
        if await self._has_begun(phase):
            return ending.record(ending.LOST, str(gone))
        return ending.record(ending.CANNOT_START, str(gone), can_retry=True)

    async def _cut_short(self, name: str) -> ending.Record:
        """What it made of a part of its input is worth nothing."""
        with contextlib.suppress(Refused):
            await self._asking.patiently(functools.partial(self.api.kill, name, "SIGKILL"))
        return ending.record(ending.LOST, "the server or the engine ended while the step was being given its input")

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
            lines = await self._last_lines(name)
            if why := ending.why_not_begun(state.program, lines):
                return ending.record(ending.CANNOT_START, why)
        stop = None if self._stop is None or _ended_before(state, self._stop["at"]) else self._stop
        return ending.of(
            state,
            stopped_for="" if stop is None else stop["cause"],
            was_away=self._asking.was_away or await self._is_ending(state),
            memory=self.kept.memory,
        )

    async def _last_lines(self, name: str) -> bytes:
        try:
            is_framed = not (self.kept.has_pty and name == self.kept.container)
            return await self._asking.patiently(lambda: self.api.last_lines(name, 5, is_framed=is_framed))
        except (Gone, Refused):
            return b""

    async def _until_end(self, name: str, state: State) -> State | None:
        """Waits for the end, and brings it about when its time has come."""
        waiting = asyncio.create_task(self._asking.end(name, state))
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

    async def _is_ending(self, state: State) -> bool:
        """Whether the engine ends, and what it ran with it, which nobody here asked for."""
        if self._stop is not None or state.exit_code not in ending.OF_AN_ENDING_ENGINE:
            return False
        return not (state.is_oom or await self.api.is_there())


def _ended_before(state: State, at: float) -> bool:
    return state.finished_at is not None and state.finished_at.timestamp() < at
