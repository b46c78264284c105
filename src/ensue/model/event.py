"""Event: a fact, as a CloudEvents 1.0 envelope with our own uid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ensue.model.values import Json, Namespace, RunUid

EVENTS = "events"
"""The key of what the API, `emit` steps and Ensue itself let in."""
RUN_STARTED = "dev.ensue.run.started.v1"
"""The type of what tells that a run began."""
CRON_TICK = "dev.ensue.cron.tick.v1"
"""The type of what a schedule makes."""
REPLAY_OF = "ensuereplayof"
"""The extension that names the event of which this one is a replay."""
REPLAY_TO = "ensuereplayto"
"""The extension that names the only trigger that a replay is for."""
PAYLOAD = "event.data"
"""The root that relay's conditions know as `event`; with its dot, no expression can name it."""


class DataForm(StrEnum):
    """How the data was sent."""

    JSON = "json"
    TEXT = "text"
    BASE64 = "base64"
    """Bytes: `data` holds their base64."""
    NONE = "none"
    """There was no data, which differs from `null`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why an event or a run came to be, where Ensue itself is the reason."""

    event: str = ""
    """The uid of the event that started the run."""
    run: RunUid | None = None
    """The run that the event tells of, or that emitted it."""
    triggers: tuple[str, ...] = ()
    """The uids of the triggers that fired on the way here, the first cause first."""
    root: str = ""
    """The uid of the event that all of this began with; empty if no trigger fired on the way here."""

    @property
    def depth(self) -> int:
        return len(self.triggers)


NO_CAUSE = Cause()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a source lets in. `id`, `source` and `type` are CloudEvents'; `extensions` too."""

    namespace: Namespace
    uid: str
    """Ours, a UUIDv7; events are named by it everywhere."""
    id: str
    source: str
    type: str
    time: datetime
    """When it happened, or, if the sender gave no time, when it came."""
    time_text: str | None = None
    """The time as the sender wrote it, empty if not given; None: as `time`."""
    subject: str = ""
    data: Json = None
    data_form: DataForm = DataForm.JSON
    data_content_type: str = "application/json"
    """Empty if the sender gave none."""
    data_schema: str = ""
    extensions: Mapping[str, Json] = field(default_factory=dict)
    source_key: str = EVENTS
    """Which source object let it in: `events`, `Source/<name>` or `<trigger uid>/<name>`."""
    cause: Cause = NO_CAUSE


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event with its place in the feed."""

    event: Event
    cursor: str
    revision: int
    """Of the definitions of its namespace, as the event met them."""
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of an event that was handed in; the uid of a repeat is that of the first."""

    uid: str
    is_duplicate: bool


def attributes(event: Event) -> dict[str, Json]:
    """What expressions see as `event`: CloudEvents attributes, extensions among them, and the data.
    What was not given is not there."""
    found: dict[str, Json] = dict(event.extensions)
    found |= {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type}
    optional = {
        "time": time_of(event),
        "subject": event.subject,
        "datacontenttype": event.data_content_type,
        "dataschema": event.data_schema,
    }
    found |= {name: value for name, value in optional.items() if value}
    if event.data_form is DataForm.BASE64:
        found["data_base64"] = event.data
    elif event.data_form is not DataForm.NONE:
        found["data"] = event.data
    return found


def roots(event: Event) -> dict[str, Json]:
    """The roots that filters read; `context` is the same event in the shape that kube-trigger's filters know."""
    found = attributes(event)
    return {"event": found, "context": _context(event, found), PAYLOAD: payload(event)["event"]}


def payload(event: Event) -> dict[str, Json]:
    """The roots that relay's expressions read: `event` is the data alone."""
    return {"event": event.data if event.data_form is DataForm.JSON else {}}


def _context(event: Event, found: dict[str, Json]) -> dict[str, Json]:
    """sourceType (of schedules alone), event, data, timestamp; what a schedule says of itself is in both."""
    context: dict[str, Json] = {"event": found}
    if event.type == CRON_TICK and isinstance(event.data, dict):
        context = {"sourceType": "cronjob", "event": {**found, **event.data}}
    if "data" in found:
        context["data"] = found["data"]
    if "time" in found:
        context["timestamp"] = found["time"]
    return context


def root_of(event: Event) -> str:
    """The uid of the event that what this one causes began with."""
    return event.cause.root or event.uid


def time_of(event: Event) -> str:
    """As the sender wrote it; empty if not given."""
    if event.time_text is not None:
        return event.time_text
    return event.time.astimezone(UTC).isoformat().replace("+00:00", "Z")
