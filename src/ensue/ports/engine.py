"""Engine and step types: where a step runs, and what it does there."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, NewType, Protocol

from pydantic import BaseModel

from ensue.model.event import NO_CAUSE, Cause
from ensue.model.identity import NOBODY, Identity
from ensue.model.run import Outcome, StepKey
from ensue.model.values import Json, RunUid

Handle = NewType("Handle", str)
"""How an engine finds what it started, also after a crash. Opaque to all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one attempt. None: no bound of its own."""

    timeout: timedelta | None = None
    grace: timedelta = timedelta(seconds=10)
    """Between the polite signal and the kill."""
    memory: int | None = None
    """Bytes, of the step and all it starts."""
    output: int = 16 * 2**20
    """Log bytes kept: half at the head, half at the tail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who pulls an image."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mount:
    """What a container sees at `path`: a volume by its name, or a directory of the engine's machine."""

    name: str
    path: str
    is_read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a step asks of an engine that runs images."""

    reference: str = ""
    """Empty: the engine's default."""
    runs_own_command: bool = False
    """The image says what runs, and `argv` are arguments of it."""
    keeps_arguments: bool = False
    """Arguments come behind the image's own where it has no entrypoint (relay), in place of them otherwise."""
    stays_in_image: bool = False
    """It starts in the image's working directory where the image has one, not in the workspace."""
    pull: str = ""
    """always, ifNotPresent or never; empty: the engine's default."""
    login: Login | None = None
    platform: str = ""
    network: str = ""
    mounts: tuple[Mount, ...] = ()
    cpus: float | None = None
    pids: int | None = None
    host: str = ""
    """The address of another engine than the server's."""
    setup: str = ""
    """A script that precedes the step, in a container of the same kind."""
    teardown: str = ""
    """A script that follows it, however it ended."""


NO_IMAGE = Image()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to run. `env` is the whole environment but for what an image brings; nothing is inherited."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    script: str = ""
    """A text that the engine puts in a file of the attempt, so that it may be longer than an argument."""
    script_at: int = 0
    """Where in `argv` the path of that file goes."""
    workdir: str = ""
    """Relative to the workspace."""
    stdin: bytes = b""
    has_pty: bool = False
    user: str = ""
    """Run as this user (name or uid); empty: the engine's default."""
    image: Image = NO_IMAGE
    """For engines that run images; the others take no notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOrder:
    """One attempt, ready to start: all expressions resolved, all secrets in place."""

    key: StepKey
    attempt: int
    step_type: str
    inputs: Mapping[str, Json]
    """The resolved `with`."""
    command: Command | None
    """For engines that run programs; None for inline step types."""
    limits: Limits
    parameters: Mapping[str, Json] = field(default_factory=dict)
    cause: Cause = NO_CAUSE
    """Of the events that the attempt lets in."""
    started_by: Identity = NOBODY
    """Who started the run, and lets them in."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Lines of a step's log, as bytes as the step wrote them (before masking).

    `offset` counts the bytes of all chunks before this one; `stream` is stdout, stderr or system.
    `data` ends at a line end, except where a line is longer than 64 KiB or the log ends without one.
    """

    offset: int
    at: datetime
    stream: str
    data: bytes


class Engine(Protocol):
    """Runs attempts somewhere. Safe for concurrent use; every call may be repeated.

    Order for one attempt: start, then tail and wait side by side, stop at any time, destroy last.
    After a crash: adopt in place of start. Only destroy forgets.
    """

    name: str
    is_durable: bool
    """What it starts outlives this process, so that adopt can find it."""

    async def start(self, order: StepOrder) -> Handle:
        """Start the attempt, or find it when it was started before (same run, step, item, attempt).

        Raises Fail when it can never start (no such program, user or directory), Unavailable when
        the engine itself cannot be reached.
        """

    def handle_for(self, key: StepKey, attempt: int) -> Handle:
        """The handle that `start` gives this attempt, also when the process that started it died before
        it could tell."""

    def tail(self, handle: Handle, offset: int = 0) -> AsyncIterator[LogChunk]:
        """All log chunks from `offset` on, until the attempt has ended and all was read."""

    async def wait(self, handle: Handle) -> Outcome:
        """How the attempt ended; reason LOST when that cannot be known any more."""

    async def stop(self, handle: Handle, grace: timedelta) -> None:
        """Ask it to end; kill it, with all it started, after `grace`. Returns when it has been asked."""

    async def destroy(self, handle: Handle) -> None:
        """Kill what is left and free all it used. An unknown handle is no error."""

    async def adopt(self, handle: Handle) -> bool:
        """Whether this handle still runs or has a recorded end, so that tail and wait will work."""

    async def sweep(self, current: Collection[Handle]) -> int:
        """End what this engine started here and nobody claims any more: all but these. Returns how many."""

    async def runs(self) -> Collection[RunUid]:
        """The runs of which this engine keeps anything here."""

    async def remove_run(self, run: RunUid) -> None:
        """The run has ended: free its workspace."""

    async def close(self) -> None:
        """Let go of everything without ending durable attempts."""


class DirectEngine(Protocol):
    """Runs an attempt inside the caller's task, in this process; nothing of it outlives the call."""

    async def run(self, order: StepOrder, log: Callable[[LogChunk], None]) -> Outcome:
        """Do the work and say how it ended. Cancelling the caller's task ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an inline step type works with."""

    key: StepKey
    attempt: int
    inputs: BaseModel
    """The resolved `with`, as the type's `inputs` model."""
    now: Callable[[], datetime]
    log: Callable[[str], None]
    """Adds a line to the step's log."""
    cause: Cause = NO_CAUSE
    """Of the events that it lets in."""
    started_by: Identity = NOBODY
    """Who started the run, and lets them in."""


class StepType(Protocol):
    """A built-in kind of work that runs in the server's process, for short I/O.

    `execute` may be called again after a crash with the same key. It raises Fail or Retry, or
    returns an Outcome; any other exception is a bug, logged with its trace, and fails the step.
    """

    name: ClassVar[str]
    inputs: ClassVar[type[BaseModel]]

    async def execute(self, call: Call) -> Outcome: ...
