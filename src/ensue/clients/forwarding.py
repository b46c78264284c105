"""Hands a request on to a server on this machine, and its answer back: bounded in time and size."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ensue.model.errors import Unavailable

SECONDS = 30.0
"""For all of it, however slowly the answer comes."""
LARGEST = 4 * 2**20

_OF_THE_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host", "expect"}
)
_OURS = frozenset({"cookie", "content-length"})
"""A cookie is what somebody signed in to this server with."""
_OF_THE_ORIGIN = frozenset(
    {
        "alt-svc",
        "clear-site-data",
        "content-length",
        "date",
        "nel",
        "report-to",
        "server",
        "service-worker-allowed",
        "set-cookie",
        "set-cookie2",
        "strict-transport-security",
    }
)
"""What would say something of all that this server has, or is said by this server itself."""
_ADDED = {"content-security-policy": "sandbox", "x-content-type-options": "nosniff"}
"""A browser that shows the answer treats it as a page of nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came in, of which the body was read."""

    method: str
    headers: Mapping[str, str]
    query: str
    """As it was sent."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes


async def forward(address: str, asked: Asked, hold: Callable[[int], None]) -> Answer:
    """`hold` is told how many bytes more are kept. Raises Unavailable when no whole answer comes."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _forward(address, asked, hold)
    except TimeoutError:
        raise Unavailable(f"the container of the webhook does not answer within {SECONDS:.0f} s") from None


async def _forward(address: str, asked: Asked, hold: Callable[[int], None]) -> Answer:
    import httpx

    given = {name: text for name, text in asked.headers.items() if name not in _OF_THE_CONNECTION | _OURS}
    url = f"{address}/?{asked.query}" if asked.query else f"{address}/"
    content = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=2 * SECONDS, trust_env=False) as client,
            client.stream(asked.method, url, headers=given, content=asked.body or None) as response,
        ):
            async for chunk in response.aiter_raw():
                hold(len(chunk))
                content += chunk
                if len(content) > LARGEST:
                    raise Unavailable(f"the container answers more than {LARGEST} bytes")
            return Answer(status=response.status_code, headers=_kept(response.headers), content=bytes(content))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            f"the container of the webhook does not answer: {str(error) or type(error).__name__}"
        ) from None


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    of_connection = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    dropped = _OF_THE_CONNECTION | _OF_THE_ORIGIN | of_connection
    kept = {name.lower(): text for name, text in headers.items() if name.lower() not in dropped}
    own = kept.get("content-security-policy", "")
    kind = {"content-type": kept.get("content-type", "application/octet-stream")}
    return {**kept, **kind, **_ADDED, **({"content-security-policy": f"{own}, sandbox"} if own else {})}
