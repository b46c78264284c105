"""Sources that go and look: what they are given, what they remember, and how they say how they are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from ensue.model.definition import Strict
from ensue.model.errors import Problem
from ensue.model.event import Accepted
from ensue.model.values import Json, Namespace
from ensue.ports.store import StoredDefinition

Memory = Mapping[str, Json]
"""What a source remembers from one event to the next. It should stay below a megabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What a source saw. One with the same id is told once, whatever saw it, and however often."""

    type: str
    id: str
    time: datetime
    subject: str = ""
    data: Json = None


class SourceState(StrEnum):
    ACTIVE = "Active"
    WAITING = "Waiting"
    """For something outside, which `message` names."""
    FINISHED = "Finished"
    """There is nothing more to come."""
    FAILING = "Failing"
    """It is tried again; `message` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """How a source at work is, as this process sees it."""

    state: SourceState = SourceState.ACTIVE
    message: str = ""
    notes: tuple[str, ...] = ()
    """What people should know of it besides."""
    next_at: datetime | None = None
    failed_at: datetime | None = None
    last_error: str = ""
    """What went wrong last; it may work again since."""


class Pull(Protocol):
    """What one source at work is given. Its methods are called by the source's own task.

    Those that need the store wait while it is away."""

    namespace: Namespace
    key: str
    """Which source it is, as events have it: `Source/<name>` or `<trigger uid>/<name>`."""
    place: str
    """Which server this is; the same after a restart."""
    settings: Strict

    def now(self) -> datetime: ...

    async def until(self, moment: datetime) -> None:
        """Until the clock shows `moment`, also when it is set meanwhile; sooner when it is set back."""

    async def recall(self, first: Memory, place: str = "") -> Memory:
        """What the source remembers, on all servers or at a place. `first` if that is nothing yet: then all servers
        that ask are answered with what the first of them said."""

    async def remember(self, memory: Memory, place: str = "") -> None:
        """Replaces what it remembers."""

    async def emit(self, happenings: Sequence[Happening]) -> tuple[Accepted, ...]:
        """Let events in, in one commit; they are durable and decided about when it returns."""

    async def are_runs_over(self, event: str) -> bool:
        """Whether all runs that an event started have ended."""

    def report(self, status: SourceStatus) -> None: ...


class PullSource(Protocol):
    """A type of source (port SourceType) that goes and looks; made once for each server, without arguments.

    `run` is called for each source of the kind, on every server at once, until it is cancelled: for the end of the
    server, or because its definition changed. A source that is killed at any point and run again tells the same
    happenings with the same ids, remembers only what was told, and so tells each once. Any exception is logged, shown
    in the status of the definition, and `run` is called again some seconds later. When it returns, the source has
    nothing more to tell until its definition changes.
    """

    name: ClassVar[str]
    settings: ClassVar[type[Strict]]
    """The model of its `with`. What it refuses is found when the definition is validated."""

    def basis(self, settings: Strict) -> Json:
        """What of the settings its memory depends on: when that changes, it begins anew."""

    async def run(self, pull: Pull) -> None: ...

    def outlook(self, settings: Strict, memory: Memory, now: datetime, count: int) -> tuple[datetime, ...]:
        """The next times at which it will tell something, if it knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose memory is meant, and which definitions it belongs to."""

    namespace: Namespace
    key: str
    place: str = ""
    basis: str
    """Memory with another basis is as good as none."""


class Memories(Protocol):
    """What pull sources remember, and the revisions at which they look for changes."""

    async def revisions(self) -> Mapping[Namespace, int]:
        """Of the definitions of every namespace."""

    async def recall(self, claim: Claim, first: Memory, revision: int) -> Memory | None:
        """What is remembered; `first`, which is stored, if that is nothing. None when the namespace is no longer at
        this revision: nothing was written."""

    async def remember(self, claim: Claim, memory: Memory) -> None:
        """Replace it. Another basis stored meanwhile stays."""

    async def keep_only(self, namespace: Namespace, keys: Collection[str], revision: int) -> None:
        """Forget what all other sources of the namespace remembered, if it is still at this revision."""

    async def of(self, namespace: Namespace, key: str) -> Memory:
        """What is remembered on all servers; empty if nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a source did last and will do next."""

    memory: Memory = field(default_factory=dict)
    next_times: tuple[datetime, ...] = ()


class Pulling(Protocol):
    """How the pull sources of this server are. May be asked concurrently."""

    def statuses(self, definition: StoredDefinition) -> Mapping[str, SourceStatus]:
        """Of the sources that a Trigger sees, or a Source is, and that are at work: by key."""

    def problems(self, definition: StoredDefinition) -> tuple[Problem, ...]:
        """Why sources of it tell nothing."""

    async def look(self, definition: StoredDefinition, key: str, count: int) -> Outlook:
        """What a source of it remembers, and its next times; empty if it is no pull source."""
