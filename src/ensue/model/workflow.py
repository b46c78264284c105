"""Workflow: a parameterised graph of steps, in its canonical form (one type per field)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, field_validator

from ensue.model.definition import Compat, Metadata, Reference, Strict
from ensue.model.values import ByteSize, Duration, Json, StepName

ENV_NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,254}$"
EnvName = Annotated[str, StringConstraints(pattern=ENV_NAME_PATTERN)]
AnyEnvName = Annotated[
    str,
    StringConstraints(pattern=r"^[^=\x00]+$"),
    WithJsonSchema({"type": "string", "pattern": ENV_NAME_PATTERN}),
]
"""What a program can receive. The schema is that of our files."""


def _without_zero(text: str) -> str:
    if "\0" in text:
        raise ValueError("cannot hold a zero byte")
    return text


SystemName = Annotated[str, AfterValidator(_without_zero)]
"""A text that a system call takes as a name."""
ENGINES = ("inline", "process", "container", "kubernetes", "tekton", "ssh")


class ParameterType(StrEnum):
    ANY = "any"
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"
    NULL = "null"


class Parameter(Strict):
    """A value that a run is started with."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,126}$")]
    """The name by which `${parameters.NAME}` reads it."""
    type: ParameterType = ParameterType.ANY
    """What its value must be: a subset of JSON Schema's types."""
    description: str = ""
    """Help for the person who fills it in."""
    default: Json = None
    """The value when a run gives none."""
    required: bool = False
    """A run must give a value; there is no default."""
    enum: tuple[Json, ...] = ()
    """The only values allowed; empty allows all."""

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set


class On(StrEnum):
    """Which ends of a step satisfy a dependency on it. `failed` takes TimedOut as well."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    TIMEDOUT = "timedout"
    ANY = "any"


class Dependency(Strict):
    """A step that must have ended, and how, before this one starts."""

    step: StepName
    """The name of the other step."""
    on: tuple[On, ...] = (On.SUCCEEDED,)
    """The ends that count; any other end skips this step."""


class Backoff(Strict):
    """How long to wait before another try: duration × factor^(tries - 1), at most max."""

    duration: Duration = Field(default="1s", validate_default=True)
    """The wait before the second try."""
    factor: float = Field(default=2.0, ge=1, le=100)
    """What each further wait is multiplied by."""
    max: Duration = Field(default="5m", validate_default=True)
    """The longest wait."""
    jitter: bool = False
    """Draw each wait at random from its upper half."""


class Retry(Strict):
    """Whether a failed or timed out step is tried again."""

    limit: int = Field(default=0, ge=0, le=1000)
    """The number of tries after the first."""
    backoff: Backoff = Field(default_factory=Backoff)
    """The waits between tries."""
    when: str = "true"
    """An expression over `step` (exitCode, reason, attempt): try again only when it is true."""


class OnLost(StrEnum):
    RERUN = "rerun"
    FAIL = "fail"


class Resources(Strict):
    """Bounds on what a step may use."""

    memory: ByteSize | None = None
    """The memory of the step and all it starts."""
    output: ByteSize | None = None
    """The log bytes kept; more keeps head and tail and marks the cut."""
    cpu: str | None = None
    """Processor share, as Kubernetes writes it (`500m`); engines that cannot bound it ignore it."""


class Matrix(Strict):
    """Runs the step once for each combination of the axes' values."""

    axes: dict[str, tuple[Json, ...] | str] = Field(default_factory=dict)
    """Axis name to values (or an expression that gives them)."""
    include: tuple[dict[str, Json], ...] = ()
    """Combinations added."""
    exclude: tuple[dict[str, Json], ...] = ()
    """Combinations left out."""


class Approval(Strict):
    """A person's decision that the run waits for."""

    message: str = ""
    """What is asked."""
    approvers: tuple[str, ...] = ()
    """Who may answer, as `user:ann` or `group:release`; empty: whoever may approve runs."""
    min_approvals: int = Field(default=1, ge=1, le=100)
    """How many different people must approve."""
    not_starter: bool = False
    """The person who started the run may not approve."""
    expires: Duration | None = None
    """After this long without an answer the step times out."""
    form: dict[str, dict[str, Json]] = Field(default_factory=dict)
    """Values asked of the approver, as JSON Schema properties; they become the step's outputs."""


class OutputSchema(Strict):
    """What a step promises to leave."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """The output's name."""
    type: ParameterType = ParameterType.ANY
    """What its value must be."""
    description: str = ""
    """What it is."""


