"""Making, listing and deleting tokens, and who somebody is. A secret is told once, to who makes it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ensue.core import checking_permissions, permitting
from ensue.model import token as tokens
from ensue.model.errors import InvalidInput
from ensue.model.identity import Identity
from ensue.model.token import Purpose, Token
from ensue.operations import repeating
from ensue.operations.repeating import RequestKey
from ensue.operations.world import World

KIND = "Token"
LONGEST_DESCRIPTION: Final = 200
MOST_GROUPS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The token that is asked for. Without `expires` it is valid until it is deleted; without scopes it may do all that
    its groups and the server's permissions allow."""

    subject: str
    groups: Sequence[str] = ()
    scopes: Sequence[str] = ()
    expires: timedelta | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    token: Token
    secret: str
    """Nobody is told it again."""


async def create(identity: Identity, world: World, wanted: Wanted, key: str = "") -> Made:
    """Raises Denied, InvalidInput, and Conflict for a repeat with the same key: the secret is told once."""
    permitting.require(identity, "create", KIND, None)
    owner = _owner(wanted)
    if wanted.expires is not None and wanted.expires <= timedelta():
        raise InvalidInput("a token cannot have expired before it is made")
    if len(wanted.description) > LONGEST_DESCRIPTION:
        raise InvalidInput(f"the description is longer than {LONGEST_DESCRIPTION} characters")
    now = world.clock.now()
    expires_at = None if wanted.expires is None else now + wanted.expires
    token, secret = made_of(owner, now, expires_at, Purpose.API)
    token = replace(token, description=wanted.description)
    asked = ("token", owner.subject, owner.groups, wanted.expires and wanted.expires.total_seconds(), token.description)
    return await add(identity, world, token, secret, repeating.request_key(identity, key, asked))


async def list_all(identity: Identity, world: World) -> tuple[Token, ...]:
    """The oldest first, those that expired within the last month too."""
    permitting.require(identity, "list", KIND, None)
    return await world.tokens.list()


async def delete(identity: Identity, world: World, id: str) -> None:
    """It is worth nothing within a second, on every server. Raises NotFound."""
    permitting.require(identity, "delete", KIND, None)
    await world.tokens.delete(id, identity)
    world.access.forget()


async def add(by: Identity, world: World, token: Token, secret: str, key: RequestKey) -> Made:
    """A new secret in the table; nobody is asked."""
    token = replace(token, created_by=by.subject, request_key=key.key, request_digest=key.digest)
    return Made(token=await world.tokens.add(token, tokens.hash_of(secret), by), secret=secret)


def made_of(owner: Identity, now: datetime, expires_at: datetime | None, purpose: Purpose) -> tuple[Token, str]:
    """A token and its secret; nothing is stored."""
    secret = f"{tokens.PREFIX}{secrets.token_urlsafe(32)}"
    token = Token(
        id=tokens.id_of(tokens.hash_of(secret)),
        purpose=purpose,
        identity=replace(owner, rights=(), token="", is_session=False),
        created_at=now,
        expires_at=expires_at,
    )
    return token, secret


def _owner(wanted: Wanted) -> Identity:
    """Raises InvalidInput."""
    groups, scopes = tuple(dict.fromkeys(wanted.groups)), tuple(dict.fromkeys(wanted.scopes))
    if len(groups) + len(scopes) > MOST_GROUPS:
        raise InvalidInput(f"a token has at most {MOST_GROUPS} groups and scopes")
    subject = checking_permissions.check_subject(wanted.subject)
    checking_permissions.check_groups(groups)
    checking_permissions.check_scopes(scopes)
    return Identity(subject=subject, groups=(*groups, *(f"{permitting.SCOPE}{scope}" for scope in scopes)))
