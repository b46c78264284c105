"""What every request passes first: host name, token, size. Plain ASGI."""

import hmac
import ipaddress
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ensue.api import problems
from ensue.model.errors import InvalidInput, Unauthenticated
from ensue.model.identity import Identity

MAX_BODY = 1024 * 1024
MAX_SECRET_BODY = MAX_BODY * 3 // 2
"""Room for the largest secret in base64."""
SECRETS = re.compile(r"/api/v1/(namespaces/[^/]+/)?secrets/")
EVENTS = re.compile(r"/api/v1/(namespaces/[^/]+/)?events")
HOOKS = re.compile(r"/hooks/")
MAX_HOOK_BODY = 25 * 1024 * 1024
"""The most that a webhook's own limit can be."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 # compared, not bound
TOO_LARGE = "the body is larger than {} bytes"
REMEDY = "send Authorization: Bearer TOKEN with the token from the server's data directory"


class Guard:
    """Answers what may not pass; what passes finds its identity in `request.state.identity`.

    Senders of webhooks have no token, and come by any name: the route asks for their signature."""

    def __init__(
        self, app: ASGIApp, *, token: str, identity: Identity, hosts: Collection[str], event_bytes: int
    ) -> None:
        """`event_bytes` is how large a message of events may be."""
        self._app = app
        self._event_bytes = event_bytes
        self._token = token.encode()
        self._identity = identity
        self._hosts = LOOPBACK | set(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._limit(scope["path"])
        host = host_name(headers.get("host", ""))
        is_hook = HOOKS.match(scope["path"]) is not None
        if not is_hook and not self._is_ours(host):
            refusal = problems.problem(421, problems.CODES[421], f'this server does not answer to the name "{host}"')
        elif not is_hook and not self._has_token(headers.get("authorization", "")):
            refusal = problems.of(Unauthenticated(remedy=REMEDY))
        elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
            refusal = problems.of(InvalidInput("the address contains a NUL character"))
        elif headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > limit:
            detail = TOO_LARGE.format(limit)
            refusal = problems.problem(413, problems.CODES[413], detail, headers={"Connection": "close"})
        else:
            scope.setdefault("state", {})["identity"] = self._identity
            await self._app(scope, _bounded(receive, limit), send)
            return
        await refusal(scope, receive, send)

    def _limit(self, path: str) -> int:
        if EVENTS.fullmatch(path):
            return self._event_bytes
        if HOOKS.match(path):
            return MAX_HOOK_BODY
        return MAX_SECRET_BODY if SECRETS.match(path) else MAX_BODY

    def _is_ours(self, host: str) -> bool:
        """A name that an attacker's DNS leads here is not among ours; an address in the header needs no DNS."""
        return host in self._hosts or (not ANY_ADDRESS.isdisjoint(self._hosts) and _is_address(host))

    def _has_token(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token)


def host_name(header: str) -> str:
    """A Host header without its port, in lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower().removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bounded(receive: Receive, limit: int) -> Receive:
    """A body that comes without its length is cut off as well."""
    size = 0

    async def receive_some() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413, TOO_LARGE.format(limit))
        return message

    return receive_some