class Step(Strict):
    """One unit of work."""

    name: StepName
    """Unique in its workflow; relay's files may have any text, in one line of at most 200 characters."""
    type: str = ""
    """The step type; implied by `run`, `image`, `workflow` and `approval`."""
    with_: dict[str, Json] = Field(default_factory=dict, alias="with")
    """The step type's own settings."""
    depends_on: tuple[Dependency, ...] = ()
    """What must have ended before."""
    when: tuple[Json, ...] = ()
    """Expressions that must all be true; else the step is skipped; relay has objects there, too."""
    env: dict[AnyEnvName, Json] = Field(default_factory=dict)
    """Environment variables: the way for values to reach a script. Relay's files may name them by any text without
    `=`."""
    spec: dict[str, Json] = Field(default_factory=dict)
    """Structured values, which the step reads from the metadata API (relay's spec)."""
    run: str | None = None
    """A script. It is never templated."""
    image: str | None = None
    """The container image the step runs in."""
    input: tuple[str, ...] = ()
    """Lines of a script (relay's input)."""
    command: tuple[str, ...] = ()
    """The program in the image, and its first arguments."""
    args: tuple[str, ...] = ()
    """Arguments of the program."""
    workflow: str | None = None
    """The workflow to run as this step."""
    parameters: dict[str, Json] = Field(default_factory=dict)
    """The parameters of that workflow."""
    approval: Approval | None = None
    """The question to ask."""
    engine: str | None = None
    """Where the step runs: inline, process, container, kubernetes, tekton or ssh."""
    requires: dict[str, str] = Field(default_factory=dict)
    """Labels a worker must have to run the step."""
    resources: Resources = Field(default_factory=Resources)
    """Bounds on memory and output."""
    workdir: SystemName = ""
    """Working directory, relative to the run's workspace."""
    shell: str = ""
    """The program that runs the script, as `bash -e`; default `/bin/sh -e`. A script that begins with `#!` names its
    own."""
    timeout: Duration | None = None
    """The longest time one try may run."""
    pending_timeout: Duration | None = None
    """The longest time the step may wait for a worker."""
    retry: Retry = Field(default_factory=Retry)
    """Whether and when to try again."""
    on_lost: OnLost = OnLost.RERUN
    """What happens when the worker that ran the step is gone."""
    continue_on_error: str = "false"
    """An expression: when true, a failure of this step does not fail the run."""
    matrix: Matrix | None = None
    """One instance per combination of values."""
    foreach: Json = None
    """One instance per item of this list, or of the list this expression gives."""
    max_parallel: int | None = Field(default=None, ge=1)
    """How many instances may run at once."""
    outputs: tuple[OutputSchema, ...] = ()
    """The outputs promised."""

    @field_validator("with_")
    @classmethod
    def _check_user(cls, given: dict[str, Json]) -> dict[str, Json]:
        if isinstance(user := given.get("user"), str):
            _without_zero(user)
        return given

    @property
    def kind(self) -> str:
        """The step type, implied or named."""
        if self.type:
            return self.type
        if self.approval is not None:
            return "approval"
        if self.workflow is not None:
            return "workflow"
        if self.image is not None:
            return "container"
        return "run"


class Defaults(Strict):
    """What steps take when they do not say."""

    engine: str | None = None
    """Where steps run that the engine can run."""
    timeout: Duration | None = None
    """The longest time one try of a step may run."""
    pending_timeout: Duration | None = None
    """The longest time a step may wait for a worker."""
    env: dict[AnyEnvName, Json] = Field(default_factory=dict)
    """Environment variables of every step; its own win."""
    shell: str = ""
    """The program that runs scripts."""
    requires: dict[str, str] = Field(default_factory=dict)
    """Labels a worker must have."""
    retry: Retry | None = None
    """Whether and when a step is tried again."""
    on_lost: OnLost | None = None
    """What happens when the worker that ran a step is gone."""


class OnConflict(StrEnum):
    QUEUE = "queue"
    CANCEL_RUNNING = "cancel-running"
    REJECT = "reject"


class Concurrency(Strict):
    """How many runs of a group may be under way at once."""

    group: str
    """Which runs are counted together, often with an expression: `deploy-${parameters.env}`."""
    limit: int = Field(default=1, ge=1)
    """How many may be under way."""
    on_conflict: OnConflict = OnConflict.QUEUE
    """What happens to one more: it waits, takes the place of a running one, or is refused."""


class WorkflowOutput(Strict):
    """A value a finished run gives."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """The output's name."""
    value: Json = None
    """The value, usually an expression over the outputs of steps."""


class Allow(Strict):
    """Patterns for what a run that an event started may compute."""

    images: tuple[str, ...] = ()
    """Patterns of container images that expressions compute."""
    workflows: tuple[str, ...] = ()
    """Patterns of names of workflows that expressions compute."""
    urls: tuple[str, ...] = ()
    """Patterns of URLs that `http` and `emit` send to and expressions compute."""


class WorkflowSpec(Strict):
    description: str = ""
    """What the workflow is for."""
    parameters: tuple[Parameter, ...] = ()
    """The values a run takes."""
    defaults: Defaults = Field(default_factory=Defaults)
    """What steps take when they do not say."""
    concurrency: Concurrency | None = None
    """How many runs may be under way at once."""
    timeout: Duration | None = None
    """The longest time the run may take, `finally` apart."""
    steps: tuple[Step, ...]
    """The graph."""
    finally_: tuple[Step, ...] = Field(default=(), alias="finally")
    """Steps that run at the end, whatever the outcome."""
    outputs: tuple[WorkflowOutput, ...] = ()
    """The values a finished run gives."""
    allow: Allow = Field(default_factory=Allow)
    """What may be computed from an event."""
    tenant_ref: Reference | None = None
    """The tenant the workflow's runs belong to (relay)."""


class Workflow(Strict):
    """A parameterised graph of steps."""

    api_version: Literal["ensue.dev/v1alpha1", "relay.sh/v1beta1"] = "ensue.dev/v1alpha1"
    kind: Literal["Workflow"] = "Workflow"
    metadata: Metadata
    """What names the workflow and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: WorkflowSpec
    """What the workflow takes, does and gives."""
