"""The shapes of identities, tokens and the audit log, for the OpenAPI document."""

from typing import Any, Literal

from ensue.api.shapes import Moment, Version
from ensue.model.definition import Strict


class SubjectMetadata(Strict):
    """What names an identity."""

    name: str
    """The subject."""


class Whom(Strict):
    """A subject and what it belongs to."""

    subject: str
    """Who it is, as `user:ann`."""
    groups: list[str]
    """What it belongs to; roles are groups too."""
    scopes: list[str]
    """What a token was narrowed to."""


class TokenSpec(Whom):
    """Whose a token is."""

    description: str = ""
    """What it is for."""


class GivenRight(Strict):
    """What a permission says."""

    name: str
    """Of the permission."""
    methods: list[str]
    """The verbs."""
    resources: list[str]
    """On what."""
    namespaces: list[str]
    """Where."""
    effect: Literal["Allow", "Deny"]
    """A denial beats everything."""


class IdentityStatus(Strict):
    """What is known of an identity."""

    permissions: list[GivenRight]
    """What permissions say of it."""
    token: str | None = None
    """The id of the token that it came with."""
    csrf_token: str | None = None
    """What a page sends along with changes, in a browser's session."""


class Identity(Strict):
    """Who asks."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["Identity"]
    """`Identity`."""
    metadata: SubjectMetadata
    """What names it."""
    spec: Whom
    """Who it is."""
    status: IdentityStatus
    """What is known of it."""


class TokenMetadata(Strict):
    """What names a token."""

    name: str
    """Its id."""
    creation_timestamp: Moment
    """When it was made."""


class TokenStatus(Strict):
    """How a token is."""

    created_by: str
    """The subject of who made it."""
    expiration_time: Moment | None = None
    """When it ends; never without one."""
    token: str | None = None
    """Its secret, in the answer that made it alone."""


class Token(Strict):
    """A token."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["Token"]
    """`Token`."""
    metadata: TokenMetadata
    """What names it."""
    spec: TokenSpec
    """Whose it is."""
    status: TokenStatus
    """How it is."""


class AuditMetadata(Strict):
    """What names a row of the audit log."""

    name: str
    """Its number."""
    namespace: str
    """Where it happened; empty for the server."""
    creation_timestamp: Moment
    """When it happened."""


class ObjectRef(Strict):
    """What was acted on."""

    kind: str
    """What it is."""
    name: str
    """Its name."""


class AuditSpec(Strict):
    """Who did what."""

    subject: str
    """Who did it."""
    groups: list[str]
    """What they belonged to."""
    verb: str
    """What they did."""
    object_ref: ObjectRef
    """To what."""
    details: dict[str, Any]
    """What else is known."""


class AuditStatus(Strict):
    """How it went."""

    outcome: Literal["Done", "Refused"]
    """Whether it was allowed."""
    position: int | None
    """Its place in the chain, once it is sealed."""


class AuditEntry(Strict):
    """A row of the audit log."""

    api_version: Version
    """The version of this shape."""
    kind: Literal["AuditEntry"]
    """`AuditEntry`."""
    metadata: AuditMetadata
    """What names it."""
    spec: AuditSpec
    """Who did what."""
    status: AuditStatus
    """How it went."""


class AuditReport(Strict):
    """Whether the audit log is whole."""

    is_intact: bool
    """Nothing was changed, removed or moved."""
    faults: list[str]
    """What was."""
    rows: int
    """How many were looked at."""
    start: int
    """Where the chain begins."""
    head: str
    """Its end: keep it elsewhere, and give it next time."""
    unsealed: int
    """Rows that are not in the chain yet."""


class LoginLink(Strict):
    """What signs a browser in, once."""

    path: str
    """Of the link, on this server."""
    url: str
    """The address that people use, where it is known."""
