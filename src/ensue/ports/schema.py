"""Port to the tables of the store, as probes ask about them."""

from typing import Protocol


class Schema(Protocol):
    """The tables that this version needs."""

    async def missing(self) -> tuple[str, ...]:
        """The migrations that the database lacks, by name. Raises StoreBroken when it is newer than this version."""
