"""What outbound requests and their answers are made of."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ensue.core.resending import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    timeout: timedelta
    """Of the whole exchange, redirects included."""
    max_bytes: int
    """Of the answer's body, decompressed."""
    follows_redirects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in lower case; what came several times is joined by commas. No cookies."""
    body: bytes
    is_cut: bool = False
    """The body was longer than the request allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    fault: Fault
    message: str


def basic(user: str, password: str) -> str:
    """The value of an Authorization header."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
