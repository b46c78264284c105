"""Approval as a fact: what a run waits for, and who answered what. What is asked, and of whom, is the step's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ensue.model.identity import Identity
from ensue.model.run import StepKey
from ensue.model.values import Json


class Outcome(StrEnum):
    """What became of it."""

    OPEN = ""
    APPROVED = "Approved"
    REJECTED = "Rejected"
    EXPIRED = "Expired"
    WITHDRAWN = "Withdrawn"
    """The run was stopped before somebody answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one person said."""

    is_approval: bool
    by: Identity
    reason: str = ""
    form: Mapping[str, Json] = field(default_factory=dict)
    """The values asked for."""
    at: datetime | None = None
    """When it was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    key: StepKey
    run_name: str
    message: str
    asked_at: datetime
    expires_at: datetime | None
    answers: tuple[Answer, ...] = ()
    outcome: Outcome = Outcome.OPEN
    closed_at: datetime | None = None

    @property
    def id(self) -> str:
        """`RUN.STEP`: neither name has a dot."""
        return f"{self.run_name}.{self.key.title}"
