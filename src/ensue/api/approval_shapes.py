"""The shape of approvals, for the OpenAPI document."""

from typing import Any, Literal

from ensue.api.shapes import Moment, NameRef, ObjectMetadata, Version
from ensue.model.approval import Outcome
from ensue.model.definition import Strict


class ApprovalSpec(Strict):
    """What is asked."""

    run_ref: NameRef
    """The run that waits."""
    step: str
    """The step at which it waits."""
    message: str
    """The question."""
    expiration_time: Moment | None
    """When the step times out; null for never."""


class ApprovalAnswer(Strict):
    """What one person said."""

    subject: str
    """Who."""
    is_approval: bool
    """False: it was rejected."""
    reason: str
    """Why, as they said."""
    form: dict[str, Any]
    """The values they gave."""
    time: Moment | None
    """When."""


class ApprovalStatus(Strict):
    """Where it is."""

    state: Literal["Waiting", "Closed"]
    """Whether it can still be answered."""
    outcome: Outcome
    """What became of it; empty while it waits."""
    completion_time: Moment | None
    """When it was closed."""
    answers: list[ApprovalAnswer]
    """In the order in which they came."""


class Approval(Strict):
    """What a run asks of people."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["Approval"]
    """`Approval`."""
    metadata: ObjectMetadata
    """What names it: `RUN.STEP`."""
    spec: ApprovalSpec
    """What is asked."""
    status: ApprovalStatus
    """Where it is."""
