"""Time and chance, as arguments."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """This process's time, UTC. Deadlines in the store use the store's own clock."""

    def uid(self) -> str:
        """A new UUIDv7."""

    def draw(self) -> float:
        """A number in [0, 1)."""
