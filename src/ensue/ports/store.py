"""Ports to the one place state lives. Every method is one transaction, on the store's own clock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from ensue.core.graph import Graph
from ensue.model.definition import Dialect
from ensue.model.event import Event, StoredEvent
from ensue.model.identity import Identity
from ensue.model.run import Attempt, Lease, Outcome, Run, State, StepKey, StepRun
from ensue.model.values import DefinitionHash, Json, Namespace, RunUid, WorkerId

T = TypeVar("T")


RunKey = tuple[Namespace, RunUid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimant:
    """A worker that asks for work: which selectors its labels satisfy is decided by the store."""

    worker: WorkerId
    labels: Mapping[str, str]
    free: Mapping[str, int]
    """Engine name to the number of attempts it can take now."""
    takes_oldest: bool = False
    """The longest ready step comes first, whatever it requires; else those that require nothing do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    now: datetime
    """The store's clock."""
    leases: tuple[Lease, ...] = ()
    next_at: datetime | None = None
    """When the next step that is ready later (retry backoff) becomes ready, if it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSegment:
    """Bytes [start, end) of an attempt's log: in storage under `key`, or, when they are few, in `body`."""

    step: str
    item: int
    attempt: int
    start: int
    end: int
    first_at: datetime
    last_at: datetime
    key: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended, and the last of its log, to be recorded in one transaction."""

    outcome: Outcome
    draw: float = 0.5
    """In [0, 1): sets the jitter of a retry."""
    log: tuple[LogSegment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    is_accepted: bool
    """False: the lease was no longer valid and nothing was written."""
    is_run_over: bool = False
    queued: int = 0
    """How many steps became ready by it."""
    has_timers: bool = False
    """Another run began, or is to hear of the end: something happens by itself."""
    claimed: tuple[Lease, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    name: str
    """The name the run was given."""
    is_new: bool
    """False: a run with this uid was started before; nothing was written."""
    run: Run | None = None
    """As it was recorded, when it is new."""
    queued: int = 0
    """How many of its steps are ready and were not claimed with it."""
    has_timers: bool = False
    """Something of it happens by itself later."""
    claimed: tuple[Lease, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    fired: int
    ended: tuple[Run, ...]
    """The runs that ended by it."""
    now: datetime
    """The store's clock."""
    next_at: datetime | None
    """When the next timer is due."""


