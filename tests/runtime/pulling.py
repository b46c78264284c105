"""What the tests of pull sources share: a clock that can be set, and servers on one database that follow it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ensue import app
from ensue.app import SystemClock
from ensue.model.values import DEFAULT_NAMESPACE, Json
from ensue.ports.pulling import SourceStatus
from ensue.runtime import alarms, pulling
from ensue.runtime.pulling import Puller
from tests.operations.places import LOG, Place
from tests.runtime.sites import eventually


@dataclass
class Hand:
    """A clock that stands until it is set."""

    moment: datetime
    _ids: SystemClock = field(default_factory=SystemClock)

    def now(self) -> datetime:
        return self.moment

    def uid(self) -> str:
        return self._ids.uid()

    def draw(self) -> float:
        return 0.5

    def pass_(self, **duration: float) -> None:
        self.moment += timedelta(**duration)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Server:
    """The pull sources of one server, on its own clock."""

    place: Place
    hand: Hand
    puller: Puller

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Until it is killed."""
        work = asyncio.create_task(self.puller.run(self.place.node.let_in))
        try:
            yield
        finally:
            work.cancel()
            await asyncio.wait({work})

    async def told(self, *times: str) -> None:
        """The ticks of these times, in this order, and no others, are what came in."""

        async def are_told() -> bool:
            return len(await ticks(self.place)) >= len(times)

        await eventually(are_told)
        assert await ticks(self.place) == list(times)

    async def waits(self, count: int = 1) -> None:
        """All sources are at work, and wait."""
        revision = await self.place.world.definitions.revision(DEFAULT_NAMESPACE)

        def do_wait() -> bool:
            states = [one.next_at is not None and one.next_at > self.hand.now() for one in statuses(self)]
            return self.puller._settled.get(DEFAULT_NAMESPACE) == revision and states == [True] * count

        await eventually(do_wait)


def server_at(place: Place, hand: Hand, name: str = "one") -> Server:
    return Server(place, hand, app.puller_of(place.node.driver, hand, name))


async def cron(place: Place, name: str = "clock", *, trigger: Mapping[str, Any] | None = None, **given: Json) -> str:
    """A trigger with a source of its own; answers the key of the source."""
    spec = {"sources": [{"name": "cron", "type": "cron", "with": given}], "actions": [LOG], **(trigger or {})}
    stored = await place.apply("Trigger", name, spec)
    return f"{stored.uid}/cron"


async def ticks(place: Place) -> list[str]:
    """The scheduled times of all events, in the order in which they were stored."""
    page = await place.world.feed.read(None, "", 500)
    return [str(one.event.id) for one in page.items]


def quick(monkeypatch: Any) -> None:
    """Look more often than a server does."""
    monkeypatch.setattr(pulling, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(alarms, "LOOK_SECONDS", 0.01)


def statuses(server: Server) -> list[SourceStatus]:
    return [work.status for work in server.puller._works.values()]


def notes(server: Server) -> list[str]:
    return [note for status in statuses(server) for note in status.notes]
