"""Source type `cloudevents`: CloudEvents of senders that have no token, at a path of their own."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from ensue.clients import cloudevents, consenting, envelopes
from ensue.clients.cloudevents import Envelope
from ensue.model.definition import Strict
from ensue.model.errors import InvalidInput
from ensue.model.event import Event
from ensue.model.values import ByteSize, Namespace
from ensue.ports.clock import Clock
from ensue.sources.webhook import Refused, Request, unpacking, verifying
from ensue.sources.webhook.settings import MAX_BYTES, Hook

Origin = Annotated[str, StringConstraints(pattern=r"^(\*|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)$")]


class Settings(Hook):
    """CloudEvents at `/hooks/NAMESPACE/PATH`: binary, structured or batched."""

    origins: tuple[Origin, ...] = ()
    """Senders that are told that they may send, by the DNS name they give; `*` is any."""
    max_bytes: ByteSize = Field(default=2**20, ge=1, le=MAX_BYTES)
    """The largest message, as received and as unpacked; at most 25Mi."""


class CloudEventsSource:
    name: ClassVar[str] = "cloudevents"
    settings: ClassVar[type[Strict]] = Settings


def greet(given: Settings, request: Request) -> dict[str, str]:
    """The headers that answer a sender's handshake. Raises InvalidInput, Denied."""
    return consenting.consent(request.headers, given.origins, given.rate)


def decode(given: Settings, request: Request) -> tuple[Envelope, ...] | Refused:
    """The events of a message. Raises InvalidInput."""
    if not cloudevents.is_cloudevent(request.headers):
        raise InvalidInput("the request is no CloudEvent", remedy=cloudevents.HOW_TO_SEND)
    unsigned = verifying.vouch(given, request)
    if unsigned is not None:
        return unsigned
    content = unpacking.unpack(request, given.max_bytes)
    return content if isinstance(content, Refused) else cloudevents.decode(request.headers, content)


def to_events(received: tuple[Envelope, ...], namespace: Namespace, clock: Clock) -> list[Event]:
    """Raises InvalidInput for what cannot be kept."""
    now = clock.now()
    return [envelopes.to_event(each, namespace, clock.uid(), now) for each in received]
