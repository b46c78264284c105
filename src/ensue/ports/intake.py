"""Ports of the one door for events: what comes in, what is decided, what is recorded."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ensue.core.deciding import Proposal
from ensue.model.decision import Conclusion, Decision, Reason
from ensue.model.event import Accepted, Cause, Event
from ensue.model.identity import Identity
from ensue.model.run import Run
from ensue.model.values import Namespace
from ensue.ports.store import Told

LetIn = Callable[[Identity, Sequence[Event], Cause], Awaitable[tuple[Accepted, ...]]]
"""Lets events in for who may do so, with what led to them. Raises Denied, Unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """What a candidate trigger makes of an event, and the run that begins if its windows let it pass."""

    proposal: Proposal
    run: Run | None = None
    """Absent when it cannot fire. One in a final state ends as it begins: it could not be bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event, with what its candidates make of it."""

    event: Event
    reactions: tuple[Reaction, ...] = ()
    outbox: int | None = None
    """The row of the outbox that told of it, which goes in the same transaction."""
    revision: int | None = None
    """It is decided by the definitions of this revision, whatever has changed since; None: it must be the last one."""

    def met(self, revisions: Mapping[Namespace, int]) -> int:
        """Its own revision, or that of its namespace."""
        return revisions[self.event.namespace] if self.revision is None else self.revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a trigger concluded in the end about an event that it held."""

    namespace: Namespace
    trigger: str
    conclusion: Conclusion
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    accepted: tuple[Accepted | None, ...] = ()
    """In the order of the arrivals; None for one that another process is just telling."""
    stale: frozenset[Namespace] = frozenset()
    """Whose definitions have changed since: nothing was written, ask again."""
    decisions: tuple[Decision, ...] = ()
    """About these arrivals, as they were concluded at once."""
    settled: tuple[Settled, ...] = ()
    """About events that came before and were held until now."""
    queued: int = 0
    """How many steps became ready."""
    has_timers: bool = False
    """Something happens by itself later: an event is held, or a run has a timeout."""
    has_ended: bool = False
    """A run ended as it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    released: int
    """How many rows were due."""
    queued: int
    now: datetime
    """The store's clock."""
    next_at: datetime | None
    """When the next held event is due."""
    settled: tuple[Settled, ...] = ()


class Decisions(Protocol):
    """Where events, decisions, windows and the runs that ensue are written together."""

    async def record(
        self, arrivals: Sequence[Arrival], revisions: Mapping[Namespace, int], keep_ids: timedelta
    ) -> Recorded:
        """All of them in one transaction, if the definitions are still at these revisions; they need not name the
        namespaces of arrivals that bring a revision of their own.

        An event that came before (same namespace, source object, source and id, no longer ago than `keep_ids`) is
        answered with the first, and nothing else is done about it. Concurrent calls that concern the same windows
        are serialised by their rows.
        """

    async def release(self, limit: int = 100) -> Released:
        """Let go of the held events that are due; any number of processes may, each is let go once."""

    async def of(self, namespace: Namespace, event: str) -> tuple[Decision, ...]:
        """By the trigger's name."""

    async def of_all(self, namespace: Namespace, events: Collection[str]) -> Mapping[str, tuple[Decision, ...]]:
        """The same of several events, by their uid; one that no trigger decided about may be absent."""


class Intake(Protocol):
    """The only door. Events are durable and decided about when it returns; concurrent calls share commits."""

    async def accept(self, events: Sequence[Event], only: str | None = None) -> tuple[Accepted, ...]:
        """In their order. With `only` they are replays: for the trigger of that name, or, if empty, for all."""

    async def sees(self, namespace: Namespace, trigger: str, source_key: str) -> bool:
        """Whether a trigger of that name can decide about events of a source."""

    async def tell(self, told: Sequence[Told]) -> int:
        """What the outbox holds; returns how many were recorded by this call."""
