"""What a preset is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ensue.model.values import Json
from ensue.sources.webhook.exchange import Answer, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What a sender says about an event. Empty: it does not say, and there is a substitute."""

    type: str = ""
    source: str = ""
    subject: str = ""
    id: str = ""
    time: datetime | None = None


class Preset(Protocol):
    """How one sender's requests become events. Pure, and total: payloads of any shape come in."""

    @property
    def redacts(self) -> tuple[str, ...]:
        """Places that hold a secret of the sender's in clear text."""
        ...

    @property
    def takes_cloudevents(self) -> bool:
        """Whether a request may be a CloudEvent itself. Not where the sender never sends any: no signature covers
        the headers that would then say what the event is."""
        ...

    def attributes(self, request: Request, data: Json) -> Attributes: ...

    def answer(self, data: Json) -> Answer | None: ...


class Plain:
    """Nothing special."""

    redacts: tuple[str, ...] = ()
    takes_cloudevents: bool = False

    def answer(self, data: Json) -> Answer | None:
        return None
