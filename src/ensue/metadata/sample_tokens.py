"""Tokens of sample mode: JWTs that a key of both sides signs, so that clients can make them themselves. Pure."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ensue.model.errors import Unauthenticated

AUDIENCE: Final = "k8s.relay.sh/metadata-api/v1"
_HASHES: Final = {"HS256": "sha256", "HS512": "sha512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a token is of: a step of a run, or, without a run, a trigger."""

    run: str = ""
    name: str
    is_trigger: bool = False

    @property
    def text(self) -> str:
        if self.is_trigger:
            return f"triggers/{_hash(f'triggers/{self.name}')}"
        return f"steps/{_hash(f'runs/{self.run}/steps/{self.name}')}"


def _hash(text: str) -> str:
    """A name of relay's, not a protection."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def made(key: bytes, subject: Subject) -> str:
    claims: dict[str, Any] = {"aud": [AUDIENCE], "relay.sh/name": subject.name}
    if subject.run:
        claims["relay.sh/run-id"] = subject.run
    claims["sub"] = subject.text
    signed = f"{_encoded({'alg': 'HS256'})}.{_encoded(claims)}"
    signature = hmac.digest(key, signed.encode(), "sha256")
    return f"{signed}.{_base64(signature)}"


def read(key: bytes, token: str, now: float, *, is_strict: bool = False) -> Subject:
    """Whom a token is of, at `now`, in seconds since 1970. Raises Unauthenticated."""
    try:
        head, payload, signature = token.split(".")
        algorithm = _HASHES[_decoded(head)["alg"]]
        wanted = hmac.digest(key, f"{head}.{payload}".encode(), algorithm)
        if not hmac.compare_digest(wanted, _bytes(signature)):
            raise Unauthenticated
        return _subject(_decoded(payload), now, is_strict=is_strict)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unauthenticated from None


def _subject(claims: Mapping[str, Any], now: float, *, is_strict: bool) -> Subject:
    """Raises Unauthenticated, or a KeyError or TypeError for claims that are none."""
    audience, name, run = claims["aud"], claims["relay.sh/name"], claims.get("relay.sh/run-id", "")
    if not isinstance(name, str) or not isinstance(run, str):
        raise Unauthenticated
    is_meant = AUDIENCE in (audience if isinstance(audience, list) else [audience])
    is_timely = is_strict or (float(claims.get("nbf", now)) <= now < float(claims.get("exp", now + 1)))
    subject = Subject(run=run, name=name, is_trigger=str(claims["sub"]).startswith("triggers/"))
    if not is_meant or not is_timely or claims["sub"] != subject.text:
        raise Unauthenticated
    return subject


def _encoded(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(f"{text}{'=' * (-len(text) % 4)}", altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def _decoded(text: str) -> dict[str, Any]:
    value = json.loads(_bytes(text))
    if not isinstance(value, dict):
        raise TypeError
    return value
