"""What went on lately, as people ask for it: the last events of a source, what a trigger decided and remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ensue.model.decision import Conclusion
from ensue.model.values import Namespace

RECENT = 10_000
"""The events of a namespace that are looked through, from the latest back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEvent:
    uid: str
    type: str
    at: datetime
    """When it was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a trigger made of recent events."""

    counts: Mapping[Conclusion, int] = field(default_factory=dict)
    last_fired: LastEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowUse:
    kind: str
    """`dedupe`, `throttle` or `debounce`."""
    keys: int
    """How many it remembers; those that have expired stay for a while."""
    held: int = 0
    """How many events it holds back."""
    next_at: datetime | None = None
    """When the first of them is let go."""


class Activity(Protocol):
    """Reads only, each a bounded number of rows."""

    async def last_event(self, namespace: Namespace, source_key: str) -> LastEvent | None:
        """The latest of a source, among the recent ones."""

    async def decided(self, namespace: Namespace, trigger: str) -> Decided:
        """By the trigger's uid, about the recent ones."""

    async def windows(self, namespace: Namespace, trigger: str) -> tuple[WindowUse, ...]:
        """By kind."""
