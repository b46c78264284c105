"""What an engine's log looks like on the wire: frames of eight bytes of header and a message, or a bare stream."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import NamedTuple

STREAMS = {0: "stdout", 1: "stdout", 2: "stderr"}

_HEADER = 8


class Message(NamedTuple):
    """A line of a log, or a part of a long one. `at` is None where the engine did not say."""

    stream: str
    at: datetime | None
    data: bytes


async def read(chunks: AsyncIterator[bytes]) -> AsyncIterator[Message]:
    """The messages of a log that was asked for with times."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        start = 0
        while len(held) - start >= _HEADER:
            end = start + _HEADER + int.from_bytes(held[start + 4 : start + _HEADER], "big")
            if len(held) < end:
                break
            yield _message(STREAMS.get(held[start], "stdout"), bytes(held[start + _HEADER : end]))
            start = end
        del held[:start]


def _message(stream: str, data: bytes) -> Message:
    stamp, blank, rest = data.partition(b" ")
    at = moment(stamp.decode("ascii", "replace")) if blank else None
    return Message(stream, at, rest if at else data)


def moment(text: str) -> datetime | None:
    """A time as engines write it, with nanoseconds; None for none, which is written as the year 1."""
    body, dot, fraction = text.removesuffix("Z").partition(".")
    digits = fraction[: len(fraction) - len(fraction.lstrip("0123456789"))]
    zone = fraction[len(digits) :] if dot else ""
    try:
        at = datetime.fromisoformat(f"{body}{dot and '.'}{digits[:6]:0<6}{zone}" if dot else body)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.astimezone(UTC) if at.year > 1 else None
