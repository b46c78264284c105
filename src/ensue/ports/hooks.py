"""Webhooks: a request comes in from outside, and becomes an event or is refused."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ensue.model.errors import Problem
from ensue.model.values import Namespace
from ensue.ports.store import StoredDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, of which the body was not read yet."""

    namespace: Namespace
    path: str
    method: str = "POST"
    headers: Mapping[str, str]
    """By lower-case name; those that came repeatedly are joined by a comma and a space."""
    query: Mapping[str, str]
    query_text: str = ""
    """As it was sent."""
    read: Callable[[int], Awaitable[bytes]]
    """The body as it was sent. Raises TooLarge when it has more than so many bytes."""
    hold: Callable[[int], None]
    """Told how many bytes more the request takes until it is answered. Raises Unavailable when there is no room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the sender is told."""

    status: int = 202
    content_type: str = "application/json"
    text: str = ""
    content: bytes = b""
    """In place of a text."""
    headers: Mapping[str, str] = field(default_factory=dict)


class Hooks(Protocol):
    """May be called concurrently. What one sender does wrong costs the others nothing but time."""

    async def receive(self, call: Call) -> Reply:
        """Answers once the event is durable; the same event again gets the same answer. Other methods than POST are for
        sources whose container answers.

        Raises NotFound, NotTaken, Unauthenticated, InvalidInput, TooLarge, UnsupportedMediaType, Unavailable."""

    async def greet(self, call: Call) -> Reply:
        """Tells a sender that asks (OPTIONS) whether it may send.

        Raises NotFound, Denied, InvalidInput, and NotTaken where a source has no such handshake."""

    async def problems(self, definitions: Sequence[StoredDefinition]) -> Mapping[str, tuple[Problem, ...]]:
        """By the uid of a definition, why a webhook of it takes nothing in."""
