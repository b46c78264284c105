"""Senders that Ensue knows nothing about: the settings say what their events are, or they are CloudEvents."""

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Request
from ensue.sources.webhook.presets.preset import Attributes, Plain


class Generic(Plain):
    takes_cloudevents = True

    def attributes(self, request: Request, data: Json) -> Attributes:
        return Attributes(id=reading.header(request.headers, "webhook-id", "idempotency-key"))
