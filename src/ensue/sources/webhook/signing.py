"""The signature schemes, as their senders document them: what is signed, and where the signature stands."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ensue.clients import cloudevents, standard_webhooks
from ensue.model.values import from_micros
from ensue.sources.webhook import settings
from ensue.sources.webhook.exchange import Reason, Refused, Request

_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_SHAPES: Final = {
    "hex": re.compile(r"(?:[0-9a-fA-F]{2})+"),
    "base64": re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a request offers to be checked: any of the signatures under any of the keys will do."""

    signatures: tuple[str, ...]
    content: bytes
    algorithm: str = "sha256"
    encoding: str = "hex"
    signed_at: datetime | None = None


Keys = Callable[[bytes], tuple[bytes, ...]]
"""From a secret as it is stored to what may be the key of its HMAC; none for a secret that is of no use."""


def missing(name: str) -> Refused:
    return Refused(status=401, reason=Reason.MISSING, message=f"{name} is missing")


def malformed(what: str) -> Refused:
    return Refused(status=401, reason=Reason.MALFORMED, message=what)


def body_alone(request: Request, header: str, prefix: str) -> Proof | Refused:
    """GitHub's, Gitea's and Bitbucket's: hexadecimal, over the body."""
    signature = _signature(request.headers, header, prefix, "hex")
    if isinstance(signature, Refused):
        return signature
    return Proof(signatures=(signature,), content=request.body)


def slack(request: Request) -> Proof | Refused:
    """`v0=` over `v0:TIMESTAMP:BODY`."""
    signature = _signature(request.headers, "x-slack-signature", "v0=", "hex")
    stamp = _stamp(request.headers, "x-slack-request-timestamp")
    if isinstance(signature, Refused):
        return signature
    if isinstance(stamp, Refused):
        return stamp
    content = b"v0:%d:%b" % (stamp, request.body)
    return Proof(signatures=(signature,), content=content, signed_at=_moment(stamp))


def stripe(request: Request) -> Proof | Refused:
    """`t=SECONDS,v1=HEX` over `SECONDS.BODY`; several v1 while a secret is changed, other schemes are not looked at."""
    header = request.headers.get("stripe-signature", "")
    if not header:
        return missing("the header stripe-signature")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    signatures = tuple(value for name, _, value in pairs if name == "v1")
    if len(stamps) != 1 or not _SECONDS.fullmatch(stamps[0]):
        return malformed("stripe-signature has no time t in seconds")
    if not signatures:
        return missing("v1 of the header stripe-signature")
    if not all(_SHAPES["hex"].fullmatch(signature) for signature in signatures):
        return malformed("v1 of stripe-signature is not hexadecimal")
    content = stamps[0].encode() + b"." + request.body
    return Proof(signatures=signatures, content=content, signed_at=_moment(int(stamps[0])))


def standard(request: Request) -> Proof | Refused:
    """Standard Webhooks: `v1,BASE64` over `ID.TIMESTAMP.BODY`, several apart by spaces; other versions are not ours."""
    header = request.headers.get("webhook-signature", "")
    identity = request.headers.get("webhook-id", "")
    stamp = _stamp(request.headers, "webhook-timestamp")
    for name, value in (("webhook-signature", header), ("webhook-id", identity)):
        if not value:
            return missing(f"the header {name}")
    if isinstance(stamp, Refused):
        return stamp
    signatures = tuple(part[3:] for part in header.split() if part.startswith("v1,"))
    if not signatures or not all(map(_SHAPES["base64"].fullmatch, signatures)) or "." in identity:
        return malformed("webhook-signature is no list of v1 and base64, or webhook-id has a dot")
    content = b"%b.%d.%b" % (octets(identity), stamp, request.body)
    return Proof(signatures=signatures, content=content, encoding="base64", signed_at=_moment(stamp))


def own(given: settings.Hmac, request: Request) -> Proof | Refused:
    """The signature that the settings describe."""
    signature = _signature(request.headers, given.header, given.prefix, given.encoding)
    if isinstance(signature, Refused):
        return signature
    stamp, identity = "", ""
    signed_at = None
    if given.timestamp_header:
        stamp = request.headers.get(given.timestamp_header, "")
        if not stamp:
            return missing(f"the header {given.timestamp_header}")
        signed_at = _moment(int(stamp)) if _SECONDS.fullmatch(stamp) else cloudevents.moment(stamp)
        if signed_at is None:
            return malformed(f"{given.timestamp_header} is neither seconds since 1970 nor an RFC 3339 time")
    if given.id_header:
        identity = request.headers.get(given.id_header, "")
        if not identity:
            return missing(f"the header {given.id_header}")
    values = {"timestamp": octets(stamp), "id": octets(identity), "body": request.body}
    # Split, not replaced one after another: what the sender wrote must not be taken for a placeholder.
    parts = settings.PLACEHOLDER.split(given.content)
    content = b"".join(values[part] if at % 2 else part.encode() for at, part in enumerate(parts))
    return Proof(
        signatures=(signature,),
        content=content,
        algorithm=given.algorithm,
        encoding=given.encoding,
        signed_at=signed_at,
    )


def matches(proof: Proof, key: bytes) -> bool:
    """Whether one of the signatures is the key's; how long it takes does not tell how nearly."""
    digest = hmac.digest(key, proof.content, proof.algorithm)
    expected = digest.hex() if proof.encoding == "hex" else base64.b64encode(digest).decode()
    offered = [text.lower() if proof.encoding == "hex" else text for text in proof.signatures]
    return any(hmac.compare_digest(text.encode(), expected.encode()) for text in offered)


def same(given: bytes, wanted: bytes) -> bool:
    """Compares in constant time, hashed, so that not even the length shows."""
    return hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(wanted).digest())


def plain_key(secret: bytes) -> tuple[bytes, ...]:
    return (secret,) if secret else ()


def standard_key(secret: bytes) -> tuple[bytes, ...]:
    """The bytes that `whsec_` and base64 stand for. Without the prefix senders differ: base64, or the text itself."""
    try:
        if is_signing_secret(secret):
            return (standard_webhooks.key(secret.decode()),)
        decoded = base64.b64decode(secret, validate=True)
    except ValueError:
        decoded = b""
    return () if is_signing_secret(secret) else tuple(filter(None, (secret, decoded)))


def is_signing_secret(secret: bytes) -> bool:
    """Whether GitLab signs with it; its older secret tokens are sent as they are."""
    return secret.startswith(standard_webhooks.PREFIX.encode())


def octets(text: str) -> bytes:
    """A header's value as it was on the wire."""
    return text.encode("latin-1", "backslashreplace")


def _signature(headers: Mapping[str, str], header: str, prefix: str, encoding: str) -> str | Refused:
    value = headers.get(header, "")
    if not value:
        return missing(f"the header {header}")
    signature = value.removeprefix(prefix)
    if not value.startswith(prefix) or not signature or not _SHAPES[encoding].fullmatch(signature):
        expected = "hexadecimal" if encoding == "hex" else "base64"
        return malformed(f"{header} is not {f'{prefix} and ' if prefix else ''}{expected}")
    return signature


def _stamp(headers: Mapping[str, str], header: str) -> int | Refused:
    value = headers.get(header, "")
    if not value:
        return missing(f"the header {header}")
    # Zeros in front would be lost on the way back to text, which is what was signed.
    if not _SECONDS.fullmatch(value) or value != str(int(value)):
        return malformed(f"{header} is not a number of seconds since 1970")
    return int(value)


def _moment(seconds: int) -> datetime:
    return from_micros(min(seconds, 253_402_300_799) * 1_000_000)
