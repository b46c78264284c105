"""The shapes of runs, for the OpenAPI document."""

from typing import Literal

from pydantic import ConfigDict

from ensue.api.shapes import Moment, NameRef, ObjectMetadata, UidRef, Version
from ensue.model.definition import Strict
from ensue.model.run import Reason, State
from ensue.model.values import Json


class Attempt(Strict):
    """One ended try of a step."""

    number: int
    """From 1."""
    state: State
    """How it ended."""
    reason: Reason
    """Why."""
    message: str
    """Why, for people."""
    exit_code: int | None = None
    """Of its process."""
    engine: str
    """Where it ran."""
    worker: str | None = None
    """Who ran it."""
    start_time: Moment | None = None
    """When it began."""
    completion_time: Moment
    """When it ended."""


class DecoratorLink(Strict):
    """Where a decorator leads."""

    description: str
    """What stands on it."""
    uri: str
    """Where it leads."""


class Decorator(Strict):
    """What a step shows people besides its outputs."""

    name: str
    """Of the decorator."""
    link: DecoratorLink
    """The one kind that there is."""


class StepOutput(Strict):
    """What a step left for others."""

    name: str
    """Of the output."""
    sensitive: bool
    """Whether its value is not shown."""
    value: Json = None
    """Any JSON value; left out when it is not shown."""


class MessageSource(Strict):
    """What a message is about; one of these."""

    when_evaluation: dict[str, Json] | None = None
    """The step's conditions."""
    spec_validation: dict[str, Json] | None = None
    """The step's spec, by the schema of its image."""


class StepMessage(Strict):
    """Something found wrong while a step ran."""

    source: MessageSource
    """What it is about."""
    severity: Literal["Error"]
    """How bad it is."""
    observation_time: Moment
    """When it was found."""
    details: str
    """What was found."""


class ReportedStatus(Strict):
    """What a step said of itself."""

    exit_code: int | None = None
    """Of its process."""
    exit_time: Moment | None = None
    """When that ended."""
    condition: str | None = None
    """Of its conditions, as WhenConditionSatisfied."""
    condition_time: Moment | None = None
    """When that was so."""


class Condition(Strict):
    """One of relay's conditions."""

    type: Literal["Cancelled", "Completed", "Skipped", "Succeeded"]
    """What it is about."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    last_transition_time: Moment | None = None
    """Since when."""
    reason: str = ""
    """Why, for programs."""
    message: str = ""
    """Why, for people."""


class RunStep(Strict):
    """A step of a run."""

    name: str
    """Of the step; `test.0` for one of several."""
    item: int | None = None
    """Which of several, from 0."""
    state: State
    """Where it is."""
    reason: Reason
    """Why."""
    message: str
    """Why, for people."""
    attempt: int
    """The number of the current try; 0 before the first."""
    exit_code: int | None = None
    """Of its process."""
    engine: str
    """Where it runs."""
    worker: str | None = None
    """Who runs it."""
    start_time: Moment | None = None
    """When it began."""
    completion_time: Moment | None = None
    """When it ended."""
    outputs: list[StepOutput]
    """What it left for others."""
    decorators: list[Decorator] | None = None
    """Links that it made for people."""
    messages: list[StepMessage] | None = None
    """What it, or the check of its spec, found wrong."""
    reported: ReportedStatus | None = None
    """How it sees itself; how it ended is what its engine saw."""
    conditions: list[Condition]
    """How relay's programs see it: Completed, Skipped, Succeeded."""
    attempts: list[Attempt]
    """Its ended tries."""


class StepState(Strict):
    """What a step was told: each key with any JSON value."""

    model_config = ConfigDict(extra="allow")


class RunState(Strict):
    """What was told from outside while it ran."""

    steps: dict[str, StepState]
    """By the name of the step, as `PUT …/steps/{step}/state` told it."""


class RunSpec(Strict):
    """What was asked for."""

    workflow_ref: NameRef | None = None
    """The workflow; absent for a trigger's own actions."""
    trigger_ref: NameRef | None = None
    """The trigger that started it."""
    event_ref: UidRef | None = None
    """The event that it ensued from."""
    parameters: dict[str, Json]
    """All of them, defaults included, as far as they may be shown."""
    sensitive_parameters: list[str] | None = None
    """The names of parameters whose values are not shown."""
    rerun_of: str | None = None
    """The uid of the run that it runs again."""
    state: RunState | None = None
    """Absent in lists, and where no step was told anything."""


class RunStatus(Strict):
    """How a run is."""

    definition_hash: str
    """Of the definition that it runs, whatever became of the workflow."""
    state: State
    """Where it is."""
    reason: Reason
    """Why."""
    message: str
    """Why, for people."""
    started_by: str
    """The subject of who started it."""
    start_time: Moment | None = None
    """When its first step began."""
    completion_time: Moment | None = None
    """It has ended exactly when this is there."""
    outputs: dict[str, Json]
    """What it gave, as far as that may be shown."""
    sensitive_outputs: list[str] | None = None
    """The names of outputs whose values are not shown."""
    conditions: list[Condition]
    """How relay's programs see it: Cancelled, Completed, Succeeded."""
    steps: list[RunStep] | None = None
    """Absent in lists."""


class Run(Strict):
    """One execution of a workflow, or of a trigger's actions."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["Run"]
    """`Run`."""
    metadata: ObjectMetadata
    """What names it."""
    spec: RunSpec
    """What was asked for."""
    status: RunStatus
    """How it is."""
