"""Event: a fact, as a CloudEvents 1.0 envelope with our own uid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ensue.model.values import Json, Namespace


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
    subject: str = ""
    data: Json = None
    data_content_type: str = "application/json"
    data_schema: str = ""
    extensions: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event with its place in the feed."""

    event: Event
    cursor: str
    is_duplicate: bool = False
