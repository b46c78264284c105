"""What senders do, computed here on their own from what they document."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ensue.model.event import Event
from ensue.model.values import Namespace
from ensue.sources import webhook
from ensue.sources.webhook import Body, Refused, Request, Settings

NOW = datetime(2026, 3, 14, 8, 27, 5, tzinfo=UTC)
SECRET = b"It's a Secret to Everybody"
KEY = b"0123456789abcdef0123456789abcdef"
WHSEC = b"whsec_" + base64.b64encode(KEY)
UID = "01957b2e-7f3c-7000-8000-000000000001"
NAME = {"name": "hook", "key": "secret"}
TIMED = ("slack", "stripe", "standard-webhooks", "gitlab")
PLAIN = ("github", "gitea", "bitbucket")


def settings(type_: str = "none", **given: Any) -> Settings:
    """Keywords that start with an underscore belong to `verify`."""
    verify = {name[1:]: value for name, value in given.items() if name.startswith("_")}
    rest = {name: value for name, value in given.items() if not name.startswith("_")}
    secret = {} if type_ == "none" else {"secret": NAME}
    return Settings.model_validate({"path": "p", "verify": {"type": type_, **secret, **verify}, **rest})


def request(body: bytes = b"{}", headers: Mapping[str, str] | None = None, **given: Any) -> Request:
    return Request(headers=headers or {}, body=body, received_at=NOW, **given)


def secret_of(type_: str) -> bytes:
    return WHSEC if type_ in ("standard-webhooks", "gitlab") else SECRET


def signed(type_: str, body: bytes, at: datetime = NOW, secret: bytes | None = None) -> dict[str, str]:
    """The headers with which a sender of this type signs."""
    secret = secret_of(type_) if secret is None else secret
    seconds = str(int(at.timestamp()))
    match type_:
        case "github":
            return {"x-hub-signature-256": f"sha256={_hex(secret, body)}"}
        case "gitea":
            return {"x-gitea-signature": _hex(secret, body)}
        case "bitbucket":
            return {"x-hub-signature": f"sha256={_hex(secret, body)}"}
        case "slack":
            signature = _hex(secret, b"v0:" + seconds.encode() + b":" + body)
            return {"x-slack-signature": f"v0={signature}", "x-slack-request-timestamp": seconds}
        case "stripe":
            return {"stripe-signature": f"t={seconds},v1={_hex(secret, seconds.encode() + b'.' + body)}"}
    key = base64.b64decode(secret.removeprefix(b"whsec_"))
    content = b"msg_1." + seconds.encode() + b"." + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": seconds, "webhook-signature": f"v1,{signature}"}


def received(given: Settings, sent: Request) -> Event:
    """What becomes of a request that is accepted."""
    body = webhook.decode(given, sent)
    assert isinstance(body, Body), body
    return webhook.to_event(given, sent, body, Namespace("shop"), UID)


def refused(result: object) -> Refused:
    assert isinstance(result, Refused), result
    return result


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def _hex(secret: bytes, content: bytes) -> str:
    return hmac.new(secret, content, hashlib.sha256).hexdigest()