class Stop(StrEnum):
    """What can be asked of a run."""

    CANCEL = "cancel"
    KILL = "kill"
    TIME_OUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """An attempt of this worker that has been asked to end."""

    key: StepKey
    attempt: int
    epoch: int
    is_kill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    id: WorkerId
    labels: Mapping[str, str]
    engines: tuple[str, ...]
    host: str
    pid: int
    version: str
    seen_at: datetime | None = None
    lease_until: datetime | None = None
    is_draining: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    seq: int
    at: datetime
    subject: str
    verb: str
    kind: str
    name: str
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDefinition:
    namespace: Namespace
    kind: str
    name: str
    uid: str
    generation: int
    hash: DefinitionHash
    dialect: Dialect
    manager: str
    body: Mapping[str, Json]
    """The canonical form: apiVersion, kind, metadata, spec."""
    revision: int
    """Of the namespace, when it became so."""
    applied_by: Identity
    """Who made it so; a trigger acts as they."""
    created_at: datetime
    updated_at: datetime

    @property
    def labels(self) -> Mapping[str, Json]:
        metadata = self.body.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
        return labels if isinstance(labels, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What decides about events, as it was at a revision of the namespace: triggers, sources, workflows, tenants."""

    revision: int
    definitions: tuple[StoredDefinition, ...]
    names: frozenset[tuple[str, str]]
    """Kind and name of all that there are, also where only changes were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    items: tuple[T, ...]
    after: str = ""
    """Opaque; empty on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event that a transaction left in the outbox."""

    seq: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    namespace: Namespace | None = None
    workflow: str | None = None
    states: tuple[State, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


class Runs(Protocol):
    """All changes of runs. A change and what it causes elsewhere (timers, outbox) are one transaction.

    Concurrent calls on one run are serialised by its row. Every write on behalf of an attempt is
    guarded by (attempt, epoch) and reports whether it was accepted.
    """

    async def start(
        self, run: Run, by: Identity, claimant: Claimant | None = None, reused: Sequence[StepRun] = ()
    ) -> Started:
        """Record the run and its steps; the definition must be stored before. A uid or start key that is there already
        is not started again. An empty name becomes `WORKFLOW-xxxxx`. With a claimant, ready steps are claimed at once.
        The ends of `reused` steps of an earlier run count as this run's. Raises Conflict when the name is taken."""

    async def claim(self, claimant: Claimant) -> Claimed: ...

    async def finish(self, lease: Lease, ending: Ending, claimant: Claimant | None = None) -> Finished:
        """Record how an attempt ended, and all that follows from it."""

    async def note_handle(self, lease: Lease, handle: str, message: str = "") -> bool: ...

    async def is_current(self, lease: Lease) -> bool: ...

    async def stop(self, namespace: Namespace, uid: RunUid, stop: Stop, by: Identity) -> Run:
        """Raises NotFound, or Conflict when the run has ended."""

    async def pause(self, namespace: Namespace, uid: RunUid, is_paused: bool, by: Identity) -> Run: ...

    async def fire_timers(self, limit: int = 100) -> Fired:
        """Act on timers that are due."""


class Workers(Protocol):
    """Who runs steps, and for how long the others believe in it."""

    async def register(self, worker: Worker, ttl: timedelta) -> tuple[Lease, ...]:
        """Enter or re-enter a worker; returns the attempts that an earlier process with the same id held,
        leased anew (epoch + 1) to this one, to be adopted or finished as lost."""

    async def renew(self, worker: WorkerId, ttl: timedelta) -> tuple[StopOrder, ...] | None:
        """Prolong the lease; returns the attempts to stop. None: the worker was given up and must register."""

    async def held(self, worker: WorkerId) -> tuple[Lease, ...]:
        """The attempts this worker holds. One it does not know of is left from a claim whose answer was lost."""

    async def stops(self, worker: WorkerId) -> tuple[StopOrder, ...]:
        """The attempts of this worker that have been asked to end."""

    async def expire(self, by: WorkerId) -> int:
        """Finish as lost what other workers hold whose lease lapsed or who are not registered; returns how many."""

    async def leave(self, worker: WorkerId) -> None:
        """The worker holds nothing and goes."""

    async def list(self) -> tuple[Worker, ...]: ...

    async def hold(self, duty: str, worker: WorkerId, ttl: timedelta) -> bool:
        """Whether this process has (or now gets) the singleton duty until ttl from now."""


class History(Protocol):
    """Reading runs. A run is found by uid or by name."""

    async def run(self, namespace: Namespace, name: str) -> Run:
        """Raises NotFound."""

    async def started(self, namespace: Namespace, start_key: str) -> Run | None:
        """The run that was started with this key, while it is kept."""

    async def runs(self, select: RunFilter, limit: int, after: str = "") -> Page[Run]:
        """Newest first."""

    async def steps(self, namespace: Namespace, run: RunUid) -> tuple[StepRun, ...]: ...

    async def attempts(self, namespace: Namespace, run: RunUid) -> tuple[Attempt, ...]: ...

    async def outputs(
        self, namespace: Namespace, run: RunUid, steps: Sequence[str]
    ) -> Mapping[str, Mapping[str, Json]]:
        """Outputs of the named steps that have ended; those that `sensitive` names, by step and name, are not shown."""

    async def sensitive(self, namespace: Namespace, run: RunUid) -> frozenset[tuple[str, str]]: ...

    async def over(self, uids: Collection[RunUid]) -> tuple[RunUid, ...]:
        """Those that have ended, or are not known any more."""

    async def audit(self, namespace: Namespace, limit: int, after: str = "") -> Page[AuditRow]:
        """Newest first."""


class Logs(Protocol):
    """The index of log segments; the bytes are in storage."""

    async def add(self, lease: Lease, segments: Sequence[LogSegment]) -> bool:
        """Guarded by the lease. A segment that is there already (same attempt and start) is not added again."""

    async def compact(self, lease: Lease, segments: Sequence[LogSegment]) -> bool:
        """Replace the attempt's segments from the first of these on by these: an earlier process that shipped
        the beginning of the log keeps its own. Guarded by the lease."""

    async def end(self, lease: Lease) -> int:
        """The offset after the last byte indexed."""

    async def list(self, namespace: Namespace, run: RunUid, step: str | None = None) -> tuple[LogSegment, ...]:
        """By step, item, attempt, start."""


class Definitions(Protocol):
    async def put(
        self,
        body: Mapping[str, Json],
        hash: DefinitionHash,
        dialect: Dialect,
        manager: str,
        by: Identity,
        uid: str,
        take_over: bool = False,
        expected: int | None = None,
        is_rehearsal: bool = False,
    ) -> StoredDefinition:
        """Create (with this uid) or replace; a rehearsal answers or raises the same, and changes nothing. Raises
        Conflict, naming the manager, when it is another one's, and Changed when its revision is not the one expected
        (0: there is none)."""

    async def get(self, namespace: Namespace, kind: str, name: str) -> StoredDefinition: ...

    async def list(self, namespace: Namespace | None, kind: str) -> tuple[StoredDefinition, ...]: ...

    async def delete(
        self,
        namespace: Namespace,
        kind: str,
        name: str,
        by: Identity,
        expected: int | None = None,
        manager: str | None = None,
        along: Collection[str] = (),
    ) -> tuple[StoredDefinition, ...]:
        """In one transaction with the triggers `along`, but for what another manager has by then; answers those. Raises
        NotFound, Changed as `put` does, and Conflict when another than the manager given has it."""

    async def history(
        self, namespace: Namespace, kind: str, name: str, limit: int = 100, before: int | None = None
    ) -> tuple[StoredDefinition, ...]:
        """Newest first, those of a revision before this; with those of objects of the name that were deleted."""

    async def snapshot(self, namespace: Namespace, revision: int | None = None, since: int = 0) -> Snapshot:
        """At a revision, or now; of the definitions those that were changed after `since`."""

    async def revision(self, namespace: Namespace) -> int:
        """It changes with every change of a definition; 0 where nothing was ever applied."""

    async def keep(self, bodies: Mapping[DefinitionHash, Mapping[str, Json]]) -> None:
        """Store bodies that runs refer to, without naming them, in one transaction."""

    async def graph(self, hash: DefinitionHash, name: str) -> Graph:
        """The graph of a stored workflow, kept in memory. Raises NotFound."""


class Feed(Protocol):
    """Stored events in commit order: a reader that continues after a cursor misses none."""

    async def read(self, namespace: Namespace | None, after: str = "", limit: int = 100) -> Page[StoredEvent]:
        """`after` of a page continues it, also later: it is never empty here."""

    async def end(self) -> str:
        """A cursor from which a reader finds all that is not there yet, whatever commits in which order."""

    async def latest(self, namespace: Namespace | None, before: str = "", limit: int = 100) -> Page[StoredEvent]:
        """The other way round: the newest first, for people."""

    async def get(self, namespace: Namespace, uid: str) -> StoredEvent:
        """Eight characters or more will do. Raises NotFound, and InvalidInput when several begin with them."""

    async def outbox(self, limit: int = 100) -> tuple[Told, ...]:
        """What runs left to be told, oldest first; each stays until it has been recorded as an event."""


class Care(Protocol):
    """Keeping the store healthy."""

    async def ended(self, keep: timedelta, limit: int = 200) -> tuple[RunKey, ...]:
        """Runs that ended longer ago, oldest first. Nothing changes: their files are deleted before their rows."""

    async def prune(
        self, runs: Sequence[RunKey], keep_events: timedelta, keep_audit: timedelta, limit: int = 200
    ) -> bool:
        """Delete all rows of these runs; old events, audit rows and versions; and bodies that nothing refers to.

        Whether there may be more. Versions that stored events have met stay.
        """

    async def check(self) -> tuple[str, ...]:
        """The invariants that do not hold, one sentence each; empty when all is well."""
