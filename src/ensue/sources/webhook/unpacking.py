"""Content-Encoding: unpacks a piece at a time and stops at the limit, whatever a small body would become."""

import zlib
from typing import Final

from ensue.sources.webhook.exchange import Reason, Refused

_GZIP: Final = 31
_ZLIB: Final = 15
_RAW: Final = -15
_PIECE: Final = 64 * 1024


def unpack(body: bytes, encoding: str, limit: int) -> bytes | Refused:
    """The body as its Content-Type describes it."""
    if len(body) > limit:
        return too_large(limit)
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _members(body, limit)
        case "deflate":
            return _inflate(body, _ZLIB if _has_zlib_header(body) else _RAW, limit)
        case other:
            message = f"the content encoding {other[:40]!r} is not taken: gzip, deflate and identity are"
            return Refused(status=415, reason=Reason.UNSUPPORTED, message=message)


def too_large(limit: int) -> Refused:
    return Refused(status=413, reason=Reason.TOO_LARGE, message=f"the body is larger than {limit} bytes")


def _members(body: bytes, limit: int) -> bytes | Refused:
    """A gzip file may be several, one after another."""
    parts: list[bytes] = []
    left = limit
    while True:
        one = _start(body, _GZIP, left)
        if isinstance(one, Refused):
            return too_large(limit) if one.status == 413 else one
        part, body = one
        parts.append(part)
        left -= len(part)
        if not body:
            return b"".join(parts)


def _inflate(body: bytes, window: int, limit: int) -> bytes | Refused:
    one = _start(body, window, limit)
    if isinstance(one, Refused):
        return one
    unpacked, rest = one
    return _broken("more follows its end") if rest else unpacked


def _start(body: bytes, window: int, limit: int) -> tuple[bytes, bytes] | Refused:
    """What unpacks to its end, and what follows it."""
    machine = zlib.decompressobj(window)
    parts: list[bytes] = []
    size = 0
    try:
        while not machine.eof:
            part = machine.decompress(body, _PIECE)
            if not part and not machine.unconsumed_tail and not machine.eof:
                return _broken("it ends early")
            size += len(part)
            if size > limit:
                return too_large(limit)
            parts.append(part)
            body = machine.unconsumed_tail
    except zlib.error:
        return _broken("it is not what Content-Encoding says")
    return b"".join(parts), machine.unused_data


def _has_zlib_header(body: bytes) -> bool:
    """Some senders leave the header of `deflate` out."""
    return len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _broken(why: str) -> Refused:
    return Refused(status=400, reason=Reason.UNREADABLE, message=f"the body cannot be unpacked: {why}")
