"""Whether a server is well: what probes ask."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ensue.core import permitting
from ensue.model.errors import EnsueError, StoreBroken
from ensue.model.identity import Identity
from ensue.operations.world import World

STALE_SECONDS = 900.0
"""The slowest loop goes round every ten minutes."""
ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How a part of the server is."""

    name: str
    is_ok: bool
    message: str = ""
    age: float | None = None
    """Seconds since a loop last went round."""


async def check(world: World) -> tuple[Check, ...]:
    """Which parts are well, for everybody, as probes have no token: database, migrations, keys of secrets, loops."""
    return tuple(Check(name=part.name, is_ok=part.is_ok) for part in await _parts(world))


async def describe(identity: Identity, world: World) -> tuple[Check, ...]:
    """The same with how each is. Raises Denied."""
    permitting.require(identity, "get", "Metrics", None)
    return await _parts(world)


async def _parts(world: World) -> tuple[Check, ...]:
    asked: dict[str, Callable[[World], Awaitable[str]]] = {
        "database": _database,
        "migrations": _migrations,
        "keys": _keys,
    }
    parts = [await _part(name, ask, world) for name, ask in asked.items()]
    return (*parts, *_loops(world))


async def _part(name: str, ask: Callable[[World], Awaitable[str]], world: World) -> Check:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return Check(name=name, is_ok=True, message=await ask(world))
    except EnsueError as error:
        return Check(name=name, is_ok=False, message=str(error))
    except TimeoutError:
        return Check(name=name, is_ok=False, message=f"no answer within {ANSWER_SECONDS:.0f} seconds")


async def _database(world: World) -> str:
    clock = asyncio.get_running_loop().time
    start = clock()
    await world.workers.list()
    return f"answers in {(clock() - start) * 1000:.0f} ms"


async def _migrations(world: World) -> str:
    if missing := await world.schema.missing():
        raise StoreBroken(f"the database lacks {', '.join(missing)}", remedy="ensue db upgrade")
    return "all applied"


async def _keys(world: World) -> str:
    used = await world.secrets.key_ids()
    if not used:
        return "no secret is stored"
    await asyncio.to_thread(world.vault.prepare, used)
    return f"{len(used)} in use"


def _loops(world: World) -> tuple[Check, ...]:
    now = asyncio.get_running_loop().time()
    return tuple(
        Check(
            name=what,
            is_ok=not found.error and now - found.at < STALE_SECONDS,
            message=found.error or ("" if now - found.at < STALE_SECONDS else "it does not go round"),
            age=max(0.0, now - found.at),
        )
        for what, found in sorted(world.rounds.items())
    )
