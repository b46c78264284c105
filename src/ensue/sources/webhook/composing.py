"""From a payload to the event: the attributes that the sender's preset finds, and what the settings say instead."""

from datetime import datetime
from typing import Final

from ensue.clients.cloudevents import Envelope
from ensue.model.event import Event
from ensue.model.values import Namespace
from ensue.sources.webhook import presets, reading
from ensue.sources.webhook.exchange import Body, Request
from ensue.sources.webhook.settings import Settings

GENERIC_TYPE: Final = "dev.ensue.webhook.v1"
"""Of events whose sender names none."""
_OURS: Final = "ensue"
_OWN_FIELDS: Final = frozenset(
    ("id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time")
)


def to_event(given: Settings, request: Request, body: Body, namespace: Namespace, uid: str) -> Event:
    """Never fails: what a payload lacks has a substitute. A sender without an id gets `uid` for one."""
    if body.envelope is not None:
        return _from_envelope(body.envelope, request.received_at, body, namespace, uid)
    found = presets.PRESETS[given.sender].attributes(request, body.data)
    return Event(
        namespace=namespace,
        uid=uid,
        id=_id(given, request, found) or uid,
        source=reading.uri(found.source) or f"/hooks/{namespace}/{given.path}",
        type=_type(given, request, found),
        time=found.time or request.received_at,
        subject=found.subject,
        data=body.data,
        data_form=body.form,
        data_content_type=body.content_type,
    )


def _id(given: Settings, request: Request, found: presets.Attributes) -> str:
    own = reading.header(request.headers, given.event_id_header) if given.event_id_header else ""
    return own or (found.id if len(found.id) <= reading.MAX_ID else "")


def _type(given: Settings, request: Request, found: presets.Attributes) -> str:
    own = reading.header(request.headers, given.event_type_header) if given.event_type_header else ""
    return reading.word(own) or given.event_type or found.type or GENERIC_TYPE


def _from_envelope(envelope: Envelope, received_at: datetime, body: Body, namespace: Namespace, uid: str) -> Event:
    """Its own attributes, but for those by which Ensue marks events, such as replays: nobody else may set them."""
    given = envelope.attributes
    return Event(
        namespace=namespace,
        uid=uid,
        id=str(given["id"]),
        source=str(given["source"]),
        type=str(given["type"]),
        time=reading.moment({"time": given.get("time")}, "time") or received_at,
        subject=str(given.get("subject", "")),
        data=body.data,
        data_form=body.form,
        data_content_type=body.content_type,
        data_schema=str(given.get("dataschema", "")),
        extensions={
            name: value for name, value in given.items() if name not in _OWN_FIELDS and not name.startswith(_OURS)
        },
    )
