"""Reading what a server counts."""

from ensue.core import permitting
from ensue.model.identity import Identity
from ensue.operations.world import World
from ensue.ports.levels import Level


async def levels(identity: Identity, world: World) -> Level:
    """How much is waiting. Raises Denied, Unavailable."""
    permitting.require(identity, "get", "Metrics", None)
    return await world.levels.read()
