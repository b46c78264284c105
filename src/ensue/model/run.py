"""Run, StepRun, Attempt: executions and how they ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from ensue.model.event import NO_CAUSE, Cause
from ensue.model.identity import Identity
from ensue.model.values import DefinitionHash, Json, Namespace, RunUid, WorkerId


class State(StrEnum):
    """The states of runs and of steps. Final ones never reopen."""

    PENDING = "Pending"
    QUEUED = "Queued"
    RUNNING = "Running"
    WAITING = "Waiting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    SKIPPED = "Skipped"

    @property
    def is_final(self) -> bool:
        return self in FINAL_STATES


FINAL_STATES = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.TIMED_OUT, State.SKIPPED})


class Reason(StrEnum):
    """Why a run or step is in its state; stable words for programs."""

    NONE = ""
    # waiting
    APPROVAL = "Approval"
    ANSWER = "Answer"
    PAUSED = "Paused"
    TIMER = "Timer"
    BACKOFF = "Backoff"
    WORKFLOW = "Workflow"
    # running, and waiting for a run that does
    CANCELLING = "Cancelling"
    TIMING_OUT = "TimingOut"
    FINALLY = "Finally"
    # skipped
    CONDITION_FALSE = "ConditionFalse"
    DEPENDENCY_NOT_MET = "DependencyNotMet"
    # succeeded
    REUSED = "Reused"
    # failed
    STEP_FAILED = "StepFailed"
    EXIT_CODE = "ExitCode"
    SIGNAL = "Signal"
    ERROR = "Error"
    LOST = "Lost"
    OUT_OF_MEMORY = "OutOfMemory"
    CANNOT_START = "CannotStart"
    IMAGE = "ImageUnavailable"
    INVALID_PARAMETERS = "InvalidParameters"
    INVALID_EXPRESSION = "InvalidExpression"
    MISSING_SECRET = "MissingSecret"  # noqa: S105 - the name of a reason
    INVALID_OUTPUT = "InvalidOutput"
    NOT_ALLOWED = "NotAllowed"
    REJECTED = "Rejected"
    SET_STATUS = "SetStatus"
    UNSUPPORTED = "Unsupported"
    # cancelled and timed out
    REQUESTED = "Requested"
    RUN_CANCELLED = "RunCancelled"
    RUN_TIMED_OUT = "RunTimedOut"
    TIMEOUT = "Timeout"
    PENDING_TIMEOUT = "PendingTimeout"
    EXPIRED = "Expired"


class Phase(StrEnum):
    """Which part of the graph a run is in."""

    MAIN = "main"
    FINALLY = "finally"
    ENDED = "ended"


_AWAITING = frozenset({Reason.WORKFLOW, Reason.CANCELLING, Reason.TIMING_OUT})
WHOLE_STEP = -1
"""The `item` of a step that does not fan out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepKey:
    namespace: Namespace
    run: RunUid
    step: str
    item: int = WHOLE_STEP

    @property
    def title(self) -> str:
        """How people see the instance: `test`, or `test.0` when it fans out."""
        return self.step if self.item == WHOLE_STEP else f"{self.step}.{self.item}"

    @property
    def quoted(self) -> str:
        """The title as a part of a path, for addresses and headers."""
        return quote(self.title, safe="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The attempt of a step that is this run."""

    key: StepKey
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a workflow, or of a trigger's actions."""

    namespace: Namespace
    uid: RunUid
    name: str
    workflow: str
    """Empty for a run of a trigger's actions."""
    trigger: str = ""
    """The name of the trigger that started it."""
    definition_hash: DefinitionHash
    parameters: Mapping[str, Json]
    labels: Mapping[str, str]
    started_by: Identity
    rerun_of: RunUid | None = None
    parent: Parent | None = None
    """Of a run that another's step began: it follows that one, and answers it."""
    event_uid: str | None = None
    cause: Cause = NO_CAUSE
    """What led here, itself included: the events that it causes carry it on."""
    start_key: str | None = None
    """Two starts in a namespace with the same key are one run."""
    start_digest: str | None = None
    """Of what was asked for with that key."""
    state: State = State.QUEUED
    reason: Reason = Reason.NONE
    message: str = ""
    phase: Phase = Phase.MAIN
    stopping: State | None = None
    """CANCELLED or TIMED_OUT once the run was told to stop; it ends as that."""
    is_killed: bool = False
    """`finally` does not run either, and no grace is given."""
    paused_at: datetime | None = None
    open_steps: int = 0
    """Steps of the phase that have not ended."""
    failed_step: str = ""
    """The first step whose failure counts."""
    ends_as: State | None = None
    """What a set-status step asked for."""
    ends_message: str = ""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    """The names of outputs that are not to be shown."""
    sensitive_parameters: frozenset[str] = frozenset()
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def shown_parameters(self) -> dict[str, Json]:
        return {name: value for name, value in self.parameters.items() if name not in self.sensitive_parameters}

    @property
    def shown_outputs(self) -> dict[str, Json]:
        return {name: value for name, value in self.outputs.items() if name not in self.sensitive}

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None

    @property
    def title(self) -> str:
        """What it runs: the name of its workflow, or of its trigger."""
        return self.workflow or self.trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRun:
    """One execution of a step; its current attempt is part of it, earlier ones are Attempts."""

    key: StepKey
    position: int
    """Order in the definition."""
    state: State = State.PENDING
    reason: Reason = Reason.NONE
    message: str = ""
    attempt: int = 0
    """The number of the current try, from 1; 0 before the first."""
    retries: int = 0
    """Tries after a failure, which count against the retry limit."""
    losses: int = 0
    """Tries after a loss, which do not."""
    lease_epoch: int = 0
    """Grows with every claim; a write with an older one changes nothing."""
    worker: WorkerId | None = None
    engine: str = ""
    selector: str = ""
    """Labels that a worker must have, canonical: `arch=amd64,os=linux`."""
    waiting_for: int = 0
    """Dependencies that have not ended."""
    unmet: str = ""
    """The first dependency that ended otherwise than this step needs."""
    is_stopping: bool = False
    """The worker has been asked to end it."""
    continues_on_error: bool = False
    exit_code: int | None = None
    handle: str = ""
    """What the engine finds the attempt by; of a step that is a workflow, the name of its run."""
    outputs: Mapping[str, Json] = field(default_factory=dict)
    queued_at: datetime | None = None
    ready_at: datetime | None = None
    """Not to be claimed before (retry backoff)."""
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def awaits_run(self) -> bool:
        """Whether it is a workflow whose run has not been heard of."""
        return self.state is State.WAITING and self.reason in _AWAITING

    @property
    def child(self) -> str:
        """The name of the run that it is, in its current attempt."""
        return self.handle if self.engine == "inline" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ended try of a StepRun."""

    key: StepKey
    number: int
    worker: WorkerId | None
    engine: str
    state: State
    reason: Reason
    message: str
    exit_code: int | None
    started_at: datetime | None
    completed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended. `state` is final, or WAITING: with `until` or `delay` for a step that sleeps, with `child`
    for one that waits for another run.

    A lost attempt is FAILED with reason LOST.
    """

    state: State
    reason: Reason = Reason.NONE
    message: str = ""
    exit_code: int | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    """The names of outputs that are not to be shown to people."""
    until: datetime | None = None
    delay: timedelta | None = None
    """In place of `until`: counted from the recording, on the store's clock."""
    child: Run | None = None
    """Begins as this is recorded."""
    retry_after: float | None = None
    """Seconds; a step type's own wish, in place of the backoff."""
    can_retry: bool = True
    continues_on_error: bool = False
    ends_as: State | None = None
    ends_message: str = ""

    @property
    def is_lost(self) -> bool:
        return self.reason is Reason.LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of a worker to run one attempt, with all that is needed to begin."""

    key: StepKey
    attempt: int
    epoch: int
    worker: WorkerId
    engine: str
    handle: str
    run_name: str
    workflow: str
    definition_hash: DefinitionHash
    parameters: Mapping[str, Json]
    sensitive_parameters: frozenset[str] = frozenset()
    """Those that logs must not show."""
    started_by: Identity
    event_uid: str | None = None
    cause: Cause = NO_CAUSE
    run_state: State
    started_at: datetime
