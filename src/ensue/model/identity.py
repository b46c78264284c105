"""Who acts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A subject, as `user:ann` or `system:keeper`, and the groups it belongs to."""

    subject: str
    groups: tuple[str, ...] = ()


SYSTEM = Identity(subject="system:ensue", groups=("system",))
