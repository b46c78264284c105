"""The shapes of how sources and triggers are, for the OpenAPI document."""

from typing import Literal

from ensue.api.shapes import Moment
from ensue.model.definition import Strict


class EventRef(Strict):
    """An event, in short."""

    uid: str
    """Its uid."""
    type: str
    """What happened."""
    time: Moment | None
    """When it was stored."""


class Refused(Strict):
    """What this server refused since it started, of one reason."""

    reason: str
    """A word that stays."""
    message: str
    """The same for people."""
    count: int
    """How often."""
    time: Moment
    """When last."""


class SourceStory(Strict):
    """How a source is."""

    kind: Literal["Source"] = "Source"
    """`Source`; absent for one of a trigger's."""
    namespace: str = ""
    """The namespace that it is in; absent for one of a trigger's."""
    name: str
    """Its name."""
    key: str
    """What its events name it by."""
    type: str
    """What it is."""
    state: str
    """Active, Disabled, Broken, Unused, or how it is at work."""
    message: str
    """Why, for people."""
    notes: list[str]
    """What is worth knowing about it."""
    triggers: list[str]
    """Who sees it."""
    hook: str
    """The address where requests come in."""
    next_times: list[Moment]
    """When it will tell next, where that is known."""
    last_event: EventRef | None
    """What it told last."""
    last_error: str
    """What went wrong last."""
    failure_time: Moment | None
    """When."""
    refused: list[Refused]
    """What senders were refused, the latest first."""


class Decided(Strict):
    """What a trigger decided lately."""

    among_events: int
    """Of how many of the last events."""
    counts: dict[str, int]
    """How often it concluded what."""
    last_fired: EventRef | None
    """What it fired for last."""


class WindowUse(Strict):
    """What a window of a trigger remembers."""

    kind: str
    """dedupe, throttle or debounce."""
    keys: int
    """How many keys it remembers."""
    held: int
    """How many events it holds."""
    next_time: Moment | None
    """When it lets go of the next."""


class TriggerStory(Strict):
    """How a trigger is."""

    kind: Literal["Trigger"]
    """`Trigger`."""
    namespace: str
    """The namespace that it is in."""
    name: str
    """Its name."""
    state: str
    """Active, Disabled or Broken."""
    message: str
    """Why, for people."""
    sources: list[SourceStory]
    """What it sees."""
    decisions: Decided
    """What it decided lately."""
    windows: list[WindowUse]
    """What it remembers."""
