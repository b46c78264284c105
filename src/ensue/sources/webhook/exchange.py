"""What a webhook route hands over, and what it gets back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ensue.clients.cloudevents import Envelope
from ensue.model.event import DataForm
from ensue.model.values import Json

TCHAR = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What names of headers and media types are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it was received."""

    method: str = "POST"
    headers: Mapping[str, str]
    """By lower-case name; those that came repeatedly are joined by a comma and a space."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes
    """The bytes of the wire, still compressed."""
    received_at: datetime
    hold: Callable[[int], None] = field(default=lambda size: None, repr=False, compare=False)
    """Told how many bytes the body will take, before it is read. May raise Unavailable."""


class Reason(StrEnum):
    """Why a request was refused; `explain source` shows it, the sender of a bad signature does not see it."""

    KEYLESS = "NoSecret"
    MISSING = "SignatureMissing"
    MALFORMED = "SignatureMalformed"
    WRONG = "SignatureWrong"
    OLD = "SignatureOld"
    EARLY = "SignatureFromTheFuture"
    REPEATED = "BodyRepeated"
    UNSIGNED = "AttributesUnsigned"
    TOO_LARGE = "TooLarge"
    UNSUPPORTED = "Unsupported"
    UNREADABLE = "Unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """The sender is who it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request makes no event."""

    status: int
    """Of the answer: 400, 401, 413 or 415."""
    reason: Reason
    message: str
    """For the owner of the source; holds nothing secret."""

    @property
    def told(self) -> str:
        """What the sender may know: of a signature, only that it does not do."""
        return "the request is not authenticated" if self.status == 401 else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The payload as sent, with what the source redacts taken out."""

    data: Json = None
    content_type: str = ""
    """What `data` is now: a form has become JSON."""
    form: DataForm = DataForm.JSON
    envelope: Envelope | None = None
    """The attributes of a request that is a CloudEvent itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a sender wants to be told other than 202 and the event's uid."""

    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    text: str = ""
    instead_of_event: bool = False
    """The request asked a question; nothing happened that would be an event."""
