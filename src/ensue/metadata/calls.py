"""One request, as endpoints see it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from ensue.metadata.refusals import Refused
from ensue.metadata.schemas import Schemas
from ensue.model.values import Json
from ensue.ports.metadata import Caller

MALFORMED = "rma_api_malformed_request_error"
DENIED = "rma_model_authorization_error"
LONGEST_NAME = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    caller: Caller
    names: Mapping[str, str]
    """Those in the path."""
    query: Mapping[str, str]
    media_type: str
    body: bytes
    schemas: Schemas | None

    @property
    def name(self) -> str:
        return self.names["name"]

    @property
    def new_name(self) -> str:
        """The same where it comes to be stored. Raises Refused."""
        if len(self.name) > LONGEST_NAME or not self.name.isprintable():
            raise Refused(MALFORMED, cause=f"a name has at most {LONGEST_NAME} printable characters")
        return self.name

    @property
    def is_strict(self) -> bool:
        return self.caller.flavour.is_strict

    def with_body(self, body: bytes) -> "Call":
        return replace(self, body=body)

    def require_step(self) -> None:
        """Raises Refused for a trigger's container."""
        if self.caller.is_trigger:
            raise Refused(DENIED, cause="a trigger has none")


def moment(value: Json) -> datetime:
    """An RFC 3339 time with a zone, in UTC. Raises Refused."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        # At either end of the calendar a zone leads out of it.
        at = at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise Refused(MALFORMED, cause="a timestamp is an RFC 3339 time")
    return at
