"""Who asks, and what they may: tokens and permissions, read again after a second at most (port Access)."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from ensue.core import bylaws
from ensue.core.bylaws import Bylaws
from ensue.model import token as tokens
from ensue.model.errors import Unauthenticated, Unavailable
from ensue.model.identity import Identity, Refused
from ensue.model.token import Purpose, Token
from ensue.ports.access import AuditLog, Permissions, Tokens
from ensue.runtime.refusals import Refusals

log = logging.getLogger("ensue.access")

LOOK_SECONDS: Final = 1.0
MOST: Final = 4096
"""Tokens that are known at once."""
ASK_FOR_ONE: Final = "make another with `ensue token create`, or ask an admin for one"


class Access:
    def __init__(
        self,
        *,
        tokens: Tokens,
        permissions: Permissions,
        audit: AuditLog,
        users: Mapping[str, Identity],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`users` are those of the settings, by the hash of a token of theirs; `clock` counts seconds."""
        self._tokens = tokens
        self._permissions = permissions
        self._users = users
        self._clock = clock
        self._refusals = Refusals(audit=audit, clock=clock)
        self._known: OrderedDict[str, tuple[float, Token]] = OrderedDict()
        self._bylaws = Bylaws()
        self._revision = -1
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def identify(self, secret: str, purpose: Purpose = Purpose.API) -> Identity:
        hash = tokens.hash_of(secret)
        user = self._users.get(hash) if purpose is Purpose.API else None
        if user is not None:
            return await self.known(user)
        found = await self._token(hash, lambda: self._tokens.find(hash))
        if found is None or found.purpose is not purpose:
            raise Unauthenticated(
                "this token is not known here: it never was one, was deleted, or has expired", remedy=ASK_FOR_ONE
            )
        return await self.known(found.identity)

    async def known(self, identity: Identity) -> Identity:
        if self._clock() - self._read_at >= LOOK_SECONDS:
            async with self._lock:
                if self._clock() - self._read_at >= LOOK_SECONDS:
                    await self._look()
        return replace(identity, rights=self._bylaws.of(identity))

    async def renew(self, identity: Identity) -> Identity:
        if identity.token and not await self._token(identity.token, lambda: self._tokens.get(identity.token)):
            raise Unauthenticated("the token was deleted, or has expired", remedy=ASK_FOR_ONE)
        return await self.known(identity)

    async def note(self, refused: Refused) -> None:
        await self._refusals.note(refused)

    def forget(self) -> None:
        self._known.clear()
        self._read_at = float("-inf")

    async def _token(self, key: str, find: Callable[[], Awaitable[Token | None]]) -> Token | None:
        now = self._clock()
        at, known = self._known.get(key, (float("-inf"), None))
        if known is not None and now - at < LOOK_SECONDS:
            return known
        found = await find()
        if found is None:
            self._known.pop(key, None)
            return None
        self._known[key] = now, found
        self._known.move_to_end(key)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return found

    async def _look(self) -> None:
        """While the store is away the last word stands: whatever it would protect is away too."""
        try:
            await self._read()
        except Unavailable:
            if self._revision < 0:
                raise

    async def _read(self) -> None:
        asked_at = self._clock()
        revision = await self._permissions.revision()
        if revision != self._revision:
            found = await self._permissions.all()
            self._bylaws, self._revision = bylaws.enact(one.body for one in found), revision
            for name in self._bylaws.unreadable:
                log.error("the permission %s cannot be read: it allows nothing, and denies all if it denies", name)
        self._read_at = asked_at
