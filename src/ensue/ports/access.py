"""Ports to who may ask, what they may, and the record of what they did."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ensue.model.audit import Entry, Head
from ensue.model.identity import Identity, Refused
from ensue.model.token import Purpose, Token
from ensue.model.values import Json, Namespace
from ensue.ports.store import Page, StoredDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What somebody did, or was refused."""

    seq: int
    at: datetime
    namespace: str
    """Empty for what concerns the whole server."""
    by: Identity
    verb: str
    kind: str
    name: str
    details: dict[str, Json] = field(default_factory=dict)
    position: int | None = None
    """In the chain; None until it is sealed, about a second later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The two ends of what is kept of the chain."""

    head: Head
    """The last row that was sealed."""
    start: Head
    """The last row that retention deleted; the next one follows from it."""
    unsealed: int


class Tokens(Protocol):
    """The table. What changes it is audited in the same transaction."""

    async def add(self, token: Token, hash: str, by: Identity) -> Token:
        """With its times as the store has them: `expires_at` is kept, `created_at` is the store's. Raises Conflict when
        its request key is that of one that is there."""

    async def find(self, hash: str) -> Token | None:
        """None for one that has expired, or whose parent is gone or has expired."""

    async def get(self, id: str) -> Token | None:
        """The same, by its id."""

    async def list(self) -> tuple[Token, ...]:
        """API tokens, also those that expired lately, by their time."""

    async def delete(self, id: str, by: Identity) -> None:
        """With the sessions and links that were made with it. Raises NotFound."""

    async def redeem(self, hash: str, session: Token, session_hash: str) -> Token | None:
        """Put a session in the place of a link: of all who come with the link, one gets it. None for the others."""

    async def prune(self) -> None:
        """Delete links and sessions that have expired, and API tokens that did a month ago."""


class Permissions(Protocol):
    async def revision(self) -> int:
        """It changes with every change of a definition of any namespace."""

    async def all(self) -> tuple[StoredDefinition, ...]: ...


class AuditLog(Protocol):
    async def add(self, refused: Sequence[tuple[Refused, int]]) -> None:
        """Record refusals, each with how often it happened."""

    async def list(self, namespace: Namespace | None, limit: int, after: str = "") -> Page[AuditEntry]:
        """Newest first; None for all namespaces and what concerns none."""

    async def seal(self, limit: int = 500) -> int:
        """Chain the oldest rows that are not yet; returns how many. Several processes may do so at once."""

    async def chain(self) -> Chain: ...

    async def entries(self, after: int, limit: int = 500) -> Sequence[Entry]:
        """The sealed rows after a position, in the order of the chain."""


class Access(Protocol):
    """Who asks, and what they may. What it answers is at most a second old."""

    async def identify(self, secret: str, purpose: Purpose = Purpose.API) -> Identity:
        """Whose token it is. Raises Unauthenticated."""

    async def known(self, identity: Identity) -> Identity:
        """The same with the rights that the server's permissions give it now."""

    async def renew(self, identity: Identity) -> Identity:
        """The same; raises Unauthenticated when the token that it came with is gone or has expired."""

    async def note(self, refused: Refused) -> None:
        """Record that something was refused: the same once a minute at most, with how often it happened."""

    def forget(self) -> None:
        """What was read is outdated: this process has changed it."""
