"""The settings of a webhook source, its `with`."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ensue.model.definition import SecretKey, Strict
from ensue.model.rate import Rate
from ensue.model.values import ByteSize, Duration
from ensue.sources.webhook import exchange

MAX_BYTES = 25 * 1024 * 1024
PLACEHOLDER = re.compile(r"\{(id|timestamp|body)\}")

HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$", to_lower=True)]
EventType = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}$")]
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_FIVE_MINUTES = timedelta(minutes=5)


def _check_segment(text: str) -> str:
    if not _SEGMENT.fullmatch(text):
        raise ValueError("not one segment of an address: use letters, digits, `.`, `_`, `~` and `-`, at most 128")
    if text in (".", ".."):
        raise ValueError("clients take . and .. out of addresses")
    return text


Path = Annotated[str, AfterValidator(_check_segment)]


class _Verify(Strict):
    reject_repeated_body: bool = False
    """Refuses a body that was received before; for schemes that sign no time."""

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """The secrets of which any may match."""
        return ()


class _WithSecret(_Verify):
    secret: SecretKey
    """The secret that the sender shares."""
    former_secrets: tuple[SecretKey, ...] = ()
    """Secrets that are still taken while the sender changes to a new one."""

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        return (self.secret, *self.former_secrets)


class Signed(_WithSecret):
    """A signature over the body alone."""

    type: Literal["github", "gitea", "bitbucket"]
    """Whose signature it is."""


class SignedWithTime(_WithSecret):
    """A signature over the body and the time at which it was sent. GitLab's plain token has no time."""

    type: Literal["gitlab", "slack", "standard-webhooks", "stripe"]
    """Whose signature it is."""
    tolerance: Duration = Field(default=_FIVE_MINUTES, gt=timedelta())
    """How far the signed time may be from ours, in either direction."""


class Hmac(_WithSecret):
    """A signature of one's own making: an HMAC in a header."""

    type: Literal["hmac"]
    """`hmac`."""
    header: HeaderName
    """The header that holds the signature."""
    prefix: str = ""
    """What stands before the signature in its header, as `sha256=`."""
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    """The hash."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the signature is written."""
    content: str = "{body}"
    """What is signed, with `{body}` once and, where they are signed too, `{timestamp}` and `{id}`."""
    timestamp_header: HeaderName | None = None
    """The header with the time, in seconds since 1970 or as RFC 3339."""
    id_header: HeaderName | None = None
    """The header with what `{id}` stands for; repeats collapse by it where `eventIdHeader` names it too."""
    tolerance: Duration = Field(default=_FIVE_MINUTES, gt=timedelta())
    """How far the signed time may be from ours, in either direction."""

    @model_validator(mode="after")
    def check_content(self) -> Self:
        signed = PLACEHOLDER.findall(self.content)
        if signed.count("body") != 1:
            raise ValueError("content has {body} exactly once")
        for name, header in (("timestamp", self.timestamp_header), ("id", self.id_header)):
            if (name in signed) != (header is not None):
                raise ValueError(f"{{{name}}} in content and {name}Header belong together: else nobody vouches for it")
        return self


class Token(_WithSecret):
    """The secret itself, in a header or in the address."""

    type: Literal["token"]
    """`token`."""
    header: HeaderName | None = None
    """The header that holds it."""
    query: str | None = Field(default=None, min_length=1)
    """The query parameter that holds it, for senders that can do no better: proxies may log addresses."""

    @model_validator(mode="after")
    def check_one_place(self) -> Self:
        if (self.header is None) == (self.query is None):
            raise ValueError("a token is either in a header or in a query parameter")
        return self


class Bearer(_WithSecret):
    """`Authorization: Bearer`."""

    type: Literal["bearer"]
    """`bearer`."""


class Basic(_WithSecret):
    """`Authorization: Basic`; the secret is the password."""

    type: Literal["basic"]
    """`basic`."""
    username: Annotated[str, StringConstraints(pattern=r"^[^:\x00-\x1f\x7f]{1,255}$")]
    """The name that goes with the password."""


class Unverified(_Verify):
    """Takes what anybody sends."""

    type: Literal["none"]
    """`none`."""


Verify = Annotated[
    Signed | SignedWithTime | Hmac | Token | Bearer | Basic | Unverified,
    Field(discriminator="type"),
]
Preset = Literal[
    "alertmanager",
    "bitbucket",
    "docker-hub",
    "generic",
    "gitea",
    "github",
    "gitlab",
    "slack",
    "standard-webhooks",
    "stripe",
]
_OF_VERIFICATION: dict[str, Preset] = {
    "bitbucket": "bitbucket",
    "gitea": "gitea",
    "github": "github",
    "gitlab": "gitlab",
    "slack": "slack",
    "standard-webhooks": "standard-webhooks",
    "stripe": "stripe",
}


def _check_media_range(text: str) -> str:
    kind, slash, subtype = text.partition("/")
    if not slash or not exchange.TCHAR.fullmatch(kind) or not exchange.TCHAR.fullmatch(subtype):
        raise ValueError("not a content type: write it as application/json or text/*")
    return text.lower()


def _check_place(text: str) -> str:
    is_dotted = text.startswith("data") and all(part and "/" not in part for part in text.split("."))
    if not text.startswith("/") and not (is_dotted and text.split(".")[0] == "data"):
        raise ValueError("not a place in the payload: write it as data.user.token or /user/token")
    return text


class Hook(Strict):
    """What takes requests at `/hooks/NAMESPACE/PATH`."""

    path: Path
    """The last segment of the address."""
    verify: Verify
    """How the sender is known; `type: none` takes what anybody sends."""
    rate: Rate | None = None
    """How often its sender may send, as `100/1s` or with `limit`, `per` and `burst`; more is answered 429."""
    max_bytes: ByteSize = Field(default=10 * 1024 * 1024, ge=1, le=MAX_BYTES)
    """The largest body, as received and as unpacked; at most 25Mi."""


class Settings(Hook):
    """A webhook: requests of one sender, in whatever form it sends them."""

    preset: Preset | None = None
    """Whose payloads they are; default: what `verify.type` says, else `generic`."""
    event_type: EventType | None = None
    """The type of the events, in place of the preset's."""
    event_type_header: HeaderName | None = None
    """A header that says the type of an event; where it is absent, `eventType` or the preset does."""
    event_id_header: HeaderName | None = None
    """A header by which repeats are known, in place of the preset's."""
    content_types: tuple[Annotated[str, AfterValidator(_check_media_range)], ...] = ()
    """The only content types to take, as `application/json` or `text/*`; empty takes all that can be read."""
    redact: tuple[Annotated[str, AfterValidator(_check_place)], ...] = ()
    """Places in the payload that are never stored: `data.user.token`, `data.users.*.email` or `/user/token`."""

    @property
    def sender(self) -> Preset:
        return self.preset or _OF_VERIFICATION.get(self.verify.type, "generic")
