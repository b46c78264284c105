"""What a sender wants to hear other than that its event was taken."""

from ensue.sources.webhook import presets
from ensue.sources.webhook.exchange import Answer, Body
from ensue.sources.webhook.settings import Settings


def answer(given: Settings, body: Body) -> Answer | None:
    """None: 202 with the event's uid. Asked only after the sender is known."""
    return None if body.envelope else presets.PRESETS[given.sender].answer(body.data)
