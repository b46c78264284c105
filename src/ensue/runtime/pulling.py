"""Keeps the sources that go and look at work: follows the definitions, on every server (port Pulling)."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from pydantic import ValidationError

from ensue.core import deciding
from ensue.model.errors import EnsueError, Problem
from ensue.model.values import Namespace
from ensue.ports.clock import Clock
from ensue.ports.pulling import Outlook, PullSource, SourceState, SourceStatus
from ensue.ports.store import StoredDefinition
from ensue.runtime import wanting
from ensue.runtime.alarms import Alarms
from ensue.runtime.patience import Pauses, forever
from ensue.runtime.tending import Accept, Ground, Pull, Records, Work
from ensue.runtime.wanting import Want

log = logging.getLogger("ensue.sources")

LOOK_SECONDS = 1.0
STOP_SECONDS = 10.0
"""How long a source may take to stop before its follower is started."""
QUIET = timedelta(minutes=1)
"""At most so often the log tells the same of one source."""
TROUBLED = (SourceState.FAILING, SourceState.WAITING)


class Puller:
    """Any number of servers may have one; each runs all sources, and what they tell twice is stored once."""

    def __init__(self, *, types: Mapping[str, PullSource], records: Records, clock: Clock, place: str) -> None:
        self._types = types
        self._records = records
        self._clock = clock
        self._place = place
        self._revisions: dict[Namespace, int] = {}
        self._settled: dict[Namespace, int] = {}
        self._works: dict[tuple[Namespace, str], Work] = {}

    async def run(self, accept: Accept) -> None:
        """Until cancelled; what the sources see is handed to `accept`."""
        alarms = Alarms(clock=self._clock)
        ground = Ground(
            records=self._records,
            clock=self._clock,
            accept=accept,
            place=self._place,
            alarms=alarms,
            revisions=self._revisions,
        )
        try:
            async with asyncio.TaskGroup() as loops:
                loops.create_task(alarms.run())
                loops.create_task(forever(lambda: self._follow(ground), "follow the sources", log))
        finally:
            self._settled.clear()
            await self._stop(list(self._works))

    async def _follow(self, ground: Ground) -> None:
        began = asyncio.get_running_loop().time()
        for namespace, revision in (await self._records.memories.revisions()).items():
            if self._settled.get(namespace) != revision:
                await self._settle(ground, namespace)
        # Many changes in a row must not have it read all definitions all the time.
        took = asyncio.get_running_loop().time() - began
        await asyncio.sleep(max(LOOK_SECONDS, 4 * took))

    async def _settle(self, ground: Ground, namespace: Namespace) -> None:
        """Bring what is at work to what is wanted."""
        snapshot = await self._records.definitions.snapshot(namespace)
        wants = wanting.wanted(snapshot.definitions)
        places = [place for place in self._works if place[0] == namespace]
        await self._stop([place for place in places if wants.get(place[1]) != self._works[place].want])
        await self._records.memories.keep_only(namespace, wants.keys(), snapshot.revision)
        self._revisions[namespace] = snapshot.revision
        for key, want in wants.items():
            if want.type in self._types and (namespace, key) not in self._works:
                self._start(ground, want)
        self._settled[namespace] = snapshot.revision

    def _start(self, ground: Ground, want: Want) -> None:
        work = self._works[want.namespace, want.key] = Work(want)
        work.task = asyncio.create_task(self._work(ground, work), name=f"source {want.namespace}/{want.key}")

    async def _stop(self, places: list[tuple[Namespace, str]]) -> None:
        tasks = [task for place in places if (task := self._works.pop(place).task) is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            for task in stuck:
                log.error("%s does not stop", task.get_name())

    async def _work(self, ground: Ground, work: Work) -> None:
        """A source, until it has nothing more to tell; after an error it is run again."""
        source, pauses = self._types[work.want.type], Pauses(1.0)
        while True:
            try:
                settings = source.settings.model_validate_json(work.want.given)
                await source.run(Pull(ground, work, settings, source.basis(settings)))
            except Exception as error:
                # A boundary: sources are plugins; one that fails is shown as failing and run again.
                self._note(work, error)
                await pauses.wait()
            else:
                work.status = replace(work.status, state=SourceState.FINISHED, message="", next_at=None)
                return

    def _note(self, work: Work, error: Exception) -> None:
        told, now, before = _told(error), self._clock.now(), work.complained
        if before is None or before[0] != told or now - before[1] >= QUIET:
            work.complained = told, now
            _complain(work.want, error)
        work.status = SourceStatus(state=SourceState.FAILING, message=told, failed_at=now, last_error=told)

    def statuses(self, definition: StoredDefinition) -> Mapping[str, SourceStatus]:
        keys = [want.key for want in wanting.own(definition)]
        keys += [deciding.shared_key(name) for name in wanting.refs(definition)]
        works = {key: self._works.get((definition.namespace, key)) for key in keys}
        return {key: work.status for key, work in works.items() if work is not None}

    def problems(self, definition: StoredDefinition) -> tuple[Problem, ...]:
        works = ((want, self._works.get((want.namespace, want.key))) for want in wanting.own(definition))
        return tuple(
            Problem(message=work.status.message, path=want.path)
            for want, work in works
            if work is not None and work.status.state in TROUBLED
        )

    async def look(self, definition: StoredDefinition, key: str, count: int) -> Outlook:
        want = next((want for want in wanting.own(definition) if want.key == key), None)
        source = None if want is None else self._types.get(want.type)
        if want is None or source is None:
            return Outlook()
        memory = await self._records.memories.of(definition.namespace, key)
        try:
            settings = source.settings.model_validate_json(want.given)
        except ValidationError:
            return Outlook(memory=memory)
        return Outlook(memory=memory, next_times=source.outlook(settings, memory, self._clock.now(), count))


def _complain(want: Want, error: Exception) -> None:
    if isinstance(error, EnsueError | ValidationError):
        log.warning("the source %s of namespace %s fails: %s", want.title, want.namespace, error)
    else:
        log.error("the source %s of namespace %s fails", want.title, want.namespace, exc_info=error)


def _told(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(["with", *(str(part) for part in first["loc"])])
        return f"{place}: {first['msg'].removeprefix('Value error, ')}"
    return str(error) or type(error).__name__
