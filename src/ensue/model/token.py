"""What an identity proves itself with. Only the hash of a token's secret is kept."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from ensue.model.identity import Identity

PREFIX: Final = "ensue_"
ID_LENGTH: Final = 12
SHORTEST: Final = 20
"""Of tokens that people make themselves."""


class Purpose(StrEnum):
    API = "api"
    LINK = "link"
    """Opens a session, once."""
    SESSION = "session"
    """A browser's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    id: str
    """The beginning of its hash: tells which token a found secret is."""
    purpose: Purpose = Purpose.API
    identity: Identity
    """Whom it makes of its bearer; its groups hold the scopes too."""
    description: str = ""
    parent: str = ""
    """The id of the token that a link or session was made with: it ends with that."""
    created_by: str = ""
    created_at: datetime
    expires_at: datetime | None = None
    request_key: str | None = None
    """Two that are asked for with the same key are one; None of what is read."""
    request_digest: str | None = None
    """Of what was asked for with that key."""


def hash_of(secret: str) -> str:
    """Fast on purpose: secrets are random, 256 bits long, and nobody's choice."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def id_of(hash: str) -> str:
    return hash[:ID_LENGTH]


def push_scope(namespace: str, trigger: str) -> str:
    """The scope of a token that may push events to one trigger, and nothing else."""
    return f"push:trigger/{trigger}@{namespace}"
