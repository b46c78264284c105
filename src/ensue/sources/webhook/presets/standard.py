"""Standard Webhooks: type and time are in the payload, the id is a header."""

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Request
from ensue.sources.webhook.presets.preset import Attributes, Plain


class StandardWebhooks(Plain):
    takes_cloudevents = True

    def attributes(self, request: Request, data: Json) -> Attributes:
        return Attributes(
            type=reading.word(reading.text(data, "type")),
            subject=reading.text(data, "data.id"),
            id=reading.header(request.headers, "webhook-id"),
            time=reading.moment(data, "timestamp"),
        )
