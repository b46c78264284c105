"""Bodies of requests: bounded in size, time and number, and what they say."""

import asyncio
import contextlib
import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Final, NoReturn

from starlette.types import Receive

from ensue.core import transfer
from ensue.metadata.refusals import Refused
from ensue.model.errors import TooLarge, TooSlow
from ensue.model.values import Json

MOST_BYTES: Final = 2**20
MOST_SECONDS: Final = 30.0
MOST_AT_ONCE: Final = 64
"""Bodies that are being read or used at a time, of all steps together."""
MOST_OF_ONE: Final = 8
"""The same of one step, so that it cannot keep the others out."""

MALFORMED = "rma_api_malformed_request_error"
_TEXTS = frozenset({"text/plain", "application/octet-stream", ""})


class Room:
    """How many bodies are held at once, so that all of them together have a bound."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def one(self, token: str) -> Iterator[None]:
        """For who has this token. Raises Refused when there is no room."""
        if self._taken.total() >= MOST_AT_ONCE or self._taken[token] >= MOST_OF_ONE:
            raise Refused("rma_api_too_many_requests_error")
        self._taken[token] += 1
        try:
            yield
        finally:
            self._taken[token] -= 1
            self._taken += Counter()


async def read(receive: Receive, declared: str) -> bytes:
    """Raises TooLarge, TooSlow."""
    if declared.isdigit() and int(declared[:20]) > MOST_BYTES:
        raise TooLarge
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(MOST_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise TooSlow
                part = message.get("body", b"")
                size += len(part)
                if size > MOST_BYTES:
                    raise TooLarge
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        raise TooSlow from None


def output(body: bytes, media_type: str, *, is_strict: bool) -> Json:
    """The value that an output's body is. Raises Refused."""
    kind = media_type if is_strict else media_type.partition(";")[0].strip().lower()
    if kind in _TEXTS:
        return transfer.encoded(body)
    if kind != "application/json":
        raise Refused("rma_api_unknown_request_media_type_error", arguments={"mediaType": media_type[:200]})
    return decoded(body, is_strict=is_strict)


def decoded(body: bytes, *, is_strict: bool = False) -> Json:
    """The first JSON value of a body, without its transfer encoding. Raises Refused."""
    try:
        text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
        whole = _finite if is_strict else int
        decoder = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=whole)
        value: Json = decoder.raw_decode(text)[0]
        return transfer.decoded(value)
    except (ValueError, RecursionError) as error:
        raise Refused(MALFORMED, cause=str(error) or "nested too deep") from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def fields(body: bytes) -> dict[str, Json]:
    """A JSON object. Raises Refused."""
    value = decoded(body)
    if not isinstance(value, dict):
        raise Refused(MALFORMED, cause="the body is no JSON object")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
