"""One pull source at work, and what it is given (port Pull)."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ensue.model.definition import Strict
from ensue.model.event import Accepted, DataForm, Event
from ensue.model.values import Json, Namespace
from ensue.ports.clock import Clock
from ensue.ports.intake import Decisions
from ensue.ports.pulling import Claim, Happening, Memories, Memory, SourceStatus
from ensue.ports.store import Definitions, History
from ensue.runtime.alarms import Alarms
from ensue.runtime.patience import patiently
from ensue.runtime.wanting import Want

AT_ONCE = 32
"""How many sources hand in events at the same time; the others wait their turn."""
STALE_SECONDS = 0.2

Accept = Callable[[str, Sequence[Event]], Awaitable[tuple[Accepted, ...]]]
"""The door, for a source of that key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What pull sources read and write."""

    definitions: Definitions
    decisions: Decisions
    history: History
    memories: Memories


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all sources of a server share."""

    records: Records
    clock: Clock
    accept: Accept
    place: str
    alarms: Alarms
    revisions: Mapping[Namespace, int]
    """At which the definitions were read that are followed now."""
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


class Work:
    """A source that is wanted."""

    def __init__(self, want: Want) -> None:
        self.want = want
        self.status = SourceStatus()
        self.complained: tuple[str, datetime] | None = None
        """What the log told of it last, and when."""
        self.task: asyncio.Task[None] | None = None


class Pull:
    def __init__(self, ground: Ground, work: Work, settings: Strict, basis: Json) -> None:
        self.namespace = work.want.namespace
        self.key = work.want.key
        self.place = ground.place
        self.settings = settings
        self._ground = ground
        self._work = work
        whole = json.dumps([work.want.owner, work.want.type, basis], sort_keys=True)
        self._basis = hashlib.sha256(whole.encode()).hexdigest()

    def now(self) -> datetime:
        return self._ground.clock.now()

    async def until(self, moment: datetime) -> None:
        await self._ground.alarms.until(moment)

    async def recall(self, first: Memory, place: str = "") -> Memory:
        while True:
            found = await patiently(lambda: self._recall(first, place))
            if found is not None:
                return found
            # The definitions have changed: this source is stopped, or goes on once they have been read.
            await asyncio.sleep(STALE_SECONDS)

    async def _recall(self, first: Memory, place: str) -> Memory | None:
        revision = self._ground.revisions[self.namespace]
        return await self._ground.records.memories.recall(self._claim(place), first, revision)

    async def remember(self, memory: Memory, place: str = "") -> None:
        await patiently(lambda: self._ground.records.memories.remember(self._claim(place), memory))

    async def emit(self, happenings: Sequence[Happening]) -> tuple[Accepted, ...]:
        events = [self._event(happening) for happening in happenings]
        async with self._ground.gate:
            return await patiently(lambda: self._ground.accept(self.key, events))

    async def are_runs_over(self, event: str) -> bool:
        records = self._ground.records
        decisions = await patiently(lambda: records.decisions.of(self.namespace, event))
        runs = [decision.run.uid for decision in decisions if decision.run is not None]
        return len(await patiently(lambda: records.history.over(runs))) == len(runs)

    def report(self, status: SourceStatus) -> None:
        before = self._work.status
        self._work.status = replace(status, failed_at=before.failed_at, last_error=before.last_error)

    def _claim(self, place: str) -> Claim:
        return Claim(namespace=self.namespace, key=self.key, place=place, basis=self._basis)

    def _event(self, happening: Happening) -> Event:
        return Event(
            namespace=self.namespace,
            uid=self._ground.clock.uid(),
            id=happening.id,
            source=self._work.want.address,
            type=happening.type,
            time=happening.time,
            subject=happening.subject,
            data=happening.data,
            data_form=DataForm.JSON,
        )
