"""Trigger: sources, a filter over one event, windows, and the actions that ensue."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ensue.model.definition import Compat, Metadata, Strict
from ensue.model.source import SourceType
from ensue.model.values import Duration, Json, Name
from ensue.model.workflow import Allow, Step


class TriggerSource(Strict):
    """A source of this trigger's own, or a reference to a shared one."""

    name: Name
    """What the source is called in this trigger; default: its type or the name it refers to."""
    type: SourceType | None = None
    """The kind of source; `events` are those of the API, of `emit` steps and of Ensue itself."""
    with_: dict[str, Json] = Field(default_factory=dict, alias="with")
    """The settings of that kind of source."""
    ref: Name | None = None
    """The name of a Source to share."""

    @model_validator(mode="after")
    def check_one_origin(self) -> Self:
        if (self.type is None) == (self.ref is None):
            raise ValueError("a source has either a type or a ref")
        if self.ref is not None and self.with_:
            raise ValueError("a source with a ref takes its settings from the Source it names")
        return self


class Filter(Strict):
    """Which events count. Exactly one key."""

    cel: str | None = None
    """A CEL expression over `event`."""
    cue: str | None = None
    """A CUE constraint over `context` (kube-trigger's)."""
    sql: str | None = None
    """A CloudEvents SQL expression."""
    all: tuple["Filter", ...] | None = Field(default=None, min_length=1)
    """Every one of these filters."""
    any: tuple["Filter", ...] | None = Field(default=None, min_length=1)
    """At least one of these filters."""
    not_: "Filter | None" = Field(default=None, alias="not")
    """The contrary of this filter."""
    exact: dict[str, str] | None = Field(default=None, min_length=1)
    """Attributes and the values they must have."""
    prefix: dict[str, str] | None = Field(default=None, min_length=1)
    """Attributes and what their values must begin with."""
    suffix: dict[str, str] | None = Field(default=None, min_length=1)
    """Attributes and what their values must end with."""

    @model_validator(mode="after")
    def check_one_key(self) -> Self:
        given = [
            field.alias or name for name, field in type(self).model_fields.items() if getattr(self, name) is not None
        ]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a filter has exactly one key, this has {found}: combine filters with all or any")
        return self


class Dedupe(Strict):
    """Of events with the same key, only the first counts."""

    key: str
    """CEL over `event`: what makes two events the same."""
    for_: Duration = Field(alias="for")
    """How long an event is remembered."""


class Throttle(Strict):
    """At most so many events of a key in a time."""

    key: str = ""
    """CEL over `event`: what is counted apart; empty counts all together."""
    limit: int = Field(default=1, ge=1)
    """How many may pass."""
    per: Duration
    """In what time."""


class Debounce(Strict):
    """Waits until events of a key have been quiet, and takes the last."""

    key: str = ""
    """CEL over `event`: what is held apart; empty holds all together."""
    for_: Duration = Field(alias="for")
    """How long it must be quiet."""
    max: Duration | None = None
    """The longest an event is held, however busy it stays."""


class TriggerSpec(Strict):
    description: str = ""
    """What the trigger is for."""
    enabled: bool = True
    """A trigger that is not enabled decides nothing."""
    sources: tuple[TriggerSource, ...] = Field(min_length=1)
    """Where its events come from; it sees only these."""
    filter: Filter | None = None
    """Which events count; without a filter all do."""
    dedupe: Dedupe | None = None
    """Drops repeats."""
    throttle: Throttle | None = None
    """Bounds the rate."""
    debounce: Debounce | None = None
    """Waits for quiet."""
    actions: tuple[Step, ...] = Field(min_length=1)
    """The steps that ensue, each after the one before."""
    allow: Allow = Field(default_factory=Allow)
    """What may be computed from an event."""


class Trigger(Strict):
    """Watches sources, decides about each event, and starts a run."""

    api_version: Literal["ensue.dev/v1alpha1", "relay.sh/v1beta1"] = "ensue.dev/v1alpha1"
    kind: Literal["Trigger"] = "Trigger"
    metadata: Metadata
    """What names the trigger and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: TriggerSpec
    """What it watches, decides and does."""
