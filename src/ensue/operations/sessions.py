"""Signing a browser in: a link that works once, and its session. Neither gives more than its maker has."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from ensue.model import token as tokens
from ensue.model.errors import Denied, Unauthenticated
from ensue.model.identity import Identity
from ensue.model.token import Purpose, Token
from ensue.operations import repeating
from ensue.operations.tokens import Made, add, made_of
from ensue.operations.world import World

LINK: Final = timedelta(minutes=10)
SESSION: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    token: Token
    secret: str
    """What the browser keeps as its cookie."""
    seconds: int


async def create_link(identity: Identity, world: World, key: str = "") -> Made:
    """Signs in as who asks, once, within ten minutes; its session ends with the token that it was asked for with.
    Raises Conflict for a repeat with the same key while the link can be used."""
    if identity.is_session:
        raise Denied("a browser's session makes no links", remedy="use `ensue login --link` on a terminal")
    now = world.clock.now()
    link, secret = made_of(identity, now, now + LINK, Purpose.LINK)
    given = repeating.request_key(identity, key, ("link",))
    return await add(identity, world, replace(link, parent=identity.token), secret, given)


async def require_link(world: World, secret: str) -> None:
    """Nothing is used up. Raises Unauthenticated for what is no link, or no more."""
    found = await world.tokens.find(tokens.hash_of(secret))
    if found is None or found.purpose is not Purpose.LINK:
        raise _unusable()


def _unusable() -> Unauthenticated:
    return Unauthenticated(
        "this link was used, has expired or never was one", remedy="make another with `ensue login --link`"
    )


async def redeem(world: World, secret: str) -> Opened:
    """A session for a link. Of all who come with it, one gets one. Raises Unauthenticated."""
    now = world.clock.now()
    session, own = made_of(Identity(subject=""), now, now + SESSION, Purpose.SESSION)
    found = await world.tokens.redeem(tokens.hash_of(secret), session, tokens.hash_of(own))
    if found is None:
        raise _unusable()
    return Opened(token=found, secret=own, seconds=int(SESSION.total_seconds()))


async def close(world: World, secret: str) -> None:
    """Sign out: the session is worth nothing any more; nothing happens when there is none."""
    found = await world.tokens.find(tokens.hash_of(secret))
    if found is not None and found.purpose is Purpose.SESSION:
        await world.tokens.delete(found.id, found.identity)
        world.access.forget()
