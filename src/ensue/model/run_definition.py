"""A Run as a file: the wish that a workflow runs once. The run itself is `model.run.Run`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ensue.model.definition import Compat, Metadata, Reference, Strict
from ensue.model.values import Json


class RunState(Strict):
    """What people and programs tell a run while it goes on."""

    workflow: dict[str, Json] = Field(default_factory=dict)
    """`cancel: true` asks it to stop."""
    steps: dict[str, dict[str, Json]] = Field(default_factory=dict)
    """Values by step, as answers to approvals."""


class RunSpec(Strict):
    workflow_ref: Reference | None = None
    """The workflow to run."""
    trigger_ref: Reference | None = None
    """The trigger whose actions to run."""
    parameters: dict[str, Json] = Field(default_factory=dict)
    """Values for the workflow's parameters."""
    state: RunState = Field(default_factory=RunState)
    """What the run is told while it goes on."""
    rerun_of: str = ""
    """The run this one repeats, by name or uid."""

    @model_validator(mode="after")
    def check_one_origin(self) -> Self:
        if (self.workflow_ref is None) == (self.trigger_ref is None):
            raise ValueError("a run has either a workflowRef or a triggerRef")
        return self


class RunDefinition(Strict):
    """One execution of a workflow or of a trigger's actions."""

    api_version: Literal["ensue.dev/v1alpha1", "relay.sh/v1beta1"] = "ensue.dev/v1alpha1"
    kind: Literal["Run"] = "Run"
    metadata: Metadata
    """What names the run and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: RunSpec
    """What runs and with which parameters."""
