"""What every request passes first: host name, origin, token, size. Plain ASGI."""

import ipaddress
import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ensue.api import problems
from ensue.api.recognising import Recognition
from ensue.model.errors import EnsueError, InvalidInput
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
NAME_IT = "set ENSUE_URL to the address people use, or use the name that --listen has"
PROBES = frozenset({"/healthz", "/livez", "/readyz"})
OPEN = re.compile(r"/hooks/|/login(/|$)|/(logout)?$")
"""Who comes here has no token yet, or never one: a signature, a one-time link or a cookie says who it is."""


class Guard:
    """Answers what may not pass; what passes finds its identity in `request.state.identity`.

    Senders of webhooks have no token, and come by any name: the route asks for their signature."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        recognition: Recognition,
        hosts: Collection[str],
        origins: Collection[str],
        event_bytes: int,
    ) -> None:
        """`origins` are addresses as https://ensue.example.org, beside those of a request's own host;
        `event_bytes` is how large a message of events may be."""
        self._app = app
        self._event_bytes = event_bytes
        self._recognition = recognition
        self._hosts = LOOPBACK | set(hosts)
        self._origins = {origin.lower().rstrip("/") for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._limit(scope["path"])
        refusal = self._refusal(scope, headers, limit)
        identity: Identity | None = None
        if refusal is None and not OPEN.match(scope["path"]) and not _is_probe(scope, headers):
            try:
                identity = await self._recognition.recognise(headers, scope.get("method", "GET"))
            except EnsueError as error:
                refusal = problems.of(error)
        if refusal is not None:
            await (refusal(scope, receive, send) if _can_answer(scope) else _closed(send))
            return
        if identity is not None:
            scope.setdefault("state", {})["identity"] = identity
        await self._app(scope, _bounded(receive, limit), send)

    def _refusal(self, scope: Scope, headers: Headers, limit: int) -> JSONResponse | None:
        host, length = host_name(headers.get("host", "")), headers.get("content-length", "0")
        if not HOOKS.match(scope["path"]) and not self._is_ours(host):
            detail = f'this server does not answer to the name "{host}"'
            return problems.problem(421, problems.CODES[421], detail, remedy=NAME_IT)
        if not self._is_own_origin(headers):
            detail = f"a page of {headers['origin']} may not ask this server"
            return problems.problem(403, "foreign_origin", detail, remedy="set ENSUE_URL to the address people use")
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            return problems.of(InvalidInput("the address contains a NUL character"))
        if length.isdigit() and int(length) > limit:
            return problems.problem(413, problems.CODES[413], TOO_LARGE.format(limit), headers={"Connection": "close"})
        return None

    def _is_own_origin(self, headers: Headers) -> bool:
        """Browsers say whose page asks; other programs say nothing."""
        origin = headers.get("origin", "").lower()
        if not origin:
            return True
        scheme, _, rest = origin.partition("://")
        own = scheme in ("http", "https") and rest == headers.get("host", "").lower()
        return own or origin in self._origins

    def _limit(self, path: str) -> int:
        if EVENTS.fullmatch(path):
            return self._event_bytes
        if HOOKS.match(path):
            return MAX_HOOK_BODY
        return MAX_SECRET_BODY if SECRETS.match(path) else MAX_BODY

    def _is_ours(self, host: str) -> bool:
        """A name that an attacker's DNS leads here is not among ours; an address in the header needs no DNS."""
        return host in self._hosts or (not ANY_ADDRESS.isdisjoint(self._hosts) and _is_address(host))


def _is_probe(scope: Scope, headers: Headers) -> bool:
    """Load balancers and kubelets have no token; who shows one, or asks for details, is recognised."""
    return scope["path"] in PROBES and not scope["query_string"] and "authorization" not in headers


def host_name(header: str) -> str:
    """A Host header without its port, in lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower().removesuffix(".")


def _can_answer(scope: Scope) -> bool:
    """Whether a refusal reaches who asks: always but for a WebSocket on a server that cannot."""
    return scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {})


async def _closed(send: Send) -> None:
    """A WebSocket is refused before it opens: its client sees a 403."""
    await send({"type": "websocket.close", "code": 1008})


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
