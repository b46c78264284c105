"""Stripe: an event names itself."""

from ensue.model.values import Json
from ensue.sources.webhook import reading
from ensue.sources.webhook.exchange import Request
from ensue.sources.webhook.presets.preset import Attributes, Plain

_API = "https://api.stripe.com"


class Stripe(Plain):
    def attributes(self, request: Request, data: Json) -> Attributes:
        account = reading.word(reading.text(data, "account"))
        kind = reading.word(reading.text(data, "type"), "unknown")
        return Attributes(
            type=f"com.stripe.{kind}",
            source=f"{_API}/v1/accounts/{account}" if account else _API,
            subject=reading.text(data, "data.object.id", "related_object.id"),
            id=reading.text(data, "id"),
            time=reading.moment(data, "created"),
        )
