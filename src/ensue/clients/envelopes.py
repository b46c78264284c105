"""CloudEvents as they travel to events as we keep them, and back."""

import base64
from datetime import datetime
from typing import Final

from ensue.clients import cloudevents, foreign_json
from ensue.clients.cloudevents import Envelope
from ensue.model import event as events
from ensue.model.errors import InvalidInput
from ensue.model.event import DataForm, Event
from ensue.model.values import Json, Namespace

MAX_KEY: Final = 1024
"""Bytes of an attribute by which events are found."""
_OURS: Final = "ensue"
_OWN_FIELDS: Final = frozenset(
    ("id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time")
)


def to_event(envelope: Envelope, namespace: Namespace, uid: str, received_at: datetime) -> Event:
    """Without the extensions by which Ensue marks events, such as replays: nobody else may set them.
    Raises InvalidInput for what cannot be kept."""
    given = envelope.attributes
    time = str(given.get("time", ""))
    data, form = data_of(envelope)
    if form is DataForm.JSON:
        foreign_json.require(data)
    event = Event(
        namespace=namespace,
        uid=uid,
        id=str(given["id"]),
        source=str(given["source"]),
        type=str(given["type"]),
        time=cloudevents.moment(time) or received_at,
        time_text=time,
        subject=str(given.get("subject", "")),
        data=data,
        data_form=form,
        data_content_type=envelope.media_type,
        data_schema=str(given.get("dataschema", "")),
        extensions={
            name: value for name, value in given.items() if name not in _OWN_FIELDS and not name.startswith(_OURS)
        },
    )
    require_keys(event)
    return event


def data_of(envelope: Envelope) -> tuple[Json, DataForm]:
    """What is kept of the data: bytes as base64."""
    if isinstance(envelope.data, bytes):
        return base64.b64encode(envelope.data).decode(), DataForm.BASE64
    return envelope.data, _form(envelope)


def require_keys(event: Event) -> None:
    """Raises InvalidInput for an event that could not be found by what names it."""
    keys = {"id": event.id, "source": event.source, "type": event.type}
    too_long = [name for name, value in keys.items() if len(value.encode()) > MAX_KEY]
    if too_long:
        raise InvalidInput(f"longer than {MAX_KEY} bytes: {', '.join(too_long)}")


def to_json(event: Event) -> dict[str, Json]:
    """The event in CloudEvents' JSON format."""
    found = events.attributes(event)
    first = {
        name: found.pop(name) for name in ("specversion", "id", "source", "type", "subject", "time") if name in found
    }
    return first | found


def _form(envelope: Envelope) -> DataForm:
    if not envelope.has_data:
        return DataForm.NONE
    return DataForm.JSON if cloudevents.is_json(envelope.media_type) else DataForm.TEXT
