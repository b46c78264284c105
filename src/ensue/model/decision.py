"""Verdict and Decision: what a filter said of an event, and what a trigger concluded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ensue.model.values import Json, Namespace, RunUid


class Answer(StrEnum):
    """Three-valued: "could not tell" never counts as yes and is always recorded."""

    YES = "yes"
    NO = "no"
    COULD_NOT_TELL = "could not tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A part of a filter that decided, with the values it compared."""

    text: str
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a filter says of one event."""

    answer: Answer
    because: tuple[Clause, ...] = ()
    error: str = ""
    """Why it could not tell."""


class Conclusion(StrEnum):
    FIRED = "fired"
    HELD = "held"
    """A window waits; the decision fires later or is superseded."""
    NOT_FIRED = "notFired"
    UNDECIDED = "undecided"
    """The verdict could not tell."""


class Reason(StrEnum):
    """Why a trigger concluded what it did."""

    NONE = ""
    FILTER = "Filter"
    """The filter said no."""
    FILTER_FAILED = "FilterFailed"
    """The filter, or the key of a window, could not tell."""
    DUPLICATE = "Duplicate"
    """An event with the same dedupe key counted not long ago."""
    DEBOUNCED = "Debounced"
    """Held until events with the same key have been quiet."""
    SUPERSEDED = "Superseded"
    """A later event with the same key took its place."""
    THROTTLED = "Throttled"
    """As many as may pass had passed."""
    LOOP = "Loop"
    """The chain of causes came back to the trigger too often."""
    STORM = "Storm"
    """What one event led to made the trigger fire too often, in many chains of causes together."""
    NOT_SEEN = "NotSeen"
    """The trigger does not see the event's source, or a replay was for another trigger."""
    DISABLED = "Disabled"
    """The trigger was not enabled, or was deleted while it held the event."""
    BROKEN = "Broken"
    """The trigger, or a source of it, could not be understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedRun:
    """The run that a decision started."""

    uid: RunUid
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one candidate trigger concluded about one event; stored once per (namespace, event, trigger, generation)."""

    namespace: Namespace
    event_uid: str
    trigger: str
    """The trigger's name."""
    trigger_uid: str
    generation: int
    conclusion: Conclusion
    reason: Reason
    verdict: Verdict
    note: str = ""
    """What else there is to say: that a replay skipped the windows, which triggers make up a loop or a storm."""
    run: StartedRun | None = None
    """The run it started, when it fired."""
    decided_at: datetime
