"""How much is waiting, for people who watch a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """At one moment, in the whole database."""

    open_runs: Mapping[str, int] = field(default_factory=dict)
    """Runs that have not ended, by state."""
    queued_steps: Mapping[str, int] = field(default_factory=dict)
    """Steps that are ready and nobody has begun, by engine."""
    held_events: int = 0
    """Events that debounces keep."""
    untold: int = 0
    """Ends of runs, and beginnings that a trigger hears of, that are not in the feed yet."""
    untold_seconds: float = 0.0
    """For how long the first of them has been waiting."""


class Levels(Protocol):
    async def read(self) -> Level:
        """Each is counted up to a bound, so that asking stays cheap whatever has piled up."""
