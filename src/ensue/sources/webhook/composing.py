"""From a payload to the event: the attributes that the sender's preset finds, and what the settings say instead."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from ensue.clients import envelopes
from ensue.clients.cloudevents import Envelope
from ensue.model.event import Event
from ensue.model.values import Namespace
from ensue.sources.webhook import presets, reading
from ensue.sources.webhook.exchange import Body, Request
from ensue.sources.webhook.settings import Settings

GENERIC_TYPE: Final = "dev.ensue.webhook.v1"
"""Of events whose sender names none."""


def to_event(given: Settings, request: Request, body: Body, namespace: Namespace, uid: str) -> Event:
    """What a payload lacks has a substitute. A sender without an id gets `uid` for one.
    Raises InvalidInput for a CloudEvent whose attributes are too long."""
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
    """Its attributes as anywhere; its data as decoded here, without what is redacted."""
    bare = replace(envelope, data=None, has_data=False)
    event = envelopes.to_event(bare, namespace, uid, received_at)
    return replace(event, data=body.data, data_form=body.form, data_content_type=body.content_type)
