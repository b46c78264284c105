"""Answers: a status, headers that every one has, and a body in Go's JSON. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ensue.expr.relay import rendering
from ensue.expr.relay.values import Failure
from ensue.model.values import Json

Header = tuple[bytes, bytes]
Member = tuple[str, Json]
"""Of an object whose keys have an order; those of values within are sorted."""

JSON, TEXT, OCTETS = b"application/json", b"text/plain; charset=utf-8", b"application/octet-stream"
LEVELS = 220
COMMON: Sequence[Header] = (
    (b"strict-transport-security", b"max-age=31536000"),
    (b"x-frame-options", b"deny"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-xss-protection", b"0"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'"),
)
CLOSE: Header = (b"connection", b"close")


class Unserialisable(ValueError):
    """A value that JSON has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: bytes = b""
    media_type: bytes = b""
    headers: tuple[Header, ...] = ()

    @property
    def all_headers(self) -> list[Header]:
        kind = [(b"content-type", self.media_type)] if self.media_type else []
        length = (b"content-length", str(len(self.body)).encode("ascii"))
        return [*COMMON, *kind, length, *self.headers]


def empty(status: int) -> Answer:
    return Answer(status=status)


def plain(status: int, text: str) -> Answer:
    return Answer(status=status, body=text.encode(), media_type=TEXT)


def document(status: int, *given: Member) -> Answer:
    """An object with these members, in this order. Raises Unserialisable."""
    return Answer(status=status, body=members(given).encode(), media_type=JSON)


def members(given: Sequence[Member]) -> str:
    """The text of an object with these members. Raises Unserialisable."""
    inner = ",".join(f'"{name}":{text(value)}' for name, value in given)
    return f"{{{inner}}}"


def text(value: Json) -> str:
    """JSON as Go writes it: keys sorted, `<`, `>` and `&` escaped, whole numbers without a point."""
    try:
        return rendering.to_json_text(value, _uncounted, LEVELS)
    except Failure as failure:
        raise Unserialisable(failure.message) from None


def _uncounted(size: int) -> None:
    """What comes here was bounded when it was made."""


def closing(answer: Answer) -> Answer:
    return replace(answer, headers=(*answer.headers, CLOSE))
