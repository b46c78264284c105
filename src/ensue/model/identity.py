"""Who acts, and what is known of what they may do."""

from dataclasses import dataclass, field

from ensue.model.values import Namespace

EVERYWHERE = "*"
"""Stands for all namespaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What a permission says of one identity: what it allows or denies, on what, and where."""

    name: str
    """The permission, as NAMESPACE/NAME."""
    methods: tuple[str, ...]
    resources: tuple[str, ...]
    namespaces: tuple[str, ...]
    is_denial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A subject, as `user:ann` or `system:keeper`, and the groups it belongs to.

    Groups `role:ROLE[@NAMESPACE]` give a role, groups `scope:SCOPE` narrow what it may do.
    """

    subject: str
    groups: tuple[str, ...] = ()
    rights: tuple[Right, ...] = field(default=(), compare=False, repr=False)
    """From the permissions of the server, as they were when somebody asked; an identity that was stored has none."""
    token: str = field(default="", compare=False)
    """The id of the token that it came with; empty when it came with none."""
    is_session: bool = field(default=False, compare=False)
    """It came with a browser's cookie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What an identity wanted and may not."""

    identity: Identity
    verb: str
    kind: str
    namespace: Namespace | None
    name: str = ""


NOBODY = Identity(subject="")
"""May do nothing."""
SYSTEM = Identity(subject="system:ensue", groups=("system",))
