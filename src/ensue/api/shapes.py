"""The shapes of answers, for the OpenAPI document alone: `views` makes them. A test holds the two together."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ensue.model.decision import Conclusion
from ensue.model.definition import Strict
from ensue.model.errors import Severity
from ensue.model.run import Reason, State

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Version = Literal["ensue.dev/v1alpha1"]


class ListMetadata(Strict):
    """Where a list goes on."""

    continue_: str = Field(alias="continue")
    """Give it as `continue` for the next page; empty on the last."""


class Problem(Strict):
    """An error, as RFC 9457 has it."""

    type: str
    """The address of what is known about errors of this code."""
    title: str
    """The words of the status."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong, for people."""
    code: str
    """What is wrong, for programs: it stays."""
    remedy: str = ""
    """What to do about it."""
    problems: list["Finding"] = Field(default_factory=list)
    """All that is wrong with a definition."""


class Finding(Strict):
    """One thing that is wrong with a definition."""

    message: str
    """What is wrong."""
    severity: Severity
    """`error`, or less."""
    remedy: str = ""
    """What would be right."""
    path: str = ""
    """Where in the definition, as `spec.steps[2].timeout`."""
    file: str = ""
    """Where it was read."""
    line: int = 0
    """From 1."""
    column: int = 0
    """From 1."""


class NameRef(Strict):
    """Another object, by name."""

    name: str
    """Its name."""


class UidRef(Strict):
    """Another object, by uid."""

    uid: str
    """Its uid."""


class ObjectMetadata(Strict):
    """What names an object."""

    name: str
    """Its name; an event's is its uid."""
    namespace: str
    """The namespace that it is in."""
    uid: str = ""
    """It stays the same as long as the object is there."""
    labels: dict[str, str] = Field(default_factory=dict)
    """To select it by."""
    creation_timestamp: Moment
    """When it was made or stored."""


class Because(Strict):
    """A clause of a filter that decided."""

    clause: str
    """As it is written."""
    values: dict[str, Any]
    """What was compared."""


class TriggerVersion(Strict):
    """A trigger as it was when it decided."""

    name: str
    """Its name."""
    uid: str
    """Its uid."""
    generation: int
    """Which version."""


class StartedRun(Strict):
    """The run that ensued."""

    name: str
    """Its name."""
    uid: str
    """Its uid."""


class Decision(Strict):
    """What a trigger concluded about an event."""

    event: str
    """The uid of the event."""
    namespace: str
    """Of both."""
    trigger: TriggerVersion
    """Who decided."""
    conclusion: Conclusion
    """What it concluded."""
    reason: str
    """Why."""
    note: str
    """Why, for people."""
    answer: str
    """Of its filter: yes, no, could not tell."""
    because: list[Because]
    """The clauses that decided."""
    error: str
    """Why the filter could not tell."""
    run: StartedRun | None = None
    """When it fired."""
    time: Moment
    """When it decided."""


class Cause(Strict):
    """What an event ensued from."""

    event: str | None
    """The uid of the event that the run began with."""
    root: str | None
    """The uid of the event that all of it began with."""
    run: str | None
    """The uid of the run that caused it."""
    triggers: list[str]
    """Those on the way, to end circles."""


class EventStatus(Strict):
    """How an event came."""

    source: str
    """The key of the source that let it in."""
    revision: int
    """Of the definitions that it met."""
    replay_of: str | None = None
    """The uid of the event that it repeats."""
    cause: Cause | None = None
    """What it ensued from."""
    decisions: list[Decision] | None = None
    """In the stream alone."""


class Event(Strict):
    """An event as it is stored."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["Event"]
    """`Event`."""
    metadata: ObjectMetadata
    """What names it."""
    spec: dict[str, Any]
    """The CloudEvent, as it was sent."""
    status: EventStatus
    """How it came."""


class Accepted(Strict):
    """What became of an event that was sent."""

    id: str
    """Its uid here; that of the first when it came before."""
    duplicate: bool
    """Whether it came before."""


class AcceptedItems(Strict):
    """What became of the events of a message."""

    items: list[Accepted]
    """In their order."""


class Explanation(Strict):
    """Why a run or a step is as it is."""

    subject: str
    """The run, or the step."""
    state: State
    """Where it is."""
    reason: Reason
    """Why."""
    text: str
    """Why, for people."""
    since: Moment | None
    """Since when."""
    form: list[str]
    """The values that an approval cannot be given without."""


class WorkerMetadata(Strict):
    """What names a worker."""

    name: str
    """Who it is; a restart is the same worker."""
    labels: dict[str, str]
    """What it has, for steps that require it."""


class WorkerStatus(Strict):
    """How a worker is."""

    engines: list[str]
    """Where it can run steps."""
    host: str
    """Its machine."""
    pid: int
    """Its process."""
    version: str
    """Of Ensue."""
    seen_time: Moment | None
    """When it was last heard of."""
    lease_until: Moment | None
    """Until when others believe in it."""
    draining: bool
    """It takes no more steps."""


class Worker(Strict):
    """Who runs steps."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["Worker"]
    """`Worker`."""
    metadata: WorkerMetadata
    """What names it."""
    status: WorkerStatus
    """How it is."""


class SecretKeyStatus(Strict):
    """One value of a secret, but for the value."""

    key: str
    """Its key."""
    change_time: Moment
    """When it was last set."""
    key_id: str
    """The key that seals it."""


class SecretStatus(Strict):
    """What is told of a secret."""

    keys: list[SecretKeyStatus]
    """Its values, but for the values."""


class SecretSpec(Strict):
    """Whose a secret is."""

    workflow_ref: NameRef | None = None
    """The workflow that owns it; else its namespace does."""


class Secret(Strict):
    """A secret. No answer ever has a value."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["Secret"]
    """`Secret`."""
    metadata: ObjectMetadata
    """What names it."""
    spec: SecretSpec
    """Whose it is."""
    status: SecretStatus
    """What is told of it."""


class Rotated(Strict):
    """What a change of the key did."""

    key_id: str
    """The key in use now."""
    resealed: int
    """How many secrets were sealed anew."""


class About(Strict):
    """What runs here."""

    version: str
    """Of Ensue."""
    api_versions: list[str]
    """Of definitions that it takes."""
    python: str
    """The version of Python."""


class Check(Strict):
    """Whether a part of the server is well."""

    name: str
    """Of the part."""
    ok: bool
    """Whether it is well."""
    message: str = ""
    """How it is; only when asked for."""
    age_seconds: float | None = None
    """How long ago a loop last went round."""


class Health(Strict):
    """Whether a server is well."""

    status: Literal["ok", "failing"]
    """Of all of it."""
    checks: list[Check] | None = None
    """Part by part, when asked for (`verbose`) or when one is not well."""


class HookAccepted(Strict):
    """What became of a webhook."""

    id: str
    """The uid of its event."""


class Defined(Strict):
    """A definition that a file holds."""

    namespace: str
    """The namespace that it is in."""
    kind: str
    """What it is."""
    name: str
    """Its name."""
    line: int
    """Where it begins, from 1."""


class FileMetadata(Strict):
    """What names a file."""

    name: str
    """Its path."""


class FileStatus(Strict):
    """What is known of a file."""

    defines: list[Defined]
    """What it holds."""
    problems: list[Finding]
    """What is wrong in it."""


class File(Strict):
    """A file that the server follows."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["File"]
    """`File`."""
    metadata: FileMetadata
    """What names it."""
    status: FileStatus
    """What is known of it."""
