"""Hands a request on to a server on this machine, and its answer back: bounded in time and size."""

from collections.abc import Mapping
from dataclasses import dataclass

from ensue.model.errors import Unavailable

SECONDS = 30.0
LARGEST = 4 * 2**20

_OF_THE_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host"}
)
_KEPT = frozenset({"location", "retry-after", "cache-control", "etag"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    content_type: str
    headers: Mapping[str, str]
    content: bytes


async def forward(
    address: str, method: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
) -> Answer:
    """Raises Unavailable when no whole answer comes."""
    import httpx

    given = {name: text for name, text in headers.items() if name not in (*_OF_THE_CONNECTION, "content-length")}
    content = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client,
            client.stream(method, address, headers=given, params=query, content=body) as response,
        ):
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    raise Unavailable(f"the container answers more than {LARGEST} bytes")
            kept = {name: text for name, text in response.headers.items() if name in _KEPT}
            kind = response.headers.get("content-type", "application/octet-stream")
            return Answer(status=response.status_code, content_type=kind, headers=kept, content=bytes(content))
    except httpx.HTTPError as error:
        raise Unavailable(
            f"the container of the webhook does not answer: {str(error) or type(error).__name__}"
        ) from None
