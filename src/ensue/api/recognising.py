"""Who asks: the local token, a token of the server, or a browser's session."""

import hmac
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from ensue.model import token as tokens
from ensue.model.errors import Denied, Unauthenticated
from ensue.model.identity import Identity
from ensue.model.token import Purpose
from ensue.ports.access import Access

COOKIE: Final = "ensue_session"
CSRF: Final = "x-csrf-token"
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REMEDY: Final = "send Authorization: Bearer TOKEN with a token of `ensue token create`, or that of the data directory"
SIGN_IN: Final = f"{REMEDY}; a browser signs in with what `ensue login --link` prints"


class Recognition:
    def __init__(self, *, token: str, identity: Identity, access: Access) -> None:
        """Whoever has `token` is `identity`."""
        self._hash = tokens.hash_of(token)
        self._identity = identity
        self._access = access

    async def recognise(self, headers: Headers, method: str) -> Identity:
        """Raises Unauthenticated, or Denied for a session without its CSRF token."""
        authorization = headers.get("authorization", "")
        session = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if session and not authorization:
            if method not in READING and not is_csrf_token(session, headers.get(CSRF, "")):
                raise Denied(
                    "a change by a browser's session needs the header X-CSRF-Token",
                    remedy="GET /api/v1/whoami tells it as status.csrfToken",
                )
            return await self._access.identify(session, Purpose.SESSION)
        return await self._bearer(authorization)

    async def _bearer(self, authorization: str) -> Identity:
        if not authorization:
            raise Unauthenticated("the request has no Authorization header", remedy=SIGN_IN)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("the Authorization header holds no bearer token", remedy=REMEDY)
        # Of hashes: how long it takes tells nothing of the token.
        if hmac.compare_digest(tokens.hash_of(token.strip()), self._hash):
            return await self._access.known(self._identity)
        return await self._access.identify(token.strip())


def csrf_token(session: str) -> str:
    """Belongs to the session, and tells nothing of it."""
    return hmac.new(session.encode(), b"csrf", "sha256").hexdigest()


def is_csrf_token(session: str, given: str) -> bool:
    return hmac.compare_digest(csrf_token(session).encode(), given.encode("utf-8", "surrogatepass"))
