"""Content-Encoding of a body that is there as a whole: what it would become is bounded, however small it is."""

from typing import Final

from ensue.clients import inflating
from ensue.sources.webhook.exchange import Reason, Refused, Request

WEIGHT: Final = 4
"""Bytes that a byte of a body takes once it is read: JSON takes some, in the worst case twenty."""


def unpack(request: Request, limit: int) -> bytes | Refused:
    """The body as its Content-Type describes it. Raises what `hold` of the request raises."""
    content = _unpacked(request.body, request.headers.get("content-encoding", "").strip().lower(), limit)
    if not isinstance(content, Refused):
        request.hold(WEIGHT * len(content))
    return content


def _unpacked(body: bytes, encoding: str, limit: int) -> bytes | Refused:
    if len(body) > limit:
        return too_large(limit)
    if encoding in ("", "identity"):
        return body
    try:
        unpacked = inflating.Body(encoding=encoding, limit=limit)
        unpacked.add(body)
        if unpacked.is_cut:
            return too_large(limit)
        return unpacked.end() if body else _broken("there is nothing")
    except ValueError as error:
        if encoding not in inflating.ENCODINGS:
            return Refused(status=415, reason=Reason.UNSUPPORTED, message=f"the body: {error}")
        return _broken(str(error))


def too_large(limit: int) -> Refused:
    return Refused(status=413, reason=Reason.TOO_LARGE, message=f"the body is larger than {limit} bytes")


def _broken(why: str) -> Refused:
    return Refused(status=400, reason=Reason.UNREADABLE, message=f"the body cannot be unpacked: {why}")
