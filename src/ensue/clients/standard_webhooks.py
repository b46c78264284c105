"""Signs what goes out as Standard Webhooks has it: an id, a time, and an HMAC over both and the body."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

PREFIX = "whsec_"


def key(secret: str) -> bytes:
    """The key in a secret: base64 behind `whsec_`, else the text itself. Raises ValueError without it."""
    if not secret.startswith(PREFIX):
        found = secret.encode()
    else:
        try:
            found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("what follows whsec_ is not base64") from None
    if not found:
        raise ValueError("the secret is empty")
    return found


def headers(secret: str, message_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    timestamp = int(moment.timestamp())
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
