"""Whether a request comes from who should send it; before that, nothing of its body is read."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never

from ensue.clients import cloudevents
from ensue.sources.webhook import settings, signing
from ensue.sources.webhook.exchange import Reason, Refused, Request, Trusted
from ensue.sources.webhook.signing import Proof

TRUSTED: Final = Trusted()
REPEATED: Final = Refused(status=401, reason=Reason.REPEATED, message="the same body was received before")
NO_SECRET: Final = Refused(status=401, reason=Reason.KEYLESS, message="the source has no secret that is of use")
WRONG: Final = Refused(status=401, reason=Reason.WRONG, message="it was not made with this secret")
UNSIGNED: Final = Refused(
    status=415,
    reason=Reason.UNSIGNED,
    message=f"the signature covers the body alone, and ce- headers could be anybody's: send {cloudevents.STRUCTURED}",
)
_HEADERS: Final = {
    "bitbucket": ("x-hub-signature", "sha256="),
    "gitea": ("x-gitea-signature", ""),
    "github": ("x-hub-signature-256", "sha256="),
}
_SCHEMES: Final[Mapping[str, tuple[Callable[[Request], Proof | Refused], signing.Keys]]] = {
    "slack": (signing.slack, signing.plain_key),
    "standard-webhooks": (signing.standard, signing.standard_key),
    "stripe": (signing.stripe, signing.plain_key),
}

Trust = Trusted | Refused
"""Whether a sender is believed."""


def verify(given: settings.Hook, secrets: Sequence[bytes], request: Request) -> Trust:
    """`secrets` are the values of `given.verify.secrets`, those that exist; any of them may match."""
    how = given.verify
    if isinstance(how, settings.Unverified):
        return TRUSTED
    if not any(secrets):
        return NO_SECRET
    match how:
        case settings.Signed():
            header, prefix = _HEADERS[how.type]
            return _signed(signing.body_alone(request, header, prefix), secrets, signing.plain_key)
        case settings.SignedWithTime():
            return _signed_with_time(how, secrets, request)
        case settings.Hmac():
            proof = signing.own(how, request)
            return _signed(proof, secrets, signing.plain_key, how.tolerance, request.received_at)
        case settings.Token():
            return _token(how, secrets, request)
        case settings.Bearer():
            return _bearer(secrets, request)
        case settings.Basic():
            return _basic(how, secrets, request)
        case _:
            assert_never(how)


def vouch(given: settings.Hook, request: Request) -> Refused | None:
    """Whether what a CloudEvent says of itself is signed where its body is: a captured body would else go with any."""
    is_signed = isinstance(given.verify, settings.Signed | settings.SignedWithTime | settings.Hmac)
    return UNSIGNED if is_signed and cloudevents.is_binary(request.headers) else None


def fingerprint(request: Request) -> str:
    """By which a repeated body is known: of the bytes that were signed."""
    return hashlib.sha256(request.body).hexdigest()


def _signed_with_time(how: settings.SignedWithTime, secrets: Sequence[bytes], request: Request) -> Trust:
    if how.type == "gitlab":
        return _gitlab(how, secrets, request)
    read, keys_of = _SCHEMES[how.type]
    return _signed(read(request), secrets, keys_of, how.tolerance, request.received_at)


def _gitlab(how: settings.SignedWithTime, secrets: Sequence[bytes], request: Request) -> Trust:
    """A signing token signs, a secret token is sent; neither stands in for the other."""
    signing_secrets = [secret for secret in secrets if signing.is_signing_secret(secret)]
    tokens = [secret for secret in secrets if secret and not signing.is_signing_secret(secret)]
    trust: Trust = signing.missing("the header webhook-signature")
    if signing_secrets and ("webhook-signature" in request.headers or not tokens):
        proof = signing.standard(request)
        trust = _signed(proof, signing_secrets, signing.standard_key, how.tolerance, request.received_at)
    if tokens and isinstance(trust, Refused) and ("x-gitlab-token" in request.headers or not signing_secrets):
        return _equal(request.headers.get("x-gitlab-token", ""), tokens, "the header x-gitlab-token")
    return trust


def _signed(
    proof: Proof | Refused,
    secrets: Sequence[bytes],
    keys_of: signing.Keys,
    tolerance: timedelta | None = None,
    now: datetime | None = None,
) -> Trust:
    if isinstance(proof, Refused):
        return proof
    keys = [key for secret in secrets for key in keys_of(secret)]
    if not keys:
        return NO_SECRET
    if not any(signing.matches(proof, each) for each in keys):
        return WRONG
    if proof.signed_at is None or tolerance is None or now is None:
        return TRUSTED
    return _in_time(proof.signed_at, tolerance, now)


def _in_time(signed_at: datetime, tolerance: timedelta, now: datetime) -> Trust:
    if now - signed_at > tolerance:
        message = f"it was signed {now - signed_at} ago; {tolerance} is allowed"
        return Refused(status=401, reason=Reason.OLD, message=message)
    if signed_at - now > tolerance:
        message = f"it was signed {signed_at - now} in the future; {tolerance} is allowed"
        return Refused(status=401, reason=Reason.EARLY, message=message)
    return TRUSTED


def _token(how: settings.Token, secrets: Sequence[bytes], request: Request) -> Trust:
    if how.header is not None:
        return _equal(request.headers.get(how.header, ""), secrets, f"the header {how.header}")
    name = how.query or ""
    return _equal(request.query.get(name, ""), secrets, f"the query parameter {name}", _utf8)


def _bearer(secrets: Sequence[bytes], request: Request) -> Trust:
    token = _authorization(request, "bearer")
    return token if isinstance(token, Refused) else _equal(token, secrets, "the header authorization")


def _basic(how: settings.Basic, secrets: Sequence[bytes], request: Request) -> Trust:
    encoded = _authorization(request, "basic")
    if isinstance(encoded, Refused):
        return encoded
    try:
        pair = base64.b64decode(signing.octets(encoded), validate=True)
    except binascii.Error:
        pair = b""
    username, colon, password = pair.partition(b":")
    if not colon:
        return signing.malformed("authorization is not base64 of NAME:PASSWORD")
    is_user = signing.same(username, how.username.encode())
    is_password = any(signing.same(password, secret) for secret in secrets if secret)
    return TRUSTED if is_user & is_password else WRONG


def _authorization(request: Request, wanted: str) -> str | Refused:
    value = request.headers.get("authorization", "")
    if not value:
        return signing.missing("the header authorization")
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != wanted or not rest.strip():
        return signing.malformed(f"authorization is not {wanted.capitalize()} and a value")
    return rest.strip()


def _equal(given: str, secrets: Sequence[bytes], place: str, encode: Callable[[str], bytes] = signing.octets) -> Trust:
    if not given:
        return signing.missing(place)
    return TRUSTED if any(signing.same(encode(given), secret) for secret in secrets) else WRONG


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
