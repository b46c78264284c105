"""Hints that something happened. Polling is the truth."""

from typing import Protocol


class Wakeup(Protocol):
    """Channels: `steps` (something became ready), `stops` (something must end), `runs` (a run changed),
    `timers`, `events`, and `run:UID` for one run, in this process only. Any wake-up may be lost or come twice."""

    def notify(self, *channels: str) -> None:
        """Tell all processes on this database; returns at once."""

    async def wait(self, channel: str, timeout: float) -> bool:
        """Until the channel is notified (True) or `timeout` seconds have passed (False).

        A notification since the last wait of this channel by the same task counts."""
